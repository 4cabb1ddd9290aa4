"""How far each reporter is to be trusted, learnt from verdicts, and what trusted reports say of senders.

A reporter who reported what verdicts call malicious and cleared what they call benign was right; what verdicts lend to
a sender over rare artefacts counts half, since few reports meet a verdict. How often a reporter is right is
beta-binomial: the prior's mean is that of all reporters, its strength comes from how much they differ (method of
moments, Kleinman 1973, J. Am. Stat. Assoc. 68). Agreement with other reporters does not count: those who are paid to
report the innocent agree. Who is judged is left out: no verdict on a sender changes the weight of its own reporters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from gnn.features import report_cap
from graph.evidence import column
from graph.values import Reported, Window

Array = NDArray[np.float64]

TIED = 0.5  # what a verdict lent by neighbours counts beside a verdict on the sender itself
MOST_TIED = 50  # senders of an artefact that lends: more share a service, not a purpose
USUAL_SPREAD = 0.2  # correlation of one reporter's rights and wrongs, where verdicts are too few to tell it
LEAST_SPREAD, MOST_SPREAD = 0.05, 0.6
LEAST_REPORTERS = 3  # with reports on judged senders, under which nothing is said of how reporters differ
MOST_WEIGHT = 2.0  # of a reporter beside a usual one: nobody's word counts for three


@dataclass(frozen=True)
class Reports:
    """Who reported whom, with the most that a sender's reports count together, shape (senders,)."""

    said: Reported
    cap: Array
    messages: Array

    @staticmethod
    def of(window: Window) -> "Reports":
        """The reports of a window."""
        events, messages = (column(window.senders, name) for name in ("events", "messages_to"))
        return Reports(window.reported, report_cap(events), np.minimum(messages, 50.0))

    def weighed(self, weight: Array) -> tuple[Array, Array]:
        """Capped weight of the reporters against and for each sender, shape (senders,) each."""
        sides = []
        for side in (self.said.bad, ~self.said.bad):
            total = np.bincount(self.said.sender[side], weights=weight[side], minlength=len(self.cap))
            sides.append(np.minimum(total, self.cap))
        return sides[0], sides[1]


def trust(said: Reported, malicious: Array, benign: Array) -> Array:
    """Weight of each report, shape (pairs,): how often its reporter is right beside the usual, 1 where nobody knows.

    `malicious` and `benign` are what is known of senders, shape (senders,) each; what is known of the sender reported
    is left out of its reporter's record.
    """
    if not len(said.sender):
        return np.zeros(0)
    bad, good = malicious[said.sender], benign[said.sender]
    right, wrong = np.where(said.bad, bad, good), np.where(said.bad, good, bad)
    rights, wrongs = (np.bincount(said.reporter, weights=part).astype(np.float64) for part in (right, wrong))
    usual, strength = beta_prior(rights, wrongs)
    rights, wrongs = rights[said.reporter] - right, wrongs[said.reporter] - wrong
    expected = (rights + strength * usual) / (rights + wrongs + strength)
    return np.asarray(np.clip(expected / usual, 0.0, MOST_WEIGHT))


def beta_prior(rights: Array, wrongs: Array) -> tuple[float, float]:
    """Mean and strength (pseudo-reports) of a beta distribution over reporters, from the records of each."""
    seen = rights + wrongs
    usual = float((rights.sum() + 1) / (seen.sum() + 2))
    met = seen > 0
    spread, reporters, total = USUAL_SPREAD, int(met.sum()), float(seen.sum())
    if reporters >= LEAST_REPORTERS:
        share, chance = rights[met] / seen[met], usual * (1 - usual)
        between = float((seen[met] * (share - usual) ** 2).sum()) - (reporters - 1) * chance
        most = chance * (total - float((seen**2).sum()) / total - (reporters - 1))
        spread = between / most if most > 0 else USUAL_SPREAD
    return usual, 1 / float(np.clip(spread, LEAST_SPREAD, MOST_SPREAD)) - 1


def with_lent(ties: Sequence[sp.csr_matrix], malicious: Array, benign: Array) -> tuple[Array, Array]:
    """Labels of senders, and half of what those lend who share rare artefacts with a sender that has none.

    `ties` are senders × artefacts, ones.
    """
    bad, good = np.zeros_like(malicious), np.zeros_like(benign)
    for used in ties:
        degree = np.bincount(used.indices, minlength=used.shape[1])
        rare = used @ sp.diags((degree <= MOST_TIED).astype(np.float64))
        bad += rare @ (used.T @ malicious)
        good += rare @ (used.T @ benign)
    free = (malicious == 0) & (benign == 0)
    lent = np.where(free, TIED / (bad + good + 1), 0.0)
    return malicious + lent * bad, benign + lent * good
