"""Channels of domains: who uses them, how risky these are against everybody, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from small_mail import GANG_SIZE, PEOPLE, Lesson
from windows import id_of

from gnn.calibrate import log_odds
from gnn.features import Channels
from gnn.usage import MOST_SURE, RISK_BLOCK, Usage, domain_channels, usage_of

PRIOR = 0.1


def seen(lesson: Lesson, senders: np.ndarray) -> Channels:
    return domain_channels(usage_of(lesson.window, lesson.evidence), lesson.evidence, senders, PRIOR)


def value(lesson: Lesson, channels: Channels, name: str, key: str) -> float:
    return float(channels.values[id_of(lesson.window, "domains", key), channels.names.index(name)])


def test_where_everybody_is_as_risky_as_the_mean_no_domain_tells_anything(lesson: Lesson) -> None:
    found = seen(lesson, np.full(len(lesson.guilty), log_odds(PRIOR)))
    assert np.abs(found.only({RISK_BLOCK}).values).max() == pytest.approx(0, abs=1e-6)


def test_risk_of_users_is_told_against_the_mean(lesson: Lesson) -> None:
    key = "shop2.example"
    users = lesson.evidence.domain_users[:, id_of(lesson.window, "domains", key)].toarray().ravel() > 0
    logits = np.full(len(lesson.guilty), -3.0)
    logits[users] = np.linspace(0.0, 20.0, users.sum())
    found = seen(lesson, logits)
    usual = log_odds(PRIOR)
    assert value(lesson, found, f"{RISK_BLOCK}.least", key) == pytest.approx(-usual, abs=1e-5)
    assert value(lesson, found, f"{RISK_BLOCK}.most", key) == pytest.approx(MOST_SURE - usual, abs=1e-5)
    mean = np.minimum(logits[users], MOST_SURE).mean() - usual
    assert value(lesson, found, f"{RISK_BLOCK}.mean", key) == pytest.approx(mean, abs=1e-5)


def test_links_and_addresses_are_told_apart(lesson: Lesson) -> None:
    found = seen(lesson, np.zeros(len(lesson.guilty)))
    for key, links, addresses in (("shop1.example", GANG_SIZE, 0), ("home.example", 0, PEOPLE)):
        assert value(lesson, found, "behaviour.links", key) == pytest.approx(np.log1p(links), abs=1e-5)
        assert value(lesson, found, "behaviour.addresses", key) == pytest.approx(np.log1p(addresses), abs=1e-5)
        assert value(lesson, found, "behaviour.users", key) == pytest.approx(np.log1p(links + addresses), abs=1e-5)


def test_habits_of_the_risky_users_are_theirs(lesson: Lesson) -> None:
    """Of a site that both sides use, the one-shot senders count as far as they are the risky ones."""
    linked = lesson.evidence.relation("linked_to")
    counts = linked.counts.tolil()
    site = id_of(lesson.window, "domains", "shop0.example")
    counts[np.flatnonzero(~lesson.guilty), site] = 1
    shared = replace(linked, counts=counts.tocsr())
    others = tuple(shared if one is linked else one for one in lesson.evidence.relations)
    both = replace(lesson, evidence=replace(lesson.evidence, relations=others))
    at = "behaviour.risky.one_shot"
    guilty_ones = value(both, seen(both, np.where(lesson.guilty, 6.0, -6.0)), at, "shop0.example")
    honest_ones = value(both, seen(both, np.where(lesson.guilty, -6.0, 6.0)), at, "shop0.example")
    assert guilty_ones > 0.95
    assert honest_ones < 0.05


def test_a_graph_without_domains_has_no_usage() -> None:
    assert Usage.none().fixed.names == ()
