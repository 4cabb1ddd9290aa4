"""How far a window has moved from the one that a model was taught on. Knows distributions, not why they moved.

Population stability index, `Σ (q − p)·log(q / p)` over bins (Siddiqi 2006, Credit Risk Scorecards; its noise: Yurdakul
2018), of every channel and of the margins. Bins are soft (linear B-splines on even knots): half of all senders may sit
on one value, that of their common provider, and a hair's breadth of change must not move them all to another bin.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from gnn.calibrate import Calibration
from gnn.features import Channels
from gnn.labels import Labels
from gnn.model import RiskModel
from gnn.network import QUANTILE_ROWS, QUANTILES
from gnn.prior import lent
from gnn.propagate import Propagated

Array = NDArray[np.float64]

LINE = 0.25  # of one index: by convention the population is another one from here
SHARE = 0.4  # of the channels beyond their line: halves of one world have .34 at most, other families .41 and more
KNOTS = 8
TAIL = 3 / (QUANTILES - 1)  # beyond these quantiles of the reference lies its last knot on either side
LEAST_WIDTH = 1e-3  # between the outer knots, where the reference is constant: any other value is at the far end
FLOOR = 1e-3  # added to every bin's share: an empty bin is not infinitely far from a full one
NOISE = 0.999  # quantile of the index between samples of one population; it is added to the line
WORST = 5  # channels that are named
CARD = "reference"  # where a model's card keeps the margins that it gave when it was taught


@dataclass(frozen=True)
class Histogram:
    """Shares of values near each of KNOTS even knots from `low` to `high`; they sum to one."""

    low: float
    high: float
    shares: tuple[float, ...]

    @staticmethod
    def of(values: Array) -> "Histogram":
        """The histogram of values, its outer knots at their last quantiles, shape (rows,), at least one."""
        low, high = np.quantile(values, [TAIL, 1 - TAIL], method="nearest")
        bare = Histogram(float(low), float(max(high, low + LEAST_WIDTH)), ())
        return replace(bare, shares=tuple(bare._shares(values).tolist()))

    def index(self, values: Array) -> float:
        """Population stability index of other values against these."""
        before, now = (
            (shares + FLOOR) / (1 + KNOTS * FLOOR) for shares in (np.array(self.shares), self._shares(values))
        )
        return float(np.sum((now - before) * np.log(now / before)))

    def _shares(self, values: Array) -> Array:
        place = np.clip((values - self.low) / (self.high - self.low), 0, 1) * (KNOTS - 1)
        knot = np.minimum(place.astype(np.int64), KNOTS - 2)
        near = np.bincount(knot, 1 - (place - knot), KNOTS) + np.bincount(knot + 1, place - knot, KNOTS)
        return np.asarray(near / len(values))


@dataclass(frozen=True)
class Drift:
    """Indices of a window against a model's own: by channel, and of the scores (None where the model kept none).

    `line`: an index above it is no noise and no trifle.
    """

    inputs: dict[str, float]
    scores: float | None
    line: float

    @property
    def beyond(self) -> float:
        """Share of the channels whose index is above the line."""
        return float(np.mean([index > self.line for index in self.inputs.values()])) if self.inputs else 0.0

    @property
    def alarm(self) -> bool:
        """Whether the model is asked about other mail than it was taught on."""
        return self.beyond > SHARE or (self.scores is not None and self.scores > self.line)

    @property
    def worst(self) -> dict[str, float]:
        """The channels that moved most, the furthest first."""
        furthest = sorted(self.inputs.items(), key=lambda item: (-item[1], item[0]))
        return dict(furthest[:WORST])

    def described(self) -> dict[str, object]:
        """For the snapshot's manifest."""
        rounded = {name: round(index, 4) for name, index in self.worst.items()}
        scores = None if self.scores is None else round(self.scores, 4)
        told = {"alarm": self.alarm, "line": round(self.line, 4), "scores": scores, "inputs": len(self.inputs)}
        return {**told, "inputs_beyond": round(self.beyond, 4), "worst": rounded}

    def __str__(self) -> str:
        scores = "unknown" if self.scores is None else f"{self.scores:.2f}"
        words = f"drift: scores {scores}, {self.beyond:.0%} of {len(self.inputs)} inputs beyond {self.line:.2f}"
        if not self.alarm:
            return words
        names = ", ".join(f"{name} {index:.2f}" for name, index in self.worst.items())
        return f"{words}\nwarning: the mail is no longer like that which the model learnt from; moved most: {names}"


def with_reference(model: RiskModel, propagated: Propagated, labels: Labels) -> RiskModel:
    """The model with a card that keeps how its margins lay when it was taught; its inputs the normaliser keeps."""
    senders = len(labels.known)
    rows = _sample(senders)
    margins = model.margins(propagated.structure.at(rows), lent(propagated, labels, rows))
    kept = {"senders": senders, **asdict(Histogram.of(margins))}
    return replace(model, card={**model.card, CARD: kept})


def drift(model: RiskModel, structure: Channels, logits: Array, prior: float) -> Drift:
    """A window against what the model was taught on.

    `structure` has the channels that need no label (those of labels move with every verdict and are not watched);
    `logits` are what the model said of every sender under the prevalence `prior`, shape (senders,).
    """
    place = {name: at for at, name in enumerate(structure.names)}
    grid, values = model.normaliser.grid.astype(np.float64), structure.values[_sample(len(logits))].astype(np.float64)
    inputs = {
        name: Histogram.of(grid[:, at]).index(values[:, place[name]])
        for at, name in enumerate(model.names)
        if name in place
    }
    kept: dict[str, Any] | None = model.card.get(CARD)
    if kept is None:
        return Drift(inputs, None, LINE + _noise(QUANTILES, len(logits)))
    before = Histogram(kept["low"], kept["high"], tuple(kept["shares"]))
    scores = before.index(_margins(model.calibration, logits, prior))
    return Drift(inputs, scores, LINE + _noise(kept["senders"], len(logits)))


def _sample(rows: int) -> NDArray[np.int64]:
    """Rows that stand for all."""
    return np.arange(0, rows, max(1, rows // QUANTILE_ROWS))


def _margins(calibration: Calibration, logits: Array, prior: float) -> Array:
    """Uncalibrated log-odds again, which know nothing of the window's prevalence."""
    return (logits - calibration.logits(np.zeros(1), prior)) / calibration.slope


def _noise(before: int, now: int) -> float:
    """What the index between samples of these sizes seldom exceeds: it is chi-square, scaled, if nothing moved."""
    return float(chi2.ppf(NOISE, KNOTS - 1) * (1 / before + 1 / now))
