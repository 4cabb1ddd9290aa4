"""How well the members of one campaign explain each other by what they share. Finds no campaign and removes nothing.

The campaign is taken as what its members draw from: of each kind of evidence, a member is explained by the artefact
that the other members use most beyond everybody, and by days and hours as they write. A member that the rest explain by
less than `HOLD` lets go, and the rest are asked again, until those who stay explain each other.
"""

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graph.campaigns.traits import ARTEFACT_RELATIONS, DAYS, HOURS, TARGETS
from graph.evidence import MOST_WRITERS, Evidence, Relation, smoothed

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

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


@dataclass(frozen=True)
class Bundle:
    """The evidence of one campaign's members."""

    size: int
    edges: tuple[_Edges, ...]
    times: dict[str, tuple[Array, Array]]  # kind -> members' shares, log of everybody's

    @staticmethod
    def of(evidence: Evidence, members: Ids) -> "Bundle":
        """What some senders share, from the evidence that campaigns were found by."""
        edges = tuple(_edges(evidence.relation(name), members) for name in (*ARTEFACT_RELATIONS, TARGETS))
        times = {DAYS: _shares(evidence.days, members), HOURS: _shares(evidence.hours, members)}
        return Bundle(len(members), edges, times)

    @cached_property
    def whole(self) -> dict[str, Array]:
        """What each kind says of every member while all are there and nothing is taken away."""
        alive = np.ones(self.size, bool)
        said = {part.relation: np.minimum(_explained(part, alive, []), CAP) for part in self.edges}
        return said | {kind: np.minimum(_timed(*profile, alive), CAP) for kind, profile in self.times.items()}

    def shared(self) -> dict[tuple[str, int], int]:
        """How many members use each artefact that at least two do; targets are one kind and not among them."""
        out: dict[tuple[str, int], int] = {}
        for part in self.edges:
            if part.relation != TARGETS:
                counts = np.bincount(part.artefact, minlength=len(part.ids))
                out |= {(part.relation, int(at)): int(counts[at]) for at in np.flatnonzero(counts >= 2)}
        return out


def holding(bundle: Bundle, without: Set[tuple[str, int | None]] = frozenset()) -> Mask:
    """Which members the others hold, shape (members,), when some evidence is taken away.

    `without`: pairs of a relation and an artefact's position, or None for the whole kind.
    """
    alive = np.ones(bundle.size, bool)
    for _ in range(ROUNDS):
        if alive.sum() < LEAST_SENDERS:
            return np.zeros(bundle.size, bool)
        stays = alive & (_support(bundle, alive, without) >= HOLD)
        if np.array_equal(stays, alive):
            break
        alive = stays
    return alive if alive.sum() >= LEAST_SENDERS else np.zeros(bundle.size, bool)


def _support(bundle: Bundle, alive: Mask, without: Set[tuple[str, int | None]]) -> Array:
    """How much better the living others explain each member than everybody does."""
    everybody = bool(alive.all())
    touched = {name for name, _ in without}
    total = np.zeros(bundle.size)
    for part in bundle.edges:
        if everybody and part.relation not in touched:
            total += bundle.whole[part.relation]
        elif (part.relation, None) not in without:
            gone = [at for name, at in without if name == part.relation and at is not None]
            total += np.minimum(_explained(part, alive, gone), CAP)
    for kind, (shares, background) in bundle.times.items():
        if (kind, None) not in without:
            total += bundle.whole[kind] if everybody else np.minimum(_timed(shares, background, alive), CAP)
    return total


def _explained(part: _Edges, alive: Mask, gone: list[int]) -> Array:
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


def _shares(profile: NDArray[np.float32], members: Ids) -> tuple[Array, Array]:
    """Shares of each member's events, and everybody's; smoothed (½, 1, ½)."""
    smooth = smoothed(profile)
    background = smooth.sum(axis=0) + 1e-3
    mine = smooth[members]
    return mine / np.maximum(mine.sum(axis=1, keepdims=True), 1e-9), background / background.sum()
