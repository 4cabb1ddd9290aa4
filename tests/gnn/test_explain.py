"""Reasons: only for the risky, strongest first, naming what is shared, and summing to the score."""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from small_mail import QUICK, Lesson, nothing_known
from windows import id_of

from gnn.calibrate import log_odds
from gnn.domain_risk import domain_risk
from gnn.explain import EXPLAINED_FROM, LEAST_CONTRIBUTION, LISTED, check_sums, reasons
from gnn.explain.parts import (
    CAMPAIGN,
    COMPARED_WITH,
    VERDICT,
    Explained,
    explained_domains,
    explained_senders,
    suspected,
    unsuspected,
)
from gnn.explain.silence import HABITS, coalitions
from gnn.features import Channels, channels
from gnn.labels import Labels
from gnn.model import ANCHOR_BLOCK, MARGIN_SCALE, RiskModel
from gnn.prior import lent, propagate_informed
from gnn.propagate import label_channels
from gnn.risk import Risk, from_verdicts, judge, score
from gnn.teach import teach
from graph import schema
from graph.campaigns.find import Partition
from graph.errors import ExplanationError

NEAR = 1e-4  # float32, summed in another order


@dataclass(frozen=True)
class Scored:
    """A lesson under the prior with everything that makes a score: verdicts on senders and domains, campaigns."""

    lesson: Lesson
    domains: Labels
    model: RiskModel
    risk: Risk

    def explain(self, risk: Risk | None = None) -> pa.Table:
        seen = self.lesson
        return reasons(
            seen.window, seen.evidence, seen.propagated, seen.labels, self.domains, self.model, risk or self.risk
        )

    def silenced(self, gone: set[str]) -> np.ndarray:  # type: ignore[type-arg]
        """Every sender's log-odds with some evidence silenced by hand, before verdicts and campaigns."""
        seen, labels = self.lesson.propagated, self.lesson.labels
        assert seen.prior is not None
        known = seen.structure.beside(label_channels(seen, labels.malicious, labels.benign))
        margin = seen.prior.margins_of(_silent(seen.prior, known, gone)) / MARGIN_SCALE
        whole = known.beside(channels({"margin": margin}, ANCHOR_BLOCK))
        return self.model.calibration.logits(self.model.margins_of(_silent(self.model, whole, gone)), self.risk.prior)


def _silent(model: RiskModel, whole: Channels, gone: set[str]) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    heads = [block.split(".")[0] for block in model.blocks]
    player = ["behaviour" if head == "style" else head for head in heads]
    zeros = Channels(np.zeros_like(whole.values), whole.names, whole.blocks)
    x, nothing = model.normalised(whole), model.normalised(zeros)
    nothing[:, [name == HABITS for name in player]] = 0
    return np.where([name in gone for name in player], nothing, x)


@pytest.fixture(scope="module")
def scored(lesson: Lesson) -> Scored:
    informed = replace(lesson, propagated=propagate_informed(lesson.window, lesson.evidence))
    model = teach(lesson.window, informed.propagated, lesson.labels, QUICK)
    domains = nothing_known(lesson.window.domains.num_rows)
    domains.malicious[id_of(lesson.window, "domains", "home.example")] = 1.0
    risk = score(informed.propagated, lesson.evidence, lesson.labels, domains, model)
    gang = np.array([key.startswith("x3") for key in lesson.window.senders["key"].to_pylist()])
    lift = np.where(gang, 2.0, 0.0)
    calm = np.where(gang | lesson.labels.known, np.inf, risk.senders).argmin()
    lift[calm] = 2.0 - risk.senders[calm]  # one whom its campaign alone gives away
    nobody = Partition(np.full(len(gang), -1), np.zeros(len(gang)))
    whole = replace(risk, senders=risk.senders + lift)
    by_users = judge(whole, nobody, lesson.evidence, domains).domains
    return Scored(informed, domains, model, replace(whole, domains=by_users, from_groups=lift))


@pytest.fixture(scope="module")
def given(scored: Scored) -> pa.Table:
    return scored.explain()


@pytest.fixture(scope="module")
def explained(scored: Scored) -> Explained:
    seen = scored.lesson
    rows = suspected(scored.risk.sender_risk)
    return explained_senders(seen.window, seen.propagated, seen.labels, scored.model, scored.risk, rows)


def listed(given: pa.Table) -> list[dict[str, object]]:
    return [row for row in given.to_pylist() if row["relation"] not in (schema.BASE, schema.REST)]


# ---- What is told ---------------------------------------------------------------------------------------------


def test_the_risky_and_only_they_are_explained(scored: Scored, given: pa.Table) -> None:
    assert given.schema == schema.REASONS
    window, risk = scored.lesson.window, scored.risk
    for kind, nodes, values in (
        ("sender", window.senders, risk.sender_risk),
        ("domain", window.domains, risk.domain_risk),
    ):
        risky = {key for key, value in zip(nodes["key"].to_pylist(), values, strict=True) if value >= EXPLAINED_FROM}
        assert risky
        assert {row["key"] for row in given.to_pylist() if row["kind"] == kind} == risky


def test_a_nodes_rows_are_its_base_its_most_telling_pieces_and_the_rest(given: pa.Table) -> None:
    for _, rows in given.to_pandas().groupby(["kind", "key"]):
        assert rows["rank"].tolist() == list(range(len(rows)))
        assert rows["relation"].iloc[0] == schema.BASE
        assert rows["relation"].iloc[-1] == schema.REST
        shown = rows.iloc[1:-1]
        assert all(mine["contribution"].is_monotonic_decreasing for _, mine in shown.groupby("relation"))
        optional = shown[~shown["needed"]]
        assert len(optional) <= LISTED
        assert (optional["contribution"] >= LEAST_CONTRIBUTION).all()


def test_kinds_stand_in_the_order_of_what_they_add_beyond_the_mean_of_the_unsuspected(
    scored: Scored, given: pa.Table, explained: Explained
) -> None:
    """Told of kinds that are one piece; at least one order is not that of contributions."""
    seen, others = scored.lesson, unsuspected(scored.risk.sender_risk)
    ordinary = explained_senders(seen.window, seen.propagated, seen.labels, scored.model, scored.risk, others)
    usual = {name: values.mean() for name, values in ordinary.parts.items()}
    senders, orders, moved = seen.window.senders["key"].to_pylist(), 0, 0
    for at, row in enumerate(explained.rows):
        shown = [told for told in listed(given) if (told["kind"], told["key"]) == ("sender", senders[row])]
        adds = {str(told["relation"]): float(str(told["contribution"])) for told in shown if not told["needed"]}
        adds = {name: value for name, value in adds.items() if value == pytest.approx(explained.parts[name][at])}
        beyond = [value - usual.get(name, 0.0) for name, value in adds.items()]
        assert beyond == sorted(beyond, reverse=True)
        orders, moved = orders + 1, moved + (list(adds.values()) != sorted(adds.values(), reverse=True))
    assert orders > moved > 0


@pytest.mark.parametrize("calm", [0, 3, COMPARED_WITH, 12 * COMPARED_WITH + 5])
def test_the_unsuspected_are_an_even_sample_of_those_under_the_line(calm: int) -> None:
    risk = np.concatenate([np.full(calm, EXPLAINED_FROM - 0.01), np.full(7, EXPLAINED_FROM)])
    rows = unsuspected(risk)
    assert len(np.unique(rows)) == len(rows) == min(calm, COMPARED_WITH)
    assert (rows < calm).all()
    if calm:
        assert (rows[0], rows[-1]) == (0, calm - 1)
    assert suspected(risk).tolist() == list(range(calm, calm + 7))
    assert not len(unsuspected(risk[:calm]))  # nobody to be compared


def test_a_judged_sender_is_told_of_its_verdict(scored: Scored, given: pa.Table) -> None:
    senders = scored.lesson.window.senders["key"].to_pylist()
    judged = {key for key, bad in zip(senders, scored.lesson.labels.malicious, strict=True) if bad}
    assert {row["key"] for row in listed(given) if row["relation"] == VERDICT and row["kind"] == "sender"} == judged


def test_an_artefact_in_a_reason_is_one_that_the_sender_shares_with_the_peers_named(
    scored: Scored, given: pa.Table
) -> None:
    window, evidence = scored.lesson.window, scored.lesson.evidence
    rows = [row for row in listed(given) if row["kind"] == "sender" and row["artefact"] is not None]
    assert rows
    senders = window.senders["key"].to_pylist()
    for row in rows:
        relation = evidence.relation(str(row["relation"]))
        artefact = getattr(window, relation.nodes)["key"].to_pylist().index(row["artefact"])
        users = {senders[user] for user in np.flatnonzero(relation.used[:, artefact].toarray())}
        assert row["key"] in users
        assert row["peers"] == len(users) - 1
        assert row["examples"]
        assert set(row["examples"]) <= users - {row["key"]}  # type: ignore[call-overload]
        assert f"{row['peers']} other" in str(row["sentence"])


def test_sentences_are_whole(given: pa.Table) -> None:
    for text in given["sentence"].to_pylist():
        assert text[0].upper() == text[0]
        assert text.endswith(".")
        assert "{" not in text


def test_explaining_changes_no_score_and_gives_the_same_words_again(scored: Scored, given: pa.Table) -> None:
    before = scored.risk.senders.copy()
    assert scored.explain().equals(given)
    assert np.array_equal(before, scored.risk.senders)


def test_where_nobody_is_risky_nothing_is_explained(scored: Scored) -> None:
    risk = scored.risk
    calm = replace(risk, senders=np.full_like(risk.senders, -9), domains=np.full_like(risk.domains, -9))
    told = scored.explain(calm)
    assert (told.num_rows, told.schema) == (0, schema.REASONS)
    check_sums(told, scored.lesson.window, calm)


def test_a_model_without_the_priors_channel_is_explained_too(lesson: Lesson, model: RiskModel) -> None:
    nobody = lesson.no_domain_labels
    risk = score(lesson.propagated, lesson.evidence, lesson.labels, nobody, model)
    told = reasons(lesson.window, lesson.evidence, lesson.propagated, lesson.labels, nobody, model, risk)
    assert told.num_rows
    check_sums(told, lesson.window, risk)


# ---- Sums -----------------------------------------------------------------------------------------------------


def test_what_is_told_sums_to_the_log_odds(scored: Scored, given: pa.Table, explained: Explained) -> None:
    for kind, nodes, scores in (
        ("sender", scored.lesson.window.senders, scored.risk.senders),
        ("domain", scored.lesson.window.domains, scored.risk.domains),
    ):
        sums = given.to_pandas().query(f"kind == '{kind}'").groupby("key")["contribution"].sum()
        place = {key: at for at, key in enumerate(nodes["key"].to_pylist())}
        for key, total in sums.items():
            assert total == pytest.approx(scores[place[str(key)]], abs=1e-6)
    assert {VERDICT, CAMPAIGN, "linked_to", "sent_from", HABITS} <= {n for n, v in explained.parts.items() if v.any()}
    check_sums(given, scored.lesson.window, scored.risk)


def test_a_sum_that_misses_names_the_node_and_by_how_much(scored: Scored, given: pa.Table) -> None:
    wrong = given["contribution"].to_numpy().copy()
    wrong[2] += 2e-6
    place = given.schema.get_field_index("contribution")
    broken = given.set_column(place, "contribution", pa.array(wrong))
    with pytest.raises(ExplanationError) as caught:
        check_sums(broken, scored.lesson.window, scored.risk)
    assert caught.value.thing == f"{given['kind'][2]} {given['key'][2]}"
    assert "2e-06 apart" in caught.value.reason


@pytest.mark.parametrize("value", [0.01, np.nan])
def test_a_score_that_the_model_does_not_give_names_the_sender(scored: Scored, value: float) -> None:
    row = int(scored.risk.senders.argmax())
    other = scored.risk.senders.copy()
    lift = scored.risk.from_groups.copy()
    lift[row] += value
    with pytest.raises(ExplanationError, match="apart") as caught:
        scored.explain(replace(scored.risk, senders=other, from_groups=lift))
    assert caught.value.thing == f"sender {scored.lesson.window.senders['key'][row]}"


def test_a_domains_parts_and_its_verdict_sum_to_its_score(scored: Scored) -> None:
    found = explained_domains(
        scored.lesson.window, scored.lesson.evidence, scored.domains, scored.risk, suspected(scored.risk.domain_risk)
    )
    total = found.base + sum(found.parts.values())
    assert total == pytest.approx(scored.risk.domains[found.rows], abs=1e-9)
    judged = found.rows == id_of(scored.lesson.window, "domains", "home.example")
    assert judged.any()
    assert (found.parts[VERDICT][judged] > 0).all()
    assert not any(needed[judged].any() for needed in found.needed.values())  # the verdict stands without evidence


def test_what_a_domain_needs_is_what_it_falls_without(scored: Scored) -> None:
    """Where nothing is marked, not even the removal of everything brings it under the line."""
    risk, evidence = scored.risk, scored.lesson.evidence
    nobody = nothing_known(scored.lesson.window.domains.num_rows)
    bare = replace(risk, domains=domain_risk(risk.usage, evidence, risk.senders, risk.prior).logits())
    found = explained_domains(scored.lesson.window, evidence, nobody, bare, suspected(bare.domain_risk))
    assert len(found.rows)
    every = np.stack([found.needed[name] for name in sorted(found.needed)], axis=1)
    for at, row in enumerate(found.rows):
        gone = {name for name, needed in found.needed.items() if needed[at]} or set(found.needed)
        falls = _domain_without(scored, int(row), gone) < log_odds(EXPLAINED_FROM)
        assert falls == every[at].any()


def _domain_without(scored: Scored, row: int, gone: set[str]) -> float:
    """A domain's log-odds with some kinds of channels silenced by hand."""
    risk = scored.risk
    found = domain_risk(risk.usage, scored.lesson.evidence, risk.senders, risk.prior)
    left = _silent(found.model, found.channels.at(np.array([row])), gone)
    return float(found.model.calibration.logits(found.model.margins_of(left), found.prior)[0])


def test_a_domain_that_the_network_scores_otherwise_is_named(scored: Scored) -> None:
    row = int(scored.risk.domains.argmax())
    other = scored.risk.domains.copy()
    other[row] += 0.01
    risk = replace(scored.risk, domains=other)
    with pytest.raises(ExplanationError, match="apart") as caught:
        check_sums(scored.explain(risk), scored.lesson.window, risk)
    assert caught.value.thing == f"domain {scored.lesson.window.domains['key'][row]}"


# ---- Silence --------------------------------------------------------------------------------------------------


def test_a_coalitions_value_is_the_score_with_the_others_silenced_by_hand(scored: Scored) -> None:
    seen = scored.lesson.propagated
    whole = seen.structure.beside(lent(seen, scored.lesson.labels))
    gone = {"linked_to", HABITS}
    wanted, rows = scored.silenced(gone), 0
    for some in coalitions(whole, scored.model, seen.prior):
        code = sum(1 << p for p, name in enumerate(some.players) if name not in gone)
        values = scored.model.calibration.logits(some.margins, scored.risk.prior)
        assert values[:, code] == pytest.approx(wanted[some.rows], abs=NEAR)
        rows += len(some.rows)
    assert rows == len(wanted)


def test_what_is_needed_is_the_least_that_must_go(scored: Scored, explained: Explained) -> None:
    labels, line = scored.lesson.labels, log_odds(EXPLAINED_FROM)
    silenced: dict[frozenset[str], np.ndarray] = {}  # type: ignore[type-arg]

    def totals(gone: frozenset[str]) -> np.ndarray:  # type: ignore[type-arg]
        if gone not in silenced:
            silenced[gone] = scored.silenced(set(gone) - {CAMPAIGN})
        logits = silenced[gone]
        kept = 0.0 if CAMPAIGN in gone else scored.risk.from_groups
        return np.asarray((logits + from_verdicts(labels, logits) + kept)[explained.rows])

    every = frozenset(explained.needed)
    sets = [frozenset(name for name in every if explained.needed[name][at]) for at in range(len(explained.rows))]
    assert {len(gone) for gone in sets} >= {0, 1, 2}
    for at, gone in enumerate(sets):
        if gone:
            assert totals(gone)[at] < line + NEAR
        else:
            assert totals(every)[at] > line - NEAR
        for size in range(min(len(gone) or 3, 3)):
            for fewer in combinations(sorted(every), size):
                assert totals(frozenset(fewer))[at] > line - NEAR


def test_where_a_verdict_stands_nothing_is_needed_and_that_is_said(scored: Scored, given: pa.Table) -> None:
    senders = scored.lesson.window.senders["key"].to_pylist()
    judged = {key for key, bad in zip(senders, scored.lesson.labels.malicious, strict=True) if bad}
    rows = given.to_pandas().query("kind == 'sender'")
    stays = set(rows[(rows["relation"] == schema.BASE) & rows["sentence"].str.contains("no removal")]["key"])
    assert judged <= stays
    assert stays.isdisjoint(rows[rows["needed"]]["key"])
    assert stays | set(rows[rows["needed"]]["key"]) == set(rows["key"])
