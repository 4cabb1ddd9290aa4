"""How domains are used, and how risky their users are, as channels. Knows users' risk, no verdict on a domain.

A domain's channels are made of those who link to it or write from it. How risky these are is told against the window's
mean, so that 0 means: like everybody. Habits of the risky users tell an address that a criminal rented from a site of
honest people whose mailboxes were stolen; unrelated networks and addresses behind one domain tell a service from an
owner's own site.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from gnn.calibrate import log_odds, sigmoid
from gnn.features import Channels, channels, co_user_signals, report_signals, span_days
from gnn.rates import overall_rate, report_rate
from graph.evidence import Evidence, column
from graph.values import Window

Array = NDArray[np.float64]

USERS, HABITS, REPORTS = "linked_to", "behaviour", "reports"
RISK_BLOCK = f"{USERS}.prior"  # log-odds already, and not to be ranked
SPREADS = ("sent_from", "address_at", "carried")  # what one owner's senders share, and a service's do not
MOST_SURE = 8.0  # log-odds beyond which users are not told apart
PSEUDO_USERS = 1.0  # of mean risk behind every domain: one risky user does not damn a domain
USUAL_HABITS = 0.1  # pseudo-users behind the habits of the risky ones


@dataclass(frozen=True)
class Usage:
    """What a window shows of its domains before anybody is scored, computed once.

    `signals` has what each sender tells about its company, shape (senders,) each; `fixed` the channels of domains that
    need no risk, rows as `window.domains`.
    """

    signals: dict[str, Array]
    fixed: Channels

    @staticmethod
    def none() -> "Usage":
        """That of a graph without domains."""
        return Usage({}, channels({}, HABITS))


def usage_of(window: Window, evidence: Evidence) -> Usage:
    """How the domains of a window are used: by how many, how long, from how many places, and how often reported."""
    users = _by_domain(evidence.domain_users)
    habits = channels(_habits(window, evidence, users), HABITS)
    return Usage(co_user_signals(window), habits.beside(channels(_reports(window, users), REPORTS)))


def domain_channels(usage: Usage, evidence: Evidence, senders: Array, prior: float) -> Channels:
    """Channels of every domain (domains × columns), given its users' calibrated log-odds and the window's mean risk."""
    users, risk = _by_domain(evidence.domain_users), sigmoid(senders)
    risky = channels({f"risky.{name}": values for name, values in _risky(usage, users, risk).items()}, HABITS)
    return channels(_margins(evidence, users, senders, prior), RISK_BLOCK).beside(risky).beside(usage.fixed)


def smoothed_risk(users: sp.csr_matrix, risk: Array, prior: float) -> Array:
    """Log-odds of the beta-smoothed mean risk of each domain's users; `users` is domains × senders, ones."""
    share = (users @ risk + PSEUDO_USERS * prior) / (_count(users) + PSEUDO_USERS)
    bounded = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))


def _margins(evidence: Evidence, users: sp.csr_matrix, senders: Array, prior: float) -> dict[str, Array]:
    """How risky the users are, in log-odds against the window's mean."""
    usual, risk = log_odds(prior), sigmoid(senders)
    sure = np.clip(senders, -MOST_SURE, MOST_SURE) - usual
    columns = {
        "smoothed": smoothed_risk(users, risk, prior) - usual,
        "mean": users @ sure / np.maximum(_count(users), 1),
        "least": -_most(users, -sure),
        "most": _most(users, sure),
    }
    for name in ("linked_to", "address_at"):
        of_role = _by_domain(evidence.relation(name).used)
        columns[name] = smoothed_risk(of_role, risk, prior) - usual
    return columns


def _risky(usage: Usage, users: sp.csr_matrix, risk: Array) -> dict[str, Array]:
    """Habits of the users, each counted as far as it is risky, and how many these and the others are."""
    guilt, some = users @ risk, np.maximum(_count(users), 1)
    columns = {
        name: (users @ (risk * signal) + USUAL_HABITS * (users @ signal) / some) / (guilt + USUAL_HABITS)
        for name, signal in usage.signals.items()
    }
    return {**columns, "users": np.log1p(guilt), "others": np.log1p(np.maximum(_count(users) - guilt, 0))}


def _habits(window: Window, evidence: Evidence, users: sp.csr_matrix) -> dict[str, Array]:
    linked, homed = evidence.relation("linked_to"), evidence.relation("address_at")
    count, links = _count(users), linked.degree.astype(np.float64)
    events = column(window.domains, "events")
    attention = 1 / np.maximum(np.diff(linked.counts.indptr), 1)  # a sender's, for each domain that it links to
    columns = {
        "users": np.log1p(count),
        "links": np.log1p(links),
        "addresses": np.log1p(homed.degree),
        "own_links": (links + homed.degree - count) / np.maximum(count, 1),
        "events": np.log1p(events),
        "events_a_link": np.log1p(events) - np.log1p(links),
        "attention": users @ attention / np.maximum(count, 1),
        "span": np.log1p(span_days(window.domains)),
    }
    for name in SPREADS:
        reached = (users @ evidence.relation(name).used).tocsr()
        columns[f"spread.{name}"] = np.diff(reached.indptr) / np.maximum(count, 1)
    return columns


def _reports(window: Window, users: sp.csr_matrix) -> dict[str, Array]:
    signals = report_signals(window)
    junk, clear, sent = (users @ signals[name] for name in ("junk", "not_junk", "messages"))
    reported = (signals["junk"] > 0).astype(np.float64)
    return {
        "rate": report_rate(junk, clear, sent, overall_rate(signals)),
        "reporters": np.log1p(junk),
        "not_junk": np.log1p(clear),
        "reported_users": users @ reported / np.maximum(_count(users), 1),
    }


def _by_domain(used: sp.csr_matrix) -> sp.csr_matrix:
    return used.T.tocsr().astype(np.float64)


def _count(users: sp.csr_matrix) -> Array:
    return np.diff(users.indptr).astype(np.float64)


def _most(users: sp.csr_matrix, values: Array) -> Array:
    """Largest value among each domain's users, shape (domains,); 0 where it has none."""
    out = np.zeros(users.shape[0])
    filled = np.flatnonzero(np.diff(users.indptr))
    if len(filled):
        out[filled] = np.maximum.reduceat(values[users.indices], users.indptr[filled])
    return out
