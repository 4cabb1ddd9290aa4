"""The model of a home: taught by verdicts where they are enough, else the shipped prior, and said to be so."""

from dataclasses import asdict, replace

import numpy as np
from small_mail import QUICK, Lesson, nothing_known

from gnn.labels import Labels
from gnn.prior import lent, propagate_informed
from gnn.provenance import code_fingerprint
from gnn.registry import _pack
from gnn.teach import first_seen, is_cold, teach


def test_verdicts_of_both_classes_teach_a_model_of_the_homes_own(lesson: Lesson) -> None:
    informed = propagate_informed(lesson.window, lesson.evidence)
    model = teach(lesson.window, informed, lesson.labels, QUICK)
    assert not is_cold(model)
    assert model.card["labels"] == int(lesson.labels.known.sum())
    assert model.card["data"] == lesson.window.fingerprint
    assert model.card["as_of"] == lesson.window.as_of.isoformat()
    assert _pack(teach(lesson.window, informed, lesson.labels, QUICK)) == _pack(model)


def test_the_card_has_fingerprints_of_data_verdicts_options_and_code(lesson: Lesson) -> None:
    informed, unknown = propagate_informed(lesson.window, lesson.evidence), nothing_known(len(lesson.guilty))
    card = teach(lesson.window, informed, unknown, QUICK).card
    assert card["data"] == lesson.window.fingerprint
    assert card["options"] == asdict(QUICK)
    assert card["code"] == code_fingerprint()
    assert card["libraries"]["numpy"] == np.__version__
    one = Labels(unknown.malicious.copy(), unknown.benign)
    one.malicious[0] = 1.0
    changed = teach(lesson.window, informed, one, replace(QUICK, seed=8)).card
    assert {name for name in card if card[name] != changed[name]} == {"verdicts", "options"}


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


def test_a_few_verdicts_are_lent_but_not_fitted_to(lesson: Lesson) -> None:
    informed = propagate_informed(lesson.window, lesson.evidence)
    rows = np.flatnonzero(lesson.labels.known)
    few = lesson.labels.hiding(rows[:-20])
    model = teach(lesson.window, informed, few, QUICK)
    assert is_cold(model)
    unknown = nothing_known(len(lesson.guilty))
    told, untold = (model.margins(informed.structure.beside(lent(informed, known))) for known in (few, unknown))
    assert not np.array_equal(told, untold)


def test_the_prior_is_one_more_channel_of_what_labels_tell(lesson: Lesson) -> None:
    informed = propagate_informed(lesson.window, lesson.evidence)
    rows = np.array([3, 1])
    whole, some = lent(informed, lesson.labels), lent(informed, lesson.labels, rows)
    assert whole.only({"prior"}).values.shape == (lesson.window.senders.num_rows, 1)
    assert np.allclose(whole.values[rows], some.values, atol=1e-4)
    assert lent(lesson.propagated, lesson.labels).names == whole.names[:-1]


def test_first_seen_grows_with_time(lesson: Lesson) -> None:
    times = lesson.window.senders["first_seen"].to_pylist()
    order = np.argsort(first_seen(lesson.window), kind="stable")
    assert [times[at] for at in order] == sorted(times)
