"""What to judge next: doubt, reach and variety, and never what was judged already."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windows import letter, window

from gnn.queue import Doubts, Question, doubts_of, entropy, questions, queue_table, sentence
from graph import schema
from graph.evidence import gather_evidence


def doubts(
    risk: list[float],
    group: list[int],
    group_risk: list[float],
    judged: tuple[int, ...] = (),
    done: tuple[int, ...] = (),
) -> Doubts:
    n, groups = len(risk), len(group_risk)
    return Doubts(
        risk=np.array(risk, dtype=np.float64),
        judged=np.isin(np.arange(n), judged),
        group=np.array(group, dtype=np.int64),
        weight=np.where(np.array(group) >= 0, 1.0, 0.0),
        group_risk=np.array(group_risk, dtype=np.float64),
        group_judged=np.isin(np.arange(groups), done),
        campaigns=groups,
    )


def asked(of: Doubts, length: int = 50) -> list[tuple[str, int]]:
    return [(one.kind, one.at) for one in questions(of, length)]


def test_doubt_is_most_at_one_half_and_none_where_all_is_known() -> None:
    assert entropy(np.array([0.0, 0.5, 1.0])) == pytest.approx([0, 1, 0], abs=1e-9)


def test_a_doubtful_campaign_comes_before_a_doubtful_sender_and_the_larger_first() -> None:
    of = doubts([0.5] * 9, [0] * 3 + [1] * 5 + [-1], [0.5, 0.5])
    assert asked(of)[:3] == [("campaign", 1), ("campaign", 0), ("sender", 8)]


def test_what_is_certain_is_not_asked() -> None:
    assert asked(doubts([1e-6, 1 - 1e-6], [-1, -1], [])) == []


def test_what_was_judged_is_not_asked_again() -> None:
    of = doubts([0.5] * 4, [0, 0, -1, -1], [0.5], judged=(2,), done=(0,))
    assert ("sender", 2) not in asked(of)
    assert ("campaign", 0) not in asked(of)


def test_after_a_campaign_its_members_tell_little_more() -> None:
    of = doubts([0.5] * 6 + [0.4], [0] * 6 + [-1], [0.5])
    first = questions(of)
    assert (first[0].kind, first[1]) == ("campaign", Question("sender", 6, 0.4, first[1].gain, 1))


def test_nobody_in_doubt_is_an_empty_queue() -> None:
    nobody = doubts([], [], [])
    assert asked(nobody) == []
    table = queue_table([], [], [])
    assert (table.num_rows, table.schema) == (0, schema.QUEUE)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(-1, 2)), min_size=1, max_size=30))
def test_each_question_is_asked_once_and_tells_no_more_than_the_one_before(nodes: list[tuple[float, int]]) -> None:
    of = doubts([risk for risk, _ in nodes], [group for _, group in nodes], [0.3, 0.6, 0.9])
    found = questions(of)
    assert len({(one.kind, one.at) for one in found}) == len(found)
    gains = [one.gain for one in found]
    assert all(gain > 0 for gain in gains)
    assert gains[0] == max(gains) if gains else True


def test_loose_suspects_at_one_rare_artefact_tell_about_each_other() -> None:
    crowd = [letter(f"c{n}@c{n}.example", f"v{n}@mail.test", sites=("shop.example",)) for n in range(5)]
    lone = letter("lone@lone.example", "w@mail.test", sites=("own.example",))
    seen = window([*crowd, lone])
    n = seen.senders.num_rows
    nothing = np.zeros(0), np.zeros(0, bool)
    of = doubts_of(gather_evidence(seen), np.full(n, 0.5), np.zeros(n, bool), (np.full(n, -1), np.zeros(n)), nothing)
    keys = seen.senders["key"].to_pylist()
    first = questions(of)[0]
    assert (first.kind, keys[first.at].startswith("c"), first.reaches) == ("sender", True, 5)
    assert of.group[keys.index("lone@lone.example")] == -1
    assert of.campaigns == 0


def test_the_table_names_what_is_asked_and_says_why() -> None:
    found = [Question("campaign", 1, 0.5, 3.0, 4), Question("sender", 0, 0.25, 0.8, 1)]
    table = queue_table(found, ["s@s.example"], ["c-0", "c-1"])
    assert table.schema == schema.QUEUE
    assert [(row["rank"], row["kind"], row["key"]) for row in table.to_pylist()] == [
        (1, "campaign", "c-1"),
        (2, "sender", "s@s.example"),
    ]
    assert sentence(found[0]) == ("Its risk is 0.50, and a verdict on it would tell about 4 senders without a verdict.")
    assert sentence(found[1]) == "Its risk is 0.25, and a verdict on it would tell about itself alone."
