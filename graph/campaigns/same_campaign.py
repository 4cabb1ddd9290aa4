"""The log-odds that two groups of suspects are one campaign, from their likeness. Knows no window and no search.

A logistic model over `graph.campaigns.likeness.FIGURES` with three sets of weights: what a figure says of a single
sender, of a handful and of a crowd, mixed by the size of the smaller side. (That two senders write at the same hours
says little; that two hundred do and share nothing else says that they are two campaigns.) It was taught on simulated
worlds, on the pairs that the search meets there (`gnn.teach_campaigns`). Larger models did no better on a family of
worlds that they had not been taught on.
"""

import json
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graph.campaigns.likeness import FIGURES
from graph.errors import RingleaderError

Array = NDArray[np.float64]

SHIPPED = Path(__file__).parent / "same_campaign.json"
MOST_SPREADS = 6.0  # a figure further from its mean than anything in the lessons says no more than this
SMALLER = FIGURES.index("size.low")
SIZES = {"single": 1, "handful": 8, "crowd": 100}  # members of the smaller side that a set of weights is for


@dataclass(frozen=True)
class SameCampaign:
    """`mean`, `spread` of every figure in the order of FIGURES; what a spread of it says of groups of each of SIZES.

    `start` is the log-odds of an average pair of each of SIZES. Shapes (figures,), (sizes, figures) and (sizes,).
    """

    mean: Array
    spread: Array
    weights: Array
    start: Array

    def log_odds(self, figures: Array) -> Array:
        """Of pairs, shape (pairs,), from their figures, shape (pairs, figures)."""
        return np.asarray(self.parts(figures).sum(axis=1) + shares_of_sizes(figures) @ self.start)

    def parts(self, figures: Array) -> Array:
        """What each figure adds to the log-odds, against the mean of the lessons; shape (pairs, figures)."""
        return np.asarray(scaled(figures, self.mean, self.spread) * (shares_of_sizes(figures) @ self.weights))

    def without(self, absent: NDArray[np.bool_]) -> "SameCampaign":
        """The same model where some figures say nothing, shape (figures,): they add 0, as an average one does."""
        return replace(self, weights=np.where(absent, 0.0, self.weights))

    def write(self, path: Path) -> None:
        """As JSON, a line a figure."""
        columns = (self.mean, self.spread, *self.weights)
        rows = {
            name: {part: float(f"{value:.5g}") for part, value in zip(_PARTS, values, strict=True)}
            for name, *values in zip(FIGURES, *columns, strict=True)
        }
        start = {name: float(f"{value:.5g}") for name, value in zip(SIZES, self.start, strict=True)}
        lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
        path.write_text(f'{{\n  "start": {json.dumps(start)},\n  "figures": {{\n{lines}\n  }}\n}}\n')

    @staticmethod
    def read(path: Path) -> "SameCampaign":
        """Raises RingleaderError where the file does not hold exactly the figures that this version works out."""
        try:
            told = json.loads(path.read_text())
            rows = told["figures"]
            if tuple(rows) != FIGURES:
                raise ValueError("it has other figures than this version's")
            mean, spread, *weights = (np.array([row[part] for row in rows.values()], float) for part in _PARTS)
            return SameCampaign(mean, spread, np.stack(weights), np.array([told["start"][name] for name in SIZES]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            mend = "Teach it again (python -m gnn.teach_campaigns), or install Ringleader again"
            raise RingleaderError(str(path), f"cannot be used: {error}", mend) from error


_PARTS = ("mean", "spread", *SIZES)


@cache
def shipped() -> SameCampaign:
    """The model that comes with Ringleader."""
    return SameCampaign.read(SHIPPED)


def shares_of_sizes(figures: Array) -> Array:
    """The say of the weights for each of SIZES, by the members of the smaller side; shape (pairs, sizes).

    Between two sizes it passes from one to the other, along the log of the members.
    """
    at, knots = figures[:, SMALLER], np.log(list(SIZES.values()))
    return np.stack([np.interp(at, knots, one) for one in np.eye(len(knots))], axis=1)


def scaled(figures: Array, mean: Array, spread: Array) -> Array:
    """Figures in spreads from their mean, none beyond MOST_SPREADS."""
    return np.asarray(np.clip((figures - mean) / spread, -MOST_SPREADS, MOST_SPREADS))
