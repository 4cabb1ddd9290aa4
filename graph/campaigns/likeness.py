"""How alike two groups of suspects are, in figures: one row a pair, one column a figure. Decides nothing.

A group is what its members use, in shares: an artefact that all of a group use has share one. So a single sender and a
campaign of thousands are compared by the same figures. An artefact speaks by its rarity, discounted by the unsuspicious
who use it too; what a group shares among itself but not with the other speaks against them.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.campaigns.rhythm import Rhythm, cosine, gap
from graph.evidence import MOST_WRITERS, Evidence, Floats, Relation, smoothed

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

TYING_RELATIONS = ("linked_to", "sent_from", "carried", "address_at")
TARGETS = "wrote_to"
OF_A_KIND = (
    "best",  # rarity of the artefact that both keep most
    "total",  # log of the rarity of all that both keep
    "cosine",  # of the rarities that they use, less where these are small: a hub in common makes nobody alike
    "contained",  # rarity of the artefact that one side keeps most and the other uses at all
    "kept_low",  # how far members share the kind inside their group (see Groups.kept): the lesser share, and the larger
    "kept_high",
    "differ",  # both keep the kind, and next to nothing of it in common
    "unlike",  # both keep the kind, and use it differently
    "has_gap",  # members who use the kind at all: difference of the shares, and the lesser share
    "has_low",
)
OF_HABITS = (
    "days.cosine",
    "days.gap",  # log of the days between the one's last tenth and the other's first
    "days.spread_low",  # entropy of the days
    "days.spread_high",
    "hours.cosine",
    "hours.spread_low",
    "hours.spread_high",
    "fan_out.gap",  # difference of the mean logs of recipients, events and active days a sender
    "fan_out.low",
    "events.gap",
    "active_days.gap",
    "cotargets.norm",  # summed log-likelihood ratio of shared targets, per geometric mean of members, and per pair
    "cotargets.mean",
    "size.low",  # log of the members
    "size.high",
)
FIGURES = tuple(f"{kind}.{name}" for kind in (*TYING_RELATIONS, TARGETS) for name in OF_A_KIND) + OF_HABITS

PURITY_POWER = 2.0  # an artefact half of whose users are suspects ties a quarter as much as a private one
LEAST_STRENGTH = 0.1
SINGLE_KEEPS = 0.3  # a sender alone cannot share with itself: taken to keep a kind this far when nothing is in common
FAINT = 1.0  # mean squared strength of what is in common at which likeness counts half


@dataclass(frozen=True)
class Kind:
    """One kind of artefact among suspects.

    `used`: suspects × artefacts (ones) that at least two of them use; `strength` of each artefact: log(n / d) times
    the share of its users who are suspects, squared; `has[s]`: the suspect uses the kind at all; `total[s]`: how many
    of the kind it uses, for a kind of which everybody uses many, and None for others.
    """

    name: str
    used: sp.csr_matrix
    strength: Array
    has: Array
    total: Array | None


@dataclass(frozen=True)
class Suspects:
    """What suspects left behind: `days` and `hours` are shares of their events, `habits` logs of their numbers."""

    kinds: tuple[Kind, ...]
    cotargets: sp.csr_matrix
    days: Array
    hours: Array
    habits: Array

    @staticmethod
    def of(evidence: Evidence, rows: Ids) -> "Suspects":
        """The suspects `rows` of all senders; what they use is weighed against all."""
        wrote = evidence.relation(TARGETS)
        days = evidence.days[rows]
        habits = (np.diff(wrote.counts[rows].indptr), days.sum(axis=1), (days > 0).sum(axis=1))
        return Suspects(
            kinds=(
                *(_artefacts(evidence.relation(name), rows) for name in TYING_RELATIONS),
                _targets(wrote, rows),
            ),
            cotargets=evidence.cotargets[rows][:, rows].astype(np.float64).tocsr(),
            days=_shares(days),
            hours=_shares(evidence.hours[rows]),
            habits=np.log1p(np.stack(habits, axis=1).astype(np.float64)),
        )

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Figures of the kinds that no suspect uses, shape (figures,): constants that tell nothing of any pair."""
        unused = tuple(f"{kind.name}." for kind in self.kinds if not kind.has.any())
        return np.array([name.startswith(unused) for name in FIGURES], dtype=np.bool_)

    def __len__(self) -> int:
        return len(self.days)


@dataclass(frozen=True, kw_only=True)
class _Used:
    """What groups use, a row each.

    For each kind `counts` is groups × artefacts, members that use it; `has` is the share of members who use the kind,
    `norm` the length of the vector of weighed shares. `kept` is the mean over members of how far they share the kind
    with other members: by the strength s of the strongest artefact that another one uses, s / (1 + s); of targets, of
    which a crowd shares some by chance, by the part that others have too.
    """

    size: Array
    counts: tuple[sp.csr_matrix, ...]
    kept: tuple[Array, ...]
    has: tuple[Array, ...]
    norm: tuple[Array, ...]
    days: Rhythm
    hours: Rhythm
    habits: Array


@dataclass(frozen=True, kw_only=True)
class Groups(_Used):
    """Suspects in groups: `label[s]` below the number of groups, every group with a member."""

    suspects: Suspects
    label: Ids
    indicator: sp.csr_matrix

    @staticmethod
    def of(suspects: Suspects, label: Ids) -> "Groups":
        """The groups that these labels make."""
        count = int(label.max(initial=-1)) + 1
        indicator = sp.csr_matrix((np.ones(len(label)), (label, np.arange(len(label)))), shape=(count, len(label)))
        size = np.asarray(indicator.sum(axis=1)).ravel()
        counts = tuple((indicator @ kind.used).tocsr() for kind in suspects.kinds)
        for matrix in counts:
            matrix.sort_indices()
        mean: sp.csr_matrix = (sp.diags(1 / np.maximum(size, 1)) @ indicator).tocsr()
        return Groups(
            suspects=suspects,
            label=label,
            indicator=indicator,
            size=size,
            counts=counts,
            kept=tuple(_kept(kind, c, label, mean) for kind, c in zip(suspects.kinds, counts, strict=True)),
            has=tuple(np.asarray(mean @ kind.has) for kind in suspects.kinds),
            norm=tuple(_norm(kind, c, size) for kind, c in zip(suspects.kinds, counts, strict=True)),
            days=Rhythm.of(np.asarray(mean @ suspects.days)),
            hours=Rhythm.of(np.asarray(mean @ suspects.hours)),
            habits=np.asarray(mean @ suspects.habits),
        )

    @cached_property
    def cotargets(self) -> sp.csr_matrix:
        """Groups × groups: log-likelihood ratio of shared targets, summed over pairs of members."""
        between: sp.csr_matrix = (self.indicator @ self.suspects.cotargets @ self.indicator.T).tocsr()
        return between

    def __len__(self) -> int:
        return len(self.size)


def purity_discount(suspects: Ids, users: Ids) -> Array:
    """The share of its worth that an artefact keeps: (suspects / users)², 1 for a private one."""
    return np.asarray((suspects / np.maximum(users, 1)) ** PURITY_POWER, dtype=np.float64)


def crowded(log_size: Array) -> Array:
    """0 for one sender, towards 1 for many: (n − 1) / (n + 1)."""
    return np.asarray(np.tanh(log_size / 2))


def likeness(groups: Groups, i: Ids, j: Ids) -> Array:
    """Figures of the pairs (i[p], j[p]) of groups, i ≠ j, in the order of FIGURES; shape (pairs, figures)."""
    i, j = np.where(groups.size[i] <= groups.size[j], i, j), np.where(groups.size[i] <= groups.size[j], j, i)
    return _figures(_sides(groups, i), _sides(groups, j), _entries(groups.cotargets, i, j), groups.suspects.kinds)


def membership(groups: Groups, single: Groups) -> Array:
    """Figures of each suspect against the rest of its group; rows of NaN where it is alone; shape (suspects, figures).

    `single` has each suspect as a group of its own. Whether the others share a kind is taken from the whole group.
    """
    out = np.full((len(groups.label), len(FIGURES)), np.nan)
    s = np.flatnonzero(groups.size[groups.label] > 1)
    g = groups.label[s]
    cotargets = (groups.suspects.cotargets @ groups.indicator.T).tocsr()
    rest = _rest(_sides(groups, g), _sides(single, s))
    out[s] = _figures(_sides(single, s), rest, _entries(cotargets, s, g), groups.suspects.kinds)
    return out


@dataclass(frozen=True, kw_only=True)
class _Side(_Used):
    """One side of every pair: the rows `row` of a Groups, whose `counts` stay whole to be looked up in.

    `less` members that are on the other side are left out.
    """

    row: Ids
    less: float = 0.0


def _sides(groups: Groups, row: Ids) -> _Side:
    def at(values: tuple[Array, ...]) -> tuple[Array, ...]:
        return tuple(value[row] for value in values)

    return _Side(
        row=row,
        size=groups.size[row],
        counts=groups.counts,
        kept=at(groups.kept),
        has=at(groups.has),
        norm=at(groups.norm),
        days=groups.days.at(row),
        hours=groups.hours.at(row),
        habits=groups.habits[row],
    )


def _rest(whole: _Side, one: _Side) -> _Side:
    """The whole without one of its members."""
    left = whole.size - 1

    def without(all_of: Array, of_one: Array) -> Array:
        scale = (whole.size, left) if all_of.ndim == 1 else (whole.size[:, None], left[:, None])
        return np.maximum((all_of * scale[0] - of_one) / scale[1], 0.0)

    return replace(
        whole,
        less=1.0,
        size=left,
        kept=tuple(np.where(left > 1, kept, 0.0) for kept in whole.kept),
        has=tuple(without(a, b) for a, b in zip(whole.has, one.has, strict=True)),
        days=Rhythm.of(without(whole.days.shares, one.days.shares)),
        hours=Rhythm.of(without(whole.hours.shares, one.hours.shares)),
        habits=without(whole.habits, one.habits),
    )


def _figures(a: _Side, b: _Side, cotargets: Array, kinds: tuple[Kind, ...]) -> Array:
    columns = [column for at, kind in enumerate(kinds) for column in _of_kind(a, b, at, kind)]
    return np.stack([*columns, *_of_habits(a, b, cotargets)]).T


def _of_kind(a: _Side, b: _Side, at: int, kind: Kind) -> list[Array]:
    """The figures OF_A_KIND; walks the artefacts of side a, the smaller one, and looks them up on side b."""
    mine = a.counts[at][a.row]
    pair = np.repeat(np.arange(len(a.row)), np.diff(mine.indptr))
    mine_share = mine.data / a.size[pair]
    looked_up = _entries(b.counts[at], b.row[pair], mine.indices)
    their_share = np.maximum(looked_up - b.less * mine.data, 0.0) / b.size[pair]
    both = their_share > 0
    pair, mine_share, their_share = pair[both], mine_share[both], their_share[both]
    strength = kind.strength[mine.indices[both]]
    rows = len(a.row)
    least, most = np.minimum(mine_share, their_share) * strength, np.maximum(mine_share, their_share) * strength
    kept_by_both = np.bincount(pair, weights=least, minlength=rows)
    dot = np.bincount(pair, weights=mine_share * their_share * strength**2, minlength=rows)
    in_common = np.bincount(pair, weights=mine_share * their_share, minlength=rows)
    clear = dot / np.maximum(dot + FAINT * in_common, 1e-12)
    alike = np.minimum(dot / (a.norm[at] * b.norm[at]), 1.0) * clear
    a_kept, b_kept, a_has, b_has = a.kept[at], b.kept[at], a.has[at], b.has[at]
    apart = np.sqrt(_could_keep(a_kept, a.size) * _could_keep(b_kept, b.size)) * np.minimum(a_has, b_has)
    return [
        _greatest(pair, least, rows),
        np.log1p(kept_by_both),
        alike,
        _greatest(pair, most, rows),
        np.minimum(a_kept, b_kept),
        np.maximum(a_kept, b_kept),
        apart * np.exp(-kept_by_both),
        a_kept * b_kept * (1 - alike),
        np.abs(a_has - b_has),
        np.minimum(a_has, b_has),
    ]


def _of_habits(a: _Side, b: _Side, cotargets: Array) -> list[Array]:
    fan_out, events, active = np.abs(a.habits - b.habits).T
    geometric = np.sqrt(a.size * b.size)
    return [
        cosine(a.days, b.days),
        gap(a.days, b.days),
        *_low_high(a.days.spread, b.days.spread),
        cosine(a.hours, b.hours),
        *_low_high(a.hours.spread, b.hours.spread),
        fan_out,
        np.minimum(a.habits[:, 0], b.habits[:, 0]),
        events,
        active,
        np.log1p(cotargets / geometric),
        np.log1p(cotargets / geometric**2),
        *_low_high(np.log(a.size), np.log(b.size)),
    ]


def _artefacts(relation: Relation, rows: Ids) -> Kind:
    users, everybody = _users(relation, rows)
    return _kind(relation, rows, _rarity(relation) * purity_discount(users, everybody), users >= 2)


def _targets(wrote: Relation, rows: Ids) -> Kind:
    """A recipient is nobody's own: it is not discounted, but whom very many write to ties nobody."""
    users, everybody = _users(wrote, rows)
    return _kind(wrote, rows, _rarity(wrote), (users >= 2) & (everybody <= MOST_WRITERS))


def _kind(relation: Relation, rows: Ids, strength: Array, speaks: NDArray[np.bool_]) -> Kind:
    inside = relation.used[rows]
    kept = np.flatnonzero(speaks & (strength > LEAST_STRENGTH))
    total = np.diff(inside.indptr).astype(np.float64)
    used = inside.tocsc()[:, kept].astype(np.float64).tocsr()
    many = relation.name == TARGETS
    return Kind(relation.name, used, strength[kept], (total > 0).astype(np.float64), total if many else None)


def _users(relation: Relation, rows: Ids) -> tuple[Ids, Ids]:
    """Suspects and all senders that use each artefact."""
    users = np.bincount(relation.counts[rows].indices, minlength=relation.counts.shape[1])
    return users.astype(np.int64), relation.degree


def _rarity(relation: Relation) -> Array:
    return np.asarray(np.log(max(relation.counts.shape[0], 2) / np.maximum(relation.degree, 1)))


def _shares(profile: Floats) -> Array:
    """Events by day or hour smoothed (½, 1, ½), as shares."""
    smooth = smoothed(profile)
    return np.asarray(smooth / np.maximum(smooth.sum(axis=1, keepdims=True), 1e-9))


def _kept(kind: Kind, counts: sp.csr_matrix, label: Ids, mean: sp.csr_matrix) -> Array:
    """How far each group's members share the kind with other members, 0 to 1."""
    cells = kind.used.tocoo()
    users = _entries(counts, label[cells.row], cells.col)
    row, strength = cells.row[users >= 2].astype(np.int64), kind.strength[cells.col[users >= 2]]
    if kind.total is None:
        shared = _greatest(row, strength / (1 + strength), len(label))
    else:
        shared = np.bincount(row, minlength=len(label)) / np.maximum(kind.total, 1)
    return np.asarray(mean @ shared)


def _norm(kind: Kind, counts: sp.csr_matrix, size: Array) -> Array:
    squared = counts.multiply(counts) @ (kind.strength**2)
    return np.asarray(np.sqrt(squared / np.maximum(size, 1) ** 2 + 1e-9))


def _entries(matrix: sp.csr_matrix, i: NDArray[np.integer[Any]], j: NDArray[np.integer[Any]]) -> Array:
    """The entries at (i[p], j[p]), shape (pairs,); scipy gives a matrix back where there are none."""
    return np.asarray(matrix[i, j], dtype=np.float64).ravel() if len(i) else np.zeros(0)


def _could_keep(kept: Array, size: Array) -> Array:
    return np.where(size < 2, np.maximum(kept, SINGLE_KEEPS), kept)


def _greatest(pair: Ids, values: Array, rows: int) -> Array:
    out = np.zeros(rows)
    np.maximum.at(out, pair, values)
    return out


def _low_high(a: Array, b: Array) -> tuple[Array, Array]:
    return np.minimum(a, b), np.maximum(a, b)
