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
from gnn.metrics import BINS, LOOSE, STRICT, Figure, Ranking, Scores, average_precision, flagged_shares, judge
from gnn.model import RiskModel
from gnn.references import Detector, GraphNetwork, Timed, run
from gnn.risk import Risk
from gnn.scene import Scene
from graph.evidence import column, ids
from graph.values import Window

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Names = NDArray[np.object_]
Shares = Mapping[str, Sequence[Figure]]

Steps = tuple[tuple[int, int | None], ...]

EVENT_STEPS: Steps = ((1, 1), (2, 3), (4, 9), (10, None))  # one-shot senders are most of real spam and the hardest
SIZE_STEPS: Steps = ((3, 9), (10, 29), (30, 99), (100, 999), (1_000, None))  # small campaigns are swallowed by large
MOST_COLLEAGUES = 50  # innocent senders at one address domain up to which they are taken for one organisation
NOBODY = Figure(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Truth:
    """What is true of the senders of the scene asked about, shape (senders,) each.

    `target`: 1 malicious, 0 benign, NaN unknown. `campaign`: number of the true campaign, −1 for none. `bunch`: who is
    resampled together. `archetype`: what kind of sender it is, None where nobody knows. `operator`: number of who runs
    its campaign, −1 for nobody, None where unknown.
    """

    target: Array
    campaign: Ids
    bunch: Ids
    archetype: Names | None = None
    operator: Ids | None = None

    @property
    def size(self) -> Ids:
        """Senders of each sender's true campaign, 0 outside one."""
        inside = self.campaign >= 0
        counts = np.bincount(self.campaign[inside], minlength=1)
        return np.where(inside, counts[np.maximum(self.campaign, 0)], 0)


def bunches(window: Window, groups: Ids) -> Ids:
    """Who is resampled together, shape (senders,): a group (−1 for none), the rest by their own address domain.

    A domain of many senders is a mail provider, whose customers are strangers: they stand alone.
    """
    homes = np.full(len(groups), -1, np.int64)
    homes[ids(window.address_at, "sender")] = ids(window.address_at, "domain")
    homes[groups >= 0] = -1
    users = np.bincount(homes[homes >= 0], minlength=1)
    family = (homes >= 0) & (users[np.maximum(homes, 0)] <= MOST_COLLEAGUES)
    grouped, domains = groups.max(initial=-1) + 1, window.domains.num_rows
    alone = grouped + domains + np.arange(len(groups))
    return np.where(groups >= 0, groups, np.where(family, grouped + homes, alone))


@dataclass(frozen=True)
class Part:
    """Senders of one kind: how many, how many of them malicious, in how many campaigns, and figures by detector.

    `auprc` is within the part. `flagged_strict` and `flagged_loose` are the shares at the thresholds that one in a
    thousand and one in a hundred of all the scope's benign senders meet: recall where the part is malicious, false
    alarms where it is benign.
    """

    name: str
    senders: int
    malicious: int
    campaigns: int
    auprc: dict[str, float]
    flagged_strict: dict[str, Figure]
    flagged_loose: dict[str, float]


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
    sizes: tuple[Part, ...]  # malicious senders alone, by the true size of their campaign in the window
    cpu_seconds: dict[str, float]
    peak_mb: dict[str, float]
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
    target, bunch = truth.target[rows], truth.bunch[rows]
    judged = judge(picked, target, bunch, seed=seed)
    first, *rest = picked
    sides = _Sides(picked, target, bunch, truth.campaign[rows], seed)
    events = column(asked.window.senders, "events")[rows].astype(np.int64)
    return Scope(
        name=name,
        senders=int(rows.sum()),
        malicious=int(target.sum()),
        figures=judged.figures,
        against={other: judged.difference(first, other) for other in rest},
        archetypes=sides.by_name(truth.archetype[rows]) if truth.archetype is not None else (),
        events=sides.by_steps(events, EVENT_STEPS, "event"),
        sizes=sides.by_steps(np.where(target > 0, truth.size[rows], 0), SIZE_STEPS, "sender"),
        cpu_seconds={timed.name: round(timed.cpu_seconds, 2) for timed in verdict.detectors},
        peak_mb={timed.name: round(timed.peak_mb, 1) for timed in verdict.detectors},
        curves={name: _curve(s.margins, target) for name, s in picked.items()},
        reliability={name: _reliability(s.margins, target) for name, s in picked.items() if s.calibrated},
    )


@dataclass(frozen=True)
class _Sides:
    """The senders of a scope, ready to be looked at part by part."""

    scores: dict[str, Scores]
    target: Array
    bunch: Ids
    campaign: Ids
    seed: int

    def by_name(self, names: Names) -> tuple[Part, ...]:
        """A part for each name."""
        kinds, number = np.unique(names.astype(str), return_inverse=True)
        return self._parts(kinds.tolist(), number.astype(np.int64))

    def by_steps(self, values: Ids, steps: Steps, noun: str) -> tuple[Part, ...]:
        """A part for each step of a number; who is in none is left out."""
        number = np.full(len(values), -1, np.int64)
        for at, (low, high) in enumerate(steps):
            number[(values >= low) & (values <= (np.inf if high is None else high))] = at
        return self._parts([_step_words(*step, noun) for step in steps], number)

    def _parts(self, names: list[str], number: Ids) -> tuple[Part, ...]:
        strict = flagged_shares(self.scores, self.target, self.bunch, number, STRICT, seed=self.seed)
        loose = flagged_shares(self.scores, self.target, self.bunch, number, LOOSE, rounds=0)
        return tuple(self._part(name, at, number == at, strict, loose) for at, name in enumerate(names))

    def _part(self, name: str, at: int, rows: Mask, strict: Shares, loose: Shares) -> Part:
        inside, campaign = self.target[rows], self.campaign[rows]
        return Part(
            name=name,
            senders=int(rows.sum()),
            malicious=int(inside.sum()),
            campaigns=len(np.unique(campaign[campaign >= 0])),
            auprc={d: _precision(s.margins[rows], inside) for d, s in self.scores.items()},
            flagged_strict={d: figures[at] if at < len(figures) else NOBODY for d, figures in strict.items()},
            flagged_loose={d: (figures[at] if at < len(figures) else NOBODY).value for d, figures in loose.items()},
        )


def _precision(margins: Array, target: Array) -> float:
    if not 0 < target.sum() < len(target):
        return float("nan")
    return average_precision(*Ranking(margins, target).curve())


def _step_words(low: int, high: int | None, noun: str) -> str:
    if high is None:
        return f"{low:,} or more {noun}s"
    return f"{low} {noun}" if high == low == 1 else f"{low}–{high} {noun}s"


def _curve(margins: Array, target: Array) -> tuple[Array, Array]:
    good, bad = Ranking(margins, target).curve()
    return good / max(good[-1], 1) if len(good) else good, good / np.maximum(good + bad, 1)


def _reliability(margins: Array, target: Array) -> tuple[Array, Array]:
    if not len(margins):
        return np.zeros(0), np.zeros(0)
    probability = sigmoid(margins)
    parts = np.array_split(np.argsort(probability, kind="stable"), min(BINS, len(margins)))
    return np.array([probability[part].mean() for part in parts]), np.array([target[part].mean() for part in parts])
