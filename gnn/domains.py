"""Judging the risk of domains: the malicious ones found, and the popular innocent ones that were blamed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnn.features import report_signals
from gnn.metrics import Figure, Scores, judge
from gnn.references.clusters import REPORT_MESSAGES
from gnn.risk import Risk
from gnn.scene import Scene

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

OURS, REPORTS = "Ringleader", "reports per domain"
POPULAR_SENDERS = 20  # senders that link to a domain or write from it: to block such a one hurts many
LINE = 0.5  # risk from which a domain would be acted on
MOST_NAMED = 20


@dataclass(frozen=True)
class DomainTruth:
    """What is true of the window's domains: `target` 1 malicious, 0 benign, NaN unknown; `campaign` number or −1."""

    target: Array
    campaign: Ids


@dataclass(frozen=True)
class DomainScope:
    """Figures of domain risk on domains without a verdict. `blamed` of `popular` innocent ones are above the line."""

    domains: int
    malicious: int
    figures: dict[str, dict[str, Figure]]
    popular: int
    blamed: int
    blamed_names: tuple[str, ...]


def domain_scope(asked: Scene, truth: DomainTruth, risk: Risk, seed: int) -> DomainScope:
    """How well the risk of domains tells, beside the report rate of their senders; resampled by campaign."""
    rows = ~asked.domains.known & np.isfinite(truth.target)
    target = truth.target[rows]
    said = {OURS: Scores(risk.domains[rows], calibrated=True), REPORTS: Scores(_reported(asked)[rows], False)}
    alone = truth.campaign.max(initial=-1) + 1 + np.arange(len(truth.campaign))
    bunch = np.where(truth.campaign >= 0, truth.campaign, alone)[rows]
    users = np.asarray(asked.evidence.domain_users.sum(axis=0)).ravel()
    popular = rows & (truth.target == 0) & (users >= POPULAR_SENDERS)
    blamed = np.flatnonzero(popular & (risk.domain_risk >= LINE))
    names = asked.window.domains["key"].take(blamed[np.argsort(-users[blamed], kind="stable")][:MOST_NAMED])
    return DomainScope(
        domains=int(rows.sum()),
        malicious=int(target.sum()),
        figures=judge(said, target, bunch, seed=seed).figures,
        popular=int(popular.sum()),
        blamed=len(blamed),
        blamed_names=tuple(names.to_pylist()),
    )


def _reported(asked: Scene) -> Array:
    """Report rate of all who use a domain, shape (domains,)."""
    signals, use = report_signals(asked.window), asked.evidence.domain_users
    net = np.maximum(signals["junk"] - signals["not_junk"], 0.0)
    return np.asarray((use.T @ net) / (use.T @ signals["messages"] + REPORT_MESSAGES))
