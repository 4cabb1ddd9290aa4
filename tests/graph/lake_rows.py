"""Rows for the lake, written in a line each, and the bytes of a lake to compare."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graph.schema import EVENTS, REPORTS, VERDICT_ROWS

NOON = datetime(2024, 5, 20, 12, tzinfo=UTC)


def at(day: int, seconds: float = 0) -> datetime:
    """Noon of the day-th day, and some seconds."""
    return NOON + timedelta(days=day, seconds=seconds)


def event(event_id: str, ts: datetime, **columns: Any) -> dict[str, Any]:
    usual = {"channel": "mail", "sender": "ann@mail.example.com", "recipients": ["bob@example.org"], "domains": []}
    return {"event_id": event_id, "ts": ts, "ip": None, "fingerprint": None, **usual, **columns}


def report(event_id: str, ts: datetime, reporter: str = "bob@example.org", kind: str = "junk") -> dict[str, Any]:
    return {"event_id": event_id, "reporter": reporter, "ts": ts, "kind": kind}


def verdict(key: str, ts: datetime, verdict: str = "malicious") -> dict[str, Any]:
    return {"kind": "sender", "key": key, "verdict": verdict, "ts": ts, "source": "desk"}


def events(*rows: dict[str, Any]) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pylist(list(rows), schema=EVENTS)]


def reports(*rows: dict[str, Any]) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pylist(list(rows), schema=REPORTS)]


def verdicts(*rows: dict[str, Any]) -> list[pa.RecordBatch]:
    return [pa.RecordBatch.from_pylist(list(rows), schema=VERDICT_ROWS)]


def content(home: Path) -> dict[str, bytes]:
    """Every file under the lake with its bytes."""
    lake = home / "lake"
    return {path.relative_to(lake).as_posix(): path.read_bytes() for path in lake.rglob("*") if path.is_file()}


def stored(home: Path, kind: str = "events") -> list[dict[str, Any]]:
    """All rows of a kind, day after day."""
    paths: Iterable[Path] = sorted((home / "lake" / kind).glob(f"day=*/{kind}.parquet"))
    return [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]


def ids(home: Path) -> list[str]:
    return [row["event_id"] for row in stored(home)]
