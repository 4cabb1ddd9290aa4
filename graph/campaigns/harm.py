"""What a campaign has done so far and does an hour, and what stopping it would cost. Knows counts; judges nobody.

Harm is mail from members to others than their honest correspondents (graph.campaigns.impact): what a hijacked account
writes to its old friends is not counted. Hours are those from the campaign's first to its last event, at least one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graph.campaigns.groups import Groups
from graph.campaigns.impact import Past
from graph.evidence import column, ids

HOUR = np.timedelta64(3_600_000_000, "us")


@dataclass(frozen=True)
class Harm:
    """`messages`: sum over events of strangers written to; `people`: distinct ones; `reports`: distinct reporters of
    junk, by member; `losing`: pairs of a member and an honest correspondent who would lose each other."""

    perpetrators: int
    victims: int
    messages: int
    people: int
    reports: int
    hours: float
    messages_per_hour: float
    people_per_hour: float
    losing: int
    sentence: str


def harms(groups: Groups, past: Past) -> list[Harm]:
    """The harm of every group."""
    edges = groups.window.wrote_to
    sender = ids(edges, "sender")
    bad = np.flatnonzero((groups.of[sender] >= 0) & ~past.honest)
    group = groups.of[sender[bad]]
    count = groups.count
    messages = np.bincount(group, weights=column(edges, "events")[bad], minlength=count)
    reached = np.unique(ids(edges, "recipient")[bad] * max(count, 1) + group)
    people = np.bincount(reached % max(count, 1), minlength=count)
    first, last = groups.seen()
    hours = np.maximum((last - first) / HOUR, 1.0)
    by = {
        "victims": past.victim.astype(np.float64),
        "reports": column(groups.window.senders, "junk"),
        "losing": past.correspondents.astype(np.float64),
    }
    sums = {name: _sum(groups, values) for name, values in by.items()}
    return [
        _harm(int(groups.sizes[g]), int(messages[g]), int(people[g]), float(hours[g]), *(int(sums[n][g]) for n in by))
        for g in range(count)
    ]


def _harm(members: int, messages: int, people: int, hours: float, victims: int, reports: int, losing: int) -> Harm:
    perpetrators, each_hour = members - victims, people / hours
    reached = "1 person was" if people == 1 else f"{people} people were"
    done = f"{reached} written to {messages} times in {hours:.0f} hours, {each_hour:.2g} people an hour."
    looks = "looks" if victims == 1 else "look"
    who = f"{victims} of {members} senders {looks} hijacked." if victims else "None of its senders looks hijacked."
    cost = {0: "no honest correspondence that was seen", 1: "1 honest correspondence"}
    cut = cost.get(losing, f"{losing} honest correspondences")
    return Harm(
        perpetrators=perpetrators,
        victims=victims,
        messages=messages,
        people=people,
        reports=reports,
        hours=hours,
        messages_per_hour=messages / hours,
        people_per_hour=each_hour,
        losing=losing,
        sentence=f"{done} {who} Blocking all would cut {cut}.",
    )


def _sum(groups: Groups, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(groups.group, weights=values[groups.members], minlength=groups.count).astype(np.float64)
