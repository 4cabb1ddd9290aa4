"""Where everything of one installation lies, and who may write there now. Knows folder names, no formats."""

import errno
import fcntl
import json
import os
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from graph.atomic import PRIVATE_FILE, make_folder
from graph.errors import BusyError, RingleaderError
from graph.privacy import OTHERS, open_to_others, tighten

# Files and folders that this house puts into a home beside those of `Home`.
_OURS = frozenset({"lake", "store", "models", "snapshots", "quarantine", "state", "evaluations", "lock", "config.toml"})
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

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that `ensure` makes."""
        return self.lake, self.store, self.models, self.snapshots, self.quarantine, self.state

    def ensure(self) -> "Home":
        """Create what is missing, for the owner alone. Raises RingleaderError where the home cannot be written."""
        try:
            for folder in self.folders:
                make_folder(folder)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self.close_to_others()
        return self

    def close_to_others(self) -> None:
        """Take from others what rights they have on anything in the home.

        The home's own folder stays as it is where other things lie in it: `--home .` must not close a project.
        """
        if self.is_only_ours():
            with suppress(OSError):
                self.path.chmod(stat.S_IMODE(self.path.stat().st_mode) & ~OTHERS)
        tighten(self._contents())

    def open_to_others(self) -> list[Path]:
        """What in the home others have rights on, the home's own folder first."""
        if not self.path.is_dir():
            return []
        own = [self.path] if stat.S_IMODE(self.path.stat().st_mode) & OTHERS else []
        return own + open_to_others(self._contents())

    def is_only_ours(self) -> bool:
        """Whether nothing but what belongs to a home lies in its folder."""
        try:
            return all(entry.name in _OURS or entry.name.startswith(".doctor.") for entry in self.path.iterdir())
        except OSError:
            return False

    def _contents(self) -> tuple[Path, ...]:
        return (*self.folders, self.path / "evaluations", self.lock)


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
                home.close_to_others()  # what libraries wrote by the umask, and what older versions left open
                _release(descriptor)


def writer(home: Home) -> str | None:
    """Who is writing this home, in words; None where nobody is. Takes no lock, so it stops nobody.

    The lock's file names its holder. A holder that was killed leaves its name there: one of this machine that lives no
    more, or was started later than the lock was taken, is none.
    """
    try:
        who = json.loads(home.lock.read_text(encoding="utf-8"))
        if who["host"] == socket.gethostname() and not _lives(int(who["pid"]), datetime.fromisoformat(who["since"])):
            return None
        return _words(who)
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _lives(pid: int, since: datetime) -> bool:
    import psutil  # a few milliseconds that commands which answer at once need not pay

    try:
        process = psutil.Process(pid)
        started = datetime.fromtimestamp(process.create_time(), UTC)
        return process.status() != psutil.STATUS_ZOMBIE and started < since + timedelta(seconds=1)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _words(who: dict[str, str | int]) -> str:
    return f"process {who['pid']} on {who['host']} ({who['command']}) since {who['since']}"


def _acquire(home: Home) -> int:
    try:
        make_folder(home.path)
        descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
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
        holder = _words(who)
    except (OSError, ValueError, KeyError, TypeError):
        holder = "a process that has not said its name yet"
    return BusyError(str(home.path), f"it is being written by {holder}", "Wait until that has ended, or end it")
