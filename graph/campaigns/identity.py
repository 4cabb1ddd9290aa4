"""Ids that outlive a refresh, and the log of what became of each. Knows member keys and refreshes, not evidence."""

import base64
import hashlib
from collections.abc import Set
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from graph import schema
from graph.values import Refresh

KEPT_SHARE = 0.3  # of the smaller side: below it two groups with common members are two campaigns
CHANGED_SHARE = 0.1  # growth or loss of members that is worth a line in the log
ID_BYTES = 10

Group = frozenset[str]


@dataclass(frozen=True)
class Known:
    """The campaigns of an earlier refresh, tables as in `graph.schema`; sleeping ones keep their `evidence`."""

    campaigns: pa.Table
    members: pa.Table
    lineage: pa.Table
    evidence: pa.Table = field(default_factory=schema.EVIDENCE.empty_table)

    def groups(self) -> dict[str, Group]:
        """Senders and domains of every campaign that still has an id of its own."""
        out: dict[str, set[str]] = {row: set() for row in self.campaigns["campaign_id"].to_pylist()}
        columns = (self.members[name].to_pylist() for name in ("campaign_id", "role", "key"))
        for campaign, role, key in zip(*columns, strict=True):
            if role != "target" and campaign in out:
                out[campaign].add(f"{role}:{key}")
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


def carry_over(
    groups: list[Group], known: Known | None, refresh: Refresh, dismissed: Set[str] = frozenset()
) -> Identities:
    """Give every group the id of the earlier campaign that it continues, or a new one derived from its founders.

    Continuation is the assignment that keeps the most common members in all (Kuhn–Munkres), not a greedy choice; a
    pair counts where the common members are at least `KEPT_SHARE` of the smaller side. What a person `dismissed` never
    merges into another: it stays under its id, though no group may be left of it.
    """
    old = known.groups() if known else {}
    names = sorted(old)
    common = _common(groups, [old[name] for name in names])
    matched = _assign(common, len(groups), len(names))
    ids = tuple(names[matched[at]] if at in matched else new_id(group, refresh) for at, group in enumerate(groups))
    states = known.states() if known else {}
    log = _Log(refresh)
    for at, group in enumerate(groups):
        log.group(ids[at], group, old, states, at in matched)
    taken = set(matched.values())
    merging = {pair: share for pair, share in common.items() if names[pair[1]] not in dismissed}
    gone = _gone(log, names, taken, merging, ids, states)
    for (at, o), share in sorted(common.items()):
        if at not in matched and o in taken:
            log.add(names[o], "split", ids[at], share)
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

    def group(self, name: str, group: Group, old: dict[str, Group], states: dict[str, str], kept: bool) -> None:
        """The lines of a group that lives now."""
        if not kept:
            self.add(name, "born", None, 1.0)
            return
        if states.get(name) == "dormant":
            self.add(name, "revived", None, len(group & old[name]) / max(len(group), 1))
        change = len(group) / max(len(old[name]), 1) - 1
        if abs(change) > CHANGED_SHARE:
            self.add(name, "grew" if change > 0 else "shrank", None, change)


def _common(groups: list[Group], old: list[Group]) -> dict[tuple[int, int], float]:
    """Share of common members, of the smaller side, for every pair (group, earlier) that has enough."""
    owners: dict[str, list[int]] = {}
    for o, members in enumerate(old):
        for key in members:
            owners.setdefault(key, []).append(o)
    out = {}
    for at, group in enumerate(groups):
        counts: dict[int, int] = {}
        for key in group:
            for o in owners.get(key, ()):
                counts[o] = counts.get(o, 0) + 1
        for o, count in counts.items():
            share = count / max(min(len(group), len(old[o])), 1)
            if share >= KEPT_SHARE:
                out[at, o] = share + count * 1e-9  # among equal shares the larger overlap
    return out


def _assign(common: dict[tuple[int, int], float], groups: int, old: int) -> dict[int, int]:
    """The assignment with the largest total share, component by component."""
    if not common:
        return {}
    pairs = sorted(common)
    rows, cols = np.array(pairs).T
    size = groups + old
    adjacency = coo_matrix((np.ones(len(pairs)), (rows, cols + groups)), shape=(size, size))
    _, part = connected_components(adjacency, directed=False)
    matched: dict[int, int] = {}
    by_part: dict[int, list[tuple[int, int]]] = {}
    for pair in pairs:
        by_part.setdefault(int(part[pair[0]]), []).append(pair)
    for inside in by_part.values():
        matched.update(_assign_part(inside, common))
    return matched


def _assign_part(pairs: list[tuple[int, int]], common: dict[tuple[int, int], float]) -> dict[int, int]:
    left, right = sorted({g for g, _ in pairs}), sorted({o for _, o in pairs})
    gain: NDArray[np.float64] = np.zeros((len(left), len(right)))
    for g, o in pairs:
        gain[left.index(g), right.index(o)] = common[g, o]
    chosen = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
    return {left[i]: right[j] for i, j in chosen if gain[i, j] > 0}


def _gone(
    log: _Log,
    names: list[str],
    taken: set[int],
    common: dict[tuple[int, int], float],
    ids: tuple[str, ...],
    states: dict[str, str],
) -> tuple[str, ...]:
    """Earlier campaigns that no group continues: merged into the one with most of them, or dormant."""
    heirs: dict[int, tuple[float, int]] = {}
    for (at, o), share in common.items():
        if o not in taken:
            heirs[o] = max(heirs.get(o, (0.0, -1)), (share, at))
    dormant = []
    for o, name in enumerate(names):
        if o in taken:
            continue
        if o in heirs:
            share, at = heirs[o]
            log.add(name, "merged", ids[at], share)
            continue
        dormant.append(name)
        if states.get(name) not in ("dormant", "dismissed"):
            log.add(name, "dormant", None, 0.0)
    return tuple(dormant)
