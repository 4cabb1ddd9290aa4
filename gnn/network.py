"""The risk network: a small ensemble of perceptrons over precomputed graph channels. Knows tensors, not senders.

Decoupled graph network: propagation is done before (gnn.propagate), learning touches labelled rows only (SIGN, Frasca
et al. 2020, arXiv:2004.11198). Whole blocks of channels are dropped at random in training, so that a campaign that
hides one kind of evidence still scores (relation dropping as in NARS, Yu et al. 2020, arXiv:2011.09679).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gnn.ranks import Ranks

Floats = NDArray[np.float32]
QUANTILES = 257
SCORED_AT_ONCE = 65_536
QUANTILE_ROWS = 40_000  # quantiles of more rows cost more and say the same
PLAIN_SCALE = 2.0  # log-odds of ±2 become ±1, the size of the ranked columns


@dataclass(frozen=True)
class NetworkShape:
    """Sizes and dropout rates. `members` networks of two hidden layers `width` wide are trained side by side.

    `anchor` is the column of an earlier opinion, −1 for none: the logit is `anchor_scale · column + anchor_bias` plus
    `gain` times what the network says itself, which counts as ±`reach` at most: a few hundred verdicts, chosen by
    whoever gave them, may outweigh the earlier opinion, but not without bound.
    """

    inputs: int
    anchor: int = -1
    anchor_scale: float = 0.0
    anchor_bias: float = 0.0
    reach: float = 6.0
    gain: float = 1.0
    members: int = 4
    width: int = 48
    dropout: float = 0.3
    input_dropout: float = 0.1
    block_dropout: float = 0.25

    def bounded(self, logits: Tensor) -> Tensor:
        """A network's own logits as they are heard beside an earlier opinion, before their gain."""
        return self.reach * torch.tanh(logits / self.reach)


class Members(nn.Module):
    """The same linear layer for every member of the ensemble: (members, rows, in) → (members, rows, out)."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """One batched product."""
        return torch.baddbmm(self.bias, x, self.weight)


class RiskNetwork(nn.Module):
    """Channels in, one logit a member out.

    `block_of` gives the block of each input column, shape (inputs,); in training whole blocks and single columns are
    dropped independently for every row, the same for all members, which costs a quarter and scores the same.
    """

    def __init__(self, shape: NetworkShape, block_of: Tensor) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("block_of", block_of)
        self.blocks = int(block_of.max()) + 1 if len(block_of) else 0
        self.first = Members(shape.members, shape.inputs, shape.width)
        self.second = Members(shape.members, shape.width, shape.width)
        self.out = Members(shape.members, shape.width, 1)
        self.drop = nn.Dropout(shape.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (members, rows), of normalised channels (rows, inputs)."""
        before = self._opinion(x)
        if self.training:
            x = x * self._kept(x)
        many = x.unsqueeze(0).expand(self.shape.members, -1, -1)
        return self.deeper(self.first(many)) + before

    def deeper(self, sums: Tensor) -> Tensor:
        """What the network adds to the opinion, (members, rows), given its first layer's sums (…, width)."""
        hidden = self.drop(torch.nn.functional.silu(sums, inplace=not self.training))
        hidden = torch.nn.functional.silu(self.second(hidden), inplace=not self.training)
        logits: Tensor = self.out(hidden).squeeze(-1)
        return logits if self.shape.anchor < 0 else self.shape.gain * self.shape.bounded(logits)

    def _opinion(self, x: Tensor) -> Tensor:
        if self.shape.anchor < 0:
            return torch.zeros(len(x))
        return self.shape.anchor_scale * x[:, self.shape.anchor] + self.shape.anchor_bias

    def _kept(self, x: Tensor) -> Tensor:
        block_of: Tensor = self.block_of  # type: ignore[assignment]
        blocks = torch.rand(len(x), self.blocks) >= self.shape.block_dropout
        single = torch.rand(x.shape) >= self.shape.input_dropout
        return (blocks[:, block_of] & single).to(x.dtype)

    @torch.no_grad()
    def margins(self, x: Floats) -> Floats:
        """Mean logit of the members for each row, shape (rows,)."""
        self.eval()
        parts = [
            self(torch.from_numpy(x[at : at + SCORED_AT_ONCE])).mean(dim=0).numpy()
            for at in range(0, len(x), SCORED_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)


@dataclass(frozen=True)
class Normaliser:
    """Rank to normal for what is counted, plain scaling for what is already log-odds.

    `grid` holds the quantiles of each column over all rows, shape (QUANTILES, columns); `plain` marks the columns of
    labels and reports, nearly all zero, whose ranks would change meaning with every new verdict.
    """

    grid: Floats
    plain: NDArray[np.bool_]

    @staticmethod
    def fit(values: Floats, plain: NDArray[np.bool_]) -> "Normaliser":
        """Quantiles over all rows, labelled or not; `values` may lack plain columns at the end, which need none."""
        values = values[:: max(1, len(values) // QUANTILE_ROWS)]
        grid = np.zeros((QUANTILES, len(plain)), np.float32)
        grid[:, : values.shape[1]] = np.quantile(values, np.linspace(0, 1, QUANTILES), axis=0, method="nearest")
        return Normaliser(grid, plain)

    def __call__(self, values: Floats) -> Floats:
        """Normal scores of the mid-ranks, clipped at ±3, or value / PLAIN_SCALE clipped at ±4 (rows × columns).

        NaN and infinities count as 0, as in `gnn.features.channels`.
        """
        if not np.isfinite(values).all():
            values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        out = np.empty(values.shape, np.float32)
        for at, ranks in enumerate(self._ranks):
            out[:, at] = self._plain(values[:, at]) if ranks is None else ranks.scores(values[:, at])
        return out

    @cached_property
    def _ranks(self) -> list[Ranks | None]:
        """Of each column, None for a plain one."""
        return [None if plain else Ranks.of(grid) for plain, grid in zip(self.plain, self.grid.T, strict=True)]

    @staticmethod
    def _plain(values: Floats) -> Floats:
        return np.asarray(np.clip(values / PLAIN_SCALE, -4, 4), dtype=np.float32)
