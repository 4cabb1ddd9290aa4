"""The network of domains: it fits what is shown to it, protects the popular, and knows no verdict."""

import numpy as np
from small_mail import Lesson
from windows import id_of

from gnn.domain_risk import domain_risk, shipped_for_domains
from gnn.model import is_plain
from gnn.usage import RISK_BLOCK, usage_of

PRIOR = 0.2


def logits(lesson: Lesson, senders: np.ndarray) -> np.ndarray:
    return domain_risk(usage_of(lesson.window, lesson.evidence), lesson.evidence, senders, PRIOR).logits()


def test_the_shipped_network_was_taught_on_the_channels_that_are_made(lesson: Lesson) -> None:
    usage = usage_of(lesson.window, lesson.evidence)
    found = domain_risk(usage, lesson.evidence, np.zeros(len(lesson.guilty)), PRIOR)
    shipped = shipped_for_domains()
    assert shipped.names == found.channels.names
    assert shipped.blocks == found.channels.blocks
    plain = np.array(found.channels.blocks)[is_plain(found.channels.blocks)]
    assert RISK_BLOCK in plain


def test_a_domain_follows_its_users(lesson: Lesson) -> None:
    site = id_of(lesson.window, "domains", "shop1.example")
    users = lesson.evidence.domain_users[:, site].toarray().ravel() > 0
    usual = np.where(lesson.guilty, 4.0, -4.0)
    cleared = np.where(users, -4.0, usual)
    assert logits(lesson, usual)[site] > 0
    assert logits(lesson, cleared)[site] < 0


def test_one_stolen_mailbox_does_not_damn_the_site_of_many(lesson: Lesson) -> None:
    site = id_of(lesson.window, "domains", "home.example")
    stolen = np.where(lesson.guilty, 4.0, -4.0)
    stolen[np.flatnonzero(~lesson.guilty)[0]] = 8.0
    assert logits(lesson, stolen)[site] < 0
