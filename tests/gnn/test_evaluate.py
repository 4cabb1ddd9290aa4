"""Judging: who is asked about, what is compared, what is said of it, and that a loss is called a loss."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import small_mail

from gnn.agreement import agreement
from gnn.evaluate import Scope, Truth, Verdict, confront, scope
from gnn.metrics import Scores
from gnn.plots import plot
from gnn.prior import propagate_informed
from gnn.references import ReportsPerSender, Timed
from gnn.report import Evaluation, Families, Identity, as_json, sentences, text
from gnn.scene import Scene


@pytest.fixture(scope="module")
def scene(lesson: small_mail.Lesson) -> Scene:
    informed = propagate_informed(lesson.window, lesson.evidence)
    return Scene(lesson.window, lesson.evidence, informed, lesson.labels, lesson.no_domain_labels)


@pytest.fixture(scope="module")
def truth(lesson: small_mail.Lesson) -> Truth:
    size = len(lesson.guilty)
    kinds = np.where(lesson.guilty, "gang", "person").astype(object)
    return Truth(lesson.guilty.astype(float), np.full(size, -1, np.int64), np.arange(size), kinds)


@pytest.fixture(scope="module")
def verdict(scene: Scene) -> Verdict:
    return confront(scene, scene, small_mail.QUICK, (ReportsPerSender(),), apart=False)


def judged_by(truth: Truth, scene: Scene, *margins: np.ndarray) -> Scope:
    detectors = [Timed(f"d{at}", Scores(m, calibrated=True), 0.0) for at, m in enumerate(margins)]
    said = Verdict(None, None, tuple(detectors))  # type: ignore[arg-type]
    return scope("everybody", np.ones(len(truth.target), bool), scene, truth, said, seed=0)


def evaluation(*scopes: Scope) -> Evaluation:
    now = datetime(2024, 5, 1, tzinfo=UTC)
    perfect = agreement(np.array([0, 0, 0]), np.array([0, 0, 0]), np.zeros(3, bool))
    families = Families(2, 9, 1.0, 0.9, 0.8, 0.85, float("nan"))
    identity = Identity(3, 2, now, now)
    return Evaluation("a world", "how", now, 30, 7, 10, 4, scopes, perfect, families, 3, 0, identity, ())


def test_the_product_comes_first_and_every_reference_is_compared_with_it(scene, truth, verdict):
    found = scope("everybody", np.ones(len(truth.target), bool), scene, truth, verdict, seed=0)
    assert list(found.figures) == ["Ringleader", "reports per sender"]
    assert list(found.against) == ["reports per sender"]
    assert found.senders == len(truth.target)
    assert found.chance == pytest.approx(truth.target.mean())


def test_senders_of_unknown_truth_are_not_asked_about(scene, truth, verdict):
    holes = truth.target.copy()
    holes[:10] = np.nan
    found = scope("some", np.ones(len(holes), bool), scene, replace(truth, target=holes), verdict, seed=0)
    assert found.senders == len(holes) - 10


def test_parts_by_kind_and_by_events_cover_everybody(scene, truth, verdict):
    found = scope("everybody", np.ones(len(truth.target), bool), scene, truth, verdict, seed=0)
    for parts in (found.archetypes, found.events):
        assert sum(part.senders for part in parts) == found.senders
        assert sum(part.malicious for part in parts) == found.malicious
    assert {part.name for part in found.archetypes} == {"gang", "person"}


def test_at_most_one_in_a_hundred_of_the_benign_is_flagged(scene, truth):
    found = judged_by(truth, scene, np.random.default_rng(0).normal(size=len(truth.target)))
    people = next(part for part in found.archetypes if part.name == "person")
    assert people.flagged["d0"] <= 0.01


def test_a_loss_is_called_a_loss_in_words(scene, truth):
    good, bad = truth.target * 6 - 3, np.zeros(len(truth.target))
    assert any("LOSES to d1" in line for line in sentences(evaluation(judged_by(truth, scene, bad, good))))
    assert any("beats d1" in line for line in sentences(evaluation(judged_by(truth, scene, good, bad))))
    assert any("no different from d1" in line for line in sentences(evaluation(judged_by(truth, scene, good, good))))


def test_one_class_alone_is_said_to_tell_nothing(scene, truth):
    only = replace(truth, target=np.zeros(len(truth.target)))
    assert "one class only" in sentences(evaluation(judged_by(only, scene, np.zeros(len(truth.target)))))[0]


def test_the_json_holds_no_figure_that_is_not_a_number(scene, truth):
    found = as_json(evaluation(judged_by(truth, scene, truth.target)))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["families"]["v_measure"] is None
    assert found["scopes"][0]["figures"]["d0"]["auprc"]["value"] == 1.0


def test_the_report_prints_figures_campaigns_and_the_chance_level(scene, truth):
    report = text(evaluation(judged_by(truth, scene, truth.target)))
    assert "1.000 [1.000–1.000]" in report
    assert f"a coin's precision is {truth.target.mean():.3f}" in report
    assert "2 of 3 campaigns" in report
    assert "V-measure" in report
    short = text(evaluation(judged_by(truth, scene, truth.target)), full=False)
    assert "By kind" in report
    assert "By kind" not in short


def test_the_plot_is_well_formed_whatever_a_detector_is_called(scene, truth):
    found = judged_by(truth, scene, truth.target, np.zeros(len(truth.target)))
    curves = {f"<{name}> & co": curve for name, curve in found.curves.items()}
    drawing = ET.fromstring(plot("a < b", curves, found.reliability))
    assert drawing.tag.endswith("svg")
    assert len(drawing.findall(".//{*}polyline")) == len(curves)
    assert plot("empty", {}, {}).startswith("<svg")
