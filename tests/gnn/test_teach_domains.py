"""The lessons of the network of domains: repeatable, and of both classes."""

from dataclasses import replace

import numpy as np
import pytest

from gnn.fit import TrainOptions
from gnn.prior import shipped
from gnn.registry import _pack
from gnn.teach_domains import HELD_OUT, DomainOptions, _lessons, teach_domains

SMALL = DomainOptions(worlds=HELD_OUT, events=(6_000,), train=TrainOptions(steps=4, members=1, width=8))


def test_the_network_is_taught_again_byte_for_byte() -> None:
    said: list[str] = []
    one, other = teach_domains(SMALL, shipped(), said.append), teach_domains(SMALL, shipped())
    assert _pack(one) == _pack(other)
    assert one.calibration.label_prior == 0.5
    assert len(said) == SMALL.worlds


def test_both_classes_of_a_lesson_have_the_same_say() -> None:
    found = _lessons(replace(SMALL, families=("patterns",)), shipped(), 0)
    assert found
    for lesson in found:
        assert np.isfinite(lesson.shown.x).all()
        classes = [lesson.shown.weight[lesson.shown.target == value].sum() for value in (0.0, 1.0)]
        assert classes[0] == pytest.approx(classes[1])
