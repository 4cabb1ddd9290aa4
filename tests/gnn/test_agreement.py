"""Found campaigns against true ones, by hand and by law."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.agreement import agreement, alone, b_cubed, best_jaccard, main_group, pair_scores

GROUPS = st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 4)), min_size=1, max_size=25)


def labels(*groups: int) -> np.ndarray:
    return np.array(groups, dtype=np.int64)


def nobody(groups: np.ndarray) -> np.ndarray:
    return np.zeros(len(groups), dtype=bool)


def test_perfect_campaigns_score_one_in_everything():
    true = labels(0, 0, 0, 1, 1, 1, -1, -1)
    found = agreement(labels(4, 4, 4, 2, 2, 2, -1, -1), true, nobody(true))
    assert (found.pairs.f1, found.b_cubed_f1, found.v_measure, found.found, found.intruders) == (1, 1, 1, 1, 0)


def test_an_innocent_in_a_campaign_spoils_its_pairs():
    true = labels(0, 0, 0, -1)
    found = agreement(labels(0, 0, 0, 0), true, nobody(true))
    assert found.intruders == 1
    assert found.pairs.precision == pytest.approx(3 / 6)
    assert found.pairs.recall == 1


def test_two_innocents_together_are_no_right_pair():
    true = labels(-1, -1)
    assert agreement(labels(0, 0), true, nobody(true)).pairs.precision == 0


def test_a_campaign_nobody_found_costs_recall():
    true = labels(0, 0, 0, 1, 1, 1)
    found = agreement(labels(0, 0, 0, -1, -1, -1), true, nobody(true))
    assert found.pairs.recall == pytest.approx(0.5)
    assert found.found == pytest.approx(0.5)


def test_a_campaign_is_merged_where_a_tenth_of_its_group_is_another_operators():
    true = labels(*[0] * 10, *[1] * 10, *[2] * 10, -1)
    one_group = labels(*[5] * 31)
    operator = labels(*[0] * 20, *[1] * 10, -1)
    assert agreement(one_group, true, nobody(true), operator).merged == 3
    same_operator = labels(*[5] * 20, *[6] * 10, -1)
    assert agreement(same_operator, true, nobody(true), operator).merged == 0
    stray = labels(*[5] * 20, 5, *[6] * 9, 5)  # one of another operator among twenty-one: no merger
    assert agreement(stray, true, nobody(true), operator).merged == 0
    assert agreement(one_group, true, nobody(true)).merged is None


def test_innocents_count_among_the_members():
    true = labels(0, 0, 0, -1)
    assert agreement(labels(0, 0, 0, 0), true, nobody(true)).innocent_share == pytest.approx(1 / 4)
    assert np.isnan(agreement(labels(-1, -1, -1, -1), true, nobody(true)).innocent_share)


def test_new_campaigns_are_those_without_a_labelled_member():
    true = labels(0, 0, 0, 1, 1, 1)
    known = np.array([True, False, False, False, False, False])
    found = agreement(labels(0, 0, 0, -1, -1, -1), true, known)
    assert (found.new_true, found.found_new) == (1, 0)


@settings(max_examples=80, deadline=None)
@given(GROUPS)
def test_pair_scores_count_pairs(rows):
    found, true = (alone(labels(*column)) for column in zip(*rows, strict=True))
    pairs = [(i, j) for i in range(len(found)) for j in range(i)]
    right = sum(found[i] == found[j] and true[i] == true[j] for i, j in pairs)
    put, belong = (sum(groups[i] == groups[j] for i, j in pairs) for groups in (found, true))
    scores = pair_scores(found, true)
    assert scores.precision == pytest.approx(right / put if put else float("nan"), nan_ok=True)
    assert scores.recall == pytest.approx(right / belong if belong else float("nan"), nan_ok=True)


@settings(max_examples=80, deadline=None)
@given(GROUPS)
def test_b_cubed_is_the_mean_over_senders(rows):
    found, true = (alone(labels(*column)) for column in zip(*rows, strict=True))
    common = [((found == f) & (true == t)).sum() for f, t in zip(found, true, strict=True)]
    precision = np.mean([c / (found == f).sum() for c, f in zip(common, found, strict=True)])
    recall = np.mean([c / (true == t).sum() for c, t in zip(common, true, strict=True)])
    assert b_cubed(found, true) == pytest.approx(2 * precision * recall / (precision + recall))


@settings(max_examples=80, deadline=None)
@given(GROUPS)
def test_best_jaccard_is_the_best_over_found_campaigns(rows):
    found, true = (labels(*column) for column in zip(*rows, strict=True))
    best, sizes = best_jaccard(found, true)
    for t, size in enumerate(sizes):
        mine = true == t
        every = [((found == f) & mine).sum() / ((found == f) | mine).sum() for f in set(found[found >= 0])]
        assert size == mine.sum()
        assert best[t] == pytest.approx(max(every, default=0) if size else 0)


def test_the_main_group_of_a_campaign_holds_most_of_its_senders():
    assert main_group(labels(7, 7, 3, -1, -1), labels(0, 0, 0, 1, 1)) == {0: 7}
