"""Figures of a ranking: against scikit-learn and by hand, with ties, weights and intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from gnn.metrics import (
    Ranking,
    Scores,
    average_precision,
    calibration_error,
    flagged_shares,
    judge,
    log_losses,
    recall_at,
    resamples,
    threshold_at,
)

ROWS = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_average_precision_is_that_of_scikit_learn_with_ties_and_weights(rows):
    scores, target, weight = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = average_precision(*Ranking(scores, target).curve(weight))
    if (weight * target).sum() > 0:
        assert found == pytest.approx(average_precision_score(target, scores, sample_weight=weight))
    else:
        assert np.isnan(found)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_a_weight_of_two_is_the_row_twice(rows):
    scores, target, weight = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    times = weight.astype(int)
    repeated = Ranking(np.repeat(scores, times), np.repeat(target, times)).curve()
    weighted = Ranking(scores, target).curve(weight)
    for measure in (average_precision, lambda good, bad: recall_at(good, bad, 0.3)):
        assert measure(*weighted) == pytest.approx(measure(*repeated), nan_ok=True)


def test_recall_counts_only_whole_ties_within_the_false_positive_rate():
    scores = np.array([9.0, 8.0, 8.0, 7.0, 6.0])
    target = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    curve = Ranking(scores, target).curve()
    assert recall_at(*curve, 0.0) == pytest.approx(1 / 3)
    assert recall_at(*curve, 0.5) == pytest.approx(1.0)


def test_a_missing_class_gives_no_figure_rather_than_a_wrong_one():
    good, bad = Ranking(np.array([1.0, 2.0]), np.zeros(2)).curve()
    assert np.isnan(average_precision(good, bad))
    assert np.isnan(recall_at(good, bad, 0.01))
    assert np.isnan(calibration_error(np.zeros(0), np.zeros(0)))


def test_the_threshold_lets_no_more_benign_pass_than_asked():
    margins = np.arange(100.0)
    target = (margins % 10 == 0).astype(float)
    cut = threshold_at(margins, target, 0.1)
    assert (margins[target == 0] >= cut).mean() <= 0.1
    assert threshold_at(np.zeros(4), np.array([1.0, 0, 0, 0]), 0.1) == float("inf")


def test_calibration_error_sees_overconfidence():
    target = np.tile([0.0, 1.0], 500)
    assert calibration_error(np.full(1000, 0.5), target) == pytest.approx(0, abs=0.01)
    assert calibration_error(np.full(1000, 0.9), target) == pytest.approx(0.4, abs=0.02)
    assert log_losses(np.zeros(2), np.array([0.0, 1.0])).mean() == pytest.approx(np.log(2))


def test_bunches_are_drawn_whole():
    bunch = np.array([5, 5, 5, 9, 7])
    for weight in resamples(bunch, 20, seed=1):
        assert len(set(weight[:3])) == 1
        assert weight[0] + weight[3] + weight[4] == 3


def test_an_interval_holds_its_value_and_comes_out_the_same_for_a_seed():
    rng = np.random.default_rng(0)
    target = (rng.random(300) < 0.3).astype(float)
    scores = Scores(target * 2 + rng.normal(size=300), calibrated=True)
    one, again = (judge({"a": scores}, target, np.arange(300), 50, seed=3).figures["a"] for _ in range(2))
    assert one == again
    assert one["auprc"].low < one["auprc"].value < one["auprc"].high


def test_resampling_few_campaigns_is_less_certain_than_resampling_their_many_senders():
    rng = np.random.default_rng(1)
    campaign = np.repeat(np.arange(6), 50)
    target = np.concatenate([np.ones(300), np.zeros(700)])
    easy = np.where(campaign % 2 == 0, 3.0, 0.0)
    scores = Scores(np.concatenate([easy, np.zeros(700)]) + rng.normal(size=1000), calibrated=True)
    bunches = np.concatenate([campaign, np.arange(6, 706)])
    width = {}
    for name, bunch in (("campaigns", bunches), ("senders", np.arange(1000))):
        figure = judge({"a": scores}, target, bunch, 100, seed=0).figures["a"]["auprc"]
        width[name] = figure.high - figure.low
    assert width["campaigns"] > 2 * width["senders"]


def test_a_difference_is_paired_so_equal_detectors_differ_by_exactly_nothing():
    rng = np.random.default_rng(2)
    target = (rng.random(200) < 0.3).astype(float)
    good, bad = target + rng.normal(size=200), rng.normal(size=200)
    found = judge(
        {"a": Scores(good, True), "b": Scores(good * 3, True), "c": Scores(bad, False)}, target, np.arange(200)
    )
    same = found.difference("a", "b")
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert found.difference("a", "c").above(0)
    assert found.difference("c", "a").below(0)
    assert np.isnan(found.figures["c"]["ece"].value)


def test_the_share_flagged_of_a_part_is_recall_or_false_alarms_with_an_interval_over_campaigns():
    rng = np.random.default_rng(4)
    target = np.repeat([1.0, 1.0, 0.0], [30, 30, 400])
    margins = np.concatenate([np.full(30, 5.0), np.full(30, -5.0), rng.normal(size=400).clip(-3, 3)])
    parts = np.repeat([0, 1, -1], [30, 30, 400])
    parts[60:100] = 2
    bunch = np.concatenate([np.arange(60) // 15, np.arange(4, 404)])
    found = flagged_shares({"a": Scores(margins, False)}, target, bunch, parts, rate=0.01, rounds=50)["a"]
    easy, hard, benign = found
    assert (easy.value, easy.low, easy.high) == (1, 1, 1)
    assert hard.value == 0
    assert 0 <= benign.low <= benign.value <= benign.high < 0.2


def test_parts_without_anybody_have_no_share():
    found = flagged_shares(
        {"a": Scores(np.array([1.0, 0.0]), False)}, np.array([1.0, 0.0]), np.arange(2), np.array([1, -1]), 0.1
    )
    assert np.isnan(found["a"][0].value)
    assert found["a"][1].value == 1


def test_the_threshold_follows_the_weights():
    ranking = Ranking(np.array([3.0, 2.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0]))
    assert ranking.threshold(0.0) == 3.0
    assert ranking.threshold(0.0, np.array([1.0, 0.0, 1.0, 1.0])) == 1.0
