"""Fitting: a seed is a model, no label reaches its own row, a prior is heard beside what the home learnt, and one class
teaches nothing."""

from dataclasses import replace

import numpy as np
import pytest
from small_mail import QUICK, Lesson, nothing_known

from gnn.calibrate import sigmoid
from gnn.features import Channels, channels
from gnn.labels import Labels, Rows
from gnn.model import ANCHOR_BLOCK, MARGIN_SCALE, RiskModel, block_numbers
from gnn.registry import _pack
from gnn.train import (
    FEW_PARTS,
    LEAST_FOR_VALIDATION,
    LEAST_OF_A_CLASS,
    MANY_LABELS,
    PARTS,
    LabelChannels,
    Order,
    _Course,
    _held_out,
    _parts,
    cross_fitted,
    learnable,
    provable,
    train,
)


def whole(lesson: Lesson) -> "np.ndarray":
    """Margins' input with all known labels lent."""
    return lesson.propagated.structure.beside(lesson.lend(lesson.labels))  # type: ignore[return-value]


def test_the_same_seed_gives_the_same_bytes(lesson: Lesson, model: RiskModel) -> None:
    assert _pack(lesson.fit()) == _pack(model)


def test_another_seed_gives_another_model(lesson: Lesson, model: RiskModel) -> None:
    assert _pack(lesson.fit(options=replace(QUICK, seed=8))) != _pack(model)


def test_unlabelled_gangs_rank_above_people(lesson: Lesson) -> None:
    fitted = lesson.fit(options=replace(QUICK, steps=60))
    margins = fitted.margins(lesson.propagated.structure.beside(lesson.lend(lesson.labels)))
    unseen = ~lesson.labels.known
    bad, good = margins[unseen & lesson.guilty], margins[unseen & ~lesson.guilty]
    assert (bad[:, None] > good[None, :]).mean() > 0.95


@pytest.mark.parametrize("flipped", [0, 5, 30])
def test_no_label_reaches_its_own_row_over_any_number_of_hops(lesson: Lesson, flipped: int) -> None:
    rows = np.flatnonzero(lesson.labels.known)
    row = rows[flipped]
    other = Labels(lesson.labels.malicious.copy(), lesson.labels.benign.copy())
    other.malicious[row], other.benign[row] = other.benign[row], other.malicious[row]
    mine, theirs = (cross_fitted(lesson.lend, labels, rows, QUICK) for labels in (lesson.labels, other))
    assert np.array_equal(mine.values[flipped], theirs.values[flipped])
    assert not np.array_equal(mine.values, theirs.values)


def test_cross_fitted_rows_see_the_labels_of_other_folds(lesson: Lesson) -> None:
    rows = np.flatnonzero(lesson.labels.known)
    lent = cross_fitted(lesson.lend, lesson.labels, rows, QUICK)
    column = lent.values[:, lent.names.index("linked_to.labels.malicious")]
    assert (column[lesson.labels.target[rows] > 0] > 0).all()


def test_the_card_says_what_it_was_fitted_on(lesson: Lesson, model: RiskModel) -> None:
    assert model.card["labels"] == int(lesson.labels.known.sum())
    assert model.card["malicious"] == int((lesson.labels.malicious > 0).sum())
    assert 0 < model.card["steps"] <= QUICK.steps
    assert model.card["validation"]["rows"] > 0
    assert np.isfinite(list(model.card["validation"].values())).all()


def test_labels_of_both_classes_are_learnable_and_fewer_are_not() -> None:
    target = np.arange(LEAST_FOR_VALIDATION) < LEAST_OF_A_CLASS
    both = Labels(target * 1.0, ~target * 1.0)
    assert provable(both)
    assert not learnable(both.hiding(np.array([0])))
    assert learnable(fewer := both.hiding(np.array([LEAST_FOR_VALIDATION - 1])))
    assert not provable(fewer)
    assert not learnable(nothing_known(50))


@pytest.mark.parametrize("malicious", [0.0, 1.0])
def test_labels_of_one_class_give_everybody_the_same_small_risk(lesson: Lesson, malicious: float) -> None:
    known = lesson.labels.malicious > 0
    labels = Labels(np.where(known, malicious, 0.0), np.where(known, 1 - malicious, 0.0))
    fitted = lesson.fit(labels)
    margins = fitted.margins(lesson.propagated.structure.beside(lesson.lend(labels)))
    risk = sigmoid(fitted.calibration.logits(margins, fitted.calibration.prior_of(margins)))
    assert np.allclose(risk, risk[0])
    assert 0 < risk[0] < 0.05


def test_no_labels_at_all_give_everybody_the_same_small_risk(lesson: Lesson) -> None:
    fitted = lesson.fit(nothing_known(len(lesson.guilty)))
    margins = fitted.margins(lesson.propagated.structure.beside(lesson.lend(lesson.labels)))
    risk = sigmoid(fitted.calibration.logits(margins, fitted.calibration.prior_of(margins)))
    assert 0 < risk.max() < 0.05


def test_few_labels_of_both_classes_are_fitted_without_validation(lesson: Lesson) -> None:
    rows = np.flatnonzero(lesson.labels.known)
    some = lesson.labels.hiding(np.setdiff1d(rows, np.concatenate([rows[:8], rows[-8:]])))
    fitted = lesson.fit(some)
    assert fitted.card["validation"] == {}
    margins = fitted.margins(lesson.propagated.structure.beside(lesson.lend(some)))
    assert np.isfinite(margins).all()


def test_blocks_are_numbered_in_order_of_appearance() -> None:
    assert block_numbers(("b", "a", "b", "c")).tolist() == [0, 1, 0, 2]


def with_prior(lesson: Lesson, opinion: "np.ndarray") -> LabelChannels:
    """Labels lent, and beside them a prior that says the same whatever is known."""

    def lend(labels: Labels, rows: Rows | None = None) -> Channels:
        told = np.asarray(opinion if rows is None else opinion[rows], dtype=np.float64)
        return lesson.lend(labels, rows).beside(channels({"margin": told / MARGIN_SCALE}, ANCHOR_BLOCK))

    return lend


def taught(lesson: Lesson, opinion: "np.ndarray") -> RiskModel:
    order = Order.apart(np.arange(len(opinion), dtype=np.float64))
    return train(lesson.propagated.structure, with_prior(lesson, opinion), lesson.labels, order, QUICK)


def test_a_network_of_the_homes_own_is_heard_where_the_prior_knows_nothing(lesson: Lesson) -> None:
    right = np.where(lesson.guilty, 5.0, -5.0)
    knowing, ignorant = (taught(lesson, opinion) for opinion in (right, np.zeros_like(right)))
    assert knowing.shape.gain < 0.5 < ignorant.shape.gain
    assert ignorant.card["validation"]["heard"] == ignorant.shape.gain


def test_the_homes_own_network_is_deaf_to_the_prior(lesson: Lesson) -> None:
    one, other = (taught(lesson, opinion) for opinion in (np.zeros(len(lesson.guilty)), 9.0 * lesson.guilty))
    assert (one.weights["first.weight"][:, one.shape.anchor] == 0).all()
    assert np.array_equal(one.weights["first.weight"], other.weights["first.weight"])


@pytest.mark.parametrize(("rows", "parts"), [(60, PARTS), (MANY_LABELS, FEW_PARTS)])
def test_a_bunch_is_held_out_as_a_whole_in_fewer_parts_where_labels_are_many(rows: int, parts: int) -> None:
    bunch = np.arange(rows) // 3
    part = _parts(bunch, seed=1)
    assert len(np.unique(part)) == parts
    assert all(len(np.unique(part[bunch == one])) == 1 for one in np.unique(bunch))


def test_no_label_of_a_bunch_reaches_what_is_held_out_of_it(lesson: Lesson) -> None:
    rows = np.flatnonzero(lesson.labels.known)
    bunch = np.arange(len(rows)) // 3
    order = Order.apart(np.arange(len(lesson.guilty), dtype=np.float64))
    order.bunch[rows] = bunch
    flipped = Labels(lesson.labels.malicious.copy(), lesson.labels.benign.copy())
    mine = rows[bunch == 2]
    flipped.malicious[mine[0]], flipped.benign[mine[0]] = flipped.benign[mine[0]], flipped.malicious[mine[0]]
    lend = with_prior(lesson, np.zeros(len(lesson.guilty)))
    held = []
    for labels in (lesson.labels, flipped):
        course = _Course.of(lesson.propagated.structure, lend, labels, order, QUICK)
        held.append(_held_out(course, course.blocks.index(ANCHOR_BLOCK))[1])
    assert np.array_equal(held[0][bunch == 2], held[1][bunch == 2])
    assert not np.array_equal(*held)


def test_within_a_class_a_bunch_has_a_say_by_the_root_of_its_size(lesson: Lesson) -> None:
    rows = np.flatnonzero(lesson.labels.known)
    guilty = rows[lesson.labels.target[rows] > 0]
    bunch = np.arange(len(lesson.guilty))
    bunch[guilty[:9]] = guilty[0]  # nine who share evidence, all others by themselves
    course = _Course.of(lesson.propagated.structure, lesson.lend, lesson.labels, Order(bunch * 0.0, bunch), QUICK)
    say = course._say(np.arange(len(rows)))
    crowd, alone = say[np.isin(rows, guilty[:9])], say[np.isin(rows, guilty[9:])]
    assert crowd.sum() == pytest.approx(3 * alone[0])
    assert say[course.target > 0].sum() == pytest.approx(course.weight[course.target > 0].sum())
    assert np.allclose(say[course.target == 0], course.weight[course.target == 0])
