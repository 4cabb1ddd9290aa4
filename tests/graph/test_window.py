"""The window graph: a window worked out by hand, what stays out of it, and laws that hold for any events."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from window_world import AS_OF, START, Row, at, event, report, slice_of, table_bytes, tables

from graph import schema
from graph.engine import Engine, open_engine
from graph.errors import LakeError
from graph.values import Window
from graph.window import build_window, codes

ANN, BEN, CAT, ACCOUNT = "ann@one.example", "ben@one.example", "cat@two.example", "b-account-9"
NETWORK_4, NETWORK_6 = "192.0.2.0/24", "2001:db8:1::/48"

ONE = {"sender_site": "one.example"}
EVENTS = [
    event("too-early", START, ANN, [CAT], **ONE),
    event(
        "e1",
        at(1, 1),
        ANN,
        [BEN, CAT, BEN],
        **ONE,
        sites=["link.example", "one.example"],
        ip="192.0.2.1",
        network=NETWORK_4,
        fingerprint="f1",
    ),
    event("e2", at(2, 1, 30), ANN, [BEN], **ONE, channel="calendar", ip="192.0.2.9", network=NETWORK_4),
    event("e3", at(2, 23), BEN, [ANN, BEN], **ONE, sites=["link.example"], fingerprint="f1"),
    event("e4", AS_OF, ACCOUNT, [CAT], channel="contacts", ip="2001:db8:1::5", network=NETWORK_6),
    event("too-late", AS_OF + timedelta(microseconds=1), CAT, [ANN], fingerprint="f2"),
]
REPORTS = [
    report("e1", BEN, at(2), "phish"),
    report("e1", BEN, at(2, 1), "junk"),
    report("e1", CAT, AS_OF, "junk"),
    report("e2", BEN, at(3), "junk"),
    report("e2", BEN, at(3, 1), "not_junk"),
    report("e3", ANN, at(3), "not_junk"),
    report("e3", CAT, at(3), "junk"),  # ben never wrote to cat: no edge to put it on
    report("e4", CAT, AS_OF + timedelta(seconds=1), "phish"),  # not known yet
    report("too-early", CAT, at(2), "phish"),  # about an event outside the window
]
# Orders differ between bytes, UTF-16 and locales on these.
ODD_KEYS = ["b@x.example", "B@x.example", "é@x.example", "\U0001f4e7@x.example", "￥@x.example", "a b", "_", "~"]


@pytest.fixture(scope="module")
def duckdb() -> Iterator[Engine]:
    with open_engine("duckdb", threads=2) as engine:
        yield engine


@pytest.fixture(scope="module")
def spark() -> Iterator[Engine]:
    missing = [name for name, there in (("pyspark", find_spec("pyspark")), ("Java", _java())) if not there]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"the Spark engine needs {' and '.join(missing)}")
    with open_engine("spark", threads=2) as engine:
        yield engine


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")


@pytest.fixture(scope="module")
def window(duckdb: Engine, tmp_path_factory: pytest.TempPathFactory) -> Window:
    return build_window(slice_of(tmp_path_factory.mktemp("lake"), EVENTS, reports=REPORTS), duckdb)


def hours(**counts: int) -> list[int]:
    profile = [0] * 24
    for hour, count in counts.items():
        profile[int(hour.removeprefix("h"))] = count
    return profile


def test_every_column_of_the_senders(window: Window) -> None:
    ann, account, ben = window.senders.to_pylist()
    assert ann == {
        "key": ANN, "events": 2, "recipients": 2, "messages_to": 3, "first_seen": at(1, 1), "last_seen": at(2, 1, 30),
        "active_days": 2, "mail": 1, "calendar": 1, "contacts": 0, "hours": hours(h1=2), "days": [1, 1, 0],
        "linked": 1, "junk": 2, "not_junk": 1, "reported_events": 2, "answered": 1,
    }  # fmt: skip
    assert account == {
        "key": ACCOUNT, "events": 1, "recipients": 1, "messages_to": 1, "first_seen": AS_OF, "last_seen": AS_OF,
        "active_days": 1, "mail": 0, "calendar": 0, "contacts": 1, "hours": hours(h12=1), "days": [0, 0, 1],
        "linked": 0, "junk": 0, "not_junk": 0, "reported_events": 0, "answered": 0,
    }  # fmt: skip
    assert ben == {
        "key": BEN, "events": 1, "recipients": 2, "messages_to": 2, "first_seen": at(2, 23), "last_seen": at(2, 23),
        "active_days": 1, "mail": 1, "calendar": 0, "contacts": 0, "hours": hours(h23=1), "days": [0, 1, 0],
        "linked": 1, "junk": 1, "not_junk": 1, "reported_events": 1, "answered": 1,
    }  # fmt: skip


def test_every_column_of_the_recipients(window: Window) -> None:
    assert window.recipients.to_pylist() == [
        {"key": ANN, "events": 1, "senders": 1, "first_seen": at(2, 23), "last_seen": at(2, 23)},
        {"key": BEN, "events": 3, "senders": 2, "first_seen": at(1, 1), "last_seen": at(2, 23)},
        {"key": CAT, "events": 2, "senders": 2, "first_seen": at(1, 1), "last_seen": AS_OF},
    ]


def test_every_column_of_domains_networks_and_fingerprints(window: Window) -> None:
    assert window.domains.to_pylist() == [
        {"key": "link.example", "events": 2, "senders": 2, "first_seen": at(1, 1), "last_seen": at(2, 23)},
        {"key": "one.example", "events": 1, "senders": 1, "first_seen": at(1, 1), "last_seen": at(2, 23)},
    ]
    assert window.networks.to_pylist() == [
        {"key": NETWORK_4, "events": 2, "senders": 1, "first_seen": at(1, 1), "last_seen": at(2, 1, 30)},
        {"key": NETWORK_6, "events": 1, "senders": 1, "first_seen": AS_OF, "last_seen": AS_OF},
    ]
    assert window.fingerprints.to_pylist() == [
        {"key": "f1", "events": 2, "senders": 2, "first_seen": at(1, 1), "last_seen": at(2, 23)},
    ]


def test_every_column_of_wrote_to(window: Window) -> None:
    names = window.wrote_to.column_names
    assert [tuple(row[name] for name in names) for row in window.wrote_to.to_pylist()] == [
        (0, 1, 2, at(1, 1), at(2, 1, 30), 2, 1, 1, 0, 2),
        (0, 2, 1, at(1, 1), at(1, 1), 1, 1, 0, 0, 1),
        (1, 2, 1, AS_OF, AS_OF, 1, 0, 0, 1, 0),
        (2, 0, 1, at(2, 23), at(2, 23), 1, 1, 0, 0, 0),
        (2, 1, 1, at(2, 23), at(2, 23), 1, 1, 0, 0, 0),
    ]


def test_every_column_of_the_relations_to_artefacts(window: Window) -> None:
    assert [tuple(row.values()) for row in window.linked_to.to_pylist()] == [
        (0, 0, 1, at(1, 1), at(1, 1), 1),
        (0, 1, 1, at(1, 1), at(1, 1), 1),
        (2, 0, 1, at(2, 23), at(2, 23), 1),
    ]
    assert [tuple(row.values()) for row in window.sent_from.to_pylist()] == [
        (0, 0, 2, 2, at(1, 1), at(2, 1, 30), 2),
        (1, 1, 1, 1, AS_OF, AS_OF, 1),
    ]
    assert [tuple(row.values()) for row in window.carried.to_pylist()] == [
        (0, 0, 1, at(1, 1), at(1, 1), 1),
        (2, 0, 1, at(2, 23), at(2, 23), 1),
    ]
    assert [tuple(row.values()) for row in window.address_at.to_pylist()] == [(0, 1), (2, 1)]
    assert [tuple(row.values()) for row in window.same_mailbox.to_pylist()] == [(0, 0), (2, 1)]


def test_who_reported_whom_is_kept_once_for_each_side(window: Window) -> None:
    """Reporters are Ann, Ben and Cat, in this order. Ben called mail of Ann junk, and later cleared her."""
    pairs = zip(window.reported.reporter, window.reported.sender, window.reported.bad, strict=True)
    names = window.senders["key"].to_pylist()
    assert [(int(who), names[about], bool(bad)) for who, about, bad in pairs] == [
        (0, BEN, False),
        (1, ANN, False),
        (1, ANN, True),
        (2, ANN, True),
        (2, BEN, True),
    ]


def test_tables_have_the_shared_schemas_and_the_window_its_bounds(window: Window) -> None:
    assert {name: table.schema for name, table in tables(window).items()} == SCHEMAS
    assert (window.start, window.as_of, window.fingerprint) == (START, AS_OF, "fingerprint")


SCHEMAS = {
    "senders": schema.SENDERS,
    "recipients": schema.RECIPIENTS,
    "domains": schema.ARTEFACTS,
    "networks": schema.ARTEFACTS,
    "fingerprints": schema.ARTEFACTS,
    "wrote_to": schema.WROTE_TO,
    "linked_to": schema.LINKED_TO,
    "sent_from": schema.SENT_FROM,
    "carried": schema.CARRIED,
    "address_at": schema.ADDRESS_AT,
    "same_mailbox": schema.SAME_MAILBOX,
}


@pytest.mark.parametrize("files", [(), ([],), ([event("early", START, ANN, [BEN])],)])
def test_a_window_without_events_has_empty_tables(files: tuple[list[Row], ...], duckdb: Engine, tmp_path: Path) -> None:
    empty = build_window(slice_of(tmp_path, *files, reports=REPORTS), duckdb)
    assert {name: (table.schema, table.num_rows) for name, table in tables(empty).items()} == {
        name: (expected, 0) for name, expected in SCHEMAS.items()
    }


def test_a_damaged_day_is_an_error_that_names_it(duckdb: Engine, tmp_path: Path) -> None:
    piece = slice_of(tmp_path, EVENTS)
    piece.events[0].write_bytes(b"PAR1 cut short")
    with pytest.raises(LakeError, match=r"day=0000/events\.parquet: the day file cannot be read"):
        build_window(piece, duckdb)


def test_a_damaged_page_is_noticed(duckdb: Engine, tmp_path: Path) -> None:
    piece = slice_of(tmp_path, [event("e1", at(1, 1), ANN, [BEN])])
    path = piece.events[0]
    rows = pq.read_table(path, partitioning=None)
    pq.write_table(rows, path, write_page_checksum=True, write_statistics=False, compression="none")
    path.write_bytes(path.read_bytes().replace(ANN.encode(), CAT.encode(), 1))
    with pytest.raises(LakeError, match="CRC"):
        build_window(piece, duckdb)


def test_a_missing_day_is_an_error_that_names_it(duckdb: Engine, tmp_path: Path) -> None:
    piece = slice_of(tmp_path, EVENTS)
    piece.events[0].unlink()
    with pytest.raises(LakeError, match=r"day=0000/events\.parquet"):
        build_window(piece, duckdb)


def test_batches_of_any_size_give_the_same_bytes(
    window: Window, duckdb: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "BATCH_ROWS", 1)
    piece = slice_of(tmp_path, *([row] for row in EVENTS), reports=REPORTS)
    assert table_bytes(build_window(piece, duckdb)) == table_bytes(window)


def test_what_comes_after_as_of_changes_nothing(window: Window, duckdb: Engine, tmp_path: Path) -> None:
    known_events = [row for row in EVENTS if row["ts"] <= AS_OF]
    known_reports = [row for row in REPORTS if row["ts"] <= AS_OF]
    known = build_window(slice_of(tmp_path, known_events, reports=known_reports), duckdb)
    assert table_bytes(known) == table_bytes(window)


def test_mail_to_oneself_is_no_answer(duckdb: Engine, tmp_path: Path) -> None:
    alone = build_window(slice_of(tmp_path, [event("e", at(1, 1), ANN, [ANN])]), duckdb)
    assert alone.senders["answered"].to_pylist() == [0]
    assert alone.same_mailbox.to_pylist() == [{"sender": 0, "recipient": 0}]


@pytest.mark.parametrize("people", [[BEN, BEN], [BEN, CAT, BEN], [BEN, CAT, CAT], [BEN, CAT, ANN, "d@x.example", ANN]])
def test_a_recipient_listed_twice_counts_once(people: list[str], duckdb: Engine, tmp_path: Path) -> None:
    built = build_window(slice_of(tmp_path, [event("e", at(1, 1), ANN, people)]), duckdb)
    assert built.wrote_to["events"].to_pylist() == [1] * len(set(people))
    assert built.senders["messages_to"].to_pylist() == [len(set(people))]


def test_the_promise_of_distinct_recipients_changes_no_byte(duckdb: Engine, tmp_path: Path) -> None:
    rows = [row | {"recipients": list(dict.fromkeys(row["recipients"]))} for row in EVENTS]
    piece = slice_of(tmp_path, rows, reports=REPORTS)
    unknown, promised = (
        build_window(replace(piece, distinct_recipients=distinct), duckdb) for distinct in (False, True)
    )
    assert table_bytes(promised) == table_bytes(unknown)


def test_keys_are_numbered_in_the_order_of_their_bytes(duckdb: Engine, tmp_path: Path) -> None:
    built = build_window(slice_of(tmp_path, [event(key, at(1, 1), key, [key]) for key in ODD_KEYS]), duckdb)
    assert built.senders["key"].to_pylist() == sorted(ODD_KEYS, key=str.encode)
    assert built.recipients["key"].to_pylist() == sorted(ODD_KEYS, key=str.encode)


def test_a_window_longer_than_one_word_of_days_counts_them_all(duckdb: Engine, tmp_path: Path) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    days = [0, 1, 61, 62, 63, 123, 124, 149]
    rows = [event(str(day), start + timedelta(days=day, hours=5), ANN, [BEN], sites=["l.example"]) for day in days]
    long = build_window(slice_of(tmp_path, rows, start=start, as_of=start + timedelta(days=150)), duckdb)
    assert [day for day, count in enumerate(long.senders["days"][0].as_py()) if count] == days
    assert long.wrote_to["active_days"].to_pylist() == long.linked_to["active_days"].to_pylist() == [len(days)]


# ---- Laws ---------------------------------------------------------------------------------------------------

PEOPLE = [f"p{n}@{'one' if n % 2 else 'two'}.example" for n in range(6)]
SITES = ["one.example", "link.example", "shop.test"]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Up to thirty events around the window among six people, and reports about them."""
    minute = st.integers(-120, 62 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
    rows = []
    for n in range(draw(st.integers(0, 30))):
        sender, host = draw(st.sampled_from(PEOPLE)), draw(st.none() | st.integers(1, 3))
        people = draw(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=5))
        artefacts = {
            "sites": sorted(draw(st.sets(st.sampled_from(SITES)))),
            "sender_site": sender.split("@")[1],
            "ip": host and f"192.0.2.{host}",
            "network": host and NETWORK_4,
            "fingerprint": draw(st.none() | st.sampled_from(["f1", "f2"])),
        }
        channel = draw(st.sampled_from(schema.CHANNELS))
        rows.append(event(f"e{n}", draw(minute), sender, people, channel=channel, **artefacts))
    known = st.builds(
        report,
        st.integers(0, 30).map("e{}".format),
        st.sampled_from(PEOPLE),
        minute,
        st.sampled_from(schema.REPORT_KINDS),
    )
    return rows, draw(st.lists(known, max_size=10))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(), data=st.data())
def test_order_batches_and_threads_do_not_change_a_byte(
    world: tuple[list[Row], list[Row]], data: st.DataObject, duckdb: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows, reports = world
    shuffled, cut = data.draw(st.permutations(rows)), data.draw(st.integers(0, len(rows)))
    folder = tmp_path_factory.mktemp("lake")
    once = build_window(slice_of(folder / "once", rows, reports=reports), duckdb)
    with open_engine("duckdb", threads=1) as other:
        again = build_window(slice_of(folder / "again", shuffled[:cut], shuffled[cut:], reports=reports[::-1]), other)
    assert table_bytes(once) == table_bytes(again)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds())
def test_the_graph_says_what_a_plain_count_says(
    world: tuple[list[Row], list[Row]], duckdb: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows, reports = world
    built = build_window(slice_of(tmp_path_factory.mktemp("lake"), rows, reports=reports), duckdb)
    inside = [row for row in rows if START < row["ts"] <= AS_OF]
    assert edges(built, "wrote_to", "recipients") == Counter(
        (row["sender"], person) for row in inside for person in set(row["recipients"])
    )
    assert edges(built, "linked_to", "domains") == Counter(
        (row["sender"], site) for row in inside for site in row["sites"]
    )
    assert edges(built, "carried", "fingerprints") == Counter(
        (row["sender"], row["fingerprint"]) for row in inside if row["fingerprint"]
    )
    addresses = {(row["sender"], row["ip"]) for row in inside if row["ip"]}
    assert edges(built, "sent_from", "networks", "addresses") == Counter((sender, NETWORK_4) for sender, _ in addresses)
    writers: dict[str, set[str]] = {row["sender"]: set() for row in inside}
    for row in inside:
        writers[row["sender"]] |= set(row["recipients"])
    assert dict(zip(built.senders["key"].to_pylist(), built.senders["answered"].to_pylist(), strict=True)) == {
        sender: sum(sender in writers.get(person, ()) for person in people - {sender})
        for sender, people in writers.items()
    }
    senders = {row["event_id"]: row["sender"] for row in inside}
    bad = {
        (row["reporter"], senders[row["event_id"]])
        for row in reports
        if row["event_id"] in senders and row["ts"] <= AS_OF and row["kind"] != "not_junk"
    }
    assert sum(built.senders["junk"].to_pylist()) == len(bad)


def edges(built: Window, relation: str, kind: str, count: str = "events") -> dict[tuple[Any, Any], int]:
    """An edge table as (sender's key, target's key) -> count."""
    table, senders, targets = getattr(built, relation), built.senders["key"], getattr(built, kind)["key"]
    rows = zip(*(table[name].to_pylist() for name in (*table.column_names[:2], count)), strict=True)
    return {(senders[source].as_py(), targets[target].as_py()): number for source, target, number in rows}


# ---- Spark --------------------------------------------------------------------------------------------------


@pytest.mark.spark
@pytest.mark.slow
def test_spark_gives_the_bytes_that_duckdb_gives(duckdb: Engine, spark: Engine, tmp_path: Path) -> None:
    odd = [event(key, at(1, 1), key, [*ODD_KEYS, key]) for key in ODD_KEYS]
    straight = build_window(slice_of(tmp_path / "straight", EVENTS + odd, reports=REPORTS), duckdb)
    turned = build_window(slice_of(tmp_path / "turned", odd[::-1], EVENTS[::-1], reports=REPORTS[::-1]), spark)
    assert table_bytes(turned) == table_bytes(straight)


@pytest.mark.spark
@pytest.mark.slow
def test_spark_gives_an_empty_window_for_no_files(spark: Engine, tmp_path: Path) -> None:
    empty = build_window(slice_of(tmp_path), spark)
    assert {name: (table.schema, table.num_rows) for name, table in tables(empty).items()} == {
        name: (expected, 0) for name, expected in SCHEMAS.items()
    }


# ---- Reports that name a mail by its Message-ID

DIGEST = {1: "#" + "1" * 32, 2: "#" + "2" * 32, 3: "#" + "3" * 32}
SALE = "sale-1@two.example"


@pytest.mark.parametrize(
    ("events", "reports", "junk"),
    [
        ([(SALE + DIGEST[1], ANN, [BEN])], [(SALE, BEN), (f"<{SALE}>", CAT)], {ANN: 2}),
        ([(SALE + DIGEST[1], ANN, [BEN])], [(SALE, BEN.upper())], {ANN: 1}),
        # copies of one mail: the reporter's own, or all where it received none
        ([(SALE + DIGEST[1], ANN, [BEN]), (SALE + DIGEST[2], ANN, [CAT])], [(SALE, BEN)], {ANN: 1}),
        ([(SALE + DIGEST[1], ANN, [BEN]), (SALE + DIGEST[2], ANN, [CAT])], [(SALE, "x@y.example")], {ANN: 1}),
        # somebody else uses the Message-ID: what the reporter received counts, and a stranger's report for nobody
        ([(SALE + DIGEST[1], ANN, [BEN]), (SALE + DIGEST[2], CAT, [ACCOUNT])], [(SALE, BEN)], {ANN: 1, CAT: 0}),
        ([(SALE + DIGEST[1], ANN, [BEN]), (SALE + DIGEST[2], CAT, [BEN])], [(SALE, ACCOUNT)], {ANN: 0, CAT: 0}),
        # an event that has the Message-ID for its id is the one that is meant
        ([(SALE, ANN, [BEN]), (SALE + DIGEST[2], CAT, [BEN])], [(SALE, BEN)], {ANN: 1, CAT: 0}),
        ([(SALE + DIGEST[1], ANN, [BEN])], [("other@two.example", BEN), (SALE + DIGEST[3], BEN)], {ANN: 0}),
    ],
)
def test_a_report_by_message_id_is_about_the_mail_that_its_reporter_can_have_seen(
    events: list[tuple[str, str, list[str]]],
    reports: list[tuple[str, str]],
    junk: dict[str, int],
    duckdb: Engine,
    tmp_path: Path,
) -> None:
    rows = [event(event_id, at(2), sender, recipients) for event_id, sender, recipients in events]
    told = [report(event_id, reporter, at(2, 1), "junk") for event_id, reporter in reports]
    window = build_window(slice_of(tmp_path, rows, reports=told), duckdb)
    counted = dict(zip(window.senders["key"].to_pylist(), window.senders["junk"].to_pylist(), strict=True))
    assert {key: counted[key] for key in junk} == junk


def test_a_window_says_how_many_reports_were_given_and_how_many_joined(duckdb: Engine, tmp_path: Path) -> None:
    events = [event(SALE + DIGEST[1], at(2), ANN, [BEN]), event(SALE + DIGEST[2], at(2), ANN, [CAT])]
    reports = [
        report(SALE, "x@y.example", at(2, 1), "junk"),  # both copies, counted once
        report(SALE + DIGEST[1], BEN, at(2, 2), "junk"),
        report("nothing", BEN, at(2, 3), "junk"),
        report(SALE, BEN, START - timedelta(days=1), "junk"),  # before the window
    ]
    window = build_window(slice_of(tmp_path, events, reports=reports), duckdb)
    assert (window.reports_given, window.reports_joined) == (3, 2)


def test_a_reporter_is_the_recipient_in_every_spelling(duckdb: Engine, tmp_path: Path) -> None:
    told = [report("e", f"<{BEN.upper()}>", at(2, 1), "junk")]
    window = build_window(slice_of(tmp_path, [event("e", at(2), ANN, [BEN])], reports=told), duckdb)
    assert window.wrote_to["reports"].to_pylist() == [1]
