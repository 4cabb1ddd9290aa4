"""Exports: the contract's tables of a snapshot as one Parquet or CSV file. Knows no command and no HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from api.spreadsheets import as_text
from graph.atomic import replace_with
from graph.errors import RingleaderError
from graph.schema import CAMPAIGNS, DECIDED_SCORES, EVIDENCE, MEMBERS, TIME
from graph.snapshot import Snapshot

ENDINGS = (".parquet", ".csv")
ISO = "%Y-%m-%dT%H:%M:%SZ"
_SCORE_COLUMNS: Final = ("kind", "key", "risk", "decision", "campaign_id", "model", "as_of")  # in the contract's order
EXPORTS = {
    "scores": pa.schema([DECIDED_SCORES.field(name) for name in _SCORE_COLUMNS]),
    "campaigns": CAMPAIGNS,
    "members": MEMBERS,
    "evidence": EVIDENCE,
}
_BATCH: Final = 10_000  # nodes looked up at a time: their JSON is a few hundred bytes each


class ExportError(RingleaderError):
    """An export that cannot be written."""


@dataclass(frozen=True)
class Span:
    """What was seen at `since` or later and at `until` or earlier; None is no bound."""

    since: datetime | None = None
    until: datetime | None = None


class _Seen(msgspec.Struct):
    """The times among a node's look-up fields."""

    first_seen: datetime
    last_seen: datetime


def export(snapshot: Snapshot, name: str, out: Path, span: Span | None = None) -> int:
    """Writes table `name` (a key of EXPORTS) to `out`; returns its rows.

    Columns are the contract's, in its order; null stands in a column that an older snapshot does not hold. With a
    `span` only rows whose first and last time overlap it: a score's are its node's, a member's its campaign's. In CSV
    times are ISO 8601 in UTC, null is an empty field, and `api.spreadsheets` keeps text from being run as a formula.
    The file appears whole or not at all. Raises ExportError for another ending and for a place that refuses it.
    """
    check_target(out)
    table = _table(snapshot, name)
    if span is not None:
        table = table.filter(_overlap(snapshot, name, table, span))
    try:
        with replace_with(out, mode=None) as temporary:
            _write(table, temporary, out.suffix.lower())
    except OSError as error:
        reason = f"cannot be written: {error.strerror or error}"
        raise ExportError(str(out), reason, "Choose a folder with room that this user may write to") from error
    return int(table.num_rows)


def check_target(out: Path) -> None:
    """Says at once what would only show after the work."""
    if out.suffix.lower() not in ENDINGS:
        reason = f"its ending {out.suffix!r} names no format" if out.suffix else "it has no ending to tell the format"
        raise ExportError(str(out), reason, f"End the name in {' or '.join(ENDINGS)}")
    if not out.parent.is_dir():
        raise ExportError(str(out), "its folder does not exist", f"Make {out.parent} first")
    if out.is_dir():
        raise ExportError(str(out), "is a folder", "Name a file")


def _table(snapshot: Snapshot, name: str) -> pa.Table:
    wanted, stored = EXPORTS[name], snapshot.table(name)
    columns = [
        stored[field.name] if field.name in stored.column_names else pa.nulls(stored.num_rows, field.type)
        for field in wanted
    ]
    return pa.table(columns, names=wanted.names).cast(wanted)


def _overlap(snapshot: Snapshot, name: str, table: pa.Table, span: Span) -> pa.Array | pa.ChunkedArray:
    """Which rows were seen within the span."""
    if name == "scores":
        batches = [_within(times, span) for times in _times_of_nodes(snapshot, table)]
        return pa.chunked_array(batches, pa.bool_())
    if name == "members":
        campaigns = snapshot.table("campaigns")
        return pc.is_in(table["campaign_id"], campaigns.filter(_within(campaigns, span))["campaign_id"])
    return _within(table, span)


def _times_of_nodes(snapshot: Snapshot, scores: pa.Table) -> Iterator[pa.Table]:
    """`first_seen` and `last_seen` of each scored node, a batch at a time."""
    decoder = msgspec.json.Decoder(_Seen)
    for start in range(0, scores.num_rows, _BATCH):
        part = scores.slice(start, _BATCH)
        nodes = zip(part["kind"].to_pylist(), part["key"].to_pylist(), strict=True)
        seen = [decoder.decode(b"{" + fields + b"}") if fields else None for fields in snapshot.lookup_many(nodes)]
        times = {name: pa.array([getattr(each, name, None) for each in seen], TIME) for name in _Seen.__struct_fields__}
        yield pa.table(times)


def _within(table: pa.Table, span: Span) -> pa.Array:
    """Which rows were seen within the span; one without a time was not."""
    last, first = (table[name].combine_chunks() for name in ("last_seen", "first_seen"))
    inside = pc.and_(pc.is_valid(last), pc.is_valid(first))
    if span.since is not None:
        inside = pc.and_(inside, pc.greater_equal(last, pa.scalar(span.since, TIME)))
    if span.until is not None:
        inside = pc.and_(inside, pc.less_equal(first, pa.scalar(span.until, TIME)))
    return pc.fill_null(inside, False)


def _write(table: pa.Table, path: Path, ending: str) -> None:
    if ending == ".parquet":
        pq.write_table(table, path, compression="zstd")
    else:
        pyarrow.csv.write_csv(_with_iso_times(as_text(table)), path)


def _with_iso_times(table: pa.Table) -> pa.Table:
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(index, column.name, pc.strftime(table.column(index), format=ISO))
    return table
