"""Risk of domains: the network that ships for them, asked about a window. Knows users' risk, not how it came about.

The same network as for senders over channels of another kind of node (gnn.usage), taught on simulated worlds only
(gnn.teach_domains). It has never seen a verdict on a domain: these are few, go to what was reported, and are added
afterwards as they are on senders.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gnn import registry
from gnn.features import Channels
from gnn.model import RiskModel
from gnn.network import Normaliser
from gnn.prior import SHIPPED
from gnn.usage import Usage, domain_channels
from graph.evidence import Evidence

Array = NDArray[np.float64]

DOMAINS = "domains"  # folder beside the files of the prior of senders


@dataclass(frozen=True)
class DomainRisk:
    """Channels of a window's domains, the network that is ready for them, and the prevalence that its margins imply."""

    channels: Channels
    model: RiskModel
    prior: float

    def logits(self) -> Array:
        """Calibrated log-odds before verdicts, shape (domains,)."""
        return self.model.calibration.logits(self.model.margins(self.channels), self.prior)


def domain_risk(usage: Usage, evidence: Evidence, senders: Array, prior: float) -> DomainRisk:
    """What the shipped network makes of domains whose users have the log-odds `senders`.

    `prior` is the prevalence among senders; that among domains follows from their own margins.
    """
    channels = domain_channels(usage, evidence, senders, prior)
    shipped = shipped_for_domains()
    model = replace(shipped, normaliser=Normaliser.fit(channels.values, shipped.normaliser.plain))
    return DomainRisk(channels, model, model.calibration.prior_of(model.margins(channels)))


@cache
def shipped_for_domains() -> RiskModel:
    """The network that ships with this version."""
    return registry.read(SHIPPED / DOMAINS)
