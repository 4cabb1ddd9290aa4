"""Who asked and decided what: an append-only record of the investigate, decide and operate routes. Knows no route."""

import sqlite3
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

from graph.home import Home
from graph.sqlite import SharedFile, unusable

FILE = "audit.sqlite"
_SCHEMA = """
BEGIN;
CREATE TABLE IF NOT EXISTS audit (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    request_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    scope TEXT NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL,
    status INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_as_written BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
COMMIT;
"""


@dataclass(frozen=True)
class Entry:
    """One request: when, whose, under which scope, what, and the status it was answered with."""

    at: datetime
    request_id: str
    caller: str
    scope: str
    method: str
    target: str
    status: int


class Audit:
    """The record of one home. Commits are not synced one by one (a verdict is, in its own ledger)."""

    def __init__(self, home: Home) -> None:
        self.file = SharedFile(home.state / FILE, _SCHEMA, durable=False)
        self._guard = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def add(self, request_id: str, caller: str, scope: str, method: str, target: str, status: int) -> None:
        """Write one entry. Raises RingleaderError where that fails."""
        at = datetime.now(UTC).isoformat()
        try:
            with self._guard:
                self.file.see_to_identity()
                if self._database is None:
                    self._database = self.file.connect()
                self._database.execute(
                    "INSERT INTO audit (at, request_id, caller, scope, method, target, status)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (at, request_id, caller, scope, method, target, status),
                )
        except (sqlite3.Error, OSError) as error:
            raise unusable(self.file.path, error) from error

    def latest(self, limit: int) -> list[Entry]:
        """The last entries, the latest first."""
        with self.file.connection() as database:
            rows = database.execute("SELECT * FROM audit ORDER BY place DESC LIMIT ?", (limit,)).fetchall()
        names = ("request_id", "caller", "scope", "method", "target", "status")
        return [Entry(datetime.fromisoformat(row["at"]), **{name: row[name] for name in names}) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        with self._guard:
            if self._database is not None:
                self._database.close()
                self._database = None
