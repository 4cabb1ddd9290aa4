"""The network and its normaliser: shapes, seeds, what is dropped only in training, and ranks that keep their order."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gnn import network as room
from gnn.network import NetworkShape, Normaliser, RiskNetwork

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
BLOCKS = torch.tensor([0, 0, 1, 2])
SHAPE = NetworkShape(inputs=4, members=3, width=8)


def network(seed: int = 1, shape: NetworkShape = SHAPE) -> RiskNetwork:
    torch.manual_seed(seed)
    return RiskNetwork(shape, BLOCKS)


def rows(count: int) -> Floats:
    return np.random.default_rng(count).normal(size=(count, 4)).astype(np.float32)


def test_every_member_gives_every_row_a_logit() -> None:
    assert network()(torch.from_numpy(rows(5))).shape == (3, 5)


def test_margins_are_the_members_mean_and_the_same_every_time() -> None:
    net = network()
    first, again = net.margins(rows(9)), net.margins(rows(9))
    assert np.array_equal(first, again)
    net.eval()
    with torch.no_grad():
        assert np.allclose(first, net(torch.from_numpy(rows(9))).mean(dim=0).numpy())


def test_a_seed_is_a_network() -> None:
    assert np.array_equal(network(1).margins(rows(4)), network(1).margins(rows(4)))
    assert not np.array_equal(network(1).margins(rows(4)), network(2).margins(rows(4)))


def test_pieces_of_any_size_give_the_same_margins(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = network().margins(rows(10))
    monkeypatch.setattr(room, "SCORED_AT_ONCE", 3)
    assert np.allclose(network().margins(rows(10)), whole, atol=1e-6)


def test_no_rows_have_no_margins() -> None:
    assert network().margins(rows(0)).shape == (0,)


def test_a_whole_block_is_dropped_at_once_and_only_in_training() -> None:
    shape = NetworkShape(inputs=4, members=1, width=2, input_dropout=0.0, block_dropout=0.5)
    net = network(shape=shape)
    kept = net._kept(torch.ones(400, 4)).numpy()
    assert np.array_equal(kept[:, 0], kept[:, 1])  # one block
    assert not np.array_equal(kept[:, 1], kept[:, 2])
    assert 0.4 < kept.mean() < 0.6


COLUMNS = arrays(np.float32, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(-9, 9, width=32))


@settings(max_examples=40, deadline=None)
@given(COLUMNS)
def test_normal_scores_keep_the_order_of_values_and_stay_in_bounds(values: Floats) -> None:
    normaliser = Normaliser.fit(values, np.array([False, True]))
    out = normaliser(values)
    assert out.dtype == np.float32
    assert (np.abs(out[:, 0]) <= 3.01).all()
    assert (np.abs(out[:, 1]) <= 4).all()
    for column in (0, 1):
        order = np.argsort(values[:, column], kind="stable")
        assert (np.diff(out[order, column]) >= 0).all()


def test_ranked_columns_do_not_care_for_the_unit() -> None:
    values = rows(50)
    plain = np.zeros(4, dtype=bool)
    one, other = Normaliser.fit(values, plain)(values), Normaliser.fit(values * 1000, plain)(values * 1000)
    assert np.array_equal(one, other)


def test_a_constant_column_becomes_nought() -> None:
    values = np.full((20, 1), 7, np.float32)
    assert np.allclose(Normaliser.fit(values, np.array([False]))(values), 0, atol=0.01)


def test_plain_columns_are_scaled_and_clipped() -> None:
    values = np.array([[-100.0], [0.0], [1.0], [100.0]], np.float32)
    assert Normaliser.fit(values, np.array([True]))(values).ravel().tolist() == [-4, 0, 0.5, 4]


@pytest.mark.parametrize("gain", [0.0, 0.5, 2.0])
def test_beside_an_earlier_opinion_a_network_is_heard_so_far_and_no_further(gain: float) -> None:
    shape = NetworkShape(inputs=4, anchor=3, anchor_scale=4.0, anchor_bias=1.0, gain=gain, reach=6.0)
    net = network(shape=shape)
    with torch.no_grad():
        net.out.weight.mul_(1e6)
    x = rows(50)
    added = net.margins(x) - (4 * x[:, 3] + 1)
    assert np.abs(added).max() <= 6 * gain + 1e-4
    assert np.abs(added).max() == pytest.approx(6 * gain, abs=0.1)  # members may differ in sign
