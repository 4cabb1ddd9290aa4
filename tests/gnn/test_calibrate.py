"""Probabilities: a planted slope, offset and prevalence are found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.calibrate import (
    LEAST_PRIOR,
    MOST_SECOND,
    USUAL_PRIOR,
    Calibration,
    calibrate,
    expected_calibration_error,
    log_odds,
    second_opinion,
    sigmoid,
)

LAWS = settings(max_examples=40, deadline=None)


def planted(prior: float, rows: int = 40_000, seed: int = 3) -> "tuple[np.ndarray, np.ndarray]":
    """Margins that are true log-likelihood ratios (two normals one sigma apart on each side), and targets."""
    rng = np.random.default_rng(seed)
    target = (rng.random(rows) < prior).astype(np.float64)
    observed = rng.normal(np.where(target > 0, 1.0, -1.0), 1.0)
    return 2 * observed, target


@LAWS
@given(st.floats(-30, 30))
def test_log_odds_undoes_sigmoid(x: float) -> None:
    probability = float(sigmoid(np.array([x]))[0])
    assert 0 <= probability <= 1
    if 1e-9 < probability < 1 - 1e-9:
        assert log_odds(probability) == pytest.approx(x, abs=1e-3)


def test_sigmoid_is_safe_far_out() -> None:
    assert sigmoid(np.array([-1e6, 1e6])).tolist() == [0.0, 1.0]


@pytest.mark.parametrize("prior", [0.02, 0.1, 0.5, 0.8])
def test_the_prevalence_of_unlabelled_margins_is_found(prior: float) -> None:
    margins, _ = planted(prior)
    assert Calibration(label_prior=0.5).prior_of(margins) == pytest.approx(prior, rel=0.15, abs=0.01)


@pytest.mark.parametrize("prior", [0.05, 0.3])
def test_probabilities_under_the_found_prevalence_are_calibrated(prior: float) -> None:
    margins, target = planted(prior)
    calibration = Calibration(label_prior=0.5)
    probability = sigmoid(calibration.logits(margins, calibration.prior_of(margins)))
    assert expected_calibration_error(probability, target) < 0.02


@pytest.mark.parametrize("margin", [-0.001, 0.1, 0.5, 4.0])
def test_margins_that_are_all_alike_do_not_make_everybody_guilty(margin: float) -> None:
    alike = np.full(500, margin)
    assert Calibration(label_prior=0.5).prior_of(alike) == pytest.approx(USUAL_PRIOR, rel=0.05)


def test_slope_and_offset_are_found() -> None:
    rng = np.random.default_rng(1)
    margins = rng.normal(0, 2, 20_000)
    target = (rng.random(20_000) < sigmoid(0.5 * margins - 1.0)).astype(np.float64)
    found = calibrate(margins, target, np.ones(20_000))
    assert (found.slope, found.offset) == pytest.approx((0.5, -1.0), abs=0.25)  # flips and flatness look alike
    assert found.label_prior == pytest.approx(target.mean())


@pytest.mark.parametrize("wrong", [0.0, 0.05, 0.1])
def test_wrong_labels_do_not_flatten_the_slope(wrong: float) -> None:
    rng = np.random.default_rng(4)
    margins = rng.normal(0, 5, 400)
    target = (rng.random(400) < sigmoid(margins)).astype(np.float64)
    flipped = np.where(rng.random(400) < wrong, 1 - target, target)
    found = calibrate(margins, flipped, np.ones(400))
    assert (found.slope, found.offset) == pytest.approx((1.0, 0.0), abs=0.3)


def test_weights_count_as_repetitions() -> None:
    rng = np.random.default_rng(2)
    margins, target = rng.normal(0, 2, 60), rng.integers(0, 2, 60).astype(np.float64)
    twice = calibrate(np.tile(margins, 2), np.tile(target, 2), np.ones(120))
    weighted = calibrate(margins, target, np.full(60, 2.0))
    assert (twice.slope, twice.offset) == pytest.approx((weighted.slope, weighted.offset))


def test_margins_that_mislead_keep_a_positive_slope() -> None:
    margins = np.linspace(-3, 3, 400)
    assert calibrate(margins, (margins < 0).astype(np.float64), np.ones(400)).slope > 0


@pytest.mark.parametrize("target", [np.zeros(50), np.ones(50), np.array([0.0, 1.0])])
def test_too_few_labels_or_one_class_leave_the_margins_alone(target: "np.ndarray") -> None:
    found = calibrate(np.linspace(-1, 1, len(target)), target, np.ones(len(target)))
    assert (found.slope, found.offset) == (1.0, 0.0)
    assert np.isfinite(found.logits(np.zeros(1), 0.1)).all()


def test_no_margins_have_the_labels_prevalence() -> None:
    assert Calibration(label_prior=0.3).prior_of(np.zeros(0)) == 0.3


def test_all_clear_is_a_small_prevalence_and_no_nought() -> None:
    assert LEAST_PRIOR <= Calibration(label_prior=0.5).prior_of(np.full(1_000, -30.0)) < 0.002


def test_flat_margins_tell_nothing_and_leave_the_usual_prevalence() -> None:
    flat = Calibration(slope=0.05, offset=-2.0, label_prior=0.02)
    assert flat.prior_of(np.full(1_000, 8.0)) < 0.3


@LAWS
@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(-5, 5))
def test_a_higher_prevalence_never_lowers_a_risk(one: float, other: float, margin: float) -> None:
    low, high = sorted((one, other))
    calibration = Calibration(0.7, 0.2, 0.4)
    at = np.array([margin])
    assert calibration.logits(at, low)[0] <= calibration.logits(at, high)[0] + 1e-12


def test_calibration_error_of_honest_and_of_boastful_forecasts() -> None:
    target = np.tile([0.0, 1.0], 500)
    assert expected_calibration_error(np.full(1_000, 0.5), target, bins=1) == pytest.approx(0)
    assert expected_calibration_error(np.full(1_000, 0.9), target, bins=1) == pytest.approx(0.4)
    assert expected_calibration_error(np.zeros(0), np.zeros(0)) == 0


def two_opinions(wrong: float = 0.0) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    """Two hundred margins that tell the truth with little noise, as many that know nothing, and labels."""
    rng = np.random.default_rng(8)
    truth = (rng.random(200) < 0.4).astype(np.float64)
    knowing, empty = rng.normal(np.where(truth > 0, 3.0, -3.0), 1.5), rng.normal(0, 3, 200)
    return knowing, empty, np.where(rng.random(200) < wrong, 1 - truth, truth)


@pytest.mark.parametrize("wrong", [0.0, 0.1])
def test_a_second_opinion_is_heard_as_far_as_labels_bear_it_out(wrong: float) -> None:
    knowing, empty, target = two_opinions(wrong)
    weight = np.ones(200)
    assert second_opinion(knowing, empty, target, weight) < 0.12
    assert second_opinion(empty, knowing, target, weight) > 1.0
    assert second_opinion(-3 * empty, 0.01 * knowing, target, weight) <= MOST_SECOND


def test_without_labels_of_both_classes_no_second_opinion_is_heard() -> None:
    knowing, empty, _ = two_opinions()
    assert second_opinion(empty, knowing, np.ones(200), np.ones(200)) == 0.0
    assert second_opinion(empty[:6], knowing[:6], np.array([0.0, 1, 0, 1, 0, 1]), np.ones(6)) == 0.0
