"""Judging: who is asked about, what is compared, what is said of it, and that a loss is called a loss."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import small_mail

from gnn.agreement import agreement
from gnn.domains import DomainTruth, domain_scope
from gnn.evaluate import Scope, Truth, Verdict, bunches, confront, scope
from gnn.evaluation_json import FIELDS, as_json
from gnn.lead import LeadTimes
from gnn.leaks import Checked
from gnn.learning_curve import LearningCurve, LearningPoint
from gnn.metrics import Figure, Scores
from gnn.prior import propagate_informed
from gnn.references import ReportsPerSender, Timed
from gnn.report import Doubted, Evaluation, Families, Identity, Persistence, Review, sentences, text
from gnn.scene import Scene
from gnn.together import as_json as together_as_json
from gnn.together import text as together_text
from gnn.together import together


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


def evaluation(*scopes: Scope, source: str = "a world") -> Evaluation:
    now = datetime(2024, 5, 1, tzinfo=UTC)
    everybody = np.array([0, 0, 0])
    half = Figure(0.5, 0.4, 0.6)
    return Evaluation(
        source=source,
        protocol="how",
        as_of=now,
        window_days=30,
        seed=7,
        senders=10,
        labels=4,
        scopes=scopes,
        domains=None,
        agreement=agreement(everybody, everybody, np.zeros(3, bool), everybody),
        agreement_of={"components": agreement(np.arange(3), np.zeros(3, int), np.zeros(3, bool))},
        families=Families(2, 9, 1.0, 0.9, 0.8, 0.85, 0.75, float("nan")),
        families_of={"Leiden": Families(2, 9, 0.5, 0.4, 0.3, 0.35, 0.25, float("nan"))},
        members=3,
        innocents=0,
        campaign_risk_ece=0.125,
        identity=Identity(3, 2, now, now, (Persistence("the refresh is repeated", 3, 3, True),)),
        learning=(
            LearningCurve("everybody", (LearningPoint(12, 3, 2, {"d0": {"auprc": half, "recall_strict": half}}),)),
        ),
        review=Review(4, 2, (Doubted("a@a.example", "malicious", 0.031, ("ann",), now),), 1, 1),
        checks=(Checked("no own label", 2),),
        stages=(),
        lead=LeadTimes(3, 2, 1, 0.5, 0.5, 12.0, 24.0, 6.0),
    )


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
    assert people.flagged_loose["d0"] <= 0.01
    assert people.flagged_strict["d0"].value <= 0.001


def test_recall_by_size_counts_the_campaign_and_not_the_share_of_it_asked_about(scene, truth):
    """Of a campaign of twelve a few are asked about: it is one of 10 to 29 senders all the same."""
    campaign = np.full(len(truth.target), -1, np.int64)
    guilty = np.flatnonzero(truth.target)
    campaign[guilty[:12]], campaign[guilty[12:15]] = 0, 1
    rows = np.ones(len(campaign), bool)
    rows[guilty[4:12]] = False
    said = Verdict(None, None, (Timed("d0", Scores(truth.target * 1.0, calibrated=False), 0.0),))  # type: ignore[arg-type]
    found = scope("some", rows, scene, replace(truth, campaign=campaign), said, seed=0)
    three, ten = found.sizes[:2]
    assert (three.name, three.senders, three.campaigns) == ("3–9 senders", 3, 1)
    assert (ten.name, ten.senders, ten.campaigns) == ("10–29 senders", 4, 1)
    assert three.flagged_strict["d0"].value == ten.flagged_strict["d0"].value == 1
    assert sum(part.senders for part in found.sizes) == 7


def test_colleagues_are_resampled_together_and_a_providers_customers_are_not(scene):
    """Small mail: sixty people at one address domain, twelve senders of a gang each at their own."""
    size = scene.window.senders.num_rows
    keys = scene.window.senders["key"].to_pylist()
    groups = np.array([0 if key.startswith("x0") else -1 for key in keys])
    found = bunches(scene.window, groups)
    assert len(set(found[groups == 0])) == 1
    assert len(set(found)) == size - 12 + 1  # sixty at home.example are more than colleagues
    names = scene.window.domains["key"].to_pylist()
    at_home = [names[at] == "home.example" for at in scene.window.address_at["domain"].to_pylist()]
    thirty = [bool(one and count <= 30) for one, count in zip(at_home, np.cumsum(at_home), strict=True)]
    few = replace(scene.window, address_at=scene.window.address_at.filter(thirty))
    assert len(set(bunches(few, np.full(size, -1)))) == size - 30 + 1


def test_domains_are_judged_and_a_popular_innocent_one_that_is_blamed_is_named(scene, verdict):
    keys = scene.window.domains["key"].to_pylist()
    guilty = np.array([not key.startswith("home") for key in keys])
    there = DomainTruth(guilty.astype(float), np.full(len(keys), -1, np.int64))
    risk = replace(verdict.risk, domains=np.where(guilty, 3.0, -3.0))
    right = domain_scope(scene, there, risk, seed=0)
    assert right.figures["Ringleader"]["auprc"].value == 1
    assert (right.domains, right.malicious, right.popular, right.blamed) == (len(keys), guilty.sum(), 1, 0)
    wrong = domain_scope(scene, there, replace(risk, domains=np.full(len(keys), 3.0)), seed=0)
    assert (wrong.blamed, wrong.blamed_names) == (1, ("home.example",))


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


def test_every_field_of_the_json_is_explained_in_it(scene, truth):
    one = evaluation(judged_by(truth, scene, truth.target))
    domains = {"domains": 1, "malicious": 0, "figures": {}, "popular": 0, "blamed": 0, "blamed_names": []}
    several = together_as_json([one, one], ["1", "2"])
    names = keys_of({**as_json(one), "domains": domains}) | keys_of(several)
    assert names <= set(FIELDS)
    stage_and_command = {"seconds", "folder"}
    assert set(FIELDS) - names <= stage_and_command


def keys_of(value: object) -> set[str]:
    """Names of fields; names of detectors are values here."""
    if isinstance(value, dict):
        inner = [keys_of(each) for name, each in value.items() if name != "fields"]
        return set().union(*inner) | {name for name in value if name not in ("d0", "d1", "components", "Leiden")}
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


def test_several_worlds_give_a_mean_and_the_worst(scene, truth):
    good, bad = truth.target * 6 - 3, 3 - truth.target * 6
    easy = evaluation(judged_by(truth, scene, good), source="easy")
    hard = evaluation(judged_by(truth, scene, bad), source="hard")
    rows = {(row.question, row.measure): row for row in together([easy, hard]) if row.detector != "components"}
    auprc = rows["everybody", "auprc"]
    assert auprc.values[0] == 1 > auprc.values[1] == auprc.worst
    assert (auprc.worst_world, auprc.mean) == ("hard", pytest.approx(sum(auprc.values) / 2))
    assert rows["everybody", "ece"].worst == max(rows["everybody", "ece"].values)  # of an error the highest is worst
    assert rows["campaigns", "kept"].worst == pytest.approx(2 / 3)
    assert rows["domains", "auprc"].worst_world is None
    beside = {row.measure: row.mean for row in together([easy, hard]) if row.detector == "components"}
    assert beside["pair_f1"] != rows["campaigns", "pair_f1"].mean
    words = together_text([easy, hard])
    assert f"{auprc.mean:.3f} [{auprc.worst:.3f}]" in words


def test_the_report_prints_figures_campaigns_and_the_chance_level(scene, truth):
    report = text(evaluation(judged_by(truth, scene, truth.target)))
    assert "1.000 [1.000–1.000]" in report
    assert f"a coin's precision is {truth.target.mean():.3f}" in report
    assert "2 of 3 campaigns" in report
    assert "V-measure" in report
    assert re.search(r"against the true campaigns +\| Ringleader \| components", report)
    assert re.search(r"\| f1 +\| +0.850 +\| +0.350 \|", report)  # of groups of near-equal mail, beside Leiden's
    assert "true campaigns merged with another operator's" in report
    assert "calibration error of 0.125" in report
    assert "0.500 [0.400–0.600]" in report  # the learning curve
    assert "no own label (2 rows)" in report
    assert "Of 4 verdicts on senders the evidence contradicts 2; 1 are wrong" in report
    assert "| a@a.example | malicious |           0.031 |     ann | 2024-05-01 |" in report
    short = text(evaluation(judged_by(truth, scene, truth.target)), full=False)
    assert "By kind" in report
    assert "By kind" not in short
