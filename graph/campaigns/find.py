"""Groups of suspicious senders that share more than chance. Knows evidence and margins; gives no ids and no words.

Clustered is the evidence among suspicious senders only, each artefact discounted by the unsuspicious who share it, with
the Leiden algorithm (Traag, Waltman, van Eck 2019) on the constant Potts model, whose resolution does not drown
small groups as modularity does (Traag, Van Dooren, Nesterov 2011). What it finds is refined by `graph.campaigns.model`.
"""

from dataclasses import dataclass, field

import graspologic_native
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.campaigns.model import ModelOptions, refine
from graph.evidence import Evidence, Relation, day_cosine

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

TYING_RELATIONS = ("linked_to", "sent_from", "carried", "address_at")


@dataclass(frozen=True)
class FindOptions:
    """The dials of the search; margins are log-odds.

    `seed_margin`: senders above it take part. `keep_margin`: a group stays where its mean margin plus
    `size_bonus · log(n / 5)` is above it. `pair_evidence`: log-likelihood ratio at which two senders are tied at
    all; `full_evidence`: at which the tie counts as whole. `resolution`: least inner density of a group.
    `neighbours`: a crowd on one artefact is linked as a ring, each member to so many others with scaled weights,
    which has the clique's cut sizes without its edges.
    """

    seed_margin: float = -1.0
    keep_margin: float = 0.0
    size_bonus: float = 0.3
    pair_evidence: float = 3.0
    full_evidence: float = 8.0
    resolution: float = 0.05
    least_senders: int = 3
    neighbours: int = 40
    purity_power: float = 2.0
    seed: int = 7
    model: ModelOptions = field(default_factory=ModelOptions)


@dataclass(frozen=True)
class Partition:
    """`group[s]`: group of sender s or −1, numbered by the first member; `weight[s]`: how tightly it belongs, 0–1."""

    group: Ids
    weight: Array

    @property
    def count(self) -> int:
        """How many groups there are."""
        return int(self.group.max(initial=-1)) + 1


def find_groups(evidence: Evidence, margins: Array, options: FindOptions) -> Partition:
    """Groups among the senders whose margin is above `seed_margin`, shape (senders,)."""
    suspects = np.flatnonzero(margins > options.seed_margin)
    ties = pair_evidence(evidence, suspects, options)
    labels = _without_singles(_leiden(ties, options))
    labels = refine(evidence, suspects, labels, TYING_RELATIONS, options.model)
    labels = _judged(labels, margins[suspects], options)
    group = np.full(len(margins), -1, np.int64)
    group[suspects] = _renumbered(labels)
    weight = np.zeros(len(margins))
    weight[suspects] = _belonging(ties, labels)
    return Partition(group, np.where(group >= 0, np.clip(weight, 0.05, 1.0), 0.0))


def pair_evidence(evidence: Evidence, suspects: Ids, options: FindOptions) -> sp.csr_matrix:
    """Symmetric tie weights in (0, 1] (scaled up where a crowd is sampled) among suspects, by their position."""
    shape = (len(suspects), len(suspects))
    total = sp.csr_matrix(shape)
    scale = sp.csr_matrix(shape)
    for name in TYING_RELATIONS:
        found, factor = _artefact_pairs(evidence.relation(name), suspects, options)
        total = total + found
        scale = scale.maximum(factor)
    total = _with_days(total.tocsr(), evidence, suspects) + evidence.cotargets[suspects][:, suspects]
    strong = total.multiply(total >= options.pair_evidence).tocsr()
    strong.eliminate_zeros()
    capped = strong.copy()
    capped.data = np.minimum(strong.data / options.full_evidence, 1.0)
    pattern = capped.copy()
    pattern.data = np.ones_like(pattern.data)
    ties: sp.csr_matrix = capped.multiply(scale.multiply(pattern).maximum(pattern)).tocsr()
    return ties


def _artefact_pairs(relation: Relation, suspects: Ids, options: FindOptions) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Evidence of one relation for pairs of suspects, and how many pairs each sampled pair stands for."""
    used = relation.used
    inside = used[suspects].tocsc()
    users, everybody = np.diff(inside.indptr), relation.degree
    strength = (
        np.log(max(used.shape[0], 2) / np.maximum(everybody, 1))
        * (users / np.maximum(everybody, 1)) ** options.purity_power
    )
    order = _mixed(len(suspects))
    parts = [
        _ring(
            inside.indices[inside.indptr[a] : inside.indptr[a + 1]].astype(np.int64), float(strength[a]), order, options
        )
        for a in np.flatnonzero((users >= 2) & (strength > 0.1))
    ]
    shape = (len(suspects), len(suspects))
    if not parts:
        return sp.csr_matrix(shape), sp.csr_matrix(shape)
    i, j, weight, factor = (np.concatenate(part) for part in zip(*parts, strict=True))
    found = sp.csr_matrix((weight, (i, j)), shape=shape)
    factors = _largest(i, j, factor, shape)
    return (found + found.T).tocsr(), factors.maximum(factors.T).tocsr()


def _ring(members: Ids, strength: float, order: Ids, options: FindOptions) -> tuple[Ids, Ids, Array, Array]:
    """Each member with others on a ring, in an order common to all artefacts, so that equal crowds give equal pairs."""
    ring = members[np.argsort(order[members], kind="stable")]
    size = len(ring)
    reach = min(size // 2, options.neighbours // 2)
    step = _steps(size, reach)
    at = np.arange(size)
    i, j = np.repeat(ring, reach), ring[(at[:, None] + step[None, :]) % size].ravel()
    if size % 2 == 0 and reach == size // 2:  # the opposite member would be met twice
        keep = ~((np.tile(step, size) == reach) & (np.repeat(at, reach) >= size // 2))
        i, j = i[keep], j[keep]
    stands_for = max(1.0, (size - 1) / (2 * reach)) if reach < size // 2 else 1.0
    return i, j, np.full(len(i), strength), np.full(len(i), stands_for)


def _steps(size: int, reach: int) -> Ids:
    """Distances on the ring: half of them the next ones, half at random.

    The next ones are the same pairs in nearly equal crowds; but a ring of next ones alone falls apart into arcs, where
    random distances have the clique's cuts.
    """
    near = np.arange(1, reach - reach // 2 + 1)
    far = np.random.default_rng(size).permutation(np.arange(len(near) + 1, (size + 1) // 2))
    return np.sort(np.concatenate([near, far[: reach - len(near)]])) if reach < size // 2 else np.arange(1, reach + 1)


def _largest(i: Ids, j: Ids, value: Array, shape: tuple[int, int]) -> sp.csr_matrix:
    """The largest value of every pair as a matrix."""
    order = np.lexsort((value, j, i))
    i, j, value = i[order], j[order], value[order]
    last = np.append((i[1:] != i[:-1]) | (j[1:] != j[:-1]), True) if len(i) else np.zeros(0, dtype=bool)
    return sp.csr_matrix((value[last], (i[last], j[last])), shape=shape)


def _mixed(size: int) -> Ids:
    """A fixed permutation."""
    return np.random.default_rng(size).permutation(size)


def _with_days(total: sp.csr_matrix, evidence: Evidence, suspects: Ids) -> sp.csr_matrix:
    """Shared artefacts count whole on shared days and half on different ones: one-shot senders share no day."""
    cells = total.tocoo()
    cosine = day_cosine(evidence.days, suspects[cells.row], suspects[cells.col])
    return sp.csr_matrix((cells.data * (0.5 + 0.5 * cosine), (cells.row, cells.col)), shape=total.shape)


def _leiden(ties: sp.csr_matrix, options: FindOptions) -> Ids:
    """Labels by position, −1 where a suspect has no tie."""
    upper = sp.triu(ties, k=1).tocoo()
    labels = np.full(ties.shape[0], -1, np.int64)
    if not upper.nnz:
        return labels
    names = [str(at) for at in range(ties.shape[0])]
    edges = [
        (names[i], names[j], w)
        for i, j, w in zip(upper.row.tolist(), upper.col.tolist(), upper.data.tolist(), strict=True)
    ]
    _, found = graspologic_native.leiden(
        edges, resolution=options.resolution, use_modularity=False, seed=options.seed, iterations=3
    )
    for name, label in found.items():
        labels[int(name)] = label
    return labels


def _without_singles(labels: Ids) -> Ids:
    """Groups of one are no groups yet; their sender may still join one."""
    size = np.bincount(labels[labels >= 0], minlength=int(labels.max(initial=-1)) + 1)
    return np.where((labels >= 0) & (size[np.maximum(labels, 0)] >= 2) if len(size) else False, labels, -1)


def _judged(labels: Ids, margins: Array, options: FindOptions) -> Ids:
    """Only groups that are large enough and, taken together, guilty enough."""
    member = labels >= 0
    groups = int(labels.max(initial=-1)) + 1
    size = np.bincount(labels[member], minlength=groups)
    mean = np.bincount(labels[member], weights=margins[member], minlength=groups) / np.maximum(size, 1)
    guilty = mean + options.size_bonus * np.log(np.maximum(size, 1) / 5) >= options.keep_margin
    keep = (size >= options.least_senders) & guilty
    return np.where(member & keep[np.maximum(labels, 0)] if groups else False, labels, -1)


def _renumbered(labels: Ids) -> Ids:
    """Groups numbered in the order of their first member."""
    kept = labels[labels >= 0]
    order = {label: at for at, label in enumerate(dict.fromkeys(kept.tolist()))}
    return np.array([order.get(label, -1) for label in labels.tolist()], dtype=np.int64)


def _belonging(ties: sp.csr_matrix, labels: Ids) -> Array:
    """Share of a suspect's ties that stay inside its group."""
    cells = ties.tocoo()
    same = (labels[cells.row] == labels[cells.col]) & (labels[cells.row] >= 0)
    size = ties.shape[0]
    inner = np.bincount(cells.row, weights=cells.data * same, minlength=size)
    return inner / np.maximum(np.bincount(cells.row, weights=cells.data, minlength=size), 1e-9)
