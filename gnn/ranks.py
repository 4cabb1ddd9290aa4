"""Where values lie among the quantiles of their column, as normal scores. Knows numbers, not what a column means.

Scoring a window places hundreds of millions of values, and a binary search for each is what that used to cost. Here
each value falls into one of many even cells, and only in a cell that holds several quantiles is there any search.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CELLS = 4_096
LEAST_SHARE = 0.00135  # normal scores stay within ±3
MOST_SCALE = np.float32(1e30)  # cells a unit: of a column that is all but constant there would be infinitely many


@dataclass(frozen=True)
class Ranks:
    """One column's quantiles, ready for `scores`.

    `steps` are the distinct quantiles; `table[k]` the score at place `k`: 2·i below `steps[i]`, 2·i + 1 at it. For each
    cell: `below`, the place of values under all of its steps; `step`, its only step, infinite for none; `crowded`,
    whether it holds several.
    """

    steps: Floats
    table: Floats
    scale: np.float32
    below: NDArray[np.int64]
    step: Floats
    crowded: NDArray[np.bool_]

    @staticmethod
    def of(grid: Floats) -> "Ranks":
        """Ranks among sorted quantiles, shape (quantiles,), at least one, all finite."""
        steps, counts = np.unique(grid, return_counts=True)
        up_to = np.concatenate([[0], np.cumsum(counts)])
        places = np.empty(2 * len(steps) + 1)
        places[0::2] = 2 * up_to
        places[1::2] = up_to[:-1] + up_to[1:]
        share = np.clip(places / (2 * len(grid)), LEAST_SHARE, 1 - LEAST_SHARE)
        table = torch.special.ndtri(torch.from_numpy(share)).numpy().astype(np.float32)
        span = steps[-1] - steps[0]
        scale = min(np.float32(CELLS - 1) / span, MOST_SCALE) if span > 0 else MOST_SCALE
        cell = _cells(steps, steps[0], scale)
        held = np.bincount(cell, minlength=CELLS)
        step = np.full(CELLS, np.inf, np.float32)
        step[cell] = steps
        below = 2 * (np.cumsum(held) - held)
        return Ranks(steps, table, scale, below, step, held > 1)

    def scores(self, values: Floats) -> Floats:
        """Normal scores of the mid-ranks of values, shape (rows,); ties at a quantile lie in the middle of it."""
        cell = _cells(values, self.steps[0], self.scale)
        step = self.step.take(cell)
        place = self.below.take(cell)
        place += values >= step
        place += values > step
        rest = np.flatnonzero(self.crowded.take(cell))
        if len(rest):
            left, right = (np.searchsorted(self.steps, values[rest], side) for side in ("left", "right"))
            place[rest] = left + right
        return self.table.take(place)


def _cells(values: Floats, low: np.float32, scale: np.float32) -> NDArray[np.int64]:
    """The cell of each value. It grows with the value, rounding included, so a cell's bounds are the same for all."""
    with np.errstate(over="ignore"):  # far outside is outside
        return np.asarray(np.clip((values - low) * scale, 0, CELLS - 1).astype(np.int64))
