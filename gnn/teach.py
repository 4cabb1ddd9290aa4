"""The model of a home: taught by its verdicts, or, before there are enough, the shipped prior as it is."""

import hashlib
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from gnn.fit import TrainOptions
from gnn.labels import Labels
from gnn.model import RiskModel
from gnn.prior import lent, prior_for
from gnn.propagate import Propagated
from gnn.provenance import code_fingerprint, libraries
from gnn.train import Order, provable, train
from graph.values import Window

Array = NDArray[np.float64]

MOST_TIED = 50  # senders that an artefact ties; more share a service, not a purpose


def teach(window: Window, propagated: Propagated, labels: Labels, options: TrainOptions) -> RiskModel:
    """A model fitted on the verdicts.

    Where they are too few to show that it learnt something, it is the shipped prior, to which the few are lent over the
    graph like any others, and is marked `cold`: it gives way as soon as verdicts teach.
    """
    cold = not provable(labels)
    facts = {"as_of": window.as_of.isoformat(), "cold": cold, **_fingerprints(window, labels, options)}
    if cold:
        return replace(prior_for(propagated.structure), card=facts)
    order = Order(first_seen(window), bunches(propagated, labels.known))
    model = train(propagated.structure, partial(lent, propagated), labels, order, options)
    return replace(model, card={**model.card, **facts})


def _fingerprints(window: Window, labels: Labels, options: TrainOptions) -> dict[str, object]:
    """Of all that a model follows from: whoever has the same has the same model, to the last byte."""
    verdicts = hashlib.sha256(labels.malicious.tobytes() + labels.benign.tobytes()).hexdigest()
    code = {"code": code_fingerprint(), "libraries": libraries()}
    return {"data": window.fingerprint, "verdicts": verdicts, "options": asdict(options), **code}


def bunches(propagated: Propagated, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Connected components of the known senders by artefacts that few share and by common targets, shape (senders,).

    All others are bunches of their own.
    """
    rows = np.flatnonzero(known)
    ties = (propagated.cotargets[rows][:, rows] > 0).astype(np.float32)
    for pool in propagated.pools:
        if pool.name != "wrote_to":
            degree = np.bincount(pool.used.indices, minlength=pool.used.shape[1])
            mine = pool.used[rows] @ sp.diags((degree <= MOST_TIED).astype(np.float32))
            ties = ties + mine @ mine.T
    out = len(known) + np.arange(len(known))
    out[rows] = connected_components(ties, directed=False)[1]
    return out


def is_cold(model: RiskModel) -> bool:
    """Whether a model has seen no verdict of its home."""
    return bool(model.card.get("cold", False))


def first_seen(window: Window) -> Array:
    """When each sender was first seen, microseconds since 1970."""
    started = window.senders["first_seen"].to_numpy(zero_copy_only=False)
    return np.asarray(started, dtype="datetime64[us]").astype(np.float64)
