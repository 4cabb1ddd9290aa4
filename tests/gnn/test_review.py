"""Verdicts to look at again: those that the evidence contradicts, and how doubt is measured."""

import numpy as np
import pytest
import small_mail

from gnn.labels import Labels
from gnn.prior import propagate_informed
from gnn.review import contradicted, doubts
from gnn.scene import Scene


@pytest.fixture(scope="module")
def scene(lesson: small_mail.Lesson) -> Scene:
    informed = propagate_informed(lesson.window, lesson.evidence)
    return Scene(lesson.window, lesson.evidence, informed, lesson.labels, lesson.no_domain_labels)


def turned(labels: Labels, rows: np.ndarray) -> Labels:
    malicious, benign = labels.malicious.copy(), labels.benign.copy()
    malicious[rows], benign[rows] = labels.benign[rows], labels.malicious[rows]
    return Labels(malicious, benign)


def test_verdicts_turned_round_come_first(scene, lesson):
    known = np.flatnonzero(lesson.labels.known)
    wrong = np.concatenate([known[lesson.guilty[known]][:2], known[~lesson.guilty[known]][:2]])
    found = doubts(scene, turned(lesson.labels, wrong), small_mail.QUICK)
    assert set(found.rows[:4]) == set(wrong)
    assert np.array_equal(found.risk[:4] > 0.5, lesson.guilty[found.rows[:4]])


def test_right_verdicts_are_not_doubted(scene, lesson):
    assert len(doubts(scene, lesson.labels, small_mail.QUICK).rows) <= 1


def test_one_class_alone_shows_nothing_to_doubt(scene, lesson):
    only = Labels(lesson.labels.malicious, np.zeros_like(lesson.labels.benign))
    assert len(doubts(scene, only, small_mail.QUICK).rows) == 0


def test_a_label_is_doubted_where_the_other_class_is_as_probable_as_it_usually_is():
    """Usually .7 of those called malicious, .8 of those called benign (each mean holds the doubtful one too)."""
    risk = np.array([0.9, 0.9, 0.1, 0.1, 0.1, 0.75])
    target = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    assert contradicted(risk, target).tolist() == [False, False, True, False, False, True]
    unsure = np.where(risk == 0.75, 0.55, risk)
    assert contradicted(unsure, target).tolist() == [False, False, True, False, False, False]
