"""Verdicts given between refreshes, for the embedded store whose database is read-only then. One SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from graph.atomic import make_folder
from graph.errors import StoreError
from graph.schema import TIME
from graph.store.rows import verdict_rows
from graph.store.vocabulary import NODES

BUSY_SECONDS = 10.0  # how long one writer waits for another; a verdict takes milliseconds
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = NODES["Verdict"].schema.names
TABLE = """CREATE TABLE IF NOT EXISTS verdicts (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, verdict TEXT NOT NULL, ts INTEGER NOT NULL, source TEXT
)"""


class Ledger:
    """An append-only list of verdicts; safe for several processes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, verdicts: pa.Table) -> int:
        """Keep verdicts (`graph.schema.VERDICT_ROWS`), on disk before this returns; how many were new."""
        rows = [(*row.values(),) for row in _with_micros(verdict_rows(verdicts)).to_pylist()]
        with self._open() as database:
            before = database.total_changes
            database.executemany("INSERT OR IGNORE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)", rows)
            return database.total_changes - before

    def rows(self) -> pa.Table:
        """All of them, as Verdict nodes."""
        if not self._path.exists():
            return NODES["Verdict"].schema.empty_table()
        with self._open() as database:
            found = database.execute(
                "SELECT id, kind, key, verdict, ts, source FROM verdicts ORDER BY ts, id"
            ).fetchall()
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in found]
        return pa.Table.from_pylist([row | {"ts": _moment(row["ts"])} for row in rows], schema=NODES["Verdict"].schema)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            make_folder(self._path.parent)
            with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as database:
                database.execute("PRAGMA synchronous = FULL")
                database.execute(TABLE)
                with database:
                    yield database
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                str(self._path), f"verdicts cannot be kept ({error})", "See to its disk and rights"
            ) from error


def _with_micros(verdicts: pa.Table) -> pa.Table:
    position = verdicts.schema.get_field_index("ts")
    return verdicts.set_column(position, "ts", verdicts["ts"].cast(TIME).cast(pa.int64()))


def _moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
