"""Whom or what a person should judge next: the verdicts that are expected to tell most. Knows risks, gives no verdict.

A verdict takes away doubt about its own node and about those that go with it: members of one campaign, or suspects at
one rare artefact. Doubt is counted in bits. A member's label is taken for its group's, seen through a channel that
turns it over the more often the looser the member belongs; what a verdict on a group, or on another member, tells of it
is their mutual information (Cover and Thomas 2006, chapter 2). The queue is filled greedily, and what a chosen verdict
tells counts no more for the next: near-submodular selection as in Krause and Guestrin (2005), so that twenty verdicts
are not all about one campaign.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph import schema
from graph.evidence import Evidence

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

LENGTH = 50
CROWD_RELATIONS = ("linked_to", "sent_from", "carried")
MOST_IN_CROWD = 50  # suspects at one artefact that may have one purpose; more share a service
CROWD_WEIGHT = 0.4  # how tightly a suspect belongs to those at its rarest artefact
GROUP_FLIP = 0.02  # members whose label is not their group's though they belong wholly
LEAST_GAIN = 0.01  # bits: below it a verdict tells nothing

SENDER, CAMPAIGN = "sender", "campaign"


@dataclass(frozen=True)
class Doubts:
    """What is not known: `risk` of every sender, who is `judged` already, and whom each goes with.

    `group[s]`: number of the group of sender s or −1; `weight[s]`: how tightly it belongs, 0–1. The first `campaigns`
    groups are campaigns, `group_risk` their probabilities and `group_judged` whether a person has; the rest are crowds,
    on which nobody can be asked to decide.
    """

    risk: Array
    judged: Mask
    group: Ids
    weight: Array
    group_risk: Array
    group_judged: Mask
    campaigns: int

    @cached_property
    def bits(self) -> Array:
        """Bits of doubt about every sender while nothing is asked, shape (senders,)."""
        return entropy(self.risk)

    @cached_property
    def flip(self) -> Array:
        """How often each sender's label is not its group's, shape (senders,)."""
        return np.asarray(np.where(self.group >= 0, GROUP_FLIP + (0.5 - GROUP_FLIP) * (1 - self.weight), 0.5))

    @cached_property
    def channel(self) -> Array:
        """Share of its group's doubt that each sender's label takes away, and the other way round; 0 outside groups."""
        out = np.zeros(len(self.group))
        inside = self.group >= 0
        out[inside] = _shared(self.flip[inside], self.group_risk[self.group[inside]])
        return out


@dataclass(frozen=True)
class Question:
    """One verdict to ask for: `at` is a sender or a campaign; `gain` in bits, over `reaches` senders without one."""

    kind: str
    at: int
    risk: float
    gain: float
    reaches: int


def doubts_of(
    evidence: Evidence, risk: Array, judged: Mask, groups: tuple[Ids, Array], campaigns: tuple[Array, Mask]
) -> Doubts:
    """Senders outside campaigns are put into crowds by the rarest artefact that another suspect shares with them.

    `groups`: campaign and weight of each sender. `campaigns`: their probabilities, and which were judged.
    """
    group, weight = groups[0].copy(), groups[1].copy()
    group_risk, group_judged = campaigns
    loose = np.flatnonzero((group < 0) & ~judged)
    crowd = _crowds(evidence, loose)
    found = np.unique(crowd[crowd >= 0])
    inside = crowd >= 0
    group[loose[inside]] = len(group_risk) + np.searchsorted(found, crowd[inside])
    weight[loose[inside]] = CROWD_WEIGHT
    count = len(group_risk) + len(found)
    member = group >= len(group_risk)
    size = np.bincount(group[member], minlength=count)
    mean = np.bincount(group[member], weights=risk[member], minlength=count) / np.maximum(size, 1)
    everybody = np.concatenate([group_risk, mean[len(group_risk) :]])
    nobody = np.zeros(len(found), bool)
    return Doubts(risk, judged, group, weight, everybody, np.concatenate([group_judged, nobody]), len(group_risk))


def questions(doubts: Doubts, length: int = LENGTH) -> list[Question]:
    """The verdicts to ask for, the most telling first; fewer where nothing more is in doubt."""
    left = np.where(doubts.judged, 0.0, doubts.bits)
    asked = np.zeros(len(left), bool) | doubts.judged
    closed = doubts.group_judged.copy()
    closed[doubts.campaigns :] = True
    out: list[Question] = []
    while len(out) < length:
        best = max(_best_sender(doubts, left, asked), _best_campaign(doubts, left, closed), key=lambda q: q.gain)
        if best.gain < LEAST_GAIN:
            break
        out.append(best)
        told = _told_by_sender(doubts, best.at) if best.kind == SENDER else _told_by_campaign(doubts, best.at)
        (asked if best.kind == SENDER else closed)[best.at] = True
        left = left * (1 - told)
    return out


def entropy(risk: Array) -> Array:
    """Bits of doubt of probabilities."""
    p = np.clip(risk, 1e-12, 1 - 1e-12)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))


def queue_table(found: list[Question], senders: list[str], campaigns: list[str]) -> pa.Table:
    """Rows of graph.schema.QUEUE; `senders` and `campaigns` are the names of what the questions number."""
    rows = [
        {
            "rank": rank,
            "key": senders[one.at] if one.kind == SENDER else campaigns[one.at],
            **{name: value for name, value in vars(one).items() if name != "at"},
            "sentence": sentence(one),
        }
        for rank, one in enumerate(found, start=1)
    ]
    return pa.Table.from_pylist(rows, schema.QUEUE)


def sentence(one: Question) -> str:
    """Why this is asked, in words made from its figures."""
    others = one.reaches - (one.kind == SENDER)
    whom = f"{others} {'other ' if one.kind == SENDER else ''}sender{'' if others == 1 else 's'} without a verdict"
    tells = f"would tell about {whom}" if others else "would tell about itself alone"
    return f"Its risk is {one.risk:.2f}, and a verdict on it {tells}."


def _shared(flip: Array | float, prior: Array | float) -> Array:
    """Mutual information of a label with one that it is through a channel, as a share of the other's entropy."""
    seen = np.asarray(prior * (1 - flip) + (1 - prior) * flip)
    of = np.maximum(entropy(seen), 1e-12)
    return np.clip((of - entropy(np.asarray(flip, dtype=np.float64))) / of, 0.0, 1.0)


def _told_by_campaign(doubts: Doubts, campaign: int) -> Array:
    """Share of each sender's doubt that a verdict on a campaign takes away, shape (senders,)."""
    return np.where(doubts.group == campaign, doubts.channel, 0.0)


def _told_by_sender(doubts: Doubts, sender: int) -> Array:
    """Likewise by a verdict on a sender: all of its own, and what its group lets through of the others'."""
    told = np.zeros(len(doubts.risk))
    group = doubts.group[sender]
    if group >= 0:
        mates = np.flatnonzero(doubts.group == group)
        own, flip = doubts.flip[sender], doubts.flip[mates]
        told[mates] = _shared(own * (1 - flip) + (1 - own) * flip, doubts.group_risk[group])
    told[sender] = 1.0
    return told


def _best_campaign(doubts: Doubts, left: Array, closed: Mask) -> Question:
    inside = (doubts.group >= 0) & (doubts.group < doubts.campaigns)
    if not inside.any():
        return Question(CAMPAIGN, -1, 0.0, 0.0, 0)
    group = doubts.group[inside]
    told = (doubts.channel * left)[inside]
    gain = np.bincount(group, weights=told, minlength=doubts.campaigns) * entropy(doubts.group_risk[: doubts.campaigns])
    gain = np.where(closed[: doubts.campaigns], -1.0, gain)
    at = int(gain.argmax())
    reaches = int((group == at)[~doubts.judged[inside]].sum())
    return Question(CAMPAIGN, at, float(doubts.group_risk[at]), float(gain[at]), reaches)


def _best_sender(doubts: Doubts, left: Array, asked: Mask) -> Question:
    """The sender with most to tell; of one group only the tightest doubtful members need be looked at."""
    group, own = doubts.group, doubts.bits
    inside = group >= 0
    told = doubts.channel * left
    mass = np.bincount(group[inside], weights=told[inside], minlength=max(len(doubts.group_risk), 1))
    others = doubts.channel * own * np.maximum(mass[np.maximum(group, 0)] - told, 0.0)
    gain = np.where(asked, -1.0, left + others)
    if not len(gain):
        return Question(SENDER, -1, 0.0, 0.0, 0)
    at = int(gain.argmax())
    mates = (group == group[at]) & ~doubts.judged if group[at] >= 0 else np.arange(len(own)) == at
    return Question(SENDER, at, float(doubts.risk[at]), float(gain[at]), int(mates.sum()))


def _crowds(evidence: Evidence, loose: Ids) -> Ids:
    """For each loose sender a number of the rarest artefact that another of them shares, −1 for none."""
    best = np.full(len(loose), MOST_IN_CROWD + 1, np.int64)
    crowd = np.full(len(loose), -1, np.int64)
    offset = 0
    for name in CROWD_RELATIONS:
        used = evidence.relation(name).counts[loose].tocoo()
        size = np.bincount(used.col, minlength=used.shape[1])[used.col]
        fit = (size >= 2) & (size <= MOST_IN_CROWD)
        for row, col, n in sorted(zip(used.row[fit].tolist(), used.col[fit].tolist(), size[fit].tolist(), strict=True)):
            if n < best[row]:
                best[row], crowd[row] = n, offset + col
        offset += used.shape[1]
    return crowd
