"""Judging the product and its references on senders whose label nobody had seen. Knows scenes and truth, no lake.

Time-safe by its types: a detector gets two scenes, whose labels were known at a moment; the truth stays here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnn.apart import run_apart
from gnn.calibrate import sigmoid
from gnn.fit import TrainOptions
from gnn.metrics import BINS, LOOSE, Figure, Ranking, Scores, average_precision, judge, threshold_at
from gnn.model import RiskModel
from gnn.references import Detector, GraphNetwork, Timed, run
from gnn.risk import Risk
from gnn.scene import Scene
from graph.evidence import column

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Names = NDArray[np.object_]

EVENT_STEPS = ((1, 1), (2, 3), (4, 10), (11, None))  # one-shot senders are most of real spam and the hardest


@dataclass(frozen=True)
class Truth:
    """What is true of the senders of the scene asked about, shape (senders,) each.

    `target`: 1 malicious, 0 benign, NaN unknown. `campaign`: number of the true campaign, −1 for none. `bunch`: who is
    resampled together. `archetype`: what kind of sender it is, None where nobody knows.
    """

    target: Array
    campaign: Ids
    bunch: Ids
    archetype: Names | None = None


@dataclass(frozen=True)
class Part:
    """Senders of one kind: how many, how many of them malicious, and each detector's figures by name.

    `auprc` is within the part; `flagged` the share at the threshold that one in a hundred of all benign senders meets:
    recall where the part is malicious, false alarms where it is benign.
    """

    name: str
    senders: int
    malicious: int
    auprc: dict[str, float]
    flagged: dict[str, float]


@dataclass(frozen=True)
class Scope:
    """A question, as "senders of new campaigns": the figures of every detector on the same senders."""

    name: str
    senders: int
    malicious: int
    figures: dict[str, dict[str, Figure]]
    against: dict[str, Figure]  # the product's AUPRC minus each other detector's, paired
    archetypes: tuple[Part, ...]
    events: tuple[Part, ...]
    cpu_seconds: dict[str, float]
    curves: dict[str, tuple[Array, Array]]  # recall and precision
    reliability: dict[str, tuple[Array, Array]]  # mean probability and frequency, equally filled bins

    @property
    def chance(self) -> float:
        """Precision of a coin: the malicious share."""
        return self.malicious / max(self.senders, 1)


@dataclass(frozen=True)
class Verdict:
    """The product's fit, with what it said, and what the references said."""

    model: RiskModel
    risk: Risk
    detectors: tuple[Timed, ...]


def confront(
    taught: Scene,
    asked: Scene,
    options: TrainOptions,
    others: Sequence[Detector],
    tell: Callable[[int, int, str], None] = lambda done, total, name: None,
    apart: bool = True,
) -> Verdict:
    """Fit the product's network and every other detector on `taught`, ask them about `asked`.

    With `apart` each in a process of its own, so that its memory is known too.
    """
    detectors = (GraphNetwork(), *others)

    def began(at: int, name: str) -> None:
        tell(at, len(detectors), name)

    if apart:
        found = run_apart(detectors, taught, asked, options, began)
    else:
        found = [run(detector, taught, asked, options) for detector in detectors]
    ours = found[0].detector
    assert isinstance(ours, GraphNetwork)
    assert ours.model is not None
    assert ours.risk is not None
    return Verdict(ours.model, ours.risk, tuple(one.timed for one in found))


def scope(name: str, rows: Mask, asked: Scene, truth: Truth, verdict: Verdict, seed: int) -> Scope:
    """Figures on the senders in `rows` whose truth is known. The first detector is compared with all others."""
    rows = rows & np.isfinite(truth.target)
    picked = {timed.name: timed.scores.of(rows) for timed in verdict.detectors}
    target = truth.target[rows]
    judged = judge(picked, target, truth.bunch[rows], seed=seed)
    first, *rest = picked
    cut = {name: threshold_at(s.margins, target, LOOSE) for name, s in picked.items()}
    events = column(asked.window.senders, "events")[rows]
    kinds = truth.archetype[rows] if truth.archetype is not None else np.zeros(0, object)
    return Scope(
        name=name,
        senders=int(rows.sum()),
        malicious=int(target.sum()),
        figures=judged.figures,
        against={other: judged.difference(first, other) for other in rest},
        archetypes=tuple(_part(str(kind), kinds == kind, target, picked, cut) for kind in sorted(set(kinds.tolist()))),
        events=tuple(
            _part(_step_words(low, high), _within(events, low, high), target, picked, cut) for low, high in EVENT_STEPS
        ),
        cpu_seconds={timed.name: round(timed.cpu_seconds, 2) for timed in verdict.detectors},
        curves={name: _curve(s.margins, target) for name, s in picked.items()},
        reliability={name: _reliability(s.margins, target) for name, s in picked.items() if s.calibrated},
    )


def _part(name: str, rows: Mask, target: Array, scores: Mapping[str, Scores], cut: Mapping[str, float]) -> Part:
    inside = target[rows]
    return Part(
        name=name,
        senders=int(rows.sum()),
        malicious=int(inside.sum()),
        auprc={d: _precision(s.margins[rows], inside) for d, s in scores.items()},
        flagged={
            d: float((s.margins[rows] >= cut[d]).mean()) if rows.any() else float("nan") for d, s in scores.items()
        },
    )


def _precision(margins: Array, target: Array) -> float:
    if not 0 < target.sum() < len(target):
        return float("nan")
    return average_precision(*Ranking(margins, target).curve())


def _within(events: Array, low: int, high: int | None) -> Mask:
    return np.asarray((events >= low) & (events <= (np.inf if high is None else high)))


def _step_words(low: int, high: int | None) -> str:
    if high is None:
        return f"more than {low - 1} events"
    return "1 event" if high == 1 else f"{low}–{high} events"


def _curve(margins: Array, target: Array) -> tuple[Array, Array]:
    good, bad = Ranking(margins, target).curve()
    return good / max(good[-1], 1) if len(good) else good, good / np.maximum(good + bad, 1)


def _reliability(margins: Array, target: Array) -> tuple[Array, Array]:
    if not len(margins):
        return np.zeros(0), np.zeros(0)
    probability = sigmoid(margins)
    parts = np.array_split(np.argsort(probability, kind="stable"), min(BINS, len(margins)))
    return np.array([probability[part].mean() for part in parts]), np.array([target[part].mean() for part in parts])
