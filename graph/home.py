"""Where everything of one installation lies, and who may write there now. Knows folder names, no formats."""

import errno
import fcntl
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from graph.atomic import make_folder
from graph.errors import BusyError, RingleaderError

COMMAND_CHARS = 200  # of the holder's command line: enough to recognise it, short enough for one message


@dataclass(frozen=True)
class Home:
    """The folders under one home; nothing is created before `ensure`."""

    path: Path

    @property
    def lake(self) -> Path:
        """Day-partitioned events, reports and verdicts."""
        return self.path / "lake"

    @property
    def store(self) -> Path:
        """Embedded graph databases, one a refresh, and the pointer to the current one."""
        return self.path / "store"

    @property
    def models(self) -> Path:
        """Trained risk models."""
        return self.path / "models"

    @property
    def snapshots(self) -> Path:
        """Published snapshots and the pointer to the live one."""
        return self.path / "snapshots"

    @property
    def quarantine(self) -> Path:
        """Rows and messages that could not be read, with their reasons."""
        return self.path / "quarantine"

    @property
    def state(self) -> Path:
        """SQLite files of the servers: keys, verdicts, audit."""
        return self.path / "state"

    @property
    def lock(self) -> Path:
        """The file whose lock makes a process the only writer; it says who that is."""
        return self.path / "lock"

    def ensure(self) -> "Home":
        """Create what is missing. Raises RingleaderError where the home cannot be written."""
        try:
            for folder in (self.lake, self.store, self.models, self.snapshots, self.quarantine, self.state):
                make_folder(folder)
        except OSError as error:
            raise unwritable(self.path, error) from error
        return self


def unwritable(path: Path, error: OSError) -> RingleaderError:
    """The error for a home that the file system refuses."""
    reason = f"the home cannot be written ({error.strerror or error})"
    return RingleaderError(str(path), reason, "Choose another with --home, or give yourself write permission there")


_guard = threading.Lock()
_held: dict[Path, tuple[int, int]] = {}  # home -> (thread that holds it, how many times over)


@contextmanager
def write_lock(home: Home) -> Iterator[None]:
    """Be the only writer of this home, or raise BusyError that says who is.

    The lock is the operating system's (flock), so it ends with its process, whatever ended that. The thread that
    holds it may take it again; another thread of the same process may not.
    """
    path = home.path.resolve()
    me = threading.get_ident()
    with _guard:
        holder, depth = _held.get(path, (me, 0))
        if depth and holder != me:
            raise _busy(home)
        descriptor = _acquire(home) if depth == 0 else None
        _held[path] = (me, depth + 1)
    try:
        yield
    finally:
        with _guard:
            if depth:
                _held[path] = (me, depth)
            else:
                del _held[path]
            if descriptor is not None:
                _release(descriptor)


def _acquire(home: Home) -> int:
    try:
        make_folder(home.path)
        descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise unwritable(home.path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(_self_portrait()).encode(), 0)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise _busy(home) from None
        raise unwritable(home.path, error) from error
    return descriptor


def _release(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.close(descriptor)


def _self_portrait() -> dict[str, str | int]:
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:COMMAND_CHARS]
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return {"pid": os.getpid(), "host": socket.gethostname(), "command": command, "since": since}


def _busy(home: Home) -> BusyError:
    try:
        who = json.loads(home.lock.read_text(encoding="utf-8"))
        holder = f"process {who['pid']} on {who['host']} ({who['command']}) since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        holder = "a process that has not said its name yet"
    return BusyError(str(home.path), f"it is being written by {holder}", "Wait until that has ended, or end it")
