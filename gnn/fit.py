"""The fitting loop of the risk network: examples in, weights moved. Knows no labels' origin and no validation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gnn.network import RiskNetwork

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Check = Callable[[int, RiskNetwork], None]


@dataclass(frozen=True)
class TrainOptions:
    """How the network is fitted. Rates as in AdamW with a one-cycle schedule."""

    seed: int = 7
    steps: int = 160
    rate: float = 3e-3
    decay: float = 1e-2
    folds: int = 5
    validation_share: float = 0.3
    check_every: int = 20
    batch_rows: int = 2_048
    members: int = 4
    width: int = 48
    # share of blocks that a row takes from another row of its class: evidence that goes together in the lessons need
    # not do so elsewhere
    exchange: float = 0.0
    label_noise: float = 0.02  # share of verdicts taken to be wrong: no single one may pull without bound


@dataclass(frozen=True)
class Examples:
    """Normalised channels, shape (rows, columns), with targets in [0, 1] and weights, shape (rows,) each."""

    x: NDArray[np.float32]
    target: Array
    weight: Array


def by_root_of_size(target: Array, group: Ids) -> Array:
    """Weights under which groups of rows of one target have a say by the root of their size, shape (rows,) as all.

    So no crowd drowns out the small ones. Weights of a group sum to the root of its rows.
    """
    _, number, count = np.unique(np.stack([target, group]), axis=1, return_inverse=True, return_counts=True)
    return np.asarray(count[number] ** -0.5)


def fit(
    network: RiskNetwork, examples: Examples, steps: int, options: TrainOptions, check: Check | None = None
) -> None:
    """AdamW on random batches, in place; `check` is called before the first step and every few steps after it.

    More rows than a batch holds are drawn by their weight, with replacement; fewer are all in every batch, weighted.
    One thread: these products are too small to share, and the sums come out the same on every machine.
    """
    with _one_thread():
        torch.manual_seed(options.seed)
        rows, y, w = (torch.from_numpy(part).float() for part in (examples.x, examples.target, examples.weight))
        up_to = torch.cumsum(w.double(), dim=0)
        optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=options.decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.steps)
        if check is not None:
            check(0, network)
        for step in range(1, steps + 1):
            network.train()
            optimiser.zero_grad()
            x, target, weight = rows, y, w
            if len(rows) > options.batch_rows:
                at = torch.searchsorted(up_to, torch.rand(options.batch_rows, dtype=torch.float64) * up_to[-1])
                x, target, weight = rows[at], y[at], torch.ones(len(at))
            loss = _loss(network(_exchanged(x, target, network, options.exchange)), target, weight)
            torch.autograd.backward([loss])
            optimiser.step()
            schedule.step()
            if check is not None and step % options.check_every == 0:
                check(step, network)


def _exchanged(x: torch.Tensor, target: torch.Tensor, network: RiskNetwork, share: float) -> torch.Tensor:
    """The rows, shape (rows, columns), each with some of its blocks from another row that has the same target."""
    if share == 0:
        return x
    other = torch.empty(len(x), dtype=torch.int64)
    for value in torch.unique(target):
        same = torch.nonzero(target == value).squeeze(1)
        other[same] = same[torch.randperm(len(same))]
    block_of: torch.Tensor = network.block_of  # type: ignore[assignment]
    taken = torch.rand(len(x), network.blocks) < share
    return torch.where(taken[:, block_of], x[other], x)


def _loss(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean weighted cross-entropy over rows and members."""
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, target.expand_as(logits), weight=weight.expand_as(logits), reduction="sum"
    )
    return each / (weight.sum() * len(logits))


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
