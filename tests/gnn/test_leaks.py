"""Leaks planted one by one: each guard is silent without its leak and raises with it."""

from dataclasses import replace

import numpy as np
import pytest
import small_mail

from gnn import leaks
from gnn.labels import Labels
from gnn.leaks import LeakError, no_asked_label, no_common_campaign, no_late_label, no_own_label, same_past
from gnn.prior import propagate_informed
from gnn.propagate import Pool
from gnn.scene import Scene

DAY = np.datetime64("2024-03-05", "us")


@pytest.fixture(scope="module")
def scene(lesson: small_mail.Lesson) -> Scene:
    informed = propagate_informed(lesson.window, lesson.evidence)
    return Scene(lesson.window, lesson.evidence, informed, lesson.labels, lesson.no_domain_labels)


def test_no_label_moves_what_is_shown_of_its_own_sender(scene):
    assert no_own_label(scene, small_mail.QUICK).rows == leaks.PROBES


def test_a_pool_that_counts_oneself_is_caught(scene, monkeypatch):
    def with_oneself(pool, signal):
        return np.asarray((pool.users.T @ signal)[pool.used.indices])

    monkeypatch.setattr(Pool, "others_sum", with_oneself)
    with pytest.raises(LeakError, match=r"own label.*scored by"):
        no_own_label(scene, small_mail.QUICK)


def test_folds_that_are_not_hidden_are_caught(scene, monkeypatch):
    """Over two hops a label comes back to its sender unless its fold is hidden."""
    monkeypatch.setattr(Labels, "hiding", lambda labels, rows: labels)
    with pytest.raises(LeakError, match=r"own label.*learnt from"):
        no_own_label(scene, small_mail.QUICK)


def test_a_scene_without_labels_has_none_to_leak(scene):
    size = scene.window.senders.num_rows
    assert no_own_label(replace(scene, senders=Labels(np.zeros(size), np.zeros(size))), small_mail.QUICK).rows == 0


def test_a_label_younger_than_its_moment_is_caught(scene):
    decided_at = np.where(scene.senders.known, DAY, np.datetime64("NaT", "us"))
    assert no_late_label(scene.senders, decided_at, DAY).rows == scene.senders.known.sum()
    decided_at[np.flatnonzero(scene.senders.known)[0]] += np.timedelta64(1, "us")
    with pytest.raises(LeakError, match="1 senders are labelled by verdicts given after"):
        no_late_label(scene.senders, decided_at, DAY)


def test_somebody_judged_whose_label_is_known_is_caught(scene):
    assert no_asked_label(scene.senders, ~scene.senders.known).rows == (~scene.senders.known).sum()
    with pytest.raises(LeakError, match="own label is known"):
        no_asked_label(scene.senders, np.ones(len(scene.senders.known), bool))


def test_a_campaign_on_both_sides_is_caught_by_its_senders_and_by_its_domains():
    campaign = np.array([0, 0, 1, 2, -1, -1])
    learnt = np.array([True, False, False, False, True, False])
    new = np.array([False, False, True, True, False, True])
    nothing = np.zeros(0, np.int64)
    assert no_common_campaign(campaign, learnt, new, nothing).rows == 3
    with pytest.raises(LeakError, match="campaign overlap"):
        no_common_campaign(campaign, learnt, new | (campaign == 0), nothing)
    with pytest.raises(LeakError, match="campaign overlap"):
        no_common_campaign(campaign, learnt, new, np.array([-1, 2]))


@pytest.mark.parametrize("part", ["window", "channels", "labels"])
def test_anything_that_the_future_moves_is_caught(scene, part):
    assert same_past(scene, scene).rows == scene.window.senders.num_rows
    if part == "window":
        other = replace(scene, window=replace(scene.window, linked_to=scene.window.linked_to.slice(1)))
    elif part == "labels":
        other = replace(scene, senders=scene.senders.hiding(np.flatnonzero(scene.senders.known)[:1]))
    else:
        values = scene.propagated.structure.values.copy()
        values[3, 2] += 1e-3
        structure = replace(scene.propagated.structure, values=values)
        other = replace(scene, propagated=replace(scene.propagated, structure=structure))
    with pytest.raises(LeakError, match=rf"future: what comes later changes .*{part}"):
        same_past(scene, other)
