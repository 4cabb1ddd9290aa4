"""The sample's Parquet files: their schemas, and bytes that depend on the rows alone. Knows nothing of mail."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from graph.schema import EVENTS, REPORTS, TIME, VERDICT_ROWS

TRUTH = pa.schema(
    [
        ("event_id", pa.string()),
        ("label", pa.string()),  # malicious | benign
        ("group", pa.string()),  # the corpus's folder
        ("number", pa.string()),  # and the message's number in it
        ("near_duplicates", pa.int32()),  # number of its near-duplicate group, null where it resembles no other
        ("part", pa.string()),  # first | later: before the cut, or at it and after
    ]
)
TRUTH_SENDERS = pa.schema(
    [
        ("sender", pa.string()),
        ("events", pa.int64()),
        ("malicious_share", pa.float64()),  # of its events
        ("first_seen", TIME),
        ("part", pa.string()),  # of its first event
        ("later_events", pa.int64()),  # events at the cut and after
    ]
)
SCHEMAS = {
    "events": EVENTS,
    "reports": REPORTS,
    "verdicts": VERDICT_ROWS,
    "truth": TRUTH,
    "truth_senders": TRUTH_SENDERS,
}


def write(folder: Path, name: str, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write one table as `folder/name.parquet`. The same rows give the same bytes with the pinned pyarrow."""
    path = folder / f"{name}.parquet"
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMAS[name])
    pq.write_table(table, path, compression="zstd", compression_level=19, version="2.6", data_page_version="1.0")
    return path
