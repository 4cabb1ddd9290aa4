"""The frozen values that travel down the line, stage to stage. They hold tables; they compute nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph import schema

DAYS_A_WORD = 62  # of 64 bits: the sign stays out of it


@dataclass(frozen=True)
class Slice:
    """What the lake holds for one window: events in (start, as_of], reports and verdicts known at `as_of`.

    The day files may reach outside the window; readers filter on `ts`. `fingerprint` is the SHA-256 over the
    names and digests of the files and the bounds: equal fingerprints mean equal input.
    """

    start: datetime
    as_of: datetime
    events: tuple[Path, ...]
    reports: tuple[Path, ...]
    verdicts: tuple[Path, ...]
    fingerprint: str
    distinct_recipients: bool = False  # whether no event names a recipient twice; False where that is not known


def _no_ids() -> NDArray[np.int64]:
    return np.zeros(0, np.int64)


def _no_marks() -> NDArray[np.bool_]:
    return np.zeros(0, np.bool_)


@dataclass(frozen=True)
class Reported:
    """Who reported whom: each distinct reporter, sender and side once, shape (pairs,) each, sorted by the three.

    `reporter` numbers the reporters from 0 in the byte order of their keys, `sender` is a node id; `bad` is true of
    junk and phish, false of not_junk.
    """

    reporter: NDArray[np.int64] = field(default_factory=_no_ids)
    sender: NDArray[np.int64] = field(default_factory=_no_ids)
    bad: NDArray[np.bool_] = field(default_factory=_no_marks)


NOBODY_REPORTED = Reported()


@dataclass(frozen=True)
class Window:
    """The typed graph of one window; tables as in `graph.schema`, row number = node id.

    `edge_days` has, for a relation's table, on which days since `start` each edge was seen: bits of words of
    DAYS_A_WORD days, shape (edges, words). A relation may lack them. `reported` may be empty where only the counts of
    reports are known. `reports_given` counts the reports given in the window, `reports_joined` those of them that are
    about its events.
    """

    start: datetime
    as_of: datetime
    fingerprint: str
    senders: pa.Table
    recipients: pa.Table
    domains: pa.Table
    networks: pa.Table
    fingerprints: pa.Table
    wrote_to: pa.Table
    linked_to: pa.Table
    sent_from: pa.Table
    carried: pa.Table
    address_at: pa.Table
    same_mailbox: pa.Table
    edge_days: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    reported: Reported = NOBODY_REPORTED
    reports_given: int = 0
    reports_joined: int = 0


@dataclass(frozen=True)
class Campaigns:
    """The campaigns of one refresh: tables as in `graph.schema`, sorted by campaign id."""

    campaigns: pa.Table
    members: pa.Table
    evidence: pa.Table
    lineage: pa.Table
    timeline: pa.Table
    edges: pa.Table
    impact: pa.Table
    alarms: pa.Table = field(default_factory=schema.ALARMS.empty_table)
    discounts: pa.Table = field(default_factory=schema.DISCOUNTS.empty_table)
    traits: pa.Table = field(default_factory=schema.TRAITS.empty_table)
    sender_traits: pa.Table = field(default_factory=schema.SENDER_TRAITS.empty_table)
    compared_by: pa.Table = field(default_factory=schema.COMPARED_BY.empty_table)
    operation_links: pa.Table = field(default_factory=schema.OPERATION_LINKS.empty_table)
    what_if: pa.Table = field(default_factory=schema.WHAT_IF.empty_table)
    queue: pa.Table = field(default_factory=schema.QUEUE.empty_table)
    profiles: pa.Table = field(default_factory=schema.PROFILES.empty_table)


@dataclass(frozen=True)
class Refresh:
    """Which refresh this is: `id` is a function of the window's bounds, its input and the model."""

    id: str
    start: datetime
    as_of: datetime
    model: str
    fingerprint: str


@dataclass(frozen=True)
class GraphContents:
    """Everything a graph store holds after a refresh."""

    refresh: Refresh
    window: Window
    sender_risk: pa.Array  # float64, aligned with window.senders
    domain_risk: pa.Array  # float64, aligned with window.domains
    campaigns: Campaigns
    verdicts: pa.Table  # graph.schema.VERDICT_ROWS, the newest verdict of each (kind, key, source)


@dataclass(frozen=True)
class Publication:
    """Everything a snapshot holds."""

    refresh: Refresh
    scores: pa.Table  # graph.schema.DECIDED_SCORES
    reasons: pa.Table
    senders: pa.Table  # window.senders, for look-ups' context
    domains: pa.Table  # window.domains
    campaigns: Campaigns
    model_card: dict[str, object]
    decision: dict[str, object]  # what was asked of the decisions, and the lines that came of it
    stages: tuple[dict[str, object], ...]  # name, rows, seconds, peak_mb of each stage of the refresh
    drift: dict[str, object] = field(default_factory=dict)  # how far the window is from that which the model learnt
