"""How many verdicts it takes: the product and the trees taught again with few, drawn at random. Knows scenes and truth.

Verdicts are drawn by sender, so that a draw is the same in the scene learnt from and in the one asked about.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gnn.evaluate import Truth
from gnn.fit import TrainOptions
from gnn.labels import Labels
from gnn.metrics import MEASURES, Figure, Judged, Scores, figure_of, judge
from gnn.references import Detector, GraphNetwork, GraphTrees, Timed, run
from gnn.scene import Scene

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Tell = Callable[[int, int, str], None]

DRAWS = {0: 1, 10: 3, 50: 2, 200: 1}  # of each number of verdicts: which ten they are matters more than which 200
TOLD = ("auprc", "recall_strict", "recall_loose")


@dataclass(frozen=True)
class LearningPoint:
    """Detectors after so many verdicts, `malicious` of them so (mean over `draws`).

    `figures` by detector and measure: the mean over the draws; its interval is over draws and resampled campaigns.
    """

    labels: int
    malicious: float
    draws: int
    figures: dict[str, dict[str, Figure]]


@dataclass(frozen=True)
class LearningCurve:
    """One question asked again and again, few verdicts first, all of them last."""

    question: str
    points: tuple[LearningPoint, ...]


@dataclass(frozen=True)
class Lesson:
    """What is learnt from, what is asked about, and whose truth is known."""

    taught: Scene
    asked: Scene
    truth: Truth
    questions: Mapping[str, Mask]
    options: TrainOptions

    def told(self, count: int, draw: int) -> "Lesson":
        """The same with so many verdicts, drawn at random among those that are known to be learnt from."""
        known = np.flatnonzero(self.taught.senders.known)
        kept = np.random.default_rng([self.options.seed, count, draw]).permutation(known)[:count]
        if self.asked is self.taught:
            scene = _knowing(self.taught, kept)
            return replace(self, taught=scene, asked=scene)
        names = self.taught.window.senders["key"].take(kept).to_pylist()
        place = {key: at for at, key in enumerate(self.asked.window.senders["key"].to_pylist())}
        there = np.array([place[name] for name in names if name in place], dtype=np.int64)
        return replace(self, taught=_knowing(self.taught, kept), asked=_knowing(self.asked, there))

    def judged(self, said: Mapping[str, Scores]) -> dict[str, Judged]:
        """Every question's figures."""
        out = {}
        for question, asked in self.questions.items():
            rows = asked & np.isfinite(self.truth.target)
            scores = {name: one.of(rows) for name, one in said.items()}
            out[question] = judge(scores, self.truth.target[rows], self.truth.bunch[rows], seed=self.options.seed)
        return out


def learning_curves(
    lesson: Lesson, known: Sequence[Timed], tell: Tell = lambda done, total, name: None
) -> tuple[LearningCurve, ...]:
    """A curve for every question, of the product and of trees on the same channels.

    `known`: what detectors said with every verdict; those of the curve among them are its last point. Counts that are
    not below the number of verdicts are left out.
    """
    verdicts = int(lesson.taught.senders.known.sum())
    plan = [(count, draws) for count, draws in DRAWS.items() if count < verdicts]
    total, done = sum(draws for _, draws in plan), 0
    points: dict[str, list[LearningPoint]] = {question: [] for question in lesson.questions}
    for count, draws in plan:
        told, found = [], []
        for draw in range(draws):
            tell(done, total, f"{count} verdicts")
            told.append(lesson.told(count, draw))
            found.append(told[-1].judged(_said(told[-1])))
            done += 1
        malicious = float(np.mean([_malicious(one.taught.senders) for one in told]))
        for question, of in points.items():
            of.append(LearningPoint(count, malicious, draws, _mean([one[question] for one in found])))
    names = [detector.name for detector in _detectors()]
    everything = lesson.judged({timed.name: timed.scores for timed in known if timed.name in names})
    for question, of in points.items():
        of.append(LearningPoint(verdicts, _malicious(lesson.taught.senders), 1, _mean([everything[question]])))
    return tuple(LearningCurve(question, tuple(of)) for question, of in points.items())


def _detectors() -> tuple[Detector, ...]:
    return GraphNetwork(), GraphTrees()


def _said(lesson: Lesson) -> dict[str, Scores]:
    timed = [run(detector, lesson.taught, lesson.asked, lesson.options).timed for detector in _detectors()]
    return {one.name: one.scores for one in timed}


def _knowing(scene: Scene, kept: Ids) -> Scene:
    """The scene with the verdicts on these senders alone, and none on domains."""
    others = np.ones(len(scene.senders.known), dtype=bool)
    others[kept] = False
    of_domains = scene.domains.hiding(np.flatnonzero(scene.domains.known))
    return replace(scene, senders=scene.senders.hiding(np.flatnonzero(others)), domains=of_domains)


def _malicious(labels: Labels) -> int:
    return int(labels.target[labels.known].sum())


def _mean(draws: Sequence[Judged]) -> dict[str, dict[str, Figure]]:
    return {name: {measure: _pooled(draws, name, measure) for measure in TOLD} for name in draws[0].figures}


def _pooled(draws: Sequence[Judged], name: str, measure: str) -> Figure:
    """The mean of the draws, between the ends of all their resamples together."""
    value = float(np.mean([one.figures[name][measure].value for one in draws]))
    at = MEASURES.index(measure)
    return figure_of(value, np.concatenate([one.samples[name][:, at] for one in draws]))
