"""How well the members of one campaign explain each other by what they share. Finds no campaign and removes nothing.

The campaign is taken as what its members draw from: of each kind of evidence, a member is explained by the artefact
that the other members use most beyond everybody, and by days and hours as they write. A member that the rest explain by
less than `HOLD` lets go, and the rest are asked again, until those who stay explain each other.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from graph.campaigns.traits import ARTEFACT_RELATIONS, DAYS, HOURS, TARGETS
from graph.evidence import MOST_WRITERS, Evidence, Floats, Relation, smoothed

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Times = Mapping[str, Array]  # kind -> shares of its days or hours

HOLD = 4.0  # log-likelihood ratio by which the others must explain a member
CAP = 8.0  # most that one kind of evidence can say
SHRINK = 2.0  # pseudo-members behind the share of members that keep a kind of evidence
TARGET_DRAWS = 3.0  # effective number of independent draws from a list of targets
TIME_DRAWS = 1.5  # likewise of days and of hours
OWN_TIME = 0.9  # of a profile; the rest is everybody's, so that one odd day vetoes nothing
LEAST_SENDERS = 3
ROUNDS = 12


@dataclass(frozen=True)
class _Edges:
    """Members and artefacts of one relation: `member` and `artefact` are positions; `background` of all senders."""

    relation: str
    member: Ids
    artefact: Ids
    ids: Ids  # artefact's id in the window, by position
    background: Array

    @property
    def draws(self) -> float:
        return TARGET_DRAWS if self.relation == TARGETS else 1.0


_Asked = tuple[str, frozenset[int], bytes]  # kind, positions of the artefacts taken away, who is left


@dataclass(frozen=True)
class Bundle:
    """The evidence of one campaign's members; `said` remembers answers, for many removals leave the same members."""

    size: int
    edges: tuple[_Edges, ...]
    times: dict[str, tuple[Array, Array]]  # kind -> members' shares, everybody's
    said: dict[_Asked, Array] = field(default_factory=dict)

    @staticmethod
    def of(evidence: Evidence, members: Ids, usual: Times) -> "Bundle":
        """What some senders share, from the evidence that campaigns were found by; `usual`: see `usual_times`."""
        edges = tuple(_edges(evidence.relation(name), members) for name in (*ARTEFACT_RELATIONS, TARGETS))
        profiles = {DAYS: evidence.days, HOURS: evidence.hours}
        times = {kind: (_shares(profile[members]), usual[kind]) for kind, profile in profiles.items()}
        return Bundle(len(members), edges, times)

    def explains(self, part: _Edges, alive: Mask, gone: frozenset[int]) -> Array:
        """How much better than everybody the living others explain each member by one relation, at most CAP."""
        asked = part.relation, gone, alive.tobytes()
        if asked not in self.said:
            self.said[asked] = np.minimum(_explained(part, alive, gone), CAP)
        return self.said[asked]

    def keeps_time(self, kind: str, alive: Mask) -> Array:
        """Likewise by days or by hours."""
        asked = kind, frozenset[int](), alive.tobytes()
        if asked not in self.said:
            self.said[asked] = np.minimum(_timed(*self.times[kind], alive), CAP)
        return self.said[asked]

    def shared(self) -> dict[tuple[str, int], int]:
        """How many members use each artefact that at least two do; targets are one kind and not among them."""
        out: dict[tuple[str, int], int] = {}
        for part in self.edges:
            if part.relation != TARGETS:
                counts = np.bincount(part.artefact, minlength=len(part.ids))
                out |= {(part.relation, int(at)): int(counts[at]) for at in np.flatnonzero(counts >= 2)}
        return out


def usual_times(evidence: Evidence) -> Times:
    """By kind, the share of all senders' events on each day, shape (days,), and at each hour, shape (24,); smoothed."""
    everybody = {DAYS: evidence.days, HOURS: evidence.hours}
    counts = {kind: smoothed(profile).sum(axis=0) + 1e-3 for kind, profile in everybody.items()}
    return {kind: of_kind / of_kind.sum() for kind, of_kind in counts.items()}


def holding(bundle: Bundle, without: Set[tuple[str, int | None]] = frozenset(), least: float = LEAST_SENDERS) -> Mask:
    """Which members the others hold, shape (members,), when some evidence is taken away; nobody if fewer than `least`.

    `without`: pairs of a relation and an artefact's position, or None for the whole kind.
    """
    alive = np.ones(bundle.size, bool)
    for _ in range(ROUNDS):
        if alive.sum() < least:
            return np.zeros(bundle.size, bool)
        stays = alive & (_support(bundle, alive, without) >= HOLD)
        if np.array_equal(stays, alive):
            break
        alive = stays
    return alive if alive.sum() >= least else np.zeros(bundle.size, bool)


def _support(bundle: Bundle, alive: Mask, without: Set[tuple[str, int | None]]) -> Array:
    """How much better the living others explain each member than everybody does."""
    total = np.zeros(bundle.size)
    for part in bundle.edges:
        if (part.relation, None) not in without:
            gone = frozenset(at for name, at in without if name == part.relation and at is not None)
            total += bundle.explains(part, alive, gone)
    for kind in bundle.times:
        if (kind, None) not in without:
            total += bundle.keeps_time(kind, alive)
    return total


def _explained(part: _Edges, alive: Mask, gone: Set[int]) -> Array:
    """Log of λ·q(a)/p(a) + 1 − λ for the artefact of a member that speaks most, or the mean over a few targets."""
    keep = alive[part.member]
    for artefact in gone:
        keep &= part.artefact != artefact
    member, used = part.member[keep], part.artefact[keep]
    others = np.bincount(used, minlength=len(part.ids))[used] - 1
    living = int(alive.sum())
    hit = np.bincount(member, weights=others > 0, minlength=len(alive)) > 0
    kept = min(float(hit.sum()) / (living + SHRINK), 0.95)
    drawn = max(len(member), 1) if part.draws > 1 else max(living - 1, 1)
    ratio = others / drawn / np.maximum(part.background[used], 1e-9)
    spoken = np.log(kept * ratio + 1 - kept)
    if part.draws > 1:
        uses = np.bincount(member, minlength=len(alive))
        mean = np.bincount(member, weights=spoken, minlength=len(alive)) / np.maximum(uses, 1)
        return np.asarray(np.minimum(uses, part.draws) * mean)
    best = np.full(len(alive), -np.inf)
    np.maximum.at(best, member, spoken)
    return np.where(np.isfinite(best), best, 0.0)


def _timed(shares: Array, background: Array, alive: Mask) -> Array:
    """Expected log-ratio of a member's days or hours under those of the living others."""
    total, living = shares[alive].sum(axis=0), max(int(alive.sum()) - 1, 1)
    rest = (total - shares * alive[:, None]) / living
    mixed = OWN_TIME * np.maximum(rest, 0) + (1 - OWN_TIME) * background
    return np.asarray(TIME_DRAWS * np.einsum("ij,ij->i", shares, np.log(mixed / background)))


def _edges(relation: Relation, members: Ids) -> _Edges:
    degree = relation.degree
    cells = relation.counts[members].tocoo()
    row, col = cells.row.astype(np.int64), cells.col.astype(np.int64)
    if relation.name == TARGETS:
        known = degree[col] <= MOST_WRITERS
        row, col = row[known], col[known]
    ids, artefact = np.unique(col, return_inverse=True)
    whole = max(int(degree.sum()), 1) if relation.name == TARGETS else max(relation.counts.shape[0], 1)
    return _Edges(relation.name, row, artefact.astype(np.int64), ids, degree[ids] / whole)


def _shares(profile: Floats) -> Array:
    """Shares of each sender's events; smoothed (½, 1, ½)."""
    smooth = smoothed(profile)
    return np.asarray(smooth / np.maximum(smooth.sum(axis=1, keepdims=True), 1e-9))
