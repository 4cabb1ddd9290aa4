"""The line from which on groups are believed, drawn by the window's groups themselves."""

from dataclasses import replace

import numpy as np
import pytest

from graph.campaigns.cut import CutOptions, Mixture, least_log_odds

OPTIONS = CutOptions()


def _innocent(count: int, tail: float, seed: int = 1) -> np.ndarray:
    """Log-odds of innocent groups from one unit under the line upwards."""
    return np.random.default_rng(seed).exponential(tail, count) - 1.0


def _guilty(count: int, mean: float, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 2.5, count)


def test_without_a_group_near_it_the_line_stays_and_weak_campaigns_too() -> None:
    whole = np.append(_guilty(20, 8.0), 0.4)
    assert least_log_odds(whole, whole, OPTIONS) <= 0.4


def test_innocents_of_a_long_tail_are_told_from_campaigns_far_above_them() -> None:
    innocent, guilty = _innocent(60, 2.0), _guilty(40, 12.0)
    whole = np.concatenate([innocent, guilty])
    cut = least_log_odds(whole, whole, OPTIONS)
    assert (guilty >= cut).mean() > 0.9
    assert (innocent >= cut).mean() < 0.15


def test_each_of_the_two_cuts_does_what_the_other_does_not() -> None:
    short, long = _innocent(80, 1.2), _innocent(60, 2.4)
    one_by_one, by_share = replace(OPTIONS, false_share=1.0), replace(OPTIONS, most_doubt=1.0)
    near = np.concatenate([short, _guilty(15, 3.0)])
    assert least_log_odds(near, near, by_share) > least_log_odds(near, near, one_by_one)
    far = np.concatenate([long, _guilty(60, 12.0)])
    assert least_log_odds(far, far, one_by_one) > least_log_odds(far, far, by_share)


def test_nothing_to_keep_and_one_group_alone() -> None:
    none = np.array([])
    assert least_log_odds(none, none, OPTIONS) == OPTIONS.keep_margin
    assert least_log_odds(none, np.full(9, -0.5), OPTIONS) == OPTIONS.keep_margin
    assert least_log_odds(np.array([2.0]), np.array([2.0]), OPTIONS) <= 2.0


@pytest.mark.parametrize("scale", [0.0, 1.0, 50.0])
def test_doubt_never_rises_with_log_odds(scale: float) -> None:
    mixture = Mixture.fit(scale * np.abs(_guilty(30, 2.0)), 1.2)
    doubt = mixture.innocent(np.linspace(0.0, 100.0, 500))
    assert np.all(np.diff(doubt) <= 1e-12)
    assert np.all((doubt >= 0) & (doubt <= 1))
