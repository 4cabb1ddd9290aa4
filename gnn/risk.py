"""The risk stage: channels and a model in, calibrated risk of every sender and domain out. Knows no campaign."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gnn.calibrate import sigmoid
from gnn.labels import Labels
from gnn.model import RiskModel
from gnn.prior import lent
from gnn.propagate import Propagated
from graph.campaigns.find import Partition
from graph.campaigns.risk import group_logits
from graph.evidence import Evidence
from graph.schema import RISK_DIGITS

Array = NDArray[np.float64]

VERDICT_LOGIT = 5.0  # a human verdict moves a node's own log-odds by this much
HEARD = 2.5  # log-odds up to which the network is heard against a verdict: whoever was judged is on the judged side
DOMAIN_PRIOR_USERS = 1.0  # pseudo-users of prior risk behind every domain: one risky user does not damn a domain


@dataclass(frozen=True)
class Risk:
    """Calibrated log-odds of every node of the window.

    `senders` and `domains` are aligned with the window's tables; `evidence_only` are the senders' log-odds before
    their own verdicts were counted; `from_verdicts` and `from_groups` what verdicts and campaigns added to them;
    `prior` is the share of malicious senders that the margins imply.
    """

    senders: Array
    domains: Array
    evidence_only: Array
    from_verdicts: Array
    from_groups: Array
    prior: float

    @property
    def sender_risk(self) -> Array:
        """Probabilities of senders."""
        return _published(self.senders)

    @property
    def domain_risk(self) -> Array:
        """Probabilities of domains."""
        return _published(self.domains)


def score(propagated: Propagated, evidence: Evidence, senders: Labels, domains: Labels, model: RiskModel) -> Risk:
    """Risk of every node under `model`, with all labels that are known lent over the graph."""
    margins = model.margins(propagated.structure.beside(lent(propagated, senders)))
    free = margins[~senders.known]
    prior = model.calibration.prior_of(free if len(free) else margins)
    logits = model.calibration.logits(margins, prior)
    said = from_verdicts(senders, logits)
    of_domains = _domain_risk(evidence, logits + said, prior, domains)
    return Risk(logits + said, of_domains, logits, said, np.zeros_like(logits), prior)


def judge(risk: Risk, groups: Partition, evidence: Evidence, domains: Labels) -> Risk:
    """Members inherit their group's risk as far as they belong to it; domains follow their users.

    A group is judged as a whole (graph.campaigns.risk.group_logits): members that hide well are given away by those
    that do not. Nobody's risk falls by it, and verdicts on members stand.
    """
    member = groups.group >= 0
    whole = group_logits(groups.group, risk.senders, groups.count)
    inherited = whole[np.maximum(groups.group, 0)] if groups.count else np.zeros(len(member))
    lift = np.where(member, groups.weight * np.maximum(inherited - risk.senders, 0.0), 0.0)
    lift = np.where(risk.from_verdicts < 0, 0.0, lift)
    senders = risk.senders + lift
    of_domains = _domain_risk(evidence, senders, risk.prior, domains)
    only = risk.evidence_only + lift
    return replace(risk, senders=senders, domains=of_domains, evidence_only=only, from_groups=lift)


def _published(logits: Array) -> Array:
    """Probabilities that stay off 0 and 1 in the digits that are published: nobody is certain."""
    least = 10.0**-RISK_DIGITS
    return np.asarray(np.clip(sigmoid(logits), least, 1 - least))


def from_verdicts(labels: Labels, logits: Array) -> Array:
    """What own verdicts add to log-odds: agreeing sources count whole, conflicting ones less."""
    up = VERDICT_LOGIT + np.maximum(-HEARD - logits, 0.0)
    down = VERDICT_LOGIT + np.maximum(logits - HEARD, 0.0)
    return labels.weight * np.where(labels.known, np.where(labels.target > 0, up, -down), 0.0)


def _domain_risk(evidence: Evidence, senders: Array, prior: float, labels: Labels) -> Array:
    """Log-odds of domains: their users' risk, and their own verdicts."""
    logits = _domain_logits(evidence, senders, prior)
    return logits + from_verdicts(labels, logits)


def _domain_logits(evidence: Evidence, senders: Array, prior: float) -> Array:
    """A domain is as risky as those who use it: beta-smoothed mean risk of its distinct users."""
    use = evidence.domain_users
    users = np.asarray(use.sum(axis=0)).ravel()
    share = (use.T @ sigmoid(senders) + DOMAIN_PRIOR_USERS * prior) / (users + DOMAIN_PRIOR_USERS)
    bounded = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))
