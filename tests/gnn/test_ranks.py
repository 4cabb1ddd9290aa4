"""Ranks by cells: the same as by searching, whatever the column looks like."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtri

from gnn.ranks import LEAST_SHARE, Ranks

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
ANY = st.floats(width=32, allow_nan=False, allow_infinity=False)
COARSE = st.integers(-3, 3).map(float)


def columns(elements: "st.SearchStrategy[float]") -> "st.SearchStrategy[Floats]":
    return arrays(np.float32, st.integers(1, 60), elements=elements)


def by_searching(grid: Floats, values: Floats) -> Floats:
    low, high = np.searchsorted(grid, values, "left"), np.searchsorted(grid, values, "right")
    share = np.clip((low + high) / (2 * len(grid)), LEAST_SHARE, 1 - LEAST_SHARE)
    return np.asarray(ndtri(share), dtype=np.float32)


@settings(max_examples=200, deadline=None)
@given(st.one_of(columns(ANY), columns(COARSE)), st.one_of(columns(ANY), columns(COARSE)))
def test_scores_are_those_of_a_search(grid: Floats, values: Floats) -> None:
    grid = np.sort(grid)
    asked = np.concatenate([values, grid, np.nextafter(grid, np.float32(9)), np.nextafter(grid, np.float32(-9))])
    assert np.allclose(Ranks.of(grid).scores(asked), by_searching(grid, asked), atol=1e-6)


def test_a_column_with_one_far_quantile_crowds_the_rest_into_a_cell_and_still_keeps_their_order() -> None:
    grid = np.append(np.linspace(0, 1, 100), 1e9).astype(np.float32)
    ranks = Ranks.of(grid)
    assert ranks.crowded.any()
    assert np.allclose(ranks.scores(grid), by_searching(grid, grid))


def test_infinite_values_are_the_outermost() -> None:
    grid = np.arange(10, dtype=np.float32)
    low, high = Ranks.of(grid).scores(np.array([-np.inf, np.inf], np.float32))
    assert low == -high == by_searching(grid, np.array([-1], np.float32))[0]
