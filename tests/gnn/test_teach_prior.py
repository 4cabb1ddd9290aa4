"""The prior's lessons: repeatable, every family in them, no row shown its own label."""

from dataclasses import replace

import numpy as np
import pytest

from gnn.fit import TrainOptions
from gnn.lessons import TAUGHT, even_within, some_known, views
from gnn.registry import _pack
from gnn.teach_prior import PriorOptions, _lessons, teach_prior

SMALL = PriorOptions(worlds=3, events=(4_000,), rows=200, train=TrainOptions(steps=4, members=1, width=8))


def test_the_prior_is_taught_again_byte_for_byte() -> None:
    said: list[str] = []
    one, other = teach_prior(SMALL, said.append), teach_prior(SMALL)
    assert _pack(one) == _pack(other)
    assert one.card["families"] == list(TAUGHT)
    assert len(said) == SMALL.worlds


@pytest.mark.parametrize("number", range(len(TAUGHT)))
def test_every_family_gives_lessons_of_both_classes(number: int) -> None:
    for lesson in _lessons(SMALL, number):
        assert set(np.unique(lesson.shown.target)) == {0.0, 1.0}
        assert np.isfinite(lesson.shown.x).all()
        assert lesson.shown.x.shape == (len(lesson.shown.target), len(lesson.names))
        classes = [lesson.shown.weight[lesson.shown.target == value].sum() for value in (0.0, 1.0)]
        assert classes[0] == pytest.approx(classes[1])


def test_rows_of_a_lesson_have_no_label_in_it() -> None:
    seen = next(iter(views(replace(SMALL, families=("market",)), 0)))
    rows = np.arange(0, len(seen.target), 2)
    known = some_known(seen, rows, np.random.default_rng(2))
    assert not known.known[rows].any()
    assert known.known.any()


def test_a_large_campaign_has_more_say_than_a_small_one_by_the_root_of_its_size() -> None:
    target = np.array([1.0] * 20 + [0.0] * 5)
    group = np.array([0] * 16 + [1] * 4 + [0] * 1 + [1] * 4)  # a campaign and a kind of the innocent may share a number
    weight = even_within(target, group)
    assert weight[target > 0].sum() == pytest.approx(1)
    assert weight[target == 0].sum() == pytest.approx(1)
    assert weight[:16].sum() / weight[16:20].sum() == pytest.approx(2)
    assert weight[20] / weight[21:].sum() == pytest.approx(0.5)


def test_one_class_alone_has_weights_too() -> None:
    assert even_within(np.ones(4), np.zeros(4, np.int64)).tolist() == [0.25] * 4
