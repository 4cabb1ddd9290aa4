"""Whom acting on a campaign's members would hurt. Knows the window's correspondence; gives no verdict."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph import schema
from graph.evidence import column
from graph.values import Window

VICTIM_ANSWERS = 2  # one answer may be a victim of the fraud; two different people make a correspondence


def impact_table(window: Window, campaign: NDArray[np.object_], members: NDArray[np.int64]) -> pa.Table:
    """For each member sender: people who answered it in the window, and whether it looks hijacked.

    `campaign[k]` is the id of the sender `members[k]`. Rows as graph.schema.IMPACT.
    """
    answered = column(window.senders, "answered").astype(np.int64)[members]
    victim = answered >= VICTIM_ANSWERS
    keys = window.senders["key"].take(pa.array(members)).to_pylist()
    return pa.table(
        {
            "campaign_id": pa.array(campaign, pa.string()),
            "kind": pa.array(["sender"] * len(keys), pa.string()),
            "key": pa.array(keys, pa.string()),
            "legitimate_correspondents": pa.array(answered),
            "victim": pa.array(victim),
            "reason": pa.array([_reason(int(n), bool(v)) for n, v in zip(answered, victim, strict=True)]),
        },
        schema=schema.IMPACT,
    )


def _reason(answered: int, victim: bool) -> str:
    if victim:
        return (
            f"{answered} people wrote back to it in this window: an account with a life of its own, perhaps hijacked."
        )
    if answered == 1:
        return "One person wrote back to it in this window."
    return "Nobody wrote back to it in this window."
