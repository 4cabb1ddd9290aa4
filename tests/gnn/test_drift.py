"""Drift: none between samples and halves of one world, an alarm where the mail is other mail, the worst named."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_mail import QUICK, Lesson, mail
from small_mail import lesson as lesson_of
from windows import letter

from gnn.drift import CARD, KNOTS, LINE, SHARE, WORST, Drift, Histogram, drift, with_reference
from gnn.model import RiskModel
from gnn.prior import propagate_informed
from gnn.risk import score
from gnn.teach import teach

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
VALUES = arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e3, 1e3))


@pytest.fixture(scope="module")
def champion(lesson: Lesson) -> RiskModel:
    propagated = propagate_informed(lesson.window, lesson.evidence)
    return with_reference(teach(lesson.window, propagated, lesson.labels, QUICK), propagated, lesson.labels)


def watched(model: RiskModel, other: Lesson) -> Drift:
    """As a refresh does it."""
    propagated = propagate_informed(other.window, other.evidence)
    risk = score(propagated, other.evidence, other.labels, other.no_domain_labels, model)
    return drift(model, propagated.structure, risk.evidence_only, risk.prior)


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES)
def test_an_index_is_a_distance_from_the_reference(one: Array, other: Array) -> None:
    before = Histogram.of(one)
    assert len(before.shares) == KNOTS
    assert sum(before.shares) == pytest.approx(1)
    assert before.index(one) == pytest.approx(0, abs=1e-12)
    assert before.index(other) >= 0


def test_the_index_is_that_of_the_formula() -> None:
    before = Histogram(0.0, 7.0, (0.5, 0.5, 0, 0, 0, 0, 0, 0))
    p = (np.array([0.5, 0.5, 0, 0, 0, 0, 0, 0]) + 1e-3) / 1.008
    q = (np.array([0.25, 0.75, 0, 0, 0, 0, 0, 0]) + 1e-3) / 1.008
    assert before.index(np.array([0.0, 1.0, 1.0, 1.0])) == pytest.approx(np.sum((q - p) * np.log(q / p)))


def test_a_lump_that_moves_a_hair_is_no_drift_and_one_that_moves_far_is() -> None:
    values = np.concatenate([np.full(900, 4.0), np.linspace(0, 7, 200)])
    before = Histogram.of(values)
    assert before.index(np.where(values == 4, 4.05, values)) < 0.05
    assert before.index(np.where(values == 4, 6.5, values)) > 1


def test_a_column_that_was_constant_shows_any_other_value() -> None:
    before = Histogram.of(np.zeros(100))
    assert before.index(np.zeros(50)) == pytest.approx(0)
    assert before.index(np.repeat([0.0, 0.5], 50)) > LINE


def test_the_window_that_taught_has_not_moved(lesson: Lesson, champion: RiskModel) -> None:
    found = watched(champion, lesson)
    assert found.scores == pytest.approx(0, abs=1e-9)
    assert found.beyond == 0
    assert not found.alarm
    assert "warning" not in str(found)
    structure = propagate_informed(lesson.window, lesson.evidence).structure
    assert set(found.inputs) == set(structure.names)


def test_other_mail_sets_off_the_alarm_and_the_channels_that_moved_are_named(champion: RiskModel) -> None:
    """Everybody writes to thirty, in the same hour, with a link that all share, and nobody answers."""
    people = [f"h{n}@home.example" for n in range(60)]
    letters = [
        letter(f"n{n}@new.example", *(people[(n + k) % 60] for k in range(30)), hour=3, sites=("all.example",))
        for n in range(120)
    ]
    found = watched(champion, lesson_of(letters))
    assert found.alarm
    assert found.beyond > SHARE
    assert len(found.worst) == WORST
    assert min(found.worst.values()) >= np.sort(list(found.inputs.values()))[-WORST]
    assert "warning" in str(found)
    assert all(name in str(found) for name in found.worst)


def test_scores_alone_can_set_it_off(lesson: Lesson, champion: RiskModel) -> None:
    propagated = propagate_informed(lesson.window, lesson.evidence)
    risk = score(propagated, lesson.evidence, lesson.labels, lesson.no_domain_labels, champion)
    found = drift(champion, propagated.structure, risk.evidence_only + 5, risk.prior)
    assert found.beyond == 0
    assert found.scores is not None
    assert found.scores > found.line
    assert found.alarm


def test_prevalence_alone_is_no_drift_of_scores(lesson: Lesson, champion: RiskModel) -> None:
    propagated = propagate_informed(lesson.window, lesson.evidence)
    risk = score(propagated, lesson.evidence, lesson.labels, lesson.no_domain_labels, champion)
    shift = champion.calibration.logits(np.zeros(1), 0.4) - champion.calibration.logits(np.zeros(1), risk.prior)
    found = drift(champion, propagated.structure, risk.evidence_only + shift, 0.4)
    assert found.scores == pytest.approx(0, abs=1e-9)


def test_a_model_that_kept_no_scores_still_has_its_inputs_watched(lesson: Lesson, champion: RiskModel) -> None:
    older = replace(champion, card={name: value for name, value in champion.card.items() if name != CARD})
    found = watched(older, lesson)
    assert found.scores is None
    assert not found.alarm
    assert len(found.inputs) > 200
    assert json.loads(json.dumps(found.described()))["scores"] is None
    assert "scores unknown" in str(found)


def test_half_of_the_people_of_one_town_are_no_other_town(champion: RiskModel) -> None:
    """The same letters in another order of days: small samples are allowed their noise."""
    letters = [replace(one, day=9 - one.day) for one in mail()]
    assert not watched(champion, lesson_of(letters)).alarm


def test_small_samples_are_allowed_more_than_large_ones(lesson: Lesson, champion: RiskModel) -> None:
    large = replace(champion, card={**champion.card, CARD: {**champion.card[CARD], "senders": 10**6}})
    assert watched(champion, lesson).line > watched(large, lesson).line > LINE
