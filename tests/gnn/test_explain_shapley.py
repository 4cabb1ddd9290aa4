"""Shapley values and smallest removals against their definitions, tried out one by one."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gnn.explain.shapley import shapley, smallest_removal

PLAYERS = 3
values = arrays(np.float64, (2, 1 << PLAYERS), elements=st.floats(-20, 20))
lifts = arrays(np.float64, 2, elements=st.sampled_from([0.0, 0.5, 3.0]))


@given(values)
def test_a_share_is_the_mean_over_all_orders_of_joining(
    values: "np.ndarray[tuple[int, int], np.dtype[np.float64]]",
) -> None:
    wanted = np.zeros((len(values), PLAYERS))
    orders = list(permutations(range(PLAYERS)))
    for order in orders:
        held = 0
        for player in order:
            wanted[:, player] += values[:, held | 1 << player] - values[:, held]
            held |= 1 << player
    assert shapley(values) == pytest.approx(wanted / len(orders), abs=1e-9)
    assert shapley(values).sum(axis=1) == pytest.approx(values[:, -1] - values[:, 0], abs=1e-9)


def test_who_adds_nothing_to_anything_has_no_share() -> None:
    codes = np.arange(8)
    assert shapley((3.0 * (codes & 1) + 2.0 * (codes & 1) * (codes >> 2))[None, :])[0] == pytest.approx([4.0, 0.0, 1.0])


def test_without_players_there_is_nothing_to_share() -> None:
    assert shapley(np.array([[1.5]])).shape == (1, 0)


@given(values, lifts)
def test_the_removal_is_the_smallest_of_all(
    values: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", extra: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> None:
    line, everybody = 0.0, (1 << PLAYERS) - 1
    removed = smallest_removal(values, line, extra)
    for row in range(len(values)):

        def under(gone: tuple[int, ...], row: int = row) -> bool:
            code = sum(1 << player for player in gone if player < PLAYERS)
            return bool(values[row, everybody & ~code] + (0.0 if PLAYERS in gone else extra[row]) < line)

        players = range(PLAYERS + (extra[row] != 0))
        works = [gone for size in range(len(players) + 1) for gone in combinations(players, size) if under(gone)]
        if not works:
            assert not removed[row].any()
            continue
        mine = tuple(np.flatnonzero(removed[row]).tolist())
        assert under(mine)
        assert len(mine) == len(works[0])
