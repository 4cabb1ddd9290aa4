"""What a detector is, and what running one costs. Knows no detector."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gnn.features import sender_channels
from gnn.fit import TrainOptions
from gnn.metrics import Scores
from gnn.prior import propagate_informed
from gnn.scene import Scene

NOTHING, OWN, PROPAGATION = "nothing", "own channels", "propagation"
PREPARE: dict[str, Callable[[Scene], object]] = {
    NOTHING: lambda scene: None,
    OWN: lambda scene: sender_channels(scene.window, scene.evidence),
    PROPAGATION: lambda scene: propagate_informed(scene.window, scene.evidence),
}


class Detector(Protocol):
    """A way to tell malicious senders.

    `needs` names what of the scene was computed for it (a key of `PREPARE`): its cost is counted too, so that what is
    precomputed does not look free beside what is computed end to end.
    """

    @property
    def name(self) -> str: ...
    @property
    def needs(self) -> str: ...
    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores: ...


@dataclass(frozen=True)
class Timed:
    """What a detector said, and what that took.

    `cpu_seconds` are those of preparing, fitting and scoring, user and system time of all threads together; the window
    graph and the evidence, which all share, are not in it. `peak_mb` is the memory (10⁶ bytes) that fitting and scoring
    took at most beyond the scene and the libraries, NaN where the detector did not run in a process of its own.
    """

    name: str
    scores: Scores
    cpu_seconds: float
    peak_mb: float = float("nan")


@dataclass(frozen=True)
class Finished:
    """A detector after its run, with whatever it keeps of it."""

    detector: Detector
    timed: Timed


def run(detector: Detector, taught: Scene, asked: Scene, options: TrainOptions) -> Finished:
    """One detector in this process, timed; what it needs was prepared before and is not counted."""
    began = time.process_time()
    scores = detector.fit_predict(taught, asked, options)
    return Finished(detector, Timed(detector.name, scores, time.process_time() - began))
