"""The three-way answer about a node: malicious, benign or abstain. Knows probabilities, verdicts and how much was seen.

Two lines cut the calibrated probabilities of one kind of node. Each calls as many as it can and keeps two promises: no
call costs more in expectation than the opposite one (p against c/(c + 1), where a wrongly called innocent costs c
missed abusers: Elkan 2001, The foundations of cost-sensitive learning), and of those called, the expected share that
is called rightly is at least the one asked for. Between the lines nothing is said (reject option: Chow 1970, IEEE
Transactions on Information Theory 16(1)). No share of malicious nodes is guessed, here or by whoever sets the options.
The promises are as good as the calibration, which `evaluate` measures. Senders and domains have lines of their own, so
that neither kind pays for the other.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from gnn.labels import Labels
from graph.evidence import MOST_WRITERS, Evidence, column
from graph.schema import ABSTAIN, BENIGN, DECISIONS, MALICIOUS, RISK_DIGITS
from graph.values import Window

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TARGETS = "wrote_to"  # popular people are written to by everybody: common targets count where they are beyond chance
ROUNDING = 1e-9  # of a node: what a sum of many floats may lose


@dataclass(frozen=True)
class DecideOptions:
    """What is asked of the answers.

    `precision` and `benign_precision` are the least expected shares of rightly called nodes among those called
    malicious and benign; `false_positive_cost` is what one wrongly called innocent costs, in missed abusers; a node
    with fewer than `least_events` events may be too thin to be called benign.
    """

    precision: float
    benign_precision: float
    false_positive_cost: float
    least_events: int

    @property
    def even(self) -> float:
        """The probability at which both calls cost the same."""
        return self.false_positive_cost / (self.false_positive_cost + 1)


@dataclass(frozen=True)
class Line:
    """Where a call begins, and what is expected of those without a verdict who are called by it."""

    line: float
    called: int
    expected_wrong: float
    expected_precision: float | None  # None where nobody is called


@dataclass(frozen=True)
class Answers:
    """Answers about the nodes of one kind: `words[n]` is one of graph.schema.DECISIONS.

    Without a verdict of its own, a node is malicious from `malicious.line` up, and benign up to `benign.line` unless
    it is thin: a line is the probability of the last who is called. Where nobody can be, the lines are 1 and 0.
    """

    words: NDArray[np.str_]
    malicious: Line
    benign: Line

    def described(self) -> dict[str, object]:
        """The lines, and how many nodes have each answer, those with verdicts included."""
        nodes = {word: int((self.words == word).sum()) for word in DECISIONS}
        return {MALICIOUS: asdict(self.malicious), BENIGN: asdict(self.benign), "nodes": nodes}


def decide(probability: Array, labels: Labels, thin: Mask, options: DecideOptions) -> Answers:
    """Answers from calibrated probabilities (nodes,), the nodes' verdicts, and who was seen too little.

    Probabilities count as they are published, so that who reads a risk and a line comes to the same word. A node with
    a verdict of its own follows it; what the verdict on a campaign lends to a member is in its probability already.
    """
    p, own = np.round(probability, RISK_DIGITS), labels.own
    upper = _round(_line(p[~own], options.even, options.precision))
    bad = ~own & (p >= upper)
    open_to_benign = ~own & ~bad & ~thin
    lower = _round(1 - _line(1 - p[open_to_benign], 1 - options.even, options.benign_precision))
    good = open_to_benign & (p <= lower)
    judged = np.where(labels.target > 0, MALICIOUS, BENIGN)
    words = np.where(own, judged, np.where(bad, MALICIOUS, np.where(good, BENIGN, ABSTAIN)))
    return Answers(words, _told(upper, 1 - p[bad]), _told(lower, p[good]))


def thin_senders(window: Window, evidence: Evidence, least_events: int) -> Mask:
    """Senders of whom too little was seen to call them innocent, shape (senders,).

    Those with fewer than `least_events` events who share no link domain, network, text or address domain with anybody
    (what more than MOST_WRITERS share tells nothing), nor targets beyond chance, whom nobody reported and nobody
    answered.
    """
    senders = window.senders
    heard = column(senders, "junk") + column(senders, "not_junk") + column(senders, "answered")
    tied = np.diff(evidence.cotargets.indptr) > 0
    for relation in evidence.relations:
        if relation.name != TARGETS:
            telling = (relation.degree >= 2) & (relation.degree <= MOST_WRITERS)
            tied = tied | (relation.counts @ telling.astype(np.float32) > 0)
    return np.asarray((column(senders, "events") < least_events) & (heard == 0) & ~tied)


def thin_domains(evidence: Evidence, thin: Mask) -> Mask:
    """Domains whose users are all thin: a domain's probability is its users', shape (domains,)."""
    return np.asarray(evidence.domain_users.T @ (~thin).astype(np.float64) == 0)


def described(options: DecideOptions, senders: Answers, domains: Answers) -> dict[str, object]:
    """What a snapshot's manifest says of its answers: what was asked, and both lines of each kind."""
    return {**asdict(options), "sender": senders.described(), "domain": domains.described()}


def _line(sure: Array, least: float, wanted: float) -> float:
    """The smallest of the values from `least` up for which those at or above are `wanted` in the mean; 1 for none.

    `sure[n]` is the probability that calling node `n` is right. Equal ones are called together or not at all. Since
    the mean falls with every further value, those that keep it are the first ones.
    """
    values, counts = np.unique(sure, return_counts=True)
    values, counts = values[::-1], counts[::-1]
    kept = np.cumsum((values - wanted) * counts) >= -ROUNDING
    reached = values[kept & (values >= least)]
    return float(reached[-1]) if len(reached) else 1.0


def _told(line: float, wrong: Array) -> Line:
    """`wrong` has the probability of being wrong for everybody who is called."""
    called, expected = len(wrong), float(np.sort(wrong).sum())
    return Line(line, called, round(expected, RISK_DIGITS), 1 - expected / called if called else None)


def _round(line: float) -> float:
    """As published risks are."""
    return float(np.round(line, RISK_DIGITS))
