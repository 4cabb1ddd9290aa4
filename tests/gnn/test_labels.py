"""Verdicts as numbers: the newest of each source, what was known when, what a campaign's says of its members."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.labels import CAMPAIGN_WEIGHT, GRAIN, LASTING, Labels, freshness, labels_of
from graph.schema import MEMBERS, VERDICT_ROWS

NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)
KEYS = pa.chunked_array([["ann@a.example", "bob@b.example", "cid@c.example"]])


def verdict(key: str, word: str, hours: float = -1, source: str = "desk", kind: str = "sender") -> dict[str, Any]:
    return {"kind": kind, "key": key, "verdict": word, "ts": NOON + timedelta(hours=hours), "source": source}


def labels(*rows: dict[str, Any], members: list[dict[str, Any]] | None = None, kind: str = "sender") -> Labels:
    known = pa.Table.from_pylist(members, MEMBERS) if members is not None else None
    return labels_of(kind, KEYS, pa.Table.from_pylist(list(rows), VERDICT_ROWS), NOON, known)


def member(key: str, weight: float = 1.0, role: str = "sender") -> dict[str, Any]:
    return {"campaign_id": "c-1", "kind": "sender", "key": key, "role": role, "weight": weight}


def test_no_verdicts_are_no_labels() -> None:
    found = labels()
    assert found.known.tolist() == [False] * 3
    assert found.weight.tolist() == [0.0] * 3


def test_a_verdict_labels_its_node_and_no_other() -> None:
    found = labels(verdict("bob@b.example", "malicious"), verdict("cid@c.example", "benign"))
    assert found.known.tolist() == [False, True, True]
    assert found.target.tolist()[1:] == [1.0, 0.0]
    assert found.weight.tolist() == [0.0, 1.0, 1.0]


def test_a_source_that_changes_its_mind_counts_as_it_thinks_now() -> None:
    found = labels(verdict("ann@a.example", "malicious", -5), verdict("ann@a.example", "benign", -2))
    assert (found.malicious[0], found.benign[0]) == (0.0, 1.0)


def test_two_sources_that_disagree_cancel_out() -> None:
    found = labels(verdict("ann@a.example", "malicious"), verdict("ann@a.example", "benign", source="appeals"))
    assert not found.known[0]
    assert found.weight[0] == 0


def test_two_against_one_count_for_less_than_two_alone() -> None:
    pair = [verdict("ann@a.example", "malicious", source=name) for name in ("desk", "night desk")]
    agreed = labels(*pair)
    disputed = labels(*pair, verdict("ann@a.example", "benign", source="appeals"))
    assert disputed.target[0] == agreed.target[0] == 1
    assert 0 < disputed.weight[0] < agreed.weight[0] == 1


def test_a_verdict_counts_less_the_older_it_is_but_never_less_than_half() -> None:
    ages = [0.0, 90.0, 180.0, 36_500.0]
    weights = [labels(verdict("ann@a.example", "malicious", hours=-24 * age)).weight[0] for age in ages]
    assert weights[:3] == [1.0, 0.75, 0.625]
    assert CAMPAIGN_WEIGHT < weights[3] < 0.51


def test_of_two_sources_that_disagree_the_one_that_spoke_last_is_followed() -> None:
    old = verdict("ann@a.example", "malicious", hours=-24 * 60)
    found = labels(old, verdict("ann@a.example", "benign", hours=-24, source="appeals"))
    assert found.target[0] == 0
    assert found.known[0]
    assert found.weight[0] < 0.25  # they still weaken each other


def test_the_half_life_is_an_option() -> None:
    rows = pa.Table.from_pylist([verdict("ann@a.example", "malicious", hours=-24 * 10)], VERDICT_ROWS)
    assert labels_of("sender", KEYS, rows, NOON, half_life_days=10).weight[0] == 0.75


@given(st.floats(0, 4_000), st.floats(1, 1_000))
def test_weights_add_up_without_rounding(days: float, half_life: float) -> None:
    weight = freshness(timedelta(days=days), half_life)
    assert weight * GRAIN == int(weight * GRAIN)
    assert LASTING < weight <= 1


def test_what_was_said_after_the_window_is_not_known() -> None:
    assert not labels(verdict("ann@a.example", "malicious", hours=+1)).known.any()
    assert labels(verdict("ann@a.example", "malicious", hours=0)).known[0]


def test_verdicts_on_other_kinds_and_unknown_keys_label_nobody() -> None:
    rows = [verdict("ann@a.example", "malicious", kind="domain"), verdict("stranger@x.example", "malicious")]
    assert not labels(*rows).known.any()
    assert labels(rows[0], kind="domain").known[0]


def test_a_verdict_on_a_campaign_says_half_of_its_members_and_nothing_of_its_targets() -> None:
    members = [member("ann@a.example"), member("bob@b.example", 0.5), member("cid@c.example", role="target")]
    found = labels(verdict("c-1", "malicious", kind="campaign"), members=members)
    assert found.malicious.tolist() == [CAMPAIGN_WEIGHT, CAMPAIGN_WEIGHT / 2, 0.0]


def test_a_verdict_of_its_own_outweighs_the_campaigns() -> None:
    rows = [verdict("c-1", "malicious", kind="campaign"), verdict("ann@a.example", "benign")]
    found = labels(*rows, members=[member("ann@a.example")])
    assert (found.malicious[0], found.benign[0]) == (0.0, 1.0)


def test_hidden_labels_are_forgotten_in_a_copy() -> None:
    found = labels(verdict("ann@a.example", "malicious"), verdict("bob@b.example", "benign"))
    hidden = found.hiding(np.array([0]))
    assert hidden.known.tolist() == [False, True, False]
    assert found.known.tolist() == [True, True, False]


VERDICTS = st.lists(
    st.builds(
        verdict,
        st.sampled_from(KEYS.to_pylist()),
        st.sampled_from(["malicious", "benign"]),
        st.integers(-9, 1),
        st.sampled_from(["desk", "appeals"]),
    ),
    max_size=12,
)


@settings(max_examples=50, deadline=None)
@given(VERDICTS, st.randoms())
def test_the_order_of_verdicts_and_their_repetition_change_nothing(rows: list[dict[str, Any]], chance: Any) -> None:
    shuffled = rows + rows[:3]
    chance.shuffle(shuffled)
    one, other = labels(*rows), labels(*shuffled)
    assert np.array_equal(one.malicious, other.malicious)
    assert np.array_equal(one.benign, other.benign)
    assert ((one.weight >= 0) & (one.weight <= 1)).all()
    assert (one.known == (one.weight > 0)).all()
