"""One day of one kind as a Parquet file: `<lake>/<kind>/day=YYYY-MM-DD/<kind>.parquet`. Knows no batches, no ids.

The same rows give the same bytes: rows come in the kind's order, row groups have a fixed size, the writer's options
are fixed, and the footer carries nothing but the schema, the format and a SHA-256 of the bytes before it, so that a
digest of a whole day costs one look at the footer. Pages carry checksums.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from graph.atomic import is_temporary, make_folder, replace_with, sync_folder
from graph.errors import LakeError
from graph.lake.kinds import Kind
from graph.lake.runs import Piece

ROW_GROUP_ROWS = 65_536  # small enough to rewrite a day in little memory, large enough for DuckDB to scan at speed
DIGEST = b"ringleader.sha256"
FORMAT = b"ringleader.format"  # files without it are of the first one, where an event could name a recipient twice
CURRENT = b"2"
PREFIX = "day="
FIXED_OPTIONS: dict[str, Any] = {
    "version": "2.6",
    "compression": "zstd",
    "compression_level": 3,
    "data_page_size": 1 << 20,
    "write_statistics": True,
    "write_page_checksum": True,
}


def day_file(lake: Path, kind: Kind, day: date) -> Path:
    """Where that day lies, existing or not."""
    return lake / kind.name / f"{PREFIX}{day.isoformat()}" / f"{kind.name}.parquet"


def days_of(lake: Path, kind: Kind) -> list[date]:
    """The days that have a file, ascending. Raises LakeError for a file in a folder that is no day."""
    return sorted(_day_of(path) for path in (lake / kind.name).glob(f"{PREFIX}*/{kind.name}.parquet"))


def _day_of(path: Path) -> date:
    try:
        return date.fromisoformat(path.parent.name.removeprefix(PREFIX))
    except ValueError as error:
        raise damaged(path, "its folder is not named after a day") from error


def open_day(path: Path, kind: Kind) -> pq.ParquetFile:
    """The day file, its footer read and checked. Raises LakeError that names a damaged file."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error
    if not file.schema_arrow.equals(kind.kept) or DIGEST not in (file.metadata.metadata or {}):
        raise damaged(path, "it is not a file that this lake has written")
    return file


def digest(path: Path, kind: Kind) -> str:
    """SHA-256 of the day's content, as its writer stored it (hexadecimal)."""
    with open_day(path, kind) as file:
        stored: bytes = file.metadata.metadata[DIGEST]
    return stored.decode()


def is_current(path: Path, kind: Kind) -> bool:
    """Whether the day was written in the format of today."""
    with open_day(path, kind) as file:
        return _is_current(file)


def _is_current(file: pq.ParquetFile) -> bool:
    return bool((file.metadata.metadata or {}).get(FORMAT) == CURRENT)


def bounds(path: Path, kind: Kind) -> tuple[datetime, datetime]:
    """First and last `ts` of the day, from the footer."""
    with open_day(path, kind) as file:
        column = kind.kept.get_field_index("ts")
        groups = file.metadata
        first = groups.row_group(0).column(column).statistics.min
        last = groups.row_group(groups.num_row_groups - 1).column(column).statistics.max
    return first, last


def row_groups(path: Path, kind: Kind) -> list[Piece]:
    """The stored day in pieces, for a merge."""
    if not path.exists():
        return []
    file = open_day(path, kind)
    return [_piece(path, kind, file, number) for number in range(file.metadata.num_row_groups)]


def _piece(path: Path, kind: Kind, file: pq.ParquetFile, number: int) -> Piece:
    def read() -> pa.Table:
        try:
            rows = file.read_row_group(number).cast(kind.kept)
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, error) from error
        return rows if _is_current(file) else kind.renew(rows)

    group = file.metadata.row_group(number)
    ts = group.column(kind.kept.get_field_index("ts")).statistics
    return Piece((ts.min, ""), ts.max, group.total_byte_size, read)


def stored_rows(path: Path, kind: Kind) -> int:
    """How many rows the day holds, 0 where it does not exist."""
    if not path.exists():
        return 0
    with open_day(path, kind) as file:
        return int(file.metadata.num_rows)


def check_column(path: Path, kind: Kind, column: str) -> None:
    """Read the whole column. Raises LakeError that names the file where that fails."""
    try:
        with open_day(path, kind) as file:
            file.read([column])
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error


def write_day(path: Path, kind: Kind, tables: Iterable[pa.Table], unless_rows: int = -1) -> int:
    """Put the rows (in order, none twice) in the place of the day file; returns how many they are.

    Where they are exactly `unless_rows` the file stays as it is: nothing new came.
    """
    make_folder(path.parent)
    with replace_with(path) as temporary:
        with temporary.open("wb") as raw, _writer(raw, kind) as writer:
            rows = sum(_write_group(writer, group) for group in _groups(tables, kind))
        if rows == unless_rows:
            temporary.unlink()
    return rows


def drop_day(path: Path) -> None:
    """Remove a day for good."""
    path.unlink()
    with suppress(OSError):  # something else lies there: not ours to judge
        path.parent.rmdir()
    sync_folder(path.parent.parent)


def sweep(lake: Path, kind: Kind) -> None:
    """Remove what killed writers left: temporary files and folders of days that never came to be."""
    for folder in (lake / kind.name).glob(f"{PREFIX}*"):
        for path in folder.iterdir():
            if is_temporary(path):
                path.unlink()
        with suppress(OSError):  # not empty: the usual case
            folder.rmdir()


def damaged(path: Path, error: Exception | str) -> LakeError:
    """The error for a day file that cannot be read."""
    mend = "Put back a copy of this file, or move it away and ingest that day's input again; other days are untouched"
    return LakeError(str(path), f"the day file cannot be read ({' '.join(str(error).split())})", mend)


class _Hashed:
    """A file that hashes what is written to it."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.sha = hashlib.sha256()
        self.closed = False

    def write(self, data: bytes) -> int:
        self.sha.update(data)
        return self._raw.write(data)

    def flush(self) -> None:
        self._raw.flush()

    def close(self) -> None:
        self.closed = True


@contextmanager
def _writer(raw: IO[bytes], kind: Kind) -> Iterator[pq.ParquetWriter]:
    sink = _Hashed(raw)
    with pq.ParquetWriter(sink, kind.kept, **FIXED_OPTIONS) as writer:
        yield writer
        writer.add_key_value_metadata({FORMAT.decode(): CURRENT.decode(), DIGEST.decode(): sink.sha.hexdigest()})


def _write_group(writer: pq.ParquetWriter, group: pa.Table) -> int:
    # One chunk a column: page boundaries follow chunks, and the bytes must not tell how the rows arrived.
    writer.write_table(group.combine_chunks(), row_group_size=ROW_GROUP_ROWS)
    return int(group.num_rows)


def _groups(tables: Iterable[pa.Table], kind: Kind) -> Iterator[pa.Table]:
    """The same rows, cut into tables of exactly ROW_GROUP_ROWS (the last may be shorter, and there is one always)."""
    held = kind.kept.empty_table()
    for table in tables:
        held = pa.concat_tables([held, table])
        while held.num_rows >= ROW_GROUP_ROWS:
            yield held.slice(0, ROW_GROUP_ROWS)
            held = held.slice(ROW_GROUP_ROWS)
    if held.num_rows:
        yield held
