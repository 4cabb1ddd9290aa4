"""Checks of what came in: the event lake. Knows nothing of what a refresh makes of it."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from api.doctor.finding import FAIL, OK, WARN, Finding
from api.settings import Settings
from graph.errors import LakeError
from graph.home import Home
from graph.lake import Lake
from graph.lake.unmatched import unmatched_in


def lake(home: Home, settings: Settings) -> Iterator[Finding]:
    days = sorted(home.lake.glob("*/day=*/*.parquet"))
    damaged = {day: reason for day in days if (reason := _damage(day))}
    for day, reason in damaged.items():
        yield Finding("lake", FAIL, f"{day} is damaged: {reason}", "Move it away and ingest that day's input again")
    if damaged:
        return
    span = Lake(home.path).span() if days else None
    if span is None:
        yield Finding("lake", WARN, "no events yet", "Add some with `ringleader ingest`, or try `ringleader demo`")
        return
    rows = {kind: _rows(home, kind) for kind in ("events", "reports", "verdicts")}
    counted = ", ".join(f"{number:,} {kind}" for kind, number in rows.items())
    yield Finding("lake", OK, f"{counted}; events of {span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}; every day is whole")


def keys(home: Home, settings: Settings) -> Iterator[Finding]:
    """Verdicts and reports that name nobody."""
    try:
        nobody = unmatched_in(home.lake)
    except (LakeError, pa.ArrowException):
        return  # a damaged day, which is told above
    if nobody:
        words = f"{nobody.verdicts:,} keys of verdicts and {nobody.reports:,} ids of reports name nobody in the lake"
        few = ", ".join(repr(key) for key in nobody.examples)
        mend = f"They have no effect. Compare their spelling with `export scores`, or ingest the events: {few}"
        yield Finding("keys", WARN, words, mend)


def _rows(home: Home, kind: str) -> int:
    return sum(pq.read_metadata(day).num_rows for day in home.lake.glob(f"{kind}/day=*/*.parquet"))


def _damage(day: Path) -> str:
    """Why a day file cannot be read to its end; empty where it can. Memory stays at one row group."""
    try:
        with pq.ParquetFile(day, page_checksum_verification=True) as file:
            for group in range(file.metadata.num_row_groups):
                file.read_row_group(group)
    except (pa.ArrowException, OSError) as error:
        return (str(error) or type(error).__name__).splitlines()[0]
    return ""
