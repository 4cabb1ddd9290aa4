"""SQLite files that several processes share: write-ahead log, durable commits, readable errors. Knows no table."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from graph.atomic import make_folder
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
    make_folder(path.parent)
    database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        database.executescript(schema)
    return database


def unusable(path: Path, error: Exception) -> RingleaderError:
    """The error for a file that cannot be read or written."""
    return RingleaderError(str(path), f"cannot be used ({error})", "See to its permissions and the room on its disk")
