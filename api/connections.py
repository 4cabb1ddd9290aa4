"""The refresh's stage after campaigns are described: who runs them, what holds them, what to ask next. Draws no line.

Everything that a server tells later without the window is made here, once a refresh.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from api.stages import Decisions, RefreshOptions
from gnn.calibrate import sigmoid
from gnn.queue import doubts_of, questions, queue_table
from graph.campaigns.operations import find_operations, remembered, with_operations
from graph.campaigns.same_operator import Comparable
from graph.campaigns.together import basis_of
from graph.campaigns.traits import Living, campaign_traits, living, sender_traits
from graph.campaigns.what_if import what_if_table
from graph.evidence import Evidence
from graph.values import Campaigns, Window

Array = NDArray[np.float64]


def connected(
    window: Window, burst: Evidence, found: Campaigns, margins: Array, decided: Decisions, options: RefreshOptions
) -> Campaigns:
    """The campaigns with their operations, traits, what would dissolve them, and the queue of verdicts to ask for.

    `burst`: the evidence that they were found by; `margins`: the senders' log-odds, shape (senders,).
    """
    those = living(window, found)
    suspects = np.flatnonzero((margins > options.find.seed_margin) | (those.group >= 0))
    basis = basis_of(burst, those, len(suspects))
    found = _operated(window, burst, found, those, decided, basis.collision)
    return replace(
        found,
        sender_traits=sender_traits(window, burst, suspects),
        compared_by=basis.as_table(),
        what_if=what_if_table(window, burst, those),
        queue=_asked(window, burst, found, those, margins, decided),
    )


def _operated(
    window: Window, burst: Evidence, found: Campaigns, those: Living, decided: Decisions, collision: float
) -> Campaigns:
    """Operations among living campaigns and those that sleep, under the ids that they had."""
    known = decided.known
    traits = campaign_traits(window, burst, those)
    traits = remembered(traits, known.traits, found.campaigns) if known else traits
    before = {}
    if known:
        columns = (known.campaigns[name].to_pylist() for name in ("campaign_id", "operation_id"))
        before = {campaign: operation for campaign, operation in zip(*columns, strict=True) if operation is not None}
    of, links = find_operations(Comparable.of(traits, found.campaigns, collision), before)
    return replace(found, campaigns=with_operations(found.campaigns, of), traits=traits, operation_links=links)


def _asked(
    window: Window, burst: Evidence, found: Campaigns, those: Living, margins: Array, decided: Decisions
) -> pa.Table:
    """The queue: campaigns without a verdict and senders that nobody has judged."""
    table = found.campaigns.filter(pc.is_in(found.campaigns["campaign_id"], pa.array(those.ids, pa.string())))
    risks = dict(zip(table["campaign_id"].to_pylist(), table["risk"].to_pylist(), strict=True))
    judged = decided.campaign_verdicts
    campaigns = (
        np.array([risks[name] for name in those.ids], dtype=np.float64),
        np.array([name in judged for name in those.ids], dtype=bool),
    )
    keys = window.senders["key"].to_pylist()
    rows = found.members.filter(pc.equal(found.members["role"], "sender"))
    weight = dict(zip(rows["key"].to_pylist(), rows["weight"].to_pylist(), strict=True))
    weights = np.array([weight.get(key, 0.0) for key in keys], dtype=np.float64)
    doubts = doubts_of(burst, sigmoid(margins), decided.senders.known, (those.group, weights), campaigns)
    return queue_table(questions(doubts), keys, list(those.ids))
