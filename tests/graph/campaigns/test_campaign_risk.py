"""Groups judged as a whole."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.campaigns.risk import group_logits


def test_five_members_have_the_mean_of_their_margins() -> None:
    margins = np.array([1.0, 2.0, 3.0, 4.0, 5.0, -9.0])
    group = np.array([0, 0, 0, 0, 0, -1])
    assert group_logits(group, margins, 1).tolist() == [3.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 200), st.floats(-5, 5))
def test_of_two_groups_with_equal_margins_the_larger_is_surer(size: int, margin: float) -> None:
    group = np.repeat([0, 1], [size, size + 1])
    small, large = group_logits(group, np.full(len(group), margin), 2)
    assert large > small
