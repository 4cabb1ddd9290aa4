"""Arriving rows on disk, sorted, waiting to be merged into their days: an external merge sort. Knows no day files.

A run is an Arrow file of rows that arrived one after another, sorted by the kind's order and cut into pieces that
never cross midnight. A day is then merged in slices: key ranges chosen so that one slice fits in memory, whether the
day is small, huge, or holds a million rows of one and the same instant.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.lake.kinds import Kind

RUN_BYTES = 96 << 20  # rows held in memory before they are sorted and written as one run
PIECE_ROWS = 8_192  # rows read back at a time
SLICE_BYTES = 128 << 20  # rows of a day merged at a time; sorting needs about three times that
EPOCH = date(1970, 1, 1)
DAY_MICROSECONDS = 86_400_000_000

Key = tuple[datetime, str]  # the first two columns of a kind's order


@dataclass(frozen=True)
class Piece:
    """Rows that can be read at once: all of one day, the least key, the last instant, and what they cost in memory."""

    least: Key
    last: datetime
    nbytes: int
    read: Callable[[], pa.Table]


class Runs:
    """The sorted runs of one kind in one folder, and which pieces of them hold which day."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self._folder = folder
        self._kind = kind
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._files = 0
        self.rows: dict[date, int] = {}
        self._pieces: dict[date, list[Piece]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the rows in; the schema is the kind's, further columns may follow."""
        if not batch.num_rows:
            return
        self._held.append(batch)
        self._held_bytes += batch.nbytes
        if self._held_bytes >= RUN_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held as a run."""
        if not self._held:
            return
        rows = self._kind.derive(pa.Table.from_batches(self._held).combine_chunks())
        self._held, self._held_bytes = [], 0
        self._write(in_order(rows, self._kind))

    def pieces(self, day: date) -> list[Piece]:
        """The pieces of that day, in the order of arrival of their runs."""
        return self._pieces.get(day, [])

    def _write(self, rows: pa.Table) -> None:
        path = self._folder / f"{self._kind.name}-{self._files:05d}.arrow"
        self._files += 1
        batches = list(_cut(rows))
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        reader = pa.ipc.open_file(pa.OSFile(str(path), "rb"))
        for number, batch in enumerate(batches):
            day = day_of(day_numbers(batch["ts"])[0])
            least, last = self._key(batch, 0), self._key(batch, batch.num_rows - 1)
            piece = Piece(least, last[0], batch.nbytes, partial(_read, reader, number))
            self._pieces.setdefault(day, []).append(piece)
            self.rows[day] = self.rows.get(day, 0) + batch.num_rows

    def _key(self, rows: pa.RecordBatch, row: int) -> Key:
        first, second = self._kind.order[:2]
        return rows[first][row].as_py(), rows[second][row].as_py()


def _cut(rows: pa.Table) -> Iterator[pa.RecordBatch]:
    """Sorted rows in batches of at most PIECE_ROWS that never cross midnight."""
    days = day_numbers(rows["ts"])
    edges = np.flatnonzero(np.diff(days, prepend=days[0] - 1, append=days[-1] + 1))
    for start, stop in pairwise(edges.tolist()):
        yield from rows.slice(start, stop - start).to_batches(max_chunksize=PIECE_ROWS)


def _read(reader: pa.ipc.RecordBatchFileReader, number: int) -> pa.Table:
    return pa.Table.from_batches([reader.get_batch(number)])


def merged(pieces: Iterable[Piece], kind: Kind, keep: Callable[[pa.Table], pa.Table]) -> Iterator[pa.Table]:
    """All rows of the pieces that `keep` lets through, in the kind's order, none twice, a slice at a time."""
    pieces = list(pieces)
    for low, high in _ranges(pieces):
        overlapping = [piece for piece in pieces if piece.last >= low[0] and (high is None or piece.least < high)]
        tables = [_between(keep(piece.read()), kind, low, high) for piece in overlapping]
        yield distinct(in_order(pa.concat_tables(tables), kind), kind)


def _ranges(pieces: list[Piece]) -> Iterator[tuple[Key, Key | None]]:
    """Half-open key ranges that cover the pieces, each starting about SLICE_BYTES of rows."""
    cuts: list[Key] = []
    held = 0
    for piece in sorted(pieces, key=lambda piece: piece.least):
        if not cuts or (held >= SLICE_BYTES and piece.least > cuts[-1]):
            cuts.append(piece.least)
            held = 0
        held += piece.nbytes
    yield from pairwise([*cuts, None])


def _between(rows: pa.Table, kind: Kind, low: Key, high: Key | None) -> pa.Table:
    mask = pc.invert(_before(rows, kind, low))
    if high is not None:
        mask = pc.and_(mask, _before(rows, kind, high))
    return rows.filter(mask)


def _before(rows: pa.Table, kind: Kind, key: Key) -> Any:
    instant = pa.scalar(key[0], kind.kept.field("ts").type)
    at_once = pc.and_(pc.equal(rows["ts"], instant), pc.less(rows[kind.order[1]], key[1]))
    return pc.or_(pc.less(rows["ts"], instant), at_once)


def in_order(rows: pa.Table, kind: Kind) -> pa.Table:
    """The rows sorted by the kind's order (strings by their UTF-8 bytes)."""
    return rows.combine_chunks().sort_by([(column, "ascending") for column in kind.order])


def distinct(rows: pa.Table, kind: Kind) -> pa.Table:
    """Sorted rows without those that repeat the row before them in every column of the order."""
    if rows.num_rows < 2:
        return rows
    ahead, behind = rows.slice(1), rows.slice(0, rows.num_rows - 1)
    differs = np.ones(rows.num_rows, dtype=bool)
    same = [pc.equal(ahead[column], behind[column]).to_numpy() for column in kind.order]
    differs[1:] = ~np.logical_and.reduce(same)
    return rows if differs.all() else rows.filter(pa.array(differs))


def day_numbers(ts: pa.ChunkedArray | pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Days since 1970-01-01 UTC of each instant (int64)."""
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]] = ts.cast(pa.int64()).to_numpy() // DAY_MICROSECONDS
    return numbers


def day_of(number: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=int(number))


def number_of(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days
