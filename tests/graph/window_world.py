"""Small worlds for the tests of the window graph: rows written as lake files, a slice over them, tables as dicts."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graph.schema import LAKE_EVENTS, REPORTS
from graph.values import Slice, Window

Row = dict[str, Any]
START = datetime(2024, 3, 1, tzinfo=UTC)
AS_OF = datetime(2024, 3, 3, 12, tzinfo=UTC)  # two and a half days: three slots


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2024, 3, day, hour, minute, tzinfo=UTC)


def event(event_id: str, ts: datetime, sender: str, recipients: Sequence[str], **more: Any) -> Row:
    """A lake event: mail without links, address and fingerprint unless told otherwise."""
    plain: Row = dict.fromkeys(LAKE_EVENTS.names) | {"channel": "mail", "domains": [], "sites": []}
    return plain | {"event_id": event_id, "ts": ts, "sender": sender, "recipients": list(recipients)} | more


def report(event_id: str, reporter: str, ts: datetime, kind: str) -> Row:
    return {"event_id": event_id, "reporter": reporter, "ts": ts, "kind": kind}


def slice_of(
    folder: Path,
    *batches: list[Row],
    reports: list[Row] | None = None,
    start: datetime = START,
    as_of: datetime = AS_OF,
) -> Slice:
    """Each batch of events becomes a day file of its own, in the order given."""
    files = [_written(folder / f"day={n:04d}" / "events.parquet", rows, LAKE_EVENTS) for n, rows in enumerate(batches)]
    reported = [_written(folder / "reports.parquet", reports, REPORTS)] if reports else []
    return Slice(start, as_of, tuple(files), tuple(reported), (), "fingerprint")


def tables(window: Window) -> dict[str, pa.Table]:
    """The tables of a window by name."""
    named = {field.name: getattr(window, field.name) for field in fields(window)}
    return {name: value for name, value in named.items() if isinstance(value, pa.Table)}


def table_bytes(window: Window) -> dict[str, bytes]:
    """Tables as Arrow streams, and days of edges: equal bytes mean equal schema, values, chunks and validity."""
    written = {}
    for name, table in tables(window).items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        written[name] = sink.getvalue().to_pybytes()
    return (
        written
        | {f"days of {name}": days.tobytes() for name, days in window.edge_days.items()}
        | {f"reported by {part}": getattr(window.reported, part).tobytes() for part in ("reporter", "sender", "bad")}
    )


def _written(path: Path, rows: list[Row], schema: pa.Schema) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path
