import errno
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import atomic
from graph.addresses import network_of, registrable_domain
from graph.errors import BusyError, InputError, LakeError, RingleaderError
from graph.home import Home, write_lock
from graph.lake import Lake, dayfiles, runs
from graph.lake.derive import distinct_items, networks, sender_sites, sites
from graph.lake.retention import Retention
from graph.schema import EVENTS, LAKE_EVENTS, REPORTS, TEXTS, VERDICT_ROWS
from tests.graph import lake_rows
from tests.graph.lake_rows import at, content, event, events, report, reports, stored, verdict, verdicts


@pytest.fixture
def tiny_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    make_tiny(monkeypatch)


def make_tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few dozen rows go through as many runs, pieces, slices and row groups as ten million do."""
    monkeypatch.setattr(runs, "RUN_BYTES", 1_000)
    monkeypatch.setattr(runs, "PIECE_ROWS", 3)
    monkeypatch.setattr(runs, "SLICE_BYTES", 1_500)
    monkeypatch.setattr(dayfiles, "ROW_GROUP_ROWS", 4)


# ---- What is kept -------------------------------------------------------------------------------------------


def test_events_come_back_by_day_in_order_with_their_derived_columns(tmp_path: Path) -> None:
    linked = event("e2", at(0, 1), domains=["www.example.net", "a.example.co.uk", "example.net"], ip="192.0.2.77")
    summary = Lake(tmp_path).ingest(events=events(event("e3", at(1)), linked, event("e1", at(0, 2), sender="17")))
    assert (summary.events_new, summary.events_known, summary.days_written) == (3, 0, 2)
    assert sorted(content(tmp_path)) == [f"events/day=2024-05-{day}/events.parquet" for day in (20, 21)]
    rows = stored(tmp_path)
    assert [row["event_id"] for row in rows] == ["e2", "e1", "e3"]
    assert rows[0]["sites"] == ["example.co.uk", "example.net"]
    assert rows[0]["domains"] == ["www.example.net", "a.example.co.uk", "example.net"]
    assert (rows[0]["network"], rows[0]["sender_site"]) == ("192.0.2.0/24", "example.com")
    assert (rows[1]["sites"], rows[1]["network"], rows[1]["sender_site"]) == ([], None, None)
    assert pq.read_schema(tmp_path / "lake/events/day=2024-05-20/events.parquet").equals(LAKE_EVENTS)


def test_recipients_are_kept_in_the_order_given_once_each(tmp_path: Path) -> None:
    given_ = ["z@example.org", "A@example.org", "z@example.org", "a@example.org"]
    Lake(tmp_path).ingest(events=events(event("e1", at(0), recipients=given_)))
    assert stored(tmp_path)[0]["recipients"] == ["z@example.org", "A@example.org", "a@example.org"]


@given(st.lists(st.none() | st.lists(st.none() | st.sampled_from("abc"))), st.integers(0, 3))
def test_distinct_items_stand_where_they_are_first_named(lists: list[list[str | None] | None], skipped: int) -> None:
    found = distinct_items(pa.array(lists, TEXTS).slice(skipped))
    assert found.to_pylist() == [items and list(dict.fromkeys(items)) for items in lists[skipped:]]


def test_a_day_of_the_first_format_is_renewed_by_the_next_event_of_that_day(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.ingest(events=events(event("e1", at(0)), event("e2", at(1))))
    repeated = {"e1": ["z@example.org", "b@example.org", "z@example.org"], "e2": ["z@example.org"] * 2}
    for path in (tmp_path / "lake/events").glob("day=*/events.parquet"):
        as_first_format(path, repeated)
    assert not lake.slice(None, 7).distinct_recipients
    lake.ingest(events=events(event("e3", at(0, 1))))
    assert [row["recipients"] for row in stored(tmp_path)] == [
        ["z@example.org", "b@example.org"],
        ["bob@example.org"],
        ["z@example.org"] * 2,
    ]
    assert not lake.slice(None, 7).distinct_recipients
    lake.ingest(events=events(event("e4", at(1, 1))))
    assert lake.slice(None, 7).distinct_recipients


def as_first_format(path: Path, recipients: dict[str, list[str]]) -> None:
    """Write the day again as the first format had it, with these recipients of each event."""
    rows = [row | {"recipients": recipients[row["event_id"]]} for row in pq.ParquetFile(path).read().to_pylist()]
    with pq.ParquetWriter(path, LAKE_EVENTS) as writer:
        writer.write_table(pa.Table.from_pylist(rows, LAKE_EVENTS))
        writer.add_key_value_metadata({dayfiles.DIGEST.decode(): "0" * 64})


def test_midnight_belongs_to_the_day_it_starts(tmp_path: Path) -> None:
    midnight = datetime(2024, 5, 21, tzinfo=UTC)
    Lake(tmp_path).ingest(events=events(event("e1", midnight), event("e2", midnight - timedelta(microseconds=1))))
    assert [path.split("/")[1] for path in sorted(content(tmp_path))] == ["day=2024-05-20", "day=2024-05-21"]


@given(st.lists(st.lists(st.sampled_from(["a.example.com", "b.example.com", "Example.Test", "::", "no host", "x"]))))
@settings(deadline=None, max_examples=40)
def test_sites_are_the_distinct_sorted_registrable_domains(hosts: list[list[str]]) -> None:
    found = sites(pa.array(hosts, TEXTS)).to_pylist()
    assert found == [sorted({registrable_domain(host) for host in row} - {None}) for row in hosts]  # type: ignore[type-var]


@given(
    st.lists(
        st.one_of(st.none(), st.ip_addresses().map(str), st.sampled_from(["1.2.3", "01.2.3.4", "::ffff:192.0.2.9", ""]))
    )
)
@settings(deadline=None, max_examples=40)
def test_networks_are_those_of_each_address(addresses: list[str | None]) -> None:
    assert networks(pa.array(addresses, pa.string())).to_pylist() == [network_of(ip) for ip in addresses]


def test_the_site_of_a_sender_is_behind_its_last_at() -> None:
    senders = ["ann@mail.example.org", '"a@b"@example.net', "account-17", "ann@", None]
    assert sender_sites(pa.array(senders, pa.string())).to_pylist() == ["example.org", "example.net", None, None, None]


# ---- Known rows ---------------------------------------------------------------------------------------------


def test_a_known_id_changes_nothing_in_its_batch_later_or_on_another_day(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    first = lake.ingest(events=events(event("e1", at(0)), event("e1", at(0), sender="other"), event("e1", at(3))))
    before = content(tmp_path)
    second = lake.ingest(events=[*events(event("e1", at(1))), *events(event("e1", at(0), sender="other"))])
    assert (first.events_new, first.events_known) == (1, 2)
    assert (second.events_new, second.events_known, second.days_written) == (0, 2, 0)
    assert content(tmp_path) == before
    assert stored(tmp_path)[0]["sender"] == "ann@mail.example.com"


def test_a_late_event_joins_its_day_and_leaves_the_others_alone(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.ingest(events=events(event("e1", at(0)), event("e2", at(1))))
    other = tmp_path / "lake/events/day=2024-05-21/events.parquet"
    untouched = other.stat().st_mtime_ns
    summary = lake.ingest(events=events(event("e0", at(0, -5))))
    assert (summary.events_new, summary.days_written) == (1, 1)
    assert lake_rows.ids(tmp_path) == ["e0", "e1", "e2"]
    assert other.stat().st_mtime_ns == untouched


def test_reports_and_verdicts_are_kept_once_each(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    twice = [report("e1", at(0)), report("e1", at(0)), report("e1", at(0), kind="phish")]
    first = lake.ingest(reports=reports(*twice), verdicts=verdicts(verdict("ann@example.com", at(0))))
    before = content(tmp_path)
    again = lake.ingest(reports=reports(*twice), verdicts=verdicts(verdict("ann@example.com", at(0))))
    assert (first.reports_new, first.reports_known, first.verdicts_new) == (2, 1, 1)
    assert (again.reports_new, again.reports_known, again.verdicts_new, again.verdicts_known) == (0, 3, 0, 1)
    assert again.days_written == 0
    assert content(tmp_path) == before


def test_a_changed_mind_is_another_row(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.ingest(verdicts=verdicts(verdict("ann@example.com", at(0))), reports=reports(report("e1", at(0))))
    changed = verdicts(verdict("ann@example.com", at(0), "benign"))
    summary = lake.ingest(verdicts=changed, reports=reports(report("e1", at(1))))
    assert (summary.verdicts_new, summary.reports_new) == (1, 1)
    assert [row["verdict"] for row in stored(tmp_path, "verdicts")] == ["benign", "malicious"]


# ---- Same rows, same bytes ----------------------------------------------------------------------------------

MOMENTS = st.integers(0, 3 * 86_400).map(lambda second: at(0, second)) | st.just(at(1))
ROWS = st.lists(
    st.builds(
        event,
        st.text(max_size=4),
        MOMENTS,
        sender=st.sampled_from(["a@example.com", "b@example.org", "17", "ü@example.net"]),
        recipients=st.lists(st.sampled_from(["x@example.com", "y@example.com"]), min_size=1, max_size=3),
        domains=st.lists(st.sampled_from(["www.example.com", "example.org", "cdn.example.test"]), max_size=3),
        ip=st.sampled_from([None, "192.0.2.1", "2001:db8::1"]),
        fingerprint=st.sampled_from([None, "f1"]),
    ),
    unique_by=lambda row: row["event_id"],
    max_size=30,
)


@given(rows=ROWS, seed=st.integers(0, 1 << 30), ingests=st.integers(1, 3))
@settings(deadline=None, max_examples=25)
def test_the_same_events_give_the_same_bytes_in_any_order_and_any_split(
    rows: list[dict[str, Any]], seed: int, ingests: int
) -> None:
    chance = random.Random(seed)
    shuffled = chance.sample(rows, len(rows))
    parts = [shuffled[number::ingests] for number in range(ingests)]
    parts.append(chance.choices(rows, k=min(len(rows), 3)))  # and some of them once more
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        make_tiny(patch)
        at_once, in_parts = Path(folder, "once"), Path(folder, "parts")
        Lake(at_once).ingest(events=events(*rows))
        new = sum(Lake(in_parts).ingest(events=[b for row in part for b in events(row)]).events_new for part in parts)
        assert content(in_parts) == content(at_once)
        assert new == len(rows)
        assert sorted(lake_rows.ids(at_once)) == sorted(row["event_id"] for row in rows)


REPORT_ROWS = st.builds(
    report, st.sampled_from("abc"), MOMENTS, st.sampled_from(["r1", "r2"]), st.sampled_from(["junk", "phish"])
)


@given(rows=st.lists(REPORT_ROWS, max_size=20), seed=st.integers(0, 1 << 30))
@settings(deadline=None, max_examples=15)
def test_the_same_reports_give_the_same_bytes_in_any_order(rows: list[dict[str, Any]], seed: int) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        make_tiny(patch)
        at_once, in_parts = Path(folder, "once"), Path(folder, "parts")
        Lake(at_once).ingest(reports=reports(*rows))
        for part in (shuffled[::2], shuffled[1::2]):
            Lake(in_parts).ingest(reports=[batch for row in part for batch in reports(row)])
        assert content(in_parts) == content(at_once)
        assert len(stored(at_once, "reports")) == len({tuple(row.items()) for row in rows})


@pytest.mark.usefixtures("tiny_merges")
def test_a_day_whose_events_all_share_one_instant_is_merged_in_slices(tmp_path: Path) -> None:
    rows = [event(f"e{number:03}", at(0)) for number in range(200)]
    arriving = [batch for row in random.Random(7).sample(rows, 200) for batch in events(row)]
    assert Lake(tmp_path).ingest(events=arriving).events_new == 200
    assert lake_rows.ids(tmp_path) == [row["event_id"] for row in rows]


@pytest.mark.usefixtures("tiny_merges")
def test_the_first_of_two_rows_with_one_id_stays_across_runs(tmp_path: Path) -> None:
    filler = [event(f"f{number}", at(0, number)) for number in range(50)]
    rows = [event("same", at(2), sender="first"), *filler, event("same", at(0), sender="second")]
    summary = Lake(tmp_path).ingest(events=[batch for row in rows for batch in events(row)])
    assert (summary.events_new, summary.events_known) == (51, 1)
    assert [(row["sender"], row["ts"]) for row in stored(tmp_path) if row["event_id"] == "same"] == [("first", at(2))]


def test_what_else_a_batch_carries_and_in_which_order_leaves_no_trace(tmp_path: Path) -> None:
    plain = events(event("e1", at(0), ip="192.0.2.1"))
    shuffled = plain[0].append_column("extra", pa.array([1])).select([*reversed(EVENTS.names), "extra"])
    Lake(tmp_path / "plain").ingest(events=plain)
    Lake(tmp_path / "shuffled").ingest(events=[shuffled.slice(0, 1).replace_schema_metadata({"by": "somebody"})])
    assert content(tmp_path / "plain") == content(tmp_path / "shuffled")


# ---- Retention ----------------------------------------------------------------------------------------------


def test_days_older_than_the_retention_go_and_late_events_of_theirs_are_counted(tmp_path: Path) -> None:
    lake = Lake(tmp_path, retention_days=2)
    lake.ingest(events=events(event("e0", at(0))), reports=reports(report("e0", at(0))))
    summary = lake.ingest(events=events(event("e1", at(1)), event("e2", at(2)), event("late", at(0, 5))))
    assert (summary.events_new, summary.events_expired, summary.days_dropped) == (2, 1, 2)
    assert lake_rows.ids(tmp_path) == ["e1", "e2"]
    late = lake.ingest(events=events(event("e0", at(0))), reports=reports(report("e0", at(0))))
    assert (late.events_expired, late.reports_expired, late.days_written) == (1, 1, 0)
    assert not (tmp_path / "lake/events/day=2024-05-20").exists()


def test_verdicts_outlive_the_retention(tmp_path: Path) -> None:
    lake = Lake(tmp_path, retention_days=1)
    lake.ingest(events=events(event("e9", at(9))), verdicts=verdicts(verdict("ann@example.com", at(0))))
    assert len(stored(tmp_path, "verdicts")) == 1


def test_the_retention_does_not_depend_on_the_order_of_arrival(tmp_path: Path) -> None:
    rows = [event(f"e{day}", at(day)) for day in range(6)]
    for name, order in (("up", rows), ("down", rows[::-1])):
        for row in order:
            Lake(tmp_path / name, retention_days=3).ingest(events=events(row))
    assert content(tmp_path / "up") == content(tmp_path / "down")
    assert lake_rows.ids(tmp_path / "up") == ["e3", "e4", "e5"]


def test_one_event_ahead_of_the_clock_drops_no_day(tmp_path: Path) -> None:
    lake = Lake(tmp_path, retention_days=30)
    lake.ingest(events=events(*(event(f"e{day}", at(day)) for day in range(30))))
    before = content(tmp_path)
    ahead = datetime.now(UTC) + timedelta(days=365)
    summary = lake.ingest(events=events(event("ahead", ahead)))
    assert (summary.events_new, summary.days_dropped) == (1, 0)
    assert before.items() <= content(tmp_path).items()


@given(days=st.lists(st.integers(1, 4000), min_size=1, max_size=8), retention=st.integers(1, 400))
def test_days_ahead_of_the_clock_make_no_other_day_older(days: list[int], retention: int) -> None:
    now = datetime(2024, 6, 1, tzinfo=UTC)
    stored = [(now - timedelta(days=day)).date() for day in days]
    ahead = [(now + timedelta(days=day)).date() for day in days]
    rule = Retention(retention, largest_drop=1)
    assert rule.oldest_day(stored, ahead, now) == rule.oldest_day(stored, [], now) <= max(stored)
    assert rule.oldest_day(ahead, [], now) == date.min


def test_a_drop_of_most_of_the_lake_is_refused_with_the_way_to_allow_it(tmp_path: Path) -> None:
    rows = events(*(event(f"e{day}", at(day)) for day in range(20)))
    Lake(tmp_path, retention_days=20).ingest(events=rows)
    before, new = content(tmp_path), events(event("new", at(60)))
    with pytest.raises(LakeError, match="20 of the 21 days") as caught:
        Lake(tmp_path, retention_days=20).ingest(events=new)
    assert "--largest-drop 1" in caught.value.mend
    assert content(tmp_path) == before
    summary = Lake(tmp_path, retention_days=20, largest_drop=1).ingest(events=new)
    assert summary.days_dropped == 20
    assert lake_rows.ids(tmp_path) == ["new"]


@pytest.mark.parametrize("retention", [1, 2, 7])
@pytest.mark.parametrize("pace", [1, 7, 30])
def test_a_lake_that_is_fed_without_gaps_is_never_stopped(tmp_path: Path, retention: int, pace: int) -> None:
    now = datetime(2024, 6, 1, tzinfo=UTC)
    stored: set[date] = set()
    for start in range(0, 90, pace):
        arriving = [(now - timedelta(days=200 - day)).date() for day in range(start, start + pace)]
        oldest = Retention(retention).oldest_day(stored, arriving, now)
        stored = {day for day in (*stored, *arriving) if day >= oldest}
    assert len(stored) == retention


@pytest.mark.parametrize("days", [1, 10_000_000])
def test_a_retention_longer_than_the_calendar_keeps_all(days: int) -> None:
    first = date(1, 1, 1)
    assert Retention(days).oldest_day([first], [], datetime(2024, 6, 1, tzinfo=UTC)) == first


def test_a_retention_that_keeps_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="at least 1"):
        Lake(tmp_path, retention_days=0)


# ---- Slices -------------------------------------------------------------------------------------------------


@pytest.fixture
def week(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path)
    rows = [(event(f"e{day}", at(day)), report(f"e{day}", at(day)), verdict(f"v{day}", at(day))) for day in range(7)]
    told, reported, judged = zip(*rows, strict=True)
    lake.ingest(events=events(*told), reports=reports(*reported), verdicts=verdicts(*judged))
    return lake


def days_in(paths: tuple[Path, ...]) -> list[int]:
    return [int(path.parent.name[-2:]) - 20 for path in paths]


def test_a_slice_ends_at_the_last_event_and_reaches_back_its_days(week: Lake) -> None:
    piece = week.slice(None, days=2)
    assert (piece.start, piece.as_of) == (at(4), at(6))
    assert days_in(piece.events) == [4, 5, 6]
    assert days_in(piece.reports) == days_in(piece.verdicts) == [0, 1, 2, 3, 4, 5, 6]
    assert all(path.is_file() for path in (*piece.events, *piece.reports, *piece.verdicts))


def test_a_slice_without_an_end_leaves_out_days_ahead_of_the_clock(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    ahead = {**event("e2", at(0)), "ts": datetime.now(UTC) + timedelta(days=365)}
    lake.ingest(events=events(event("e1", at(0)), ahead))
    assert lake.slice(None, 30).as_of == at(0)
    lake.ingest(events=events(event("e3", at(1))))
    assert lake.slice(None, 30).as_of == at(1)


def test_a_lake_that_lies_ahead_of_the_clock_ends_at_its_last_event(tmp_path: Path) -> None:
    moments = [datetime.now(UTC).replace(microsecond=0) + timedelta(days=days) for days in (300, 365)]
    lake = Lake(tmp_path)
    lake.ingest(events=events(*({**event(f"e{n}", at(0)), "ts": moment} for n, moment in enumerate(moments))))
    assert lake.slice(None, 30).as_of == moments[1]


def test_a_slice_of_the_past_knows_nothing_of_what_came_later(week: Lake) -> None:
    piece = week.slice(at(3).replace(tzinfo=None), days=1)
    assert (piece.start, piece.as_of) == (at(2), at(3))
    assert days_in(piece.events) == [2, 3]
    assert days_in(piece.reports) == days_in(piece.verdicts) == [0, 1, 2, 3]


def test_equal_fingerprints_mean_equal_input(week: Lake, tmp_path: Path) -> None:
    before = week.slice(at(3), 2)
    week.ingest(events=events(event("later", at(6, 1))))
    assert week.slice(at(3), 2) == before
    assert week.slice(at(3), 1).fingerprint != before.fingerprint
    assert week.slice(at(3, 1), 2).fingerprint != before.fingerprint
    week.ingest(reports=reports(report("e1", at(1), "new@example.org")))
    after = week.slice(at(3), 2)
    assert (after.events, after.reports) == (before.events, before.reports)
    assert after.fingerprint != before.fingerprint


def test_the_fingerprint_tells_days_of_equal_length_apart(tmp_path: Path) -> None:
    found = set()
    for number, name in enumerate(("e1", "e2")):
        Lake(tmp_path / str(number)).ingest(events=events(event(name, at(0))))
        found.add(Lake(tmp_path / str(number)).slice(None, 1).fingerprint)
    assert len(found) == 2


def test_the_span_is_that_of_the_events(week: Lake, tmp_path: Path) -> None:
    assert week.span() == (at(0), at(6))
    assert Lake(tmp_path / "empty").span() is None


def test_an_empty_lake_says_how_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="ringleader ingest"):
        Lake(tmp_path).slice(None, 30)
    assert not list(tmp_path.iterdir())


def test_a_window_without_events_says_what_the_lake_holds(week: Lake) -> None:
    with pytest.raises(LakeError, match=r"no events between .*2024-05-20T12:00:00.* to 2024-05-26T12"):
        week.slice(at(30), 5)


# ---- Two writers, damage, a full disk -----------------------------------------------------------------------


def test_a_lake_that_is_being_written_refuses_a_second_writer(tmp_path: Path) -> None:
    lock = "import sys, pathlib; from graph.home import *; "
    hold = lock + "exec('with write_lock(Home(pathlib.Path(sys.argv[1]))): print(1, flush=True); sys.stdin.read()')"
    command = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(BusyError, match=f"process {writer.pid} "):
            Lake(tmp_path).ingest(events=events(event("e1", at(0))))
        writer.kill()
    assert content(tmp_path) == {}


def test_a_writer_may_ingest_under_its_own_lock(tmp_path: Path) -> None:
    with write_lock(Home(tmp_path)):
        assert Lake(tmp_path).ingest(events=events(event("e1", at(0)))).events_new == 1


def test_what_killed_writers_left_is_cleaned_up(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.ingest(events=events(event("e1", at(0))))
    clean = content(tmp_path)
    for rest in (
        "events/day=2024-05-20/.events.parquet.17.tmp",
        "events/day=2024-05-22/.events.parquet.17.tmp",
        ".staging/x/y",
    ):
        path = tmp_path / "lake" / rest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    assert lake.span() == (at(0), at(0))
    lake.ingest()
    assert content(tmp_path) == clean
    assert not (tmp_path / "lake/events/day=2024-05-22").exists()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[60] ^= 1
    path.write_bytes(data)


def replace_with_another_table(path: Path) -> None:
    pq.write_table(pa.table({"event_id": ["e1"]}), path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, replace_with_another_table, empty])
def test_a_damaged_day_is_named_and_nothing_is_lost(tmp_path: Path, damage: Any) -> None:
    lake = Lake(tmp_path)
    lake.ingest(events=events(event("e1", at(0)), event("e2", at(1))))
    damage(tmp_path / "lake/events/day=2024-05-20/events.parquet")
    before = content(tmp_path)
    with pytest.raises(LakeError, match=r"day=2024-05-20/events.parquet: .*cannot be read.*Put back a copy"):
        lake.ingest(events=events(event("e3", at(0))))
    assert content(tmp_path) == before


def test_a_slice_with_a_damaged_day_names_it(week: Lake, tmp_path: Path) -> None:
    truncate(tmp_path / "lake/reports/day=2024-05-22/reports.parquet")
    with pytest.raises(LakeError, match="day=2024-05-22"):
        week.slice(None, 2)


def test_a_day_file_under_a_name_that_is_no_day_is_named(week: Lake, tmp_path: Path) -> None:
    (tmp_path / "lake/events/day=2024-05-20").rename(tmp_path / "lake/events/day=copy")
    with pytest.raises(LakeError, match=r"day=copy/events.parquet: .*not named after a day"):
        week.span()


@pytest.mark.parametrize("writes", range(6))
def test_a_full_disk_is_named_and_no_day_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int) -> None:
    Lake(tmp_path).ingest(events=events(event("e1", at(0)), event("e2", at(1))))
    more = events(*(event(f"n{day}", at(day)) for day in range(3)))
    before, left, real = lake_rows.ids(tmp_path), iter(range(writes)), os.fsync

    def fill_up(descriptor: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "fsync", fill_up)
        with pytest.raises(LakeError, match=r"No space left on device.*Free space"):
            Lake(tmp_path).ingest(events=more)
    assert set(before) <= set(lake_rows.ids(tmp_path))
    assert not [path for path in content(tmp_path) if path.endswith(".tmp")]
    Lake(tmp_path).ingest(events=more)
    Lake(tmp_path / "calm").ingest(events=[*events(event("e1", at(0)), event("e2", at(1))), *more])
    assert content(tmp_path) == content(tmp_path / "calm")


FILL_UP = """
import sys, resource
from pathlib import Path
from tests.graph.lake_rows import *
from graph.lake import Lake
from graph.errors import LakeError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    Lake(Path(sys.argv[1])).ingest(events=events(*(event(f"n{number}", at(0, number)) for number in range(5000))))
except LakeError as error:
    print(error)
"""


@pytest.mark.parametrize("file_bytes", [200, 40_000])
def test_a_file_system_that_takes_no_more_is_named(tmp_path: Path, file_bytes: int) -> None:
    Lake(tmp_path).ingest(events=events(event("e1", at(0))))
    before = content(tmp_path)
    command = [sys.executable, "-c", FILL_UP, str(tmp_path), str(file_bytes)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    assert "could not be written" in said
    assert "stored days are untouched" in said
    assert content(tmp_path) == before


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RingleaderError, match="cannot be written"):
        Lake(tmp_path / "file").ingest(events=events(event("e1", at(0))))
    assert (tmp_path / "file").read_text() == "not a folder"


def test_an_input_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    Lake(tmp_path).ingest(events=events(event("e1", at(0))))
    before = content(tmp_path)

    def broken() -> Iterator[pa.RecordBatch]:
        yield from events(event("e2", at(0)))
        raise RuntimeError("the input ends here")

    with pytest.raises(RuntimeError, match="the input ends here"):
        Lake(tmp_path).ingest(events=broken())
    assert content(tmp_path) == before


def test_an_input_that_cannot_be_read_is_not_mistaken_for_the_lake(tmp_path: Path) -> None:
    def unreadable() -> Iterator[pa.RecordBatch]:
        yield from events(event("e1", at(0)))
        raise OSError(errno.EIO, "Input/output error", "mail.mbox")

    with pytest.raises(InputError, match=r"mail.mbox: it cannot be read \(Input/output error\)"):
        Lake(tmp_path).ingest(events=unreadable())
    assert content(tmp_path) == {}


@pytest.mark.parametrize(
    ("arriving", "reason"),
    [
        ({"events": [pa.RecordBatch.from_pylist([{"event_id": "e1"}])]}, "does not fit the schema"),
        ({"events": [pa.RecordBatch.from_pylist([{"event_id": None, "ts": at(0)}], schema=EVENTS)]}, "no `event_id`"),
        ({"reports": [pa.RecordBatch.from_pylist([{"event_id": "e1", "ts": at(0)}], schema=REPORTS)]}, "no `reporter`"),
        ({"verdicts": [pa.RecordBatch.from_pylist([{"key": "k"}], schema=VERDICT_ROWS)]}, "no `ts`"),
    ],
)
def test_rows_that_no_reader_lets_through_are_refused(tmp_path: Path, arriving: Any, reason: str) -> None:
    with pytest.raises(LakeError, match=reason):
        Lake(tmp_path).ingest(**arriving)
    assert content(tmp_path) == {}


def test_progress_hears_of_rows_read_and_written(tmp_path: Path) -> None:
    heard: list[tuple[str, int]] = []
    batches = [*events(event("e1", at(0))), *events(event("e2", at(1)))]
    Lake(tmp_path).ingest(events=batches, progress=lambda stage, rows: heard.append((stage, rows)))
    assert heard == [("reading events", 1), ("reading events", 2), ("writing events", 1), ("writing events", 2)]
