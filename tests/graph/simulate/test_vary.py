"""Varied worlds: every group of numbers moves, shares stay shares, and what is not a number with a point stays."""

from dataclasses import asdict

import numpy as np
import pytest

from graph.simulate import load_preset
from graph.simulate.market import load_market
from graph.simulate.vary import MOST_OF_A_SHARE, varied


@pytest.mark.parametrize("load", [load_preset, load_market])
def test_numbers_move_and_shares_stay_shares(load) -> None:  # type: ignore[no-untyped-def]
    before, after = load("hard", seed=3), varied(load("hard", seed=3), 0.5, np.random.default_rng(1))
    moved = 0
    for group, numbers in asdict(before).items():
        if not isinstance(numbers, dict):
            assert getattr(after, group) == getattr(before, group)
            continue
        for name, value in numbers.items():
            now = getattr(getattr(after, group), name)
            if isinstance(value, float) and value > 0:
                moved += now != value
                assert now > 0
                assert value > 1 or now <= MOST_OF_A_SHARE
            elif not isinstance(value, float):
                assert asdict(after)[group][name] == value
    assert moved > 20


def test_the_same_chance_gives_the_same_world() -> None:
    one, other = (varied(load_market("hard"), 0.3, np.random.default_rng(9)) for _ in range(2))
    assert one == other
