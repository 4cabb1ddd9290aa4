"""Detectors in processes of their own: the same scores, what they cost, and what becomes of a failure."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import small_mail

from gnn.apart import MEGABYTE, run_apart
from gnn.fit import TrainOptions
from gnn.metrics import Scores
from gnn.prior import propagate_informed
from gnn.references import OwnTrees, ReportsPerSender, run
from gnn.scene import Scene
from graph.errors import ModelError, RingleaderError

GREEDY_MB = 120


@dataclass(frozen=True)
class Greedy:
    """Takes memory for a moment, lets it go, and remembers in which process that was."""

    name: str = "greedy"
    needs: str = "nothing"

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        taken = np.ones(GREEDY_MB * MEGABYTE // 8)
        del taken
        return Scores(np.full(asked.window.senders.num_rows, float(os.getpid())), calibrated=False)


@dataclass(frozen=True)
class Failing:
    name: str = "failing"
    needs: str = "nothing"

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        raise ModelError("the model", "is no good", "Train another")


@dataclass(frozen=True)
class Killed:
    name: str = "killed"
    needs: str = "nothing"

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def unreadable() -> None:
    raise ModelError("the detector", "cannot be read", "Write another")


@dataclass(frozen=True)
class Unreadable(Failing):
    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return unreadable, ()


@pytest.fixture(scope="module")
def scene(lesson: small_mail.Lesson) -> Scene:
    informed = propagate_informed(lesson.window, lesson.evidence)
    return Scene(lesson.window, lesson.evidence, informed, lesson.labels, lesson.no_domain_labels)


@pytest.mark.slow
def test_a_process_of_its_own_changes_no_score_and_knows_cost_and_memory(scene):
    begun: list[tuple[int, str]] = []
    detectors = (ReportsPerSender(), Greedy(), OwnTrees())
    found = run_apart(detectors, scene, scene, small_mail.QUICK, lambda *at: begun.append(at))
    assert begun == [(0, "reports per sender"), (1, "greedy"), (2, "no-graph trees")]
    reports, greedy, trees = (one.timed for one in found)
    for timed, detector in ((reports, ReportsPerSender()), (trees, OwnTrees())):
        here = run(detector, scene, scene, small_mail.QUICK).timed
        assert np.array_equal(timed.scores.margins, here.scores.margins)
    assert greedy.scores.margins[0] != os.getpid()
    assert 0.9 * GREEDY_MB < greedy.peak_mb < 1.5 * GREEDY_MB
    assert trees.peak_mb < 0.5 * GREEDY_MB  # what another took is not counted
    assert trees.cpu_seconds > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("detector", "error", "words"),
    [
        (Failing(), ModelError, "is no good"),
        (Killed(), RingleaderError, "killed: its process was ended"),
        (Unreadable(), ModelError, "cannot be read"),
    ],
)
def test_a_failure_is_told_where_it_was_asked_for(scene, detector, error, words):
    with pytest.raises(error, match=words):
        run_apart((ReportsPerSender(), detector), scene, scene, small_mail.QUICK, lambda at, name: None)
