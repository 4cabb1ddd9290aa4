"""Weighted cores: what they are by definition, and that camouflage cannot lower them."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gnn.peel import STEP, weighted_cores

BITS = st.lists(st.booleans(), min_size=20, max_size=20)
WEIGHTS = st.lists(st.floats(0.05, 2.0), min_size=5, max_size=5)


def edges(bits: list[bool], columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the rows × columns matrix that the bits fill."""
    at = np.flatnonzero(bits)
    return at // columns, at % columns


def by_definition(row: np.ndarray, column: np.ndarray, weight: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The largest least degree of any subgraph that a row is in, all subgraphs tried."""
    best = np.zeros(rows)
    for size in range(1, rows + columns + 1):
        for chosen in combinations(range(rows + columns), size):
            inside = np.isin(row, chosen) & np.isin(column + rows, chosen)
            ends = np.concatenate([row[inside], column[inside] + rows])
            degree = np.bincount(ends, np.tile(weight[inside], 2), rows + columns)[list(chosen)]
            mine = [one for one in chosen if one < rows]
            best[mine] = np.maximum(best[mine], degree.min())
    return best


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=12, max_size=12), st.lists(st.floats(0.05, 2.0), min_size=3, max_size=3))
def test_a_core_number_is_the_best_least_degree_up_to_a_step(bits, weights):
    row, column = edges(bits, 3)
    weight = np.array(weights)[column]
    found, true = weighted_cores(row, column, weight, 4), by_definition(row, column, weight, 4, 3)
    assert np.all(found <= true + 1e-9)
    assert np.all(found * STEP >= true - 1e-9)


@settings(max_examples=100, deadline=None)
@given(
    BITS,
    WEIGHTS,
    st.lists(st.booleans(), min_size=40, max_size=40),
    st.lists(st.booleans(), min_size=100, max_size=100),
)
def test_no_camouflage_brings_a_member_under_the_least_degree_of_its_block(bits, weights, mixed_in, honest):
    """Four members and five columns of their own; ten columns of honest rows that the members touch as they please."""
    row, column = edges(bits, 5)
    own = np.array(weights)[column]
    degree = np.bincount(np.concatenate([row, column + 4]), np.tile(own, 2), 9)
    bound = degree.min()
    mixed_row, mixed_column = edges(mixed_in, 10)
    honest_row, honest_column = edges(honest, 10)
    rows = np.concatenate([row, mixed_row, honest_row + 4])
    columns = np.concatenate([column, mixed_column + 5, honest_column + 5])
    users = np.bincount(columns, minlength=15)
    weight = np.where(columns < 5, np.array(weights)[np.minimum(columns, 4)], 1 / np.log(users[columns] + 5))
    found = weighted_cores(rows, columns, weight, 14)
    assert np.all(found[:4] * STEP >= bound - 1e-9)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.booleans(), min_size=12, max_size=12), st.lists(st.floats(0.05, 2.0), min_size=3, max_size=3))
def test_whoever_is_in_the_densest_subgraph_has_at_least_its_density(bits, weights):
    row, column = edges(bits, 3)
    weight = np.array(weights)[column]
    densest, members = 0.0, []
    for size in range(1, 8):
        for chosen in combinations(range(7), size):
            inside = np.isin(row, chosen) & np.isin(column + 4, chosen)
            density = weight[inside].sum() / size
            if density > densest + 1e-12:
                densest, members = density, [one for one in chosen if one < 4]
    found = weighted_cores(row, column, weight, 4)
    assert np.all(found[members] * STEP >= densest - 1e-9)


def test_nobody_and_nothing_have_no_core():
    nothing = np.zeros(0, np.int64)
    assert weighted_cores(nothing, nothing, np.zeros(0), 0).shape == (0,)
    assert np.array_equal(weighted_cores(nothing, nothing, np.zeros(0), 3), np.zeros(3))


def test_many_edges_taken_away_at_once_count_as_single_ones_do():
    """A block of a hundred by fifty loses a crowd of loose rows at one stroke."""
    block_row, block_column = (at.ravel() for at in np.indices((100, 50)))
    loose = np.arange(5_000)
    rows = np.concatenate([block_row, 100 + loose])
    columns = np.concatenate([block_column, loose % 50])
    found = weighted_cores(rows, columns, np.ones(len(rows)), 5_100)
    assert np.all((found[:100] <= 50) & (found[:100] * STEP >= 50))
    assert np.all(found[100:] * STEP >= 1)
    assert np.all(found[100:] <= 1)
