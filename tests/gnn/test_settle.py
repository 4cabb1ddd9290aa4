"""Risk settled into its window: what holds of all who are alike stands, what was said of one alone counts half."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_mail import Lesson, rows_of_gang

from gnn import settle as room
from gnn.explain import check_sums, reasons
from gnn.fit import TrainOptions
from gnn.model import RiskModel
from gnn.propagate import density_of
from gnn.risk import HEARD, VERDICT_LOGIT, Risk, risk_of, score
from gnn.settle import CROWD_SAYS, SAYS_ABROAD, SAYS_AT_HOME, savage, settle, share_of_student

OPTIONS = TrainOptions(members=2)
SURE = 5.0


@pytest.fixture(scope="module")
def said(lesson: Lesson, model: RiskModel) -> Risk:
    return score(lesson.propagated, lesson.evidence, lesson.labels, lesson.no_domain_labels, model)


def settled(lesson: Lesson, risk: Risk, options: TrainOptions = OPTIONS, says: float = SAYS_AT_HOME) -> Risk:
    return settle(risk, lesson.propagated, lesson.evidence, lesson.labels, lesson.no_domain_labels, options, says)


def opinion(lesson: Lesson, said: Risk, logits: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Risk:
    """Risk that a teacher of these log-odds would give."""
    return risk_of(said.usage, lesson.evidence, logits, said.prior, lesson.labels, lesson.no_domain_labels)


def sure(lesson: Lesson) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.where(lesson.guilty, SURE, -SURE)


def test_what_holds_of_all_who_are_alike_stands(lesson: Lesson, said: Risk) -> None:
    found = settled(lesson, opinion(lesson, said, sure(lesson)))
    assert (found.evidence_only[lesson.guilty] > 0).all()
    assert (found.evidence_only[~lesson.guilty] < 0).all()
    assert found.prior == said.prior


@pytest.mark.parametrize("guilty", [True, False])
def test_what_was_said_of_one_alone_is_taken_back_by_half(lesson: Lesson, said: Risk, guilty: bool) -> None:
    one = rows_of_gang(lesson, 3)[0] if guilty else np.flatnonzero(~lesson.guilty & ~lesson.labels.known)[0]
    logits = sure(lesson)
    logits[one] *= -1
    found = settled(lesson, opinion(lesson, said, logits)).evidence_only[one]
    assert np.sign(found - logits[one]) == (1 if guilty else -1)
    assert abs(found - logits[one]) > SURE / 2


def test_a_verdict_is_counted_after_it_as_before(lesson: Lesson, said: Risk) -> None:
    found = settled(lesson, opinion(lesson, said, -sure(lesson)))  # a teacher that has everything wrong
    assert (found.senders[lesson.labels.malicious > 0] >= VERDICT_LOGIT - HEARD).all()
    assert (found.senders[lesson.labels.benign > 0] <= HEARD - VERDICT_LOGIT).all()


def test_the_same_input_gives_the_same_bytes_and_last_digits_teach_nothing(lesson: Lesson, said: Risk) -> None:
    logits = np.round(said.evidence_only, 2)
    found, again = (settled(lesson, opinion(lesson, said, logits)) for _ in range(2))
    nearly = settled(lesson, opinion(lesson, said, logits + 1e-12))
    assert found.senders.tobytes() == again.senders.tobytes()
    assert np.allclose(found.senders, nearly.senders, rtol=0, atol=1e-11)
    other = settled(lesson, opinion(lesson, said, logits), replace(OPTIONS, seed=8))
    assert found.senders.tobytes() != other.senders.tobytes()


@pytest.mark.parametrize("level", [-SURE, SURE])
def test_where_all_are_alike_to_the_teacher_they_are_to_the_student(lesson: Lesson, said: Risk, level: float) -> None:
    found = settled(lesson, opinion(lesson, said, np.full(len(lesson.guilty), level)))
    assert np.isfinite(found.senders).all()
    assert (np.sign(found.evidence_only) == np.sign(level)).all()


def test_too_few_senders_teach_no_student(lesson: Lesson, said: Risk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LEAST_SENDERS", len(lesson.guilty) + 1)
    assert settled(lesson, said) is said


def test_of_too_many_senders_some_of_each_side_teach(
    lesson: Lesson, said: Risk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_OF_A_SIDE", 20)
    found = settled(lesson, opinion(lesson, said, sure(lesson)))
    assert len(found.senders) == len(lesson.guilty)
    assert (found.evidence_only[lesson.guilty] > 0).mean() > 0.9
    assert (found.evidence_only[~lesson.guilty] < 0).mean() > 0.9


@pytest.mark.parametrize("says", [SAYS_AT_HOME, 0.8, SAYS_ABROAD])
def test_reasons_are_those_of_model_and_student_and_sum_to_the_scores(
    lesson: Lesson, model: RiskModel, said: Risk, says: float
) -> None:
    found = settled(lesson, said, says=says)
    assert not np.allclose(found.senders, said.senders)
    because = reasons(
        lesson.window, lesson.evidence, lesson.propagated, lesson.labels, lesson.no_domain_labels, model, found
    )
    assert because.num_rows > 0
    check_sums(because, lesson.window, found)


def test_a_student_that_says_all_takes_back_all_that_was_said_of_one_alone(lesson: Lesson, said: Risk) -> None:
    one = rows_of_gang(lesson, 3)[0]
    logits = sure(lesson)
    logits[one] *= -1
    half, whole = (settled(lesson, opinion(lesson, said, logits), says=says) for says in (SAYS_AT_HOME, SAYS_ABROAD))
    assert np.allclose(half.evidence_only, (logits + whole.evidence_only) / 2)
    assert whole.evidence_only[one] > 0


@pytest.mark.parametrize(("gain", "share"), [(0.0, 0.5), (0.5, 0.5), (1.0, 0.75), (1.5, 1.0), (4.0, 1.0)])
def test_a_student_says_the_more_the_more_the_homes_own_network_is_heard(
    model: RiskModel, gain: float, share: float
) -> None:
    beside = replace(model, shape=replace(model.shape, anchor=0, gain=gain))
    assert share_of_student(beside) == share


def test_where_no_prior_is_heard_the_student_says_half(model: RiskModel) -> None:
    assert model.shape.anchor < 0
    assert share_of_student(model) == SAYS_AT_HOME


def test_of_what_the_teacher_cannot_tell_apart_the_denser_crowd_is_riskier(lesson: Lesson, said: Risk) -> None:
    found = settled(lesson, opinion(lesson, said, np.zeros(len(lesson.guilty))), says=SAYS_ABROAD).evidence_only
    dense = density_of(lesson.propagated.structure)
    assert found[dense > np.quantile(dense, 0.9)].mean() > found[dense <= np.median(dense)].mean() + CROWD_SAYS


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200))
def test_savage_scores_follow_the_order_and_have_next_to_no_mean(values: list[int]) -> None:
    shown = np.array(values, dtype=np.float64)
    scores = savage(shown)
    assert np.array_equal(np.argsort(shown, kind="stable"), np.argsort(scores, kind="stable"))
    assert scores.max() <= np.log(2 * len(shown))
    assert savage(np.random.default_rng(1).permutation(1000.0 * np.arange(1000))).mean() == pytest.approx(0, abs=0.01)
