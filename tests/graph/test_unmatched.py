"""Verdicts and reports that name nobody are counted and named, in whatever spelling they name somebody."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from graph.home import Home
from graph.lake import Lake
from graph.lake.unmatched import Unmatched, unmatched, unmatched_in
from graph.schema import EVENTS, REPORTS, VERDICT_ROWS

TS = datetime(2024, 5, 1, tzinfo=UTC)
SALE = "sale@send.example"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    home = Home(tmp_path).ensure()
    plain = {"ts": TS, "channel": "mail", "recipients": ["bob@home.example"], "ip": None, "fingerprint": None}
    events = [
        {**plain, "event_id": f"{SALE}#{'1' * 32}", "sender": "ann@send.example", "domains": ["www.evil.test"]},
        {**plain, "event_id": "e2", "sender": "Bob@Send.example", "domains": []},
    ]
    lake = Lake(home.path)
    lake.ingest(events=[pa.RecordBatch.from_pylist(events, EVENTS)])
    return lake


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("sender", "ann@send.example"),
        ("sender", "mailto:ANN@send.example"),
        ("sender", "bob@send.example"),
        ("domain", "evil.test"),
        ("domain", "https://www.evil[.]test/x"),
        ("domain", "send.example"),
        ("campaign", "c-none"),
    ],
)
def test_a_verdict_on_somebody_is_matched_in_every_spelling(lake: Lake, tmp_path: Path, kind: str, key: str) -> None:
    assert unmatched(tmp_path / "lake", [(kind, key)], []) == Unmatched()


@pytest.mark.parametrize("event_id", ["e2", f"{SALE}#{'1' * 32}", SALE, f"<{SALE}>"])
def test_a_report_on_an_event_or_its_message_id_is_matched(lake: Lake, tmp_path: Path, event_id: str) -> None:
    assert not unmatched(tmp_path / "lake", [], [event_id])


def test_those_that_name_nobody_are_counted_and_named(lake: Lake, tmp_path: Path) -> None:
    verdicts = [("sender", "nobody@send.example"), ("domain", "login.evil.test"), ("sender", "ann@send.example")]
    found = unmatched(tmp_path / "lake", verdicts, ["e2", "e9", "<other@send.example>"])
    assert (found.verdicts, found.reports) == (2, 2)
    assert set(found.examples) == {"nobody@send.example", "login.evil.test", "e9", "<other@send.example>"}


def test_all_that_the_lake_holds_is_looked_at(lake: Lake, tmp_path: Path) -> None:
    rows = [{"kind": "sender", "key": "x@y.example", "verdict": "benign", "ts": TS, "source": "desk"}]
    reports = [{"event_id": "e9", "reporter": "bob@home.example", "ts": TS, "kind": "junk"}]
    lake.ingest(verdicts=[pa.RecordBatch.from_pylist(rows, VERDICT_ROWS)])
    lake.ingest(reports=[pa.RecordBatch.from_pylist(reports, REPORTS)])
    assert unmatched_in(tmp_path / "lake") == Unmatched(1, 1, ("x@y.example", "e9"))
