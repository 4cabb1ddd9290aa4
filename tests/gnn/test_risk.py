"""Risk: probabilities for every node, and what verdicts move."""

import numpy as np
import pytest
from small_mail import Lesson, nothing_known
from windows import id_of

from gnn.labels import Labels
from gnn.risk import VERDICT_LOGIT, Risk, score
from gnn.train import RiskModel


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


def test_a_verdict_moves_its_own_node_by_so_much_and_no_network_may_undo_it(lesson: Lesson, model: RiskModel) -> None:
    risk = judged(lesson, model)
    moved = risk.senders - risk.evidence_only
    assert moved[lesson.labels.malicious > 0] == pytest.approx(VERDICT_LOGIT)
    assert moved[lesson.labels.benign > 0] == pytest.approx(-VERDICT_LOGIT)
    assert (moved[~lesson.labels.known] == 0).all()


def test_sources_that_disagree_move_nothing(lesson: Lesson, model: RiskModel) -> None:
    torn = Labels(lesson.labels.malicious.copy(), lesson.labels.benign.copy())
    row = int(np.flatnonzero(torn.malicious)[0])
    torn.malicious[row] = torn.benign[row] = 0.5
    risk = judged(lesson, model, torn)
    assert risk.senders[row] == risk.evidence_only[row]


def test_a_domain_is_as_risky_as_its_users(lesson: Lesson, model: RiskModel) -> None:
    risk = judged(lesson, model)
    shop, home = (id_of(lesson.window, "domains", key) for key in ("shop0.example", "home.example"))
    use = lesson.evidence.relation("linked_to").used + lesson.evidence.relation("address_at").used
    users = np.flatnonzero(use[:, shop].toarray().ravel())
    assert risk.domain_risk[shop] > risk.domain_risk[home]
    assert risk.domain_risk[shop] <= risk.sender_risk[users].max()
    expected = (risk.sender_risk[users].sum() + risk.prior) / (len(users) + 1)
    assert risk.domain_risk[shop] == pytest.approx(expected)


def test_a_verdict_on_a_domain_moves_that_domain_alone(lesson: Lesson, model: RiskModel) -> None:
    labels = nothing_known(lesson.window.domains.num_rows)
    row = id_of(lesson.window, "domains", "shop3.example")
    labels.benign[row] = 1.0
    before, after = judged(lesson, model), judged(lesson, model, domains=labels)
    assert after.domains[row] == pytest.approx(before.domains[row] - VERDICT_LOGIT)
    assert np.delete(after.domains, row).tolist() == np.delete(before.domains, row).tolist()
    assert np.array_equal(after.senders, before.senders)
