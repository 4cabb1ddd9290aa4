"""The fitting loop: evidence is exchanged by whole blocks and within a class alone."""

import numpy as np
import torch

from gnn.fit import Examples, TrainOptions, _exchanged, fit
from gnn.network import NetworkShape, RiskNetwork

BLOCKS = torch.tensor([0, 0, 1, 2, 2])
SHAPE = NetworkShape(inputs=5, members=1, width=4)


def network() -> RiskNetwork:
    torch.manual_seed(3)
    return RiskNetwork(SHAPE, BLOCKS)


def test_rows_exchange_whole_blocks_within_their_class() -> None:
    rows = torch.arange(40.0).repeat(5, 1).T.contiguous()  # every cell is the number of its row
    target = (torch.arange(40) % 2).float()
    torch.manual_seed(1)
    mixed = _exchanged(rows, target, network(), 0.5)
    assert torch.equal(mixed % 2, rows % 2)
    assert torch.equal(mixed[:, 0], mixed[:, 1])
    assert torch.equal(mixed[:, 3], mixed[:, 4])
    assert not torch.equal(mixed[:, 1], mixed[:, 2])
    taken = (mixed != rows)[:, [0, 2, 3]].float().mean()
    assert 0.3 < taken < 0.6


def test_without_exchange_rows_stay_as_they_are() -> None:
    rows = torch.rand(6, 5)
    assert _exchanged(rows, torch.zeros(6), network(), 0.0) is rows


def test_fitting_with_exchange_is_the_same_each_time() -> None:
    rng = np.random.default_rng(2)
    target = (np.arange(60) % 2).astype(np.float64)
    examples = Examples(rng.normal(target[:, None], 1.0, (60, 5)).astype(np.float32), target, np.ones(60))
    options = TrainOptions(steps=8, exchange=0.3)
    one, other = network(), network()
    for net in (one, other):
        fit(net, examples, options.steps, options)
    assert np.array_equal(one.margins(examples.x), other.margins(examples.x))
