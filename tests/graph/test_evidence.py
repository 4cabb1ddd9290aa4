"""Evidence: relations as counted, strangers as known, shared targets against a brute-force count over pairs."""

from dataclasses import fields
from math import log
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from window_world import event, report, slice_of
from windows import AS_OF, START, Letter, Report, id_of, letter, window

from graph import evidence as room
from graph.engine import open_engine
from graph.evidence import Evidence, cold_contacts, cotargets, gather_evidence
from graph.window import build_window

PEOPLE = ("ann@a.example", "bob@b.example", "cid@c.example", "dot@d.example")
LETTERS = st.lists(
    st.builds(
        Letter,
        sender=st.sampled_from(PEOPLE),
        to=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True).map(tuple),
        day=st.integers(0, 8),
        sites=st.sets(st.sampled_from(["s.example", "t.example"])).map(sorted).map(tuple),
        network=st.sampled_from([None, "192.0.2.0/24", "198.51.100.0/24"]),
        text=st.sampled_from([None, "f1"]),
    ),
    max_size=12,
)
SMALL = settings(max_examples=40, deadline=None)


@pytest.fixture
def easy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds small enough that a matrix of ten rows meets every one of them."""
    for name, value in {"MOST_TARGETS": 6, "MOST_WRITERS": 4, "LEAST_COTARGET_WEIGHT": 0.5, "ROWS_A_BLOCK": 3}.items():
        monkeypatch.setattr(room, name, value)


def test_a_window_by_hand_is_the_window_that_the_engine_builds(tmp_path: Path) -> None:
    letters = [
        letter("ann@a.example", "bob@b.example", "cid@c.example", sites=("s.example",), network="192.0.2.0/24"),
        letter("ann@a.example", "bob@b.example", day=3, hour=23, text="f1", channel="calendar"),
        letter("bob@b.example", "ann@a.example", day=4, sites=("a.example", "s.example")),
        letter("account-1", "ann@a.example", "account-1", day=9, channel="contacts"),
    ]
    reports = [Report(0, "bob@b.example"), Report(0, "cid@c.example", "not_junk"), Report(2, "ann@a.example", "phish")]
    rows = [
        event(str(n), one.ts, one.sender, one.to, channel=one.channel, sites=list(one.sites))
        | {"network": one.network, "fingerprint": one.text, "sender_site": one.home, "ip": one.network and "192.0.2.7"}
        for n, one in enumerate(letters)
    ]
    told = [report(str(one.letter), one.reporter, AS_OF, one.kind) for one in reports]
    with open_engine("duckdb", threads=1) as engine:
        built = build_window(slice_of(tmp_path, rows, reports=told, start=START, as_of=AS_OF), engine)
    by_hand = window(letters, reports)
    for field in fields(by_hand):
        mine, theirs = getattr(by_hand, field.name), getattr(built, field.name)
        if isinstance(mine, pa.Table):
            assert mine.to_pylist() == theirs.to_pylist(), field.name


def test_a_relation_counts_the_events_of_each_sender_with_each_artefact() -> None:
    seen = window(
        [
            letter("ann@a.example", "bob@b.example", sites=("s.example", "t.example")),
            letter("ann@a.example", "bob@b.example", sites=("s.example",)),
            letter("bob@b.example", "cid@c.example", sites=("s.example",)),
        ]
    )
    linked = gather_evidence(seen).relation("linked_to")
    ann, bob = (id_of(seen, "senders", key) for key in PEOPLE[:2])
    s, t = (id_of(seen, "domains", key) for key in ("s.example", "t.example"))
    assert (linked.counts[ann, s], linked.counts[ann, t], linked.counts[bob, s]) == (2, 1, 1)
    assert linked.counts.sum() == 4
    assert linked.used.sum() == 3
    assert (linked.degree[s], linked.degree[t]) == (2, 1)


@SMALL
@given(LETTERS)
def test_every_relation_holds_each_edge_of_its_table_once(letters: list[Letter]) -> None:
    seen = window(letters)
    found = gather_evidence(seen)
    for name, table, artefact, _ in room.RELATION_TABLE:
        cells = found.relation(name).counts.tocoo()
        edges = getattr(seen, table)
        events = edges["events"].to_pylist() if "events" in edges.column_names else [1] * edges.num_rows
        expected = dict(
            zip(zip(edges["sender"].to_pylist(), edges[artefact].to_pylist(), strict=True), events, strict=True)
        )
        assert dict(zip(zip(cells.row.tolist(), cells.col.tolist(), strict=True), cells.data, strict=True)) == expected


@SMALL
@given(LETTERS, st.randoms())
def test_the_order_of_letters_changes_no_evidence(letters: list[Letter], chance: object) -> None:
    shuffled = list(letters)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert same(gather_evidence(window(letters)), gather_evidence(window(shuffled)))


def same(one: Evidence, other: Evidence) -> bool:
    pairs = [(a.counts, b.counts) for a, b in zip(one.relations, other.relations, strict=True)]
    matrices = [*pairs, (one.cotargets, other.cotargets)]
    return all((a != b).nnz == 0 for a, b in matrices) and bool(np.array_equal(one.days, other.days))


def test_a_relation_that_does_not_exist_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="telepathy"):
        gather_evidence(window([letter("ann@a.example", "bob@b.example")])).relation("telepathy")


def test_an_empty_window_gives_empty_evidence() -> None:
    found = gather_evidence(window([]))
    assert [relation.counts.nnz for relation in found.relations] == [0] * len(room.RELATION_TABLE)
    assert found.cotargets.shape == (0, 0)


@SMALL
@given(LETTERS)
def test_a_contact_is_cold_unless_it_wrote_back(letters: list[Letter]) -> None:
    seen = window(letters)
    written = {(one.sender, to) for one in letters for to in one.to}
    expected = {(source, target) for source, target in written if (target, source) not in written}
    cells = cold_contacts(seen).tocoo()
    senders, recipients = seen.senders["key"].to_pylist(), seen.recipients["key"].to_pylist()
    assert {(senders[s], recipients[r]) for s, r in zip(cells.row, cells.col, strict=True)} == expected


@pytest.mark.usefixtures("easy")
@settings(max_examples=100, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 10), st.integers(1, 14))))
def test_cotargets_are_those_of_a_brute_force_count(targets: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]") -> None:
    found = cotargets(sp.csr_matrix(targets.astype(np.float32))).toarray()
    assert np.array_equal(found, found.T)
    assert np.allclose(found, brute_force(targets), rtol=1e-5)


def brute_force(
    targets: "np.ndarray[tuple[int, int], np.dtype[np.bool_]]",
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    fanout, writers = targets.sum(axis=1), targets.sum(axis=0)
    usual = writers <= room.MOST_WRITERS
    chance = sum((int(d) / max(int(writers.sum()), 1)) ** 2 for d in writers[usual])
    out = np.zeros((len(targets), len(targets)))
    for i, first in enumerate(targets):
        for j, second in enumerate(targets):
            overlap, expected = int((first & second & usual).sum()), int(fanout[i]) * int(fanout[j]) * chance
            listed = all(room.LEAST_TARGETS <= fanout[k] <= room.MOST_TARGETS for k in (i, j))
            if i == j or not listed or overlap < room.LEAST_OVERLAP or overlap <= expected:
                continue
            weight = overlap * log(overlap / expected) - (overlap - expected)
            out[i, j] = weight if weight >= room.LEAST_COTARGET_WEIGHT else 0.0
    return out


@pytest.mark.parametrize("rows", [1, 2, 1_000])
def test_cotargets_are_the_same_in_blocks_of_any_size(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cold = sp.random(60, 400, density=0.03, random_state=3, format="csr", dtype=np.float32)
    cold.data[:] = 1
    copies = sp.vstack([cold, cold]).tocsr()
    whole = cotargets(copies)
    assert whole.nnz >= 60
    monkeypatch.setattr(room, "ROWS_A_BLOCK", rows)
    assert (cotargets(copies) != whole).nnz == 0


def test_two_who_write_to_the_same_ten_strangers_of_many_are_tied() -> None:
    crowd = [letter(f"u{n}@u.example", f"v{n}@v.example", f"v{n + 1}@v.example") for n in range(60)]
    strangers = [f"v{n}@v.example" for n in range(0, 50, 5)]
    pair = [letter(f"bad{n}@bad{n}.example", *strangers) for n in (1, 2)]
    seen = window(crowd + pair)
    one, two = (id_of(seen, "senders", f"bad{n}@bad{n}.example") for n in (1, 2))
    tied = gather_evidence(seen).cotargets
    assert sorted(zip(*tied.nonzero(), strict=True)) == [(one, two), (two, one)]
