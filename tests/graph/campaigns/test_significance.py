"""Tails of chance, against sums over every outcome in whole numbers."""

from fractions import Fraction
from math import comb, log10

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.campaigns.significance import binomial_tail, corrected, hypergeometric_tail


def exact(k: int, n: int, m: int, total: int) -> float:
    ways = sum(comb(m, x) * comb(total - m, n - x) for x in range(max(k, 0), min(n, m) + 1) if n - x <= total - m)
    return log10(Fraction(ways, comb(total, n))) if ways else -np.inf


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_tail_is_the_sum_over_every_outcome(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 60))
    n, m = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    k = data.draw(st.integers(0, min(n, m) + 1))
    assert hypergeometric_tail(k, n, m, total) == pytest.approx(exact(k, n, m, total), abs=1e-9)


def test_many_tails_at_once_are_the_same_as_one_by_one() -> None:
    k, m = np.array([0, 3, 9, 40]), np.array([500, 3, 20, 45])
    together = hypergeometric_tail(k, 43, m, 10_000)
    alone = [float(hypergeometric_tail(int(a), 43, int(b), 10_000)) for a, b in zip(k, m, strict=True)]
    assert together == pytest.approx(alone)
    assert together == pytest.approx([exact(int(a), 43, int(b), 10_000) for a, b in zip(k, m, strict=True)])


def test_what_no_floating_point_number_can_hold_still_has_a_logarithm() -> None:
    assert hypergeometric_tail(400, 400, 400, 1_000_000) == pytest.approx(-log10(comb(1_000_000, 400)), rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(1, 9), st.data())
def test_a_binomial_tail_is_the_sum_over_every_outcome(n: int, tenths: int, data: st.DataObject) -> None:
    k, p = data.draw(st.integers(0, n + 1)), Fraction(tenths, 10)
    ways = sum(comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(k, n + 1))
    assert binomial_tail(k, n, tenths / 10) == pytest.approx(log10(ways) if ways else -np.inf, abs=1e-9)


def test_a_look_at_a_thousand_things_costs_three_digits_and_never_exceeds_certainty() -> None:
    assert corrected(np.array([-9.0, -1.0]), 1000).tolist() == [-6.0, 0.0]
