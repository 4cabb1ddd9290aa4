"""Risk: probabilities for every node, and what verdicts move."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_mail import Lesson, nothing_known
from windows import id_of

from gnn.labels import CAMPAIGN_WEIGHT, Labels
from gnn.model import RiskModel
from gnn.risk import HEARD, VERDICT_LOGIT, Risk, from_verdicts, judge, score
from graph.campaigns import Partition


def judged(lesson: Lesson, model: RiskModel, senders: Labels | None = None, domains: Labels | None = None) -> Risk:
    return score(
        lesson.propagated, lesson.evidence, senders or lesson.labels, domains or lesson.no_domain_labels, model
    )


def test_every_sender_and_domain_has_a_probability(lesson: Lesson, model: RiskModel) -> None:
    risk = judged(lesson, model)
    assert risk.sender_risk.shape == (lesson.window.senders.num_rows,)
    assert risk.domain_risk.shape == (lesson.window.domains.num_rows,)
    for values in (risk.sender_risk, risk.domain_risk):
        assert ((values > 0) & (values < 1)).all()
    assert 0 < risk.prior < 1


def test_the_same_input_gives_the_same_risk(lesson: Lesson, model: RiskModel) -> None:
    one, other = judged(lesson, model), judged(lesson, model)
    assert one.senders.tobytes() == other.senders.tobytes()
    assert one.domains.tobytes() == other.domains.tobytes()


def test_a_verdict_moves_its_own_node_and_no_other(lesson: Lesson, model: RiskModel) -> None:
    risk = judged(lesson, model)
    moved = risk.senders - risk.evidence_only
    assert (moved[lesson.labels.malicious > 0] >= VERDICT_LOGIT - 1e-9).all()
    assert (moved[lesson.labels.benign > 0] <= -VERDICT_LOGIT + 1e-9).all()
    assert (moved[~lesson.labels.known] == 0).all()


@settings(max_examples=50, deadline=None)
@given(st.floats(-40, 40), st.floats(-40, 40))
def test_whoever_was_judged_is_on_the_judged_side_whatever_the_network_thinks(one: float, other: float) -> None:
    bad, good = Labels(np.ones(2), np.zeros(2)), Labels(np.zeros(2), np.ones(2))
    logits = np.array(sorted((one, other)))
    raised, lowered = logits + from_verdicts(bad, logits), logits + from_verdicts(good, logits)
    assert (raised >= VERDICT_LOGIT - HEARD).all()
    assert (lowered <= HEARD - VERDICT_LOGIT).all()
    assert raised[0] <= raised[1] + 1e-9  # and the more suspicious of two stays so
    assert lowered[0] <= lowered[1] + 1e-9


@settings(max_examples=50, deadline=None)
@given(st.floats(0.001, 1), st.floats(-40, 40))
def test_an_old_verdict_still_brings_its_node_to_the_judged_side(weight: float, logit: float) -> None:
    """Whatever is left of its weight, which lowers only how far beyond; as far as `decide` follows it."""
    bad, good = (weight + 1) / 2, (1 - weight) / 2
    up = from_verdicts(Labels(np.array([bad]), np.array([good])), np.array([logit]))[0]
    down = from_verdicts(Labels(np.array([good]), np.array([bad])), np.array([logit]))[0]
    whole = from_verdicts(Labels(np.ones(1), np.zeros(1)), np.array([logit]))[0]
    assert logit + up > 0 > logit + down
    assert up <= whole + 1e-9


def test_a_verdict_on_a_campaign_may_leave_a_member_on_the_other_side() -> None:
    lent = Labels(np.array([CAMPAIGN_WEIGHT]), np.zeros(1))
    half = from_verdicts(Labels(np.ones(1), np.zeros(1)), np.array([-9.0]))[0] / 2
    assert from_verdicts(lent, np.array([-9.0]))[0] == half
    assert -9.0 + half < 0


def test_sources_that_disagree_move_nothing(lesson: Lesson, model: RiskModel) -> None:
    torn = Labels(lesson.labels.malicious.copy(), lesson.labels.benign.copy())
    row = int(np.flatnonzero(torn.malicious)[0])
    torn.malicious[row] = torn.benign[row] = 0.5
    risk = judged(lesson, model, torn)
    assert risk.senders[row] == risk.evidence_only[row]


def test_domains_of_a_gang_are_risky_and_the_peoples_own_is_not(lesson: Lesson, model: RiskModel) -> None:
    risk = judged(lesson, model)
    keys = np.array(lesson.window.domains["key"].to_pylist())
    gangs = np.char.startswith(keys, "shop") | np.char.startswith(keys, "evil")
    assert risk.domain_risk[gangs].min() > 0.5
    assert risk.domain_risk[keys == "home.example"].max() < 0.1


def test_a_verdict_on_a_domain_moves_that_domain_alone(lesson: Lesson, model: RiskModel) -> None:
    labels = nothing_known(lesson.window.domains.num_rows)
    row = id_of(lesson.window, "domains", "shop3.example")
    labels.benign[row] = 1.0
    before, after = judged(lesson, model), judged(lesson, model, domains=labels)
    assert after.domains[row] == pytest.approx(min(before.domains[row], HEARD) - VERDICT_LOGIT)
    assert np.delete(after.domains, row).tolist() == np.delete(before.domains, row).tolist()
    assert np.array_equal(after.senders, before.senders)


def test_members_inherit_their_groups_risk_and_nobody_falls(lesson: Lesson, model: RiskModel) -> None:
    free = nothing_known(len(lesson.guilty))
    risk = judged(lesson, model, free)
    gang = np.array([key.startswith("x3") for key in lesson.window.senders["key"].to_pylist()])
    hider = int(np.flatnonzero(gang)[0])
    hidden = replace(risk, senders=np.where(np.arange(len(gang)) == hider, -4.0, np.where(gang, 4.0, risk.senders)))
    groups = Partition(np.where(gang, 0, -1), np.where(gang, 1.0, 0.0))
    whole = judge(hidden, groups, lesson.evidence, lesson.no_domain_labels)
    assert whole.senders[hider] > 2
    assert (whole.senders >= hidden.senders).all()
    assert np.array_equal(whole.senders[~gang], hidden.senders[~gang])
    assert whole.senders == pytest.approx(hidden.senders + whole.from_groups)


def test_a_cleared_member_stays_cleared_in_guilty_company(lesson: Lesson, model: RiskModel) -> None:
    gang = np.array([key.startswith("x3") for key in lesson.window.senders["key"].to_pylist()])
    cleared = int(np.flatnonzero(gang)[0])
    labels = nothing_known(len(gang))
    labels.benign[cleared] = 1.0
    risk = judged(lesson, model, labels)
    guilty = replace(risk, senders=np.where(gang & (np.arange(len(gang)) != cleared), 4.0, risk.senders))
    groups = Partition(np.where(gang, 0, -1), np.where(gang, 1.0, 0.0))
    whole = judge(guilty, groups, lesson.evidence, lesson.no_domain_labels)
    assert whole.senders[cleared] == risk.senders[cleared] < 0


def test_without_groups_the_judgement_changes_nothing(lesson: Lesson, model: RiskModel) -> None:
    risk = judged(lesson, model)
    nobody = Partition(np.full(len(lesson.guilty), -1), np.zeros(len(lesson.guilty)))
    whole = judge(risk, nobody, lesson.evidence, lesson.no_domain_labels)
    assert np.array_equal(whole.senders, risk.senders)
    assert np.array_equal(whole.domains, risk.domains)
