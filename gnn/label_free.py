"""Suspicion without any label: how dense and how synchronous the crowd is that a sender acts in. Knows no verdict.

Senders are rows; columns are what they share (linked domains, networks, texts) and meetings: strangers who write to the
same recipient for the first and only time on the same day. A column weighs the more, the fewer share it and the more
its edges crowd into few days, a meeting by how far it exceeds what the recipient gets on other days. A sender's score
is its weighted core number (`gnn.peel`). A column's weight follows from its own edges alone, so that no honest mail
that a crowd mixes in makes it less dense. Reports take no part.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnn.peel import weighted_cores
from graph.evidence import cold_contacts, ids
from graph.values import DAYS_A_WORD, Window

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

COLUMNS = (("linked_to", "domain"), ("sent_from", "network"), ("carried", "fingerprint"))
MEETINGS = "wrote_to"
POPULAR = 5.0  # added to a column's degree in its logarithm, as in FRAUDAR: two users are not twice as rare as three
SHARPNESS = 2.0  # power of the share of a column's edges that chance does not explain
MEETING = 0.1  # what a meeting weighs beside a shared artefact: many recipients are met by chance
LEAST = 1e-6  # of a weight: less is rounding


@dataclass(frozen=True)
class Edges:
    """Edges of one kind of column: sender and column, from 0, shape (edges,) each; `weight` by column."""

    relation: str
    sender: Ids
    column: Ids
    weight: Array


def label_free(window: Window) -> Array:
    """A score of every sender, shape (senders,), the higher the denser its crowd; 0 where it shares nothing."""
    parts = [*_artefacts(window), *_meetings(window)]
    starts = np.cumsum([0, *(len(part.weight) for part in parts)])
    sender = np.concatenate([part.sender for part in parts] or [np.zeros(0, np.int64)])
    column = np.concatenate([p.column + at for p, at in zip(parts, starts, strict=False)] or [np.zeros(0, np.int64)])
    weight = np.concatenate([part.weight for part in parts] or [np.zeros(0)])[column]
    return _cores(sender, column, weight, window.senders.num_rows)


def label_free_by_relation(window: Window) -> dict[str, Array]:
    """The score of every sender in the crowds of one relation alone, shape (senders,) each, for every relation."""
    people, parts = window.senders.num_rows, {part.relation: part for part in (*_artefacts(window), *_meetings(window))}
    found = {name: np.zeros(people) for name in (*(name for name, _ in COLUMNS), MEETINGS)}
    return found | {name: _cores(p.sender, p.column, p.weight[p.column], people) for name, p in parts.items()}


def _cores(sender: Ids, column: Ids, weight: Array, senders: int) -> Array:
    kept = weight > LEAST
    return weighted_cores(sender[kept], column[kept], weight[kept], senders)


def _artefacts(window: Window) -> Iterator[Edges]:
    for name, artefact in COLUMNS:
        edges = getattr(window, name)
        sender, column = ids(edges, "sender"), ids(edges, artefact)
        degree = np.bincount(column).astype(np.float64)
        crowded = np.ones(len(degree))
        if name in window.edge_days and len(column):
            crowded = crowding(daily(column, window.edge_days[name], _days_of(window)))
        yield Edges(name, sender, column, _rarity(degree) * crowded**SHARPNESS)


def _meetings(window: Window) -> Iterator[Edges]:
    if MEETINGS not in window.edge_days or not window.wrote_to.num_rows:
        return
    sender, recipient = ids(window.wrote_to, "sender"), ids(window.wrote_to, "recipient")
    bits = window.edge_days[MEETINGS]
    cold = np.asarray(cold_contacts(window)[sender, recipient]).ravel() > 0
    once = cold & (np.bitwise_count(bits).sum(axis=1) == 1)
    days = _days_of(window)
    met, column = np.unique(recipient[once] * days + _only_day(bits[once]), return_inverse=True)
    degree = np.bincount(column, minlength=len(met)).astype(np.float64)
    usual = np.bincount(recipient[once], minlength=window.recipients.num_rows)[met // days] / days
    excess = np.maximum(degree - np.maximum(usual, 1.0), 0.0) / np.maximum(degree, 1.0)
    yield Edges(MEETINGS, sender[once], column, MEETING * _rarity(degree) * excess**SHARPNESS)


def daily(column: Ids, bits: Ids, days: int) -> Array:
    """How many of a column's edges fall on each day, shape (columns, days); an edge of several days is spread.

    `bits` as in `Window.edge_days`.
    """
    active = np.maximum(np.bitwise_count(bits).sum(axis=1), 1)
    out = np.zeros((int(column.max()) + 1, days))
    for day in range(days):
        seen = (bits[:, day // DAYS_A_WORD] >> (day % DAYS_A_WORD)) & 1
        out[:, day] = np.bincount(column, weights=seen / active, minlength=len(out))
    return out


def crowding(by_day: Array) -> Array:
    """From 0, spread evenly, to 1, all on one day: what entropy lacks to the highest that so few edges can have."""
    total = by_day.sum(axis=1)
    share = by_day / np.maximum(total, LEAST)[:, None]
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(axis=1)
    highest = np.log(np.clip(total + 1, 2, max(by_day.shape[1], 2)))
    return np.where(total > 0, np.maximum(1 - entropy / highest, 0.0), 0.0)


def _rarity(degree: Array) -> Array:
    """FRAUDAR's column weight, 0 where a column ties nobody."""
    return np.where(degree > 1, 1.0 / np.log(degree + POPULAR), 0.0)


def _days_of(window: Window) -> int:
    return len(window.senders["days"][0])


def _only_day(bits: Ids) -> Ids:
    """The day of edges that were seen on one day alone."""
    word = np.argmax(bits != 0, axis=1)
    inside = np.log2(bits[np.arange(len(bits)), word].astype(np.float64))
    return np.asarray(word * DAYS_A_WORD + inside, dtype=np.int64)
