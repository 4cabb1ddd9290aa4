"""The risk stage: channels and a model in, calibrated risk of every sender and domain out. Knows no campaign."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gnn.calibrate import sigmoid
from gnn.domain_risk import domain_risk
from gnn.labels import Labels
from gnn.model import RiskModel
from gnn.prior import lent
from gnn.propagate import Propagated
from gnn.usage import Usage
from graph.campaigns.find import Partition
from graph.campaigns.risk import group_logits
from graph.evidence import Evidence
from graph.schema import RISK_DIGITS

Array = NDArray[np.float64]

VERDICT_LOGIT = 5.0  # a human verdict moves a node's own log-odds by this much
HEARD = 2.5  # log-odds up to which the network is heard against a verdict that counts whole


@dataclass(frozen=True)
class Student:
    """Who speaks of the senders beside the model (gnn.settle), and for what share of the log-odds."""

    model: RiskModel
    says: float

    def beside(self, teacher: Array, said: Array) -> Array:
        """Log-odds after both have spoken, of the same shape."""
        return (1 - self.says) * teacher + self.says * said


@dataclass(frozen=True)
class Risk:
    """Calibrated log-odds of every node of the window.

    `senders` and `domains` are aligned with the window's tables; `evidence_only` are the senders' log-odds before
    their own verdicts were counted; `from_verdicts` and `from_groups` what verdicts and campaigns added to them;
    `prior` is the share of malicious senders that the margins imply; `usage` is how the domains are used, so that they
    can be judged anew when senders are; `student` is None where nobody spoke beside the model.
    """

    senders: Array
    domains: Array
    evidence_only: Array
    from_verdicts: Array
    from_groups: Array
    prior: float
    usage: Usage
    student: Student | None = None

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
    logits, prior = sender_logits(propagated, senders, model)
    return risk_of(propagated.usage, evidence, logits, prior, senders, domains)


def risk_of(usage: Usage, evidence: Evidence, logits: Array, prior: float, senders: Labels, domains: Labels) -> Risk:
    """Risk of every node, given the log-odds of senders before their own verdicts, and the prevalence behind them."""
    said = from_verdicts(senders, logits)
    of_domains = _domain_logits(usage, evidence, logits + said, prior, domains)
    return Risk(logits + said, of_domains, logits, said, np.zeros_like(logits), prior, usage)


def judge(risk: Risk, groups: Partition, evidence: Evidence, domains: Labels) -> Risk:
    """Members inherit their group's risk as far as they belong to it; domains are judged by their users anew."""
    lift = inherited(risk.senders, risk.from_verdicts, groups)
    senders = risk.senders + lift
    of_domains = _domain_logits(risk.usage, evidence, senders, risk.prior, domains)
    only = risk.evidence_only + lift
    return replace(risk, senders=senders, domains=of_domains, evidence_only=only, from_groups=lift)


def sender_logits(propagated: Propagated, labels: Labels, model: RiskModel) -> tuple[Array, float]:
    """Calibrated log-odds of senders before their own verdicts, and the prevalence that the margins imply."""
    margins = model.margins(propagated.structure, lent(propagated, labels))
    free = margins[~labels.known]
    prior = model.calibration.prior_of(free if len(free) else margins)
    return model.calibration.logits(margins, prior), prior


def inherited(senders: Array, said: Array, groups: Partition) -> Array:
    """What membership adds to senders' log-odds, `said` being what verdicts had added, shape (senders,).

    A group is judged as a whole (graph.campaigns.risk.group_logits): members that hide well are given away by those
    that do not. Nobody's risk falls by it, and verdicts on members stand.
    """
    member = groups.group >= 0
    whole = group_logits(groups.group, senders, groups.count)
    of_group = whole[np.maximum(groups.group, 0)] if groups.count else np.zeros(len(member))
    lift = np.where(member, groups.weight * np.maximum(of_group - senders, 0.0), 0.0)
    return np.where(said < 0, 0.0, lift)


def _published(logits: Array) -> Array:
    """Probabilities that stay off 0 and 1 in the digits that are published: nobody is certain."""
    least = 10.0**-RISK_DIGITS
    return np.asarray(np.clip(sigmoid(logits), least, 1 - least))


def from_verdicts(labels: Labels, logits: Array) -> Array:
    """What verdicts add to log-odds: fresh sources that agree count whole, old or conflicting ones less.

    A verdict of a node's own that counts `w` of 1 brings it at least w * (VERDICT_LOGIT - HEARD) over to the judged
    side, whatever the network thinks: there `gnn.decide` puts it too. What a campaign's verdict lends to a member is
    `w` of what one of its own would add, which may leave the member where it was.
    """
    weight, side = labels.weight, np.where(labels.target > 0, 1.0, -1.0)
    against = -side * logits
    own = weight * VERDICT_LOGIT + np.maximum(against - weight * HEARD, 0.0)
    lent_by_campaign = weight * (VERDICT_LOGIT + np.maximum(against - HEARD, 0.0))
    return np.where(labels.known, side * np.where(labels.own, own, lent_by_campaign), 0.0)


def _domain_logits(usage: Usage, evidence: Evidence, senders: Array, prior: float, labels: Labels) -> Array:
    """Log-odds of domains: what the network makes of their users, and their own verdicts."""
    logits = domain_risk(usage, evidence, senders, prior).logits()
    return logits + from_verdicts(labels, logits)
