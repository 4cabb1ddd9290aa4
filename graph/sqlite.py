"""SQLite files that several processes share: write-ahead log, durable commits, readable errors. Knows no table.

A command makes the file where it is missing. A server does not: it holds the file that was there when it started
(`SharedFile.hold`), by device and inode, and refuses to read or write another that has come under the same path. So a
home that is moved under a running server takes no verdict into a new ledger that nobody reads, and no key that was
revoked in the new home stays good by the old file.
"""

import os
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from graph.atomic import create_with, make_folder
from graph.errors import HomeMovedError, RingleaderError

CHECK_SECONDS = 30.0  # a gigabyte of audit is read in less
_STEPS: Final = 10_000  # of SQLite's machine between two looks at the clock: a millisecond
BUSY_SECONDS = 10.0  # how long a writer waits for another; a write takes milliseconds
Identity = tuple[int, int]  # device and inode
_PRIVATE: Final = 0o600  # keys, verdicts and the audit are for the owner of the home alone
# Linux opens a file without reading it. Closing such a descriptor does not drop SQLite's locks, as another would.
_REFERENCE: Final = getattr(os, "O_PATH", None)


class SharedFile:
    """One SQLite file: where it is, the tables it is made with, whether each commit is synced to the disk."""

    def __init__(self, path: Path, schema: str, durable: bool = True) -> None:
        self.path = path
        self._schema = schema
        self._durable = durable
        self._identity: Identity | None = None

    def hold(self, identity: Identity | None = None) -> Identity:
        """Make the file where it is missing, and from now on accept this very file only.

        With the `identity` that another process of the same server holds, nothing is made or looked at now. The inode
        stays taken while we live, so that no later file can be given its number. Raises RingleaderError.
        """
        if identity is not None:
            self._identity = identity
            return identity
        with self.connection():
            status = self.path.stat()
        if _REFERENCE is not None:
            weakref.finalize(self, os.close, os.open(self.path, _REFERENCE | os.O_CLOEXEC))
        self._identity = status.st_dev, status.st_ino
        return self._identity

    def see_to_identity(self) -> None:
        """Raises HomeMovedError where the path no longer means the file that is held. Costs one `stat`."""
        if self._identity is None:
            return
        try:
            status = self.path.stat()
        except OSError as error:
            raise _moved(self.path, f"is gone ({error.strerror})") from error
        if (status.st_dev, status.st_ino) != self._identity:
            raise _moved(self.path, "is another file than the one this server was started with")

    def is_there(self) -> bool:
        """Whether the file has been made. Raises HomeMovedError where it is held and gone."""
        self.see_to_identity()
        return self.path.exists()

    def damage(self, seconds: float = CHECK_SECONDS) -> str:
        """Why the file cannot be relied on, empty where it is whole or was never made. Writes nothing.

        Reads pages, constraints and the shape of each table (`PRAGMA quick_check`, SQLite manual). Raises TimeoutError
        where that takes longer.
        """
        if not self.path.exists():
            return ""
        deadline = time.monotonic() + seconds
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as database:
                database.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
                (first,) = database.execute("PRAGMA quick_check(1)").fetchone()
                return _lacks(database, self._schema) if first == "ok" else str(first)
        except (sqlite3.Error, OSError) as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.path} was not read to its end in {seconds:g} s") from error
            return str(error)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction.

        What was written is kept when this returns, a power failure included where durable; on an error nothing is.
        Raises RingleaderError naming the file.
        """
        with self.connection() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                self.see_to_identity()  # the log is opened by its name, at the first write
            except BaseException:
                database.rollback()
                raise
            database.commit()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection in autocommit, closed on leaving. Raises RingleaderError naming the file."""
        try:
            with closing(self.connect()) as database:
                yield database
        except (sqlite3.Error, OSError) as error:
            raise unusable(self.path, error) from error

    def connect(self) -> sqlite3.Connection:
        """A connection for the caller to close, fit to be used by several threads in turn."""
        if self._identity is None and not self.path.exists():
            _create(self.path, self._schema)
        self.see_to_identity()
        # mode=rw: a file that goes away at this very moment is not made anew.
        database = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=rw",
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
        database.row_factory = sqlite3.Row
        database.text_factory = _text
        database.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
        return database


def _create(path: Path, schema: str) -> None:
    """Put the file there with its tables and its journal mode, at once.

    Two that turn one fresh file to write-ahead mode are refused without waiting: "database is locked", whatever the
    timeout (SQLite manual, "Write-Ahead Logging"). The mode stays with the file, so it is set before any
    other can open it. SQLite gives its logs the permissions of the file.
    """
    make_folder(path.parent)
    with create_with(path) as fresh:
        os.close(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, _PRIVATE))
        with closing(sqlite3.connect(fresh, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(schema)


def _lacks(database: sqlite3.Connection, schema: str) -> str:
    """Which table, column or trigger of the schema a database does not have; empty where it has all."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.executescript(schema)
        missing = _shape(made) - _shape(database)
    return f"it lacks {', '.join(sorted(missing))}" if missing else ""


def _shape(database: sqlite3.Connection) -> set[str]:
    entries = database.execute("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").fetchall()
    columns = {
        f"{table}.{column[1]}"
        for kind, table in entries
        if kind == "table"
        for column in database.execute("SELECT * FROM pragma_table_info(?)", (table,))
    }
    return {f"{kind} {name}" for kind, name in entries} | {f"column {name}" for name in columns}


def _text(raw: bytes) -> str:
    """A text column's value: a damaged byte costs a letter, not the table."""
    return raw.decode("utf-8", "replace")


def unusable(path: Path, error: Exception) -> RingleaderError:
    """The error for a file that cannot be read or written."""
    return RingleaderError(str(path), f"cannot be used ({error})", "See to its permissions and the room on its disk")


def _moved(path: Path, reason: str) -> HomeMovedError:
    return HomeMovedError(path.name, reason, "Put the home back where it was, or restart the server")
