"""How good a ranking of senders is, with intervals from resampling whole campaigns. Knows numbers, not detectors.

A sender's neighbours in a campaign are not independent trials: resampled are bunches (a campaign, a group of near
duplicates, a lone sender) as wholes (cluster bootstrap, Field and Welsh 2007, J. R. Statist. Soc. B 69(3)).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnn.calibrate import sigmoid

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

ROUNDS = 200  # enough for the 2.5 % ends of an interval to stand still in the second digit
INTERVAL = (2.5, 97.5)
STRICT, LOOSE = 0.001, 0.01  # false-positive rates that an abuse team can live with
UNSURE = (0.02, 0.98)  # most senders are easy; whether the rest is calibrated hides in their mass
BINS = 15


@dataclass(frozen=True)
class Figure:
    """A value and its 95 % bootstrap interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    def above(self, bound: float) -> bool:
        """Whether the whole interval is above a bound."""
        return bool(self.low > bound)

    def below(self, bound: float) -> bool:
        """Whether the whole interval is below a bound."""
        return bool(self.high < bound)


@dataclass(frozen=True)
class Scores:
    """What a detector says of every sender: a ranking, and where `calibrated` log-odds of being malicious."""

    margins: Array
    calibrated: bool

    def of(self, rows: Mask) -> "Scores":
        """The scores of some senders."""
        return Scores(self.margins[rows], self.calibrated)


class Ranking:
    """Senders by falling score; ties are one step, so that no order among equals is invented."""

    def __init__(self, scores: Array, target: Array) -> None:
        self.order = np.argsort(-scores, kind="stable")
        ranked = scores[self.order]
        self._ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(scores) else np.zeros(0, int)
        self._target = target[self.order]
        self._steps = ranked[self._ends]

    def curve(self, weight: Array | None = None) -> tuple[Array, Array]:
        """Weight of true and of false positives at every distinct threshold, falling thresholds."""
        w = np.ones(len(self.order)) if weight is None else weight[self.order]
        good = np.cumsum(w * self._target)[self._ends]
        return good, np.cumsum(w)[self._ends] - good

    def threshold(self, rate: float, weight: Array | None = None) -> float:
        """Least score that at most `rate` of the benign reach; infinite where even the highest is too low."""
        _, bad = self.curve(weight)
        allowed = np.flatnonzero(bad <= rate * bad[-1] + 1e-9) if len(bad) else np.zeros(0, int)
        return float(self._steps[allowed[-1]]) if len(allowed) else float("inf")


def average_precision(good: Array, bad: Array) -> float:
    """Area under precision–recall by steps; NaN where there is no positive."""
    if not len(good) or good[-1] <= 0:
        return float("nan")
    precision = good / np.maximum(good + bad, 1e-12)
    return float(np.sum(np.diff(good, prepend=0.0) * precision) / good[-1])


def recall_at(good: Array, bad: Array, rate: float) -> float:
    """Largest recall at a false-positive rate of at most `rate`; NaN where a class is missing."""
    if not len(good) or good[-1] <= 0 or bad[-1] <= 0:
        return float("nan")
    allowed = bad <= rate * bad[-1] + 1e-9
    return float(good[allowed].max(initial=0.0) / good[-1])


class Reliability:
    """Rows in equally filled bins of probability, sorted once and measured under many weights."""

    def __init__(self, probability: Array, target: Array) -> None:
        self._order = np.argsort(probability, kind="stable")
        bins = min(BINS, len(self._order))
        self._starts = np.linspace(0, len(self._order), bins, endpoint=False).astype(np.int64)
        self._gap = (probability - target)[self._order]

    def error(self, weight: Array | None = None) -> float:
        """Mean |confidence − frequency| over the bins, weighted by size (Naeini et al. 2015); NaN where empty."""
        w = np.ones(len(self._order)) if weight is None else weight[self._order]
        if w.sum() <= 0:
            return float("nan")
        return float(np.abs(np.add.reduceat(w * self._gap, self._starts)).sum() / w.sum())


def calibration_error(probability: Array, target: Array, weight: Array | None = None) -> float:
    """Expected calibration error of probabilities, as `Reliability.error`."""
    return Reliability(probability, target).error(weight)


def log_losses(margins: Array, target: Array) -> Array:
    """Negative log-likelihood of log-odds, row by row."""
    return np.asarray(np.logaddexp(0, margins) - target * margins)


def threshold_at(margins: Array, target: Array, rate: float) -> float:
    """Least margin that at most `rate` of the benign reach, as `Ranking.threshold`."""
    return Ranking(margins, target).threshold(rate)


def resamples(bunch: Ids, rounds: int, seed: int) -> Iterator[Array]:
    """How often each row is in each bootstrap sample: bunches drawn with replacement, shape (rows,) each."""
    _, inverse = np.unique(bunch, return_inverse=True)
    bunches = int(inverse.max(initial=-1)) + 1
    generator = np.random.default_rng(seed)
    for _ in range(rounds if bunches else 0):
        drawn = np.bincount(generator.integers(0, bunches, bunches), minlength=bunches)
        yield drawn[inverse].astype(np.float64)


MEASURES = ("auprc", "recall_strict", "recall_loose", "ece", "ece_unsure", "log_loss")


class _Sheet:
    """One detector's ranking, prepared once and measured under many weights."""

    def __init__(self, scores: Scores, target: Array) -> None:
        self.ranking, self.calibrated = Ranking(scores.margins, target), scores.calibrated
        probability = sigmoid(scores.margins)
        self.unsure = (probability >= UNSURE[0]) & (probability <= UNSURE[1])
        self.all = Reliability(probability, target)
        self.some = Reliability(probability[self.unsure], target[self.unsure])
        self.losses = log_losses(scores.margins, target)

    def measure(self, weight: Array | None = None) -> Array:
        """MEASURES in order; those of calibration NaN for a mere ranking."""
        good, bad = self.ranking.curve(weight)
        found = [average_precision(good, bad), recall_at(good, bad, STRICT), recall_at(good, bad, LOOSE)]
        if not self.calibrated or not len(self.losses):
            return np.array([*found, *[np.nan] * 3])
        unsure = None if weight is None else weight[self.unsure]
        loss = float(np.average(self.losses, weights=weight))
        return np.array([*found, self.all.error(weight), self.some.error(unsure), loss])


@dataclass(frozen=True)
class Judged:
    """Figures of every detector on the same senders, by the names in MEASURES; `samples[d]`: (rounds, measures)."""

    figures: dict[str, dict[str, Figure]]
    samples: dict[str, Array]

    def difference(self, one: str, other: str, measure: str = "auprc") -> Figure:
        """`one` minus `other` on the same resamples: a paired interval."""
        at = MEASURES.index(measure)
        value = self.figures[one][measure].value - self.figures[other][measure].value
        return figure_of(value, self.samples[one][:, at] - self.samples[other][:, at])


def judge(detectors: Mapping[str, Scores], target: Array, bunch: Ids, rounds: int = ROUNDS, seed: int = 0) -> Judged:
    """Every measure of every detector on the same senders and the same resamples of `bunch`.

    `target` is 1 malicious, 0 benign, shape (rows,) as each detector's margins.
    """
    sheets = {name: _Sheet(scores, target) for name, scores in detectors.items()}
    drawn: dict[str, list[Array]] = {name: [] for name in sheets}
    for weight in resamples(bunch, rounds, seed):
        for name, sheet in sheets.items():
            drawn[name].append(sheet.measure(weight))
    samples = {name: np.array(rows).reshape(len(rows), len(MEASURES)) for name, rows in drawn.items()}
    figures = {
        name: {
            measure: figure_of(float(value), samples[name][:, at])
            for at, (measure, value) in enumerate(zip(MEASURES, sheet.measure(), strict=True))
        }
        for name, sheet in sheets.items()
    }
    return Judged(figures, samples)


def flagged_shares(
    detectors: Mapping[str, Scores],
    target: Array,
    bunch: Ids,
    parts: Ids,
    rate: float,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> dict[str, list[Figure]]:
    """For each detector the share of each part above the threshold that `rate` of all the benign reach.

    `parts[row]` is the row's part from 0, −1 for none. The threshold is found anew in every resample: recall where a
    part is malicious, false alarms where it is benign.
    """
    count = int(parts.max(initial=-1)) + 1
    inside = parts >= 0
    rankings = {name: Ranking(scores.margins, target) for name, scores in detectors.items()}

    def shares(name: str, weight: Array) -> Array:
        above = detectors[name].margins >= rankings[name].threshold(rate, weight)
        hit, size = (np.bincount(parts[inside], w[inside], count) for w in (weight * above, weight))
        return np.where(size > 0, hit / np.maximum(size, 1e-12), np.nan)

    drawn: dict[str, list[Array]] = {name: [] for name in detectors}
    for weight in resamples(bunch, rounds, seed):
        for name, rows in drawn.items():
            rows.append(shares(name, weight))
    everybody = np.ones(len(target))
    return {
        name: [
            figure_of(float(value), np.array([row[part] for row in rows]))
            for part, value in enumerate(shares(name, everybody))
        ]
        for name, rows in drawn.items()
    }


def figure_of(value: float, samples: Array) -> Figure:
    """A value with the interval that its resamples span."""
    seen = samples[np.isfinite(samples)]
    if not len(seen) or not np.isfinite(value):
        return Figure(value, float("nan"), float("nan"))
    low, high = np.percentile(seen, INTERVAL)
    return Figure(value, float(low), float(high))
