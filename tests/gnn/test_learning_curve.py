"""The learning curve: drawn verdicts are the only ones known, and the last point is what all of them gave."""

from dataclasses import replace

import numpy as np
import pytest
import small_mail

from gnn import learning_curve
from gnn.evaluate import Truth
from gnn.labels import Labels
from gnn.learning_curve import Lesson, learning_curves
from gnn.metrics import Scores
from gnn.prior import propagate_informed
from gnn.references import GraphNetwork, Timed
from gnn.scene import Scene


@pytest.fixture(scope="module")
def lesson(lesson: small_mail.Lesson) -> Lesson:
    informed = propagate_informed(lesson.window, lesson.evidence)
    scene = Scene(lesson.window, lesson.evidence, informed, lesson.labels, lesson.no_domain_labels)
    size = len(lesson.guilty)
    truth = Truth(lesson.guilty.astype(float), np.full(size, -1, np.int64), np.arange(size))
    return Lesson(scene, scene, truth, {"unlabelled": ~lesson.labels.known}, small_mail.QUICK)


def test_so_many_verdicts_are_known_as_were_drawn_and_no_other(lesson):
    everything = lesson.taught.senders
    for count in (0, 5, 10):
        senders = lesson.told(count, 0).taught.senders
        assert senders.known.sum() == count
        assert np.array_equal(senders.target[senders.known], everything.target[senders.known])


def test_draws_differ_and_repeat(lesson):
    first, second, again = (np.flatnonzero(lesson.told(10, draw).taught.senders.known) for draw in (0, 1, 0))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_the_same_senders_are_known_in_the_scene_asked_about(lesson):
    """A home's two scenes number their senders each in its own way: here in opposite orders."""
    window, known = lesson.asked.window, lesson.asked.senders
    back = np.arange(window.senders.num_rows)[::-1]
    turned = Labels(known.malicious[back], known.benign[back])
    other = replace(lesson.asked, window=replace(window, senders=window.senders.take(back)), senders=turned)
    told = replace(lesson, asked=other).told(10, 0)
    assert told.taught.senders.known.sum() == 10
    assert np.array_equal(told.asked.senders.malicious, told.taught.senders.malicious[back])
    assert np.array_equal(told.asked.senders.benign, told.taught.senders.benign[back])


def test_no_verdict_few_and_all(lesson, monkeypatch):
    monkeypatch.setattr(learning_curve, "DRAWS", {0: 1, 10: 2, 10_000: 1})
    perfect = Scores(lesson.truth.target, calibrated=False)
    (curve,) = learning_curves(lesson, [Timed(GraphNetwork.name, perfect, 0.0), Timed("another", perfect, 0.0)])
    none, few, everything = curve.points
    assert (none.labels, none.malicious, none.draws) == (0, 0, 1)
    assert (few.labels, few.draws) == (10, 2)
    assert 0 < few.malicious < 10
    assert everything.labels == lesson.taught.senders.known.sum()
    assert list(everything.figures) == ["Ringleader"]
    assert everything.figures["Ringleader"]["auprc"].value == 1
    trees = [point.figures["graph trees"]["auprc"].value for point in (none, few)]
    chance = lesson.truth.target[lesson.questions["unlabelled"]].mean()
    assert trees[0] == pytest.approx(chance)  # without a verdict there is nothing to learn
    assert trees[1] > chance
    assert none.figures["Ringleader"]["auprc"].value > chance  # the prior that ships
