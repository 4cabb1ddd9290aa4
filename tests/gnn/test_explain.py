"""Reasons: only for the risky, strongest first, naming what is really shared, in sentences made of figures."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from small_mail import Lesson

from gnn.explain import EXPLAINED_FROM, REASONS, contributions, reasons
from gnn.features import Channels
from gnn.model import RiskModel
from gnn.prior import prior_for
from gnn.risk import Risk, score
from graph import schema


@pytest.fixture(scope="module")
def risk(lesson: Lesson, model: RiskModel) -> Risk:
    return score(lesson.propagated, lesson.evidence, lesson.labels, lesson.no_domain_labels, model)


@pytest.fixture(scope="module")
def given(lesson: Lesson, model: RiskModel, risk: Risk) -> pa.Table:
    return reasons(lesson.window, lesson.evidence, lesson.propagated, lesson.labels, model, risk)


def test_only_risky_nodes_have_reasons_and_every_domain_of_them_does(
    lesson: Lesson, risk: Risk, given: pa.Table
) -> None:
    assert given.schema == schema.REASONS
    for kind, nodes, values in (
        ("sender", lesson.window.senders, risk.sender_risk),
        ("domain", lesson.window.domains, risk.domain_risk),
    ):
        risky = {key for key, value in zip(nodes["key"].to_pylist(), values, strict=True) if value >= EXPLAINED_FROM}
        told = {row["key"] for row in given.to_pylist() if row["kind"] == kind}
        assert told <= risky
        assert told == risky or kind == "sender"


def test_ranks_count_up_and_contributions_go_down(given: pa.Table) -> None:
    frame = given.to_pandas()
    for _, rows in frame.groupby(["kind", "key"]):
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert len(rows) <= REASONS
        assert rows["contribution"].is_monotonic_decreasing


def test_a_judged_sender_is_told_of_its_verdict_first_or_near(lesson: Lesson, given: pa.Table) -> None:
    keys = {
        key for key, bad in zip(lesson.window.senders["key"].to_pylist(), lesson.labels.malicious, strict=True) if bad
    }
    told = {row["key"] for row in given.to_pylist() if row["relation"] == "verdict"}
    assert told == keys


def test_an_artefact_in_a_reason_is_one_that_the_sender_shares(lesson: Lesson, given: pa.Table) -> None:
    rows = [row for row in given.to_pylist() if row["kind"] == "sender" and row["artefact"] is not None]
    assert rows
    senders = lesson.window.senders["key"].to_pylist()
    for row in rows:
        relation = lesson.evidence.relation(row["relation"])
        keys = getattr(lesson.window, relation.nodes)["key"].to_pylist()
        artefact = keys.index(row["artefact"])
        assert relation.used[senders.index(row["key"]), artefact] == 1
        assert relation.degree[artefact] > 1
        assert f"{relation.degree[artefact] - 1} other" in row["sentence"]


def test_sentences_are_whole(given: pa.Table) -> None:
    for text in given["sentence"].to_pylist():
        assert text[0].upper() == text[0]
        assert text.endswith(".")
        assert "{" not in text


def test_explaining_changes_no_score_and_gives_the_same_words_again(
    lesson: Lesson, model: RiskModel, risk: Risk, given: pa.Table
) -> None:
    before = risk.senders.copy()
    again = reasons(lesson.window, lesson.evidence, lesson.propagated, lesson.labels, model, risk)
    assert again.equals(given)
    assert np.array_equal(before, risk.senders)


def test_where_nobody_is_risky_nothing_is_explained(lesson: Lesson, model: RiskModel, risk: Risk) -> None:
    calm = replace(risk, senders=np.full_like(risk.senders, -9), domains=np.full_like(risk.domains, -9))
    told = reasons(lesson.window, lesson.evidence, lesson.propagated, lesson.labels, model, calm)
    assert (told.num_rows, told.schema) == (0, schema.REASONS)


def test_a_contribution_is_what_the_log_odds_lose_without_it(lesson: Lesson, model: RiskModel) -> None:
    whole = lesson.propagated.structure.beside(lesson.lend(lesson.labels))
    adds = contributions(whole, model, prior_for(lesson.propagated.structure))
    silent = whole.values.copy()
    silent[:, [block.startswith("linked_to.") for block in whole.blocks]] = 0
    lost = model.margins(whole) - model.margins(Channels(silent, whole.names, whole.blocks))
    assert np.allclose(adds["linked_to"], model.calibration.slope * lost)
