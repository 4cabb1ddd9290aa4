"""Bursts: a stolen account's spree stands apart from its owner's mail; who only ever did one thing keeps all of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from window_world import event, slice_of
from windows import AS_OF, START, Letter, id_of, letter, window

from graph.burst import burst_of, standing_out
from graph.engine import open_engine
from graph.evidence import column, ids
from graph.values import Window
from graph.window import build_window

OWNER, FRIEND = "ann@a.example", "bob@b.example"
VICTIMS = tuple(f"v{n}@home.example" for n in range(12))


@pytest.fixture
def stolen() -> Window:
    """Ann writes to Bob all the time; on day 6 her account links an unknown shop to twelve strangers."""
    own = [letter(OWNER, FRIEND, day=day, sites=("news.example",), network="192.0.2.0/24") for day in range(9)]
    spree = [letter(OWNER, victim, day=6, sites=("shop.example",), network="203.0.113.0/24") for victim in VICTIMS]
    others = [letter(victim, FRIEND, day=n % 9) for n, victim in enumerate(VICTIMS)]
    return window(own + spree + others)


def shown(seen: Window, relation: str, nodes: str, sender: str) -> set[str]:
    edges = getattr(seen, relation)
    mine = ids(edges, "sender") == id_of(seen, "senders", sender)
    keys = getattr(seen, nodes)["key"].to_pylist()
    return {
        keys[at]
        for at in ids(edges, {"recipients": "recipient", "domains": "domain", "networks": "network"}[nodes])[mine]
    }


def test_the_spree_is_left_of_a_stolen_account(stolen: Window) -> None:
    inner = burst_of(stolen)
    assert shown(inner, "wrote_to", "recipients", OWNER) == set(VICTIMS)
    assert shown(inner, "sent_from", "networks", OWNER) == {
        "192.0.2.0/24",
        "203.0.113.0/24",
    }  # a letter to Bob fell on the day
    row = id_of(inner, "senders", OWNER)
    assert column(inner.senders, "recipients")[row] == len(VICTIMS)
    assert column(inner.senders, "active_days")[row] == 1
    assert column(inner.senders, "events")[row] == pytest.approx(len(VICTIMS), abs=1)
    assert sum(inner.senders["days"][row].as_py()) == column(inner.senders, "events")[row]


def test_links_of_other_days_are_gone(stolen: Window) -> None:
    edges = burst_of(stolen).linked_to
    mine = ids(edges, "sender") == id_of(stolen, "senders", OWNER)
    assert column(edges, "events")[mine].tolist() == [1, len(VICTIMS)]  # one letter to Bob fell on the day


def test_a_sender_of_one_letter_keeps_it(stolen: Window) -> None:
    inner = burst_of(stolen)
    for victim in VICTIMS:
        assert shown(inner, "wrote_to", "recipients", victim) == shown(stolen, "wrote_to", "recipients", victim)


def test_whoever_writes_to_friends_alone_has_no_burst() -> None:
    inner = burst_of(window([letter(OWNER, FRIEND, day=day) for day in range(9)]))
    assert inner.wrote_to.num_rows == 0
    assert column(inner.senders, "events").tolist() == [0]


def test_without_days_of_edges_the_window_is_its_own_burst(stolen: Window) -> None:
    bare = replace(stolen, edge_days={})
    assert burst_of(bare) is bare


def test_days_of_edges_are_those_of_the_events(tmp_path: Path) -> None:
    """What the engine gathers is what the hand-made windows hold."""
    letters = [Letter("a@x.example", ("b@y.example",), day=day, hour=3) for day in (0, 4, 9)]
    rows = [event(f"e{n}", one.ts, one.sender, list(one.to), sender_site="x.example") for n, one in enumerate(letters)]
    with open_engine("duckdb") as engine:
        built = build_window(slice_of(tmp_path, rows, start=START, as_of=AS_OF), engine)
    assert built.edge_days["wrote_to"].tolist() == window(letters).edge_days["wrote_to"].tolist()


COUNTS = arrays(np.float64, (3, 12), elements=st.integers(0, 6).map(float))


@settings(max_examples=60, deadline=None)
@given(COUNTS)
def test_what_stands_out_is_one_run_or_everything(fresh: "np.ndarray") -> None:
    inside = standing_out(fresh)
    edges = np.diff(np.pad(inside.astype(int), ((0, 0), (1, 1))), axis=1)
    assert ((edges == 1).sum(axis=1) == 1).all()
    few = (fresh.sum(axis=1) < 4) | ((fresh > 0).sum(axis=1) < 3)
    assert inside[few].all()


def test_the_busiest_run_is_found() -> None:
    fresh = np.ones((1, 30))
    fresh[0, 11:13] = 20
    assert np.flatnonzero(standing_out(fresh)[0]).tolist() == [11, 12]
