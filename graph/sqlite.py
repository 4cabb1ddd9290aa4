"""SQLite files that several processes share: write-ahead log, durable commits, readable errors. Knows no table."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from graph.atomic import create_with, make_folder
from graph.errors import RingleaderError

BUSY_SECONDS = 10.0  # how long a writer waits for another; a write takes milliseconds


@contextmanager
def transaction(path: Path, schema: str, durable: bool = True) -> Iterator[sqlite3.Connection]:
    """One write transaction on a file whose tables are made where they are missing.

    What was written is kept when this returns, a power failure included where `durable`; on an error nothing is.
    Raises RingleaderError naming the file.
    """
    with connection(path, schema, durable) as database:
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
        except BaseException:
            database.rollback()
            raise
        database.commit()


@contextmanager
def connection(path: Path, schema: str, durable: bool = True) -> Iterator[sqlite3.Connection]:
    """A connection in autocommit, closed on leaving. Raises RingleaderError naming the file."""
    try:
        with closing(connect(path, schema, durable)) as database:
            yield database
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from error


def connect(path: Path, schema: str, durable: bool = True) -> sqlite3.Connection:
    """A connection for the caller to close, fit to be used by several threads in turn."""
    if not path.exists():
        _create(path, schema)
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    return database


def _create(path: Path, schema: str) -> None:
    """Put the file there with its tables and its journal mode, at once.

    Two that turn one fresh file to write-ahead mode are refused without waiting: "database is locked", whatever the
    timeout (SQLite manual, "Write-Ahead Logging"). The mode stays with the file, so it is set before any
    other can open it.
    """
    make_folder(path.parent)
    with create_with(path) as fresh, closing(sqlite3.connect(fresh, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(schema)


def unusable(path: Path, error: Exception) -> RingleaderError:
    """The error for a file that cannot be read or written."""
    return RingleaderError(str(path), f"cannot be used ({error})", "See to its permissions and the room on its disk")
