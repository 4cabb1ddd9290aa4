"""The log-odds that two groups of suspects are one campaign, from their likeness. Knows no window and no search.

A logistic model over `graph.campaigns.likeness.FIGURES` with two sets of weights: what a figure says of a single sender
and what it says of large groups, mixed by the size of the smaller side. (That two senders write at the same hours says
little; that two hundred do and share nothing else says that they are two campaigns.) It was taught on simulated worlds,
on the pairs that the search meets there (`gnn.teach_campaigns`). Larger models did no better on a family of worlds that
they had not been taught on.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graph.campaigns.likeness import FIGURES, crowded
from graph.errors import RingleaderError

Array = NDArray[np.float64]

SHIPPED = Path(__file__).parent / "same_campaign.json"
MOST_SPREADS = 6.0  # a figure further from its mean than anything in the lessons says no more than this
SMALLER = FIGURES.index("size.low")


@dataclass(frozen=True)
class SameCampaign:
    """`mean`, `spread` and the weights of every figure in the order of FIGURES; log-odds of an average pair.

    `single` and `crowd` are the weights where the smaller side has one member and where it has very many; so are
    `from_single` and `from_crowd` for the average pair.
    """

    mean: Array
    spread: Array
    single: Array
    crowd: Array
    from_single: float
    from_crowd: float

    def log_odds(self, figures: Array) -> Array:
        """Of pairs, shape (pairs,), from their figures, shape (pairs, figures)."""
        crowd = crowd_of(figures)
        return np.asarray(
            self.parts(figures).sum(axis=1) + self.from_single + crowd * (self.from_crowd - self.from_single)
        )

    def parts(self, figures: Array) -> Array:
        """What each figure adds to the log-odds, against the mean of the lessons; shape (pairs, figures)."""
        crowd = crowd_of(figures)[:, None]
        return scaled(figures, self.mean, self.spread) * ((1 - crowd) * self.single + crowd * self.crowd)

    def write(self, path: Path) -> None:
        """As JSON, a line a figure."""
        columns = (getattr(self, part) for part in _PARTS)
        rows = {
            name: {part: float(f"{value:.5g}") for part, value in zip(_PARTS, values, strict=True)}
            for name, *values in zip(FIGURES, *columns, strict=True)
        }
        lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
        ends = f'  "from_single": {self.from_single:.5g},\n  "from_crowd": {self.from_crowd:.5g}'
        path.write_text(f'{{\n{ends},\n  "figures": {{\n{lines}\n  }}\n}}\n')

    @staticmethod
    def read(path: Path) -> "SameCampaign":
        """Raises RingleaderError where the file does not hold exactly the figures that this version works out."""
        try:
            told = json.loads(path.read_text())
            rows = told["figures"]
            if tuple(rows) != FIGURES:
                raise ValueError("it has other figures than this version's")
            columns = {part: np.array([row[part] for row in rows.values()]) for part in _PARTS}
            return SameCampaign(from_single=float(told["from_single"]), from_crowd=float(told["from_crowd"]), **columns)
        except (OSError, ValueError, KeyError, TypeError) as error:
            mend = "Teach it again (python -m gnn.teach_campaigns), or install Ringleader again"
            raise RingleaderError(str(path), f"cannot be used: {error}", mend) from error


_PARTS = ("mean", "spread", "single", "crowd")


@cache
def shipped() -> SameCampaign:
    """The model that comes with Ringleader."""
    return SameCampaign.read(SHIPPED)


def crowd_of(figures: Array) -> Array:
    """How much of a crowd the smaller side is (`graph.campaigns.likeness.crowded`), shape (pairs,)."""
    return crowded(figures[:, SMALLER])


def scaled(figures: Array, mean: Array, spread: Array) -> Array:
    """Figures in spreads from their mean, none beyond MOST_SPREADS."""
    return np.asarray(np.clip((figures - mean) / spread, -MOST_SPREADS, MOST_SPREADS))
