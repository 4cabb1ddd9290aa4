"""The risk stage: channels and a model in, calibrated risk of every sender and domain out. Knows no campaign."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gnn.calibrate import sigmoid
from gnn.labels import Labels
from gnn.propagate import Propagated, label_channels
from gnn.train import RiskModel
from graph.evidence import Evidence

Array = NDArray[np.float64]

VERDICT_LOGIT = 5.0  # a human verdict moves a node's own log-odds by this much, whatever the network thinks
DOMAIN_PRIOR_USERS = 1.0  # pseudo-users of prior risk behind every domain: one risky user does not damn a domain


@dataclass(frozen=True)
class Risk:
    """Calibrated log-odds of every node of the window.

    `senders` and `domains` are aligned with the window's tables; `evidence_only` are the senders' log-odds before
    their own verdicts were counted; `prior` is the share of malicious senders that the margins imply.
    """

    senders: Array
    domains: Array
    evidence_only: Array
    prior: float

    @property
    def sender_risk(self) -> Array:
        """Probabilities of senders."""
        return sigmoid(self.senders)

    @property
    def domain_risk(self) -> Array:
        """Probabilities of domains."""
        return sigmoid(self.domains)

    def lifted(self, senders: Array) -> "Risk":
        """The same with other log-odds of senders, as after judging groups as a whole."""
        return replace(self, senders=senders)


def score(propagated: Propagated, evidence: Evidence, senders: Labels, domains: Labels, model: RiskModel) -> Risk:
    """Risk of every node under `model`, with all labels that are known lent over the graph."""
    lent = label_channels(propagated.data, senders.malicious, senders.benign)
    margins = model.margins(propagated.structure.beside(lent))
    free = margins[~senders.known]
    prior = model.calibration.prior_of(free if len(free) else margins)
    logits = model.calibration.logits(margins, prior)
    judged = _with_verdicts(logits, senders)
    return Risk(judged, _with_verdicts(_domain_logits(evidence, judged, prior), domains), logits, prior)


def _with_verdicts(logits: Array, labels: Labels) -> Array:
    """Own verdicts as evidence: agreeing sources count whole, conflicting ones less."""
    return logits + VERDICT_LOGIT * labels.weight * np.where(labels.known, 2 * labels.target - 1, 0.0)


def _domain_logits(evidence: Evidence, senders: Array, prior: float) -> Array:
    """A domain is as risky as those who use it: beta-smoothed mean risk of its distinct users."""
    use = evidence.relation("linked_to").used + evidence.relation("address_at").used
    use.data = np.ones_like(use.data)
    users = np.asarray(use.sum(axis=0)).ravel()
    share = (use.T @ sigmoid(senders) + DOMAIN_PRIOR_USERS * prior) / (users + DOMAIN_PRIOR_USERS)
    bounded = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))
