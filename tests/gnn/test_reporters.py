"""Reporters: who was right before counts for more, nobody counts without bound, and no verdict speaks for itself."""

import numpy as np
import pytest
import scipy.sparse as sp
from windows import Report, id_of, letter, window

from gnn.reporters import LEAST_SPREAD, MOST_SPREAD, MOST_WEIGHT, TIED, Reports, beta_prior, trust, with_lent
from graph.values import Reported


def said(*rows: tuple[int, int, bool]) -> Reported:
    """(reporter, sender, bad) each."""
    reporter, sender, bad = zip(*sorted(rows), strict=True)
    return Reported(np.array(reporter), np.array(sender), np.array(bad))


GUILTY, HONEST = (0, 1, 2), (3, 4, 5)
MALICIOUS, BENIGN = (np.array([1.0 * (at in group) for at in range(8)]) for group in (GUILTY, HONEST))
# Reporter 0 is always right, reporter 1 always wrong, reporter 2 unknown; all three report the unjudged sender 6.
SAID = said(
    *[(0, at, True) for at in GUILTY],
    *[(0, at, False) for at in HONEST],
    *[(1, at, True) for at in HONEST],
    *[(1, at, False) for at in GUILTY],
    *[(who, 6, True) for who in (0, 1, 2)],
)


def test_who_was_right_counts_for_more_than_a_stranger_and_a_stranger_for_more_than_a_liar():
    weight = trust(SAID, MALICIOUS, BENIGN)
    right, wrong, unknown = weight[SAID.sender == 6]
    assert wrong < 0.5 < unknown < right <= MOST_WEIGHT
    assert unknown == pytest.approx(1.0)


def test_without_a_verdict_all_reporters_count_alike():
    assert np.allclose(trust(SAID, np.zeros(8), np.zeros(8)), 1.0)


def test_a_verdict_on_a_sender_does_not_raise_the_weight_of_its_own_reporters():
    """The reporter's record without this sender is as good whichever way the verdict goes; its prior aside."""
    alone = said((0, 0, True), (1, 6, True), (2, 6, True), (1, 3, True), (2, 3, False))
    for malicious, benign in ((MALICIOUS, BENIGN), (BENIGN, MALICIOUS)):
        weight = trust(alone, malicious, benign)
        assert weight[(alone.sender == 0) & (alone.reporter == 0)] == pytest.approx(1.0)


def test_many_reporters_of_one_sender_are_capped_and_one_reporter_counts_once():
    letters = [letter("a@a.example", *(f"r{at}@home.example" for at in range(9)))] * 2
    rows = [Report(one, f"r{at}@home.example") for one in (0, 1) for at in range(9)]
    seen = window(letters, rows)
    about = Reports.of(seen)
    bad, cleared = about.weighed(np.ones(len(about.said.sender)))
    assert len(about.said.sender) == 9
    assert bad[id_of(seen, "senders", "a@a.example")] == pytest.approx(about.cap[0]) == pytest.approx(1.06)
    assert cleared.sum() == 0


def test_rare_artefacts_lend_half_and_judged_senders_are_lent_nothing():
    used = sp.csr_matrix(np.array([[1.0], [1.0], [1.0]]))
    malicious, benign = with_lent([used], np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    assert malicious.tolist() == [1.0, 0.0, pytest.approx(TIED / 3)]
    assert benign.tolist() == [0.0, 1.0, pytest.approx(TIED / 3)]
    crowd = sp.csr_matrix(np.ones((60, 1)))
    lent, _ = with_lent([crowd], np.eye(60)[0], np.zeros(60))
    assert lent[1:].sum() == 0


def test_the_prior_is_weak_where_reporters_differ_and_strong_where_they_are_alike():
    rights, wrongs = np.array([9.0, 9.0, 0.0, 0.0]), np.array([0.0, 0.0, 9.0, 9.0])
    _, torn = beta_prior(rights, wrongs)
    usual, alike = beta_prior(np.full(4, 6.0), np.full(4, 3.0))
    assert usual == pytest.approx(25 / 38)
    assert torn == pytest.approx(1 / MOST_SPREAD - 1)
    assert alike == pytest.approx(1 / LEAST_SPREAD - 1)


def test_no_report_has_no_weight():
    assert trust(Reported(), MALICIOUS, BENIGN).shape == (0,)
