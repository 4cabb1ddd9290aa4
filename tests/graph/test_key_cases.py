"""The cases of keys in tests/cases: verdicts in other spellings, and reports that name a Message-ID."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graph.engine import open_engine
from graph.keys import Nodes, with_nodes_own_keys
from graph.lake import Lake
from graph.read import Quarantine, ReadOptions, read_events, read_reports, read_verdicts
from graph.window import build_window

CASES = Path(__file__).parents[1] / "cases"
OPTIONS = ReadOptions(now=datetime(2026, 6, 1, tzinfo=UTC))


def read(reader: Any, path: Path, tmp_path: Path) -> list[pa.RecordBatch]:
    with Quarantine(tmp_path / "quarantine.jsonl") as quarantine:
        batches = list(reader([path], OPTIONS, quarantine))
    assert quarantine.count == 0
    return batches


def test_verdicts_in_other_spellings_have_the_effect_of_the_plain_ones(tmp_path: Path) -> None:
    exact, otherwise = (
        pa.Table.from_batches(read(read_verdicts, CASES / "18-verdict-spelling" / name, tmp_path))
        for name in ("exact.csv", "otherwise.csv")
    )
    nodes = {kind: Nodes(kind, exact.filter(pc.equal(exact["kind"], kind))["key"]) for kind in ("sender", "domain")}
    moved, unmatched = with_nodes_own_keys(otherwise, nodes)
    assert otherwise["key"].to_pylist() != exact["key"].to_pylist()
    assert moved.equals(exact)
    assert unmatched == ()


def test_reports_by_message_id_join_the_raw_mail(tmp_path: Path) -> None:
    case = CASES / "29-report-by-message-id"
    lake = Lake(tmp_path)
    lake.ingest(
        events=read(read_events, case / "mail.eml", tmp_path),
        reports=read(read_reports, case / "reports.csv", tmp_path),
    )
    piece = lake.slice(datetime(2026, 1, 6, tzinfo=UTC), 30)
    with open_engine("duckdb") as engine:
        window = build_window(piece, engine)
    assert window.senders["junk"].to_pylist() == [2]
    assert (window.reports_given, window.reports_joined) == (2, 2)
