"""Whom acting on a campaign's members would hurt, and which of them are victims themselves. Gives no verdict.

A hijacked account had a life before: people whom it wrote to day after day, or who had answered it before its burst
(graph.burst) began. A perpetrator's account has none, though marks may answer the fraud itself, and one and the same
mark may be written to day after day.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph import schema
from graph.burst import answered_edges, first_burst_day, recurrent_edges
from graph.campaigns.groups import keys_of, moments
from graph.evidence import ids
from graph.values import Window

Counts = NDArray[np.int64]
Mask = NDArray[np.bool_]

ANSWERING_REGULARS, REGULARS, ANSWERED = 1, 2, 2  # correspondents of one kind that make a life; less may be marks
DAY = np.timedelta64(86_400_000_000, "us")


@dataclass(frozen=True)
class Past:
    """What senders did before their bursts.

    `victim`: senders with a life of their own; `honest`: edges of window.wrote_to to their correspondents and to those
    who had answered anybody before. The counts are by sender: regular correspondents, others who had answered before,
    who answered only since, and the burst's first day since the window's start.
    """

    victim: Mask
    honest: Mask
    regular: Counts
    answered_before: Counts
    answered_since: Counts
    burst_day: Counts

    @property
    def correspondents(self) -> Counts:
        """People who would lose a sender, shape (senders,)."""
        return self.regular + self.answered_before


def past_of(window: Window) -> Past:
    """Every sender's past as far as the window shows it."""
    sender, senders = ids(window.wrote_to, "sender"), window.senders.num_rows
    regular, answered = recurrent_edges(window), answered_edges(window)
    day = first_burst_day(window)
    began = moments(window.wrote_to, "first_seen") - np.datetime64(window.start.replace(tzinfo=None), "us")
    before = began < day[sender] * DAY
    older = answered & before & ~regular
    since = answered & ~before & ~regular
    answering, regulars, olders, sinces = (
        _by_sender(sender[which], senders) for which in (regular & answered, regular, older, since)
    )
    victim = (answering >= ANSWERING_REGULARS) | (regulars >= REGULARS) | (olders >= ANSWERED)
    known = older | (regular & victim[sender])
    return Past(victim, known, np.where(victim, regulars, 0), olders, sinces, day)


def impact_table(window: Window, past: Past, campaign: NDArray[np.object_], members: Counts) -> pa.Table:
    """For each member sender whom acting on it would hurt, and whether it looks hijacked, with the reason.

    `campaign[k]` is the id of the sender `members[k]`. Rows as graph.schema.IMPACT.
    """
    victim = past.victim[members]
    counts = [part[members].tolist() for part in (past.regular, past.answered_before, past.answered_since)]
    day = past.burst_day[members].tolist()
    since = [window.start + timedelta(days=at) if hurt else None for at, hurt in zip(day, victim, strict=True)]
    return pa.table(
        {
            "campaign_id": pa.array(campaign, pa.string()),
            "kind": pa.array(["sender"] * len(members), pa.string()),
            "key": pa.array(keys_of(window.senders, members), pa.string()),
            "legitimate_correspondents": pa.array(past.correspondents[members]),
            "victim": pa.array(victim),
            "regular": pa.array(counts[0], pa.int64()),
            "answered_before": pa.array(counts[1], pa.int64()),
            "since": pa.array(since, schema.TIME),
            "reason": pa.array(
                [
                    _reason(regular, before, after, f"{window.start + timedelta(days=at):%Y-%m-%d}", bool(hurt))
                    for regular, before, after, at, hurt in zip(*counts, day, victim, strict=True)
                ],
                pa.string(),
            ),
        },
        schema=schema.IMPACT,
    )


def _by_sender(sender: Counts, senders: int) -> Counts:
    return np.bincount(sender, minlength=senders).astype(np.int64)


def _reason(regular: int, before: int, after: int, since: str, victim: bool) -> str:
    if victim:
        known = [
            *([f"wrote to {_people(regular)} day after day"] if regular else []),
            *([f"had answers from {_people(before, 'other ') if regular else _people(before)}"] if before else []),
        ]
        return f"Before {since} it {' and '.join(known)}: an account with a life of its own, perhaps hijacked."
    if before:
        return "One person had answered it before its burst; no one else knew it."
    if after:
        return f"{_people(after).capitalize()} answered it, none of them before its burst."
    return "Nobody wrote back to it in this window, and no two people are its regular correspondents."


def _people(count: int, other: str = "") -> str:
    return f"one {other}person" if count == 1 else f"{count} {other}people"
