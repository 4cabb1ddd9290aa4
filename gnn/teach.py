"""Which labels a first model learns from: verdicts where there are enough, else what the graph itself gives away.

Cold start: with too few verdicts, reports and shape stand in for them. Knows labels and signals; fits nothing itself.
"""

import numpy as np
from numpy.typing import NDArray

from gnn.features import Channels
from gnn.labels import Labels
from gnn.propagate import Propagated, label_channels
from gnn.train import RiskModel, TrainOptions, learnable, train
from graph.evidence import column
from graph.values import Window

Array = NDArray[np.float64]

SURE_REPORTERS = 2  # distinct people who reported a sender that nobody cleared
CHURN_SENDERS = 3  # unrelated identities (address domains, networks) behind one text or one landing domain
WEAK_WEIGHT = 0.5


def teach(window: Window, propagated: Propagated, labels: Labels, options: TrainOptions) -> RiskModel:
    """A model fitted on the verdicts; on weak labels where the verdicts do not show both classes."""
    weak = not learnable(labels)
    known = with_weak(window, propagated, labels) if weak else labels
    structure = propagated.structure
    started = column_time(window)
    model = train(
        structure, lambda some: label_channels(propagated.data, some.malicious, some.benign), known, started, options
    )
    model.card.update(weak_labels=weak, data=window.fingerprint, as_of=window.as_of.isoformat(), seed=options.seed)
    return model


def column_time(window: Window) -> Array:
    """When each sender was first seen, microseconds since 1970."""
    started = window.senders["first_seen"].to_numpy(zero_copy_only=False)
    return np.asarray(started, dtype="datetime64[us]").astype(np.float64)


def with_weak(window: Window, propagated: Propagated, labels: Labels) -> Labels:
    """The labels, and weak ones where there are none.

    Malicious: reported by several and cleared by nobody, or one of many unrelated identities behind one text or
    landing domain. Benign: answered by somebody and reported by nobody.
    """
    senders = window.senders
    reported = (column(senders, "junk") >= SURE_REPORTERS) & (column(senders, "not_junk") == 0)
    answered = (column(senders, "answered") > 0) | (column(senders, "active_days") >= 3)
    churned = identity_churn(propagated)
    malicious = reported | (churned & ~answered)
    benign = answered & (column(senders, "junk") == 0) & ~churned
    free = ~labels.known
    return Labels(
        labels.malicious + WEAK_WEIGHT * (malicious & ~benign & free),
        labels.benign + WEAK_WEIGHT * (benign & ~malicious & free),
    )


def identity_churn(propagated: Propagated) -> NDArray[np.bool_]:
    """Senders behind a text or link that many unrelated, mostly one-shot identities share, shape (senders,)."""
    structure: Channels = propagated.structure
    at = {name: index for index, name in enumerate(structure.names)}

    def channel(name: str) -> Array:
        return structure.values[:, at[name]].astype(np.float64)

    out = np.zeros(len(structure.values), dtype=bool)
    for relation in ("carried", "linked_to"):
        crowd = np.expm1(channel(f"{relation}.crowd.crowd")) >= CHURN_SENDERS - 1
        fleeting = channel(f"{relation}.crowd.others.one_shot") >= 0.5
        out |= crowd & fleeting & (channel(f"{relation}.crowd.others.answered") < 0.05)
    return out
