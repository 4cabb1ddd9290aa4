"""The first model of a home: taught by verdicts of both classes, else by weaker signs, and said to be so."""

import numpy as np
from small_mail import QUICK, Lesson, nothing_known

from gnn.labels import Labels
from gnn.prior import propagate_informed
from gnn.registry import _pack
from gnn.teach import first_seen, is_cold, teach, with_weak_labels


def test_verdicts_of_both_classes_teach_a_model_of_the_homes_own(lesson: Lesson) -> None:
    informed = propagate_informed(lesson.window, lesson.evidence)
    model = teach(lesson.window, informed, lesson.labels, QUICK)
    assert not is_cold(model)
    assert model.card["labels"] == int(lesson.labels.known.sum())
    assert model.card["data"] == lesson.window.fingerprint
    assert model.card["as_of"] == lesson.window.as_of.isoformat()
    assert _pack(teach(lesson.window, informed, lesson.labels, QUICK)) == _pack(model)


def test_without_verdicts_a_cold_model_scores_everybody(lesson: Lesson) -> None:
    informed, unknown = propagate_informed(lesson.window, lesson.evidence), nothing_known(len(lesson.guilty))
    model = teach(lesson.window, informed, unknown, QUICK)
    assert is_cold(model)
    margins = model.margins(informed.structure.beside(lesson.lend(unknown)))
    assert margins.shape == (lesson.window.senders.num_rows,)
    assert np.isfinite(margins).all()
    assert len(np.unique(margins)) > 10


def test_verdicts_of_one_class_leave_the_prior_in_charge(lesson: Lesson) -> None:
    informed = propagate_informed(lesson.window, lesson.evidence)
    one_sided = Labels(lesson.labels.malicious, np.zeros_like(lesson.labels.benign))
    assert is_cold(teach(lesson.window, informed, one_sided, QUICK))


def test_the_prior_is_one_more_channel_of_every_sender(lesson: Lesson) -> None:
    informed = propagate_informed(lesson.window, lesson.evidence)
    own = informed.structure.only({"prior"})
    assert own.values.shape == (lesson.window.senders.num_rows, 1)
    assert informed.structure.names[: len(lesson.propagated.structure.names)] == lesson.propagated.structure.names


def test_first_seen_grows_with_time(lesson: Lesson) -> None:
    times = lesson.window.senders["first_seen"].to_pylist()
    order = np.argsort(first_seen(lesson.window), kind="stable")
    assert [times[at] for at in order] == sorted(times)


def test_a_verdict_is_never_overruled_by_a_weak_label(lesson: Lesson) -> None:
    informed = propagate_informed(lesson.window, lesson.evidence)
    weak = with_weak_labels(lesson.window, informed, lesson.labels)
    known = lesson.labels.known
    assert (weak.target[known] == lesson.labels.target[known]).all()
    assert (weak.malicious[known] == lesson.labels.malicious[known]).all()
