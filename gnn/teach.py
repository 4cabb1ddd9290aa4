"""The first model of a home: taught by its verdicts, or, before there are enough, the prior that ships."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gnn.labels import Labels
from gnn.prior import prior_for
from gnn.propagate import Propagated, label_channels
from gnn.train import RiskModel, TrainOptions, learnable, train
from graph.values import Window

Array = NDArray[np.float64]


def teach(window: Window, propagated: Propagated, labels: Labels, options: TrainOptions) -> RiskModel:
    """A model fitted on the verdicts; the shipped prior, marked `cold`, where they do not show both classes."""
    facts = {"data": window.fingerprint, "as_of": window.as_of.isoformat(), "seed": options.seed}
    if not learnable(labels):
        return cold_model(propagated, facts)
    model = train(
        propagated.structure,
        lambda some: label_channels(propagated, some.malicious, some.benign),
        labels,
        first_seen(window),
        options,
    )
    return replace(model, card={**model.card, **facts, "cold": False})


def cold_model(propagated: Propagated, facts: dict[str, object]) -> RiskModel:
    """The shipped prior by itself, normalised to this window: ranks senders without a single verdict."""
    return replace(prior_for(propagated.structure), card={**facts, "cold": True})


def is_cold(model: RiskModel) -> bool:
    """Whether a model has seen no verdict of its home."""
    return bool(model.card.get("cold", False))


def first_seen(window: Window) -> Array:
    """When each sender was first seen, microseconds since 1970."""
    started = window.senders["first_seen"].to_numpy(zero_copy_only=False)
    return np.asarray(started, dtype="datetime64[us]").astype(np.float64)
