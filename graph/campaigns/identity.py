"""Ids that outlive a refresh, and the log of what became of each. Knows member keys and refreshes, not evidence."""

import base64
import hashlib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from graph import schema
from graph.values import Refresh

KEPT_SHARE = 0.3  # of the smaller side's senders: below it two groups with common senders are two campaigns
KEPT_SENDERS = 2  # one common sender is a chance meeting, unless a side has no more
KEPT_INFRASTRUCTURE = 0.5  # of the smaller side's artefacts: as good as that share of senders
KEPT_ARTEFACTS = 2  # one alone may be a rented server that changed hands
INFRASTRUCTURE_WORTH = 0.1  # of the smaller side's senders, for all artefacts in common: members decide first
CHANGED_SHARE = 0.1  # growth or loss of senders that is worth a line in the log
ID_BYTES = 10
SENDER = "sender:"
OWNED = {"sent_from": "network", "carried": "fingerprint"}  # evidence that is infrastructure where members have most

Group = frozenset[str]  # keys `kind:key`: senders, and the domains, networks and fingerprints that are mostly theirs


@dataclass(frozen=True)
class Known:
    """The campaigns of an earlier refresh, tables as in `graph.schema`; sleeping ones keep `evidence` and `profiles`.

    `as_of`: the end of that refresh's window, None where it is not known.
    """

    campaigns: pa.Table
    members: pa.Table
    lineage: pa.Table
    evidence: pa.Table = field(default_factory=schema.EVIDENCE.empty_table)
    alarms: pa.Table = field(default_factory=schema.ALARMS.empty_table)
    traits: pa.Table = field(default_factory=schema.TRAITS.empty_table)
    profiles: pa.Table = field(default_factory=schema.PROFILES.empty_table)
    as_of: datetime | None = None

    def groups(self) -> dict[str, Group]:
        """Senders and infrastructure of every campaign that still has an id of its own."""
        out: dict[str, set[str]] = {row: set() for row in self.campaigns["campaign_id"].to_pylist()}
        columns = (self.members[name].to_pylist() for name in ("campaign_id", "role", "key"))
        for campaign, role, key in zip(*columns, strict=True):
            if role != "target" and campaign in out:
                out[campaign].add(f"{role}:{key}")
        names = ("campaign_id", "relation", "artefact", "inside", "outside")
        for campaign, relation, artefact, inside, outside in zip(
            *(self.evidence[name].to_pylist() for name in names), strict=True
        ):
            if relation in OWNED and inside > outside and campaign in out:
                out[campaign].add(f"{OWNED[relation]}:{artefact}")
        return {campaign: frozenset(keys) for campaign, keys in out.items()}

    def states(self) -> dict[str, str]:
        """State of every campaign."""
        ids, states = self.campaigns["campaign_id"].to_pylist(), self.campaigns["state"].to_pylist()
        return dict(zip(ids, states, strict=True))


@dataclass(frozen=True)
class Identities:
    """`ids[g]` of each group; `dormant` ids without a group now; `lineage`: the whole log, this refresh last."""

    ids: tuple[str, ...]
    dormant: tuple[str, ...]
    lineage: pa.Table


@dataclass(frozen=True)
class Kinship:
    """How far a group continues an earlier campaign.

    `share`: of the earlier one's senders that are in the group, or of its infrastructure where no sender is left.
    `gain`: senders in common, plus up to `INFRASTRUCTURE_WORTH` of the smaller side's for common infrastructure.
    """

    share: float
    gain: float


Kin = dict[tuple[int, int], Kinship]


def carry_over(
    groups: list[Group], known: Known | None, refresh: Refresh, dismissed: Set[str] = frozenset()
) -> Identities:
    """Give every group the id of the earlier campaign that it continues, or a new one derived from its founders.

    Continuation is the assignment with the largest gain in all (a sparse assignment problem, not a greedy choice). A
    pair counts where it has enough in common: shares of the smaller side's senders and infrastructure, each in units
    of `KEPT_SHARE` and `KEPT_INFRASTRUCTURE`, sum to one or more. What a person `dismissed` never merges into another:
    it stays under its id, though no group may be left of it. The order of `groups` changes nobody's id.
    """
    old = known.groups() if known else {}
    names = sorted(old)
    kin = _kin(groups, [old[name] for name in names])
    matched = _assigned(groups, kin, len(names))
    ids = tuple(names[matched[at]] if at in matched else new_id(group, refresh) for at, group in enumerate(groups))
    states = known.states() if known else {}
    log = _Log(refresh)
    for at, group in enumerate(groups):
        log.group(ids[at], group, old, states, at in matched)
    taken = set(matched.values())
    merging = {pair: kinship for pair, kinship in kin.items() if names[pair[1]] not in dismissed}
    gone = _gone(log, names, taken, merging, ids, states)
    for (at, o), kinship in sorted(kin.items(), key=lambda item: (names[item[0][1]], ids[item[0][0]])):
        if at not in matched and o in taken:
            log.add(names[o], "split", ids[at], kinship.share)
    before = known.lineage.to_pylist() if known else []
    return Identities(ids, gone, pa.Table.from_pylist(before + log.rows, schema.LINEAGE))


def new_id(group: Group, refresh: Refresh) -> str:
    """An id from the founding refresh and members: the same history gives the same id, no other history does."""
    text = "\n".join([refresh.as_of.isoformat(), *sorted(group)])
    digest = hashlib.blake2b(text.encode(), digest_size=ID_BYTES).digest()
    return "c-" + base64.b32encode(digest).decode().lower()


class _Log:
    """Lines of one refresh."""

    def __init__(self, refresh: Refresh) -> None:
        self.refresh = refresh
        self.rows: list[dict[str, object]] = []

    def add(self, campaign: str, event: str, other: str | None, share: float) -> None:
        self.rows.append(
            {
                "campaign_id": campaign,
                "refresh": self.refresh.id,
                "ts": self.refresh.as_of,
                "event": event,
                "other_id": other,
                "share": round(share, 6),
            }
        )

    def group(self, name: str, group: Group, old: Mapping[str, Group], states: Mapping[str, str], kept: bool) -> None:
        """The lines of a group that lives now."""
        if not kept:
            self.add(name, "born", None, 1.0)
            return
        now, then = _senders(group), _senders(old[name])
        if states.get(name) == "dormant":
            self.add(name, "revived", None, len(now & then) / max(len(now), 1))
        change = len(now) / max(len(then), 1) - 1
        if abs(change) > CHANGED_SHARE:
            self.add(name, "grew" if change > 0 else "shrank", None, change)


def _senders(group: Group) -> Group:
    return frozenset(key for key in group if key.startswith(SENDER))


def _kin(groups: list[Group], old: list[Group]) -> Kin:
    """The kinship of every pair (group, earlier) that has enough in common."""
    owners: dict[str, list[int]] = {}
    for o, keys in enumerate(old):
        for key in keys:
            owners.setdefault(key, []).append(o)
    sizes = [_sizes(keys) for keys in old]
    out: Kin = {}
    for at, group in enumerate(groups):
        common: dict[int, list[int]] = {}
        for key in group:
            for o in owners.get(key, ()):
                common.setdefault(o, [0, 0])[not key.startswith(SENDER)] += 1
        mine = _sizes(group)
        for o, (senders, artefacts) in common.items():
            kinship = _kinship((senders, artefacts), mine, sizes[o])
            if kinship is not None:
                out[at, o] = kinship
    return out


def _sizes(group: Group) -> tuple[int, int]:
    """Senders and artefacts of a group."""
    senders = sum(key.startswith(SENDER) for key in group)
    return senders, len(group) - senders


def _kinship(common: tuple[int, int], mine: tuple[int, int], theirs: tuple[int, int]) -> Kinship | None:
    """What two sides with so much in `common` are to each other; each a count of senders and of artefacts."""
    smaller = min(mine[0], theirs[0]), min(mine[1], theirs[1])
    senders, artefacts = (count / max(least, 1) for count, least in zip(common, smaller, strict=True))
    enough = senders / KEPT_SHARE if common[0] >= min(KEPT_SENDERS, smaller[0]) else 0.0
    enough += artefacts / KEPT_INFRASTRUCTURE if common[1] >= KEPT_ARTEFACTS else 0.0
    if enough < 1:
        return None
    share = common[0] / theirs[0] if common[0] else common[1] / max(theirs[1], 1)
    return Kinship(share, common[0] + INFRASTRUCTURE_WORTH * artefacts * max(smaller[0], 1))


def _assigned(groups: list[Group], kin: Kin, old: int) -> dict[int, int]:
    """The earlier campaign of each group that continues one: the assignment with the largest gain in all.

    Jonker and Volgenant's algorithm for sparse matrices; each group may also stay without one, at almost no gain.
    """
    order = sorted({at for at, _ in kin}, key=lambda at: sorted(groups[at]))  # ties fall the same way in any order
    if not order:
        return {}
    place = {at: row for row, at in enumerate(order)}
    pairs = sorted(kin, key=lambda pair: (place[pair[0]], pair[1]))
    alone = np.arange(len(order))
    rows = np.concatenate([[place[at] for at, _ in pairs], alone])
    columns = np.concatenate([[o for _, o in pairs], old + alone])
    gains = np.concatenate([[kin[pair].gain for pair in pairs], np.full(len(order), 1e-6)])
    matrix = csr_matrix((gains, (rows, columns)), shape=(len(order), old + len(order)))
    chosen = zip(*min_weight_full_bipartite_matching(matrix, maximize=True), strict=True)
    return {order[row]: int(column) for row, column in chosen if column < old}


def _gone(
    log: _Log, names: list[str], taken: set[int], kin: Kin, ids: tuple[str, ...], states: Mapping[str, str]
) -> tuple[str, ...]:
    """Earlier campaigns that no group continues: merged into the one with most of them, or dormant."""
    heirs: dict[int, tuple[float, str, float]] = {}
    for (at, o), kinship in kin.items():
        if o not in taken:
            heirs[o] = max(heirs.get(o, (0.0, "", 0.0)), (kinship.gain, ids[at], kinship.share))
    dormant = []
    for o, name in enumerate(names):
        if o in taken:
            continue
        if o in heirs:
            _, heir, share = heirs[o]
            log.add(name, "merged", heir, share)
            continue
        dormant.append(name)
        if states.get(name) not in ("dormant", "dismissed"):
            log.add(name, "dormant", None, 0.0)
    return tuple(dormant)
