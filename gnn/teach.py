"""The first model of a home: taught by its verdicts, or, before there are enough, by what gives itself away."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gnn.features import Channels
from gnn.fit import TrainOptions
from gnn.labels import Labels
from gnn.model import RiskModel
from gnn.prior import prior_for
from gnn.propagate import Propagated, label_channels
from gnn.train import learnable, train
from graph.evidence import column
from graph.values import Window

Array = NDArray[np.float64]

WEAK_WEIGHT = 0.5  # a rule of thumb says half of what a verdict says
LASTING_DAYS = 3
CHURN_SENDERS = 4  # identities behind one text or landing domain; three may be colleagues
CHURN_SHARE = 0.5  # of them wrote once, and have an address domain of their own
CHURN_ANSWERED = 0.05


def teach(window: Window, propagated: Propagated, labels: Labels, options: TrainOptions) -> RiskModel:
    """A model fitted on the verdicts.

    Where they do not show both classes it is marked `cold` and fitted on weak labels, or is the shipped prior alone
    where there are none of these either. A cold model gives way as soon as verdicts teach.
    """
    cold = not learnable(labels)
    facts = {"data": window.fingerprint, "as_of": window.as_of.isoformat(), "seed": options.seed, "cold": cold}
    if cold:
        labels = with_weak_labels(window, propagated, labels)
    if not learnable(labels):
        return replace(prior_for(propagated.structure), card=facts)
    model = train(
        propagated.structure,
        lambda some: label_channels(propagated, some.malicious, some.benign),
        labels,
        first_seen(window),
        options,
    )
    return replace(model, card={**model.card, **facts})


def with_weak_labels(window: Window, propagated: Propagated, labels: Labels) -> Labels:
    """The labels, and weaker ones where there are none.

    Malicious: a sender that nobody answered, one of several unrelated one-shot identities behind one text or one
    landing domain. Benign: one that was answered, or that wrote on several days, and shares nothing of that kind.
    """
    senders = window.senders
    lasting = (column(senders, "answered") > 0) | (column(senders, "active_days") >= LASTING_DAYS)
    churned = identity_churn(propagated.structure)
    free = ~labels.known
    return Labels(
        labels.malicious + WEAK_WEIGHT * (churned & ~lasting & free),
        labels.benign + WEAK_WEIGHT * (lasting & ~churned & (column(senders, "junk") == 0) & free),
    )


def identity_churn(structure: Channels) -> NDArray[np.bool_]:
    """Senders behind a text or link that several unrelated, fleeting, unanswered identities share, shape (senders,)."""

    def channel(name: str) -> Array:
        return structure.values[:, structure.names.index(name)].astype(np.float64)

    out = np.zeros(len(structure.values), dtype=bool)
    for relation in ("carried", "linked_to"):
        several = np.expm1(channel(f"{relation}.crowd.crowd")) >= CHURN_SENDERS - 1
        fleeting = channel(f"{relation}.crowd.others.one_shot") >= CHURN_SHARE
        unrelated = channel(f"{relation}.crowd.address_at") >= CHURN_SHARE
        out |= several & fleeting & unrelated & (channel(f"{relation}.crowd.others.answered") < CHURN_ANSWERED)
    return out


def is_cold(model: RiskModel) -> bool:
    """Whether a model has seen no verdict of its home."""
    return bool(model.card.get("cold", False))


def first_seen(window: Window) -> Array:
    """When each sender was first seen, microseconds since 1970."""
    started = window.senders["first_seen"].to_numpy(zero_copy_only=False)
    return np.asarray(started, dtype="datetime64[us]").astype(np.float64)
