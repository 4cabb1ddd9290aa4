"""Refreshes asked for over HTTP: one process each, one at a time, remembered. Knows not what a refresh does.

The refresh runs as `ringleader refresh` in a process of its own, so that a server never holds a model or a window.
"""

import os
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from graph.errors import BusyError
from graph.home import Home
from graph.sqlite import SharedFile

FILE = "refreshes.sqlite"
_LOG = "refresh.log"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    requested_at TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started REAL NOT NULL,
    exit_code INTEGER,
    finished_at TEXT
);
"""


@dataclass(frozen=True)
class Job:
    """One refresh that was asked for; `state` is running, done, failed or lost (its process went away unseen)."""

    id: str
    requested_at: datetime
    requested_by: str
    state: str
    finished_at: datetime | None


def refresh_command(home: Home, config: Path | None = None) -> list[str]:
    """`ringleader refresh` for a home, by the settings in `config` (else the home's own) and the environment.

    Not from the working directory (`-P`): a folder named `graph` or `api` there is not ours.
    """
    given = ["--config", str(config.resolve())] if config else []
    return [sys.executable, "-P", "-m", "api.cli", "--home", str(home.path.resolve()), *given, "refresh"]


class RefreshJobs:
    """The refreshes asked for on this home. `command` is what is run, by default `refresh_command` of this home."""

    def __init__(self, home: Home, command: Sequence[str] | None = None) -> None:
        self._home = home
        self.file = SharedFile(home.state / FILE, _SCHEMA)
        self._watched: set[str] = set()  # jobs whose end a thread of this process is about to write down
        self._command = list(command or refresh_command(home))

    def start(self, requested_by: str) -> Job:
        """Begin a refresh. Raises BusyError where one runs already."""
        with self.file.transaction() as database:
            unfinished = database.execute("SELECT * FROM jobs WHERE exit_code IS NULL").fetchall()
            running = [row["id"] for row in unfinished if _alive(row["pid"], row["started"])]
            if running:
                raise BusyError(f"refresh {running[0]}", "it is running", "Wait until GET /v1/refreshes shows its end")
            process = self._spawn()
            job_id = uuid.uuid4().hex
            database.execute(
                "INSERT INTO jobs (id, requested_at, requested_by, pid, started) VALUES (?, ?, ?, ?, ?)",
                (job_id, datetime.now(UTC).isoformat(), requested_by, process.pid, _started(process.pid)),
            )
        self._watched.add(job_id)
        threading.Thread(target=self._await, args=(job_id, process), name=f"refresh-{job_id}", daemon=True).start()
        return self.latest(1)[0]

    def latest(self, limit: int) -> list[Job]:
        """The last ones asked for, the latest first."""
        with self.file.connection() as database:
            rows = database.execute("SELECT * FROM jobs ORDER BY place DESC LIMIT ?", (limit,)).fetchall()
        return [
            Job(
                row["id"],
                datetime.fromisoformat(row["requested_at"]),
                row["requested_by"],
                self._state(row),
                datetime.fromisoformat(row["finished_at"]) if row["finished_at"] else None,
            )
            for row in rows
        ]

    def _spawn(self) -> subprocess.Popen[bytes]:
        descriptor = os.open(self._home.state / _LOG, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "ab") as log:
            # A session of its own: the refresh goes on where the server is restarted under it.
            return subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _await(self, job_id: str, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        with self.file.transaction() as database:
            database.execute(
                "UPDATE jobs SET exit_code = ?, finished_at = ? WHERE id = ?",
                (code, datetime.now(UTC).isoformat(), job_id),
            )
        self._watched.discard(job_id)

    def _state(self, row: sqlite3.Row) -> str:
        if row["exit_code"] is not None:
            return "done" if row["exit_code"] == 0 else "failed"
        return "running" if row["id"] in self._watched or _alive(row["pid"], row["started"]) else "lost"


def _alive(pid: int, started: float) -> bool:
    return started > 0 and _started(pid) == started


def _started(pid: int) -> float:
    """When a process began: with the pid it names a process for good. 0: there is none any more."""
    try:
        process = psutil.Process(pid)
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else float(process.create_time())
    except psutil.Error:
        return 0.0
