"""Suspects joined into campaigns, best pairs first, as long as two groups are more likely one campaign than not.

Every round works out the groups anew, so that what a join has brought together speaks at once, and joins the pairs that
are each other's best (reciprocal nearest neighbours; Murtagh 1983); a group far larger than another takes it in even
if it has a better partner itself. Only groups that share something are compared. Knows no margin and no id.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.campaigns.likeness import TYING_RELATIONS, Groups, Suspects, crowded

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Score = Callable[[Groups, Ids, Ids], Array]  # log-odds that the groups i[p] and j[p] are one campaign

COTARGET_STRENGTH = 8.0  # log-likelihood ratio of shared targets that is worth as much as one unit of rarity
TAKES_IN = 4.0  # so many times larger is a group that takes in another
TIE = 1e-6  # equal pairs are told apart by a fixed, mixed order, or a crowd of equals would join in a chain


@dataclass(frozen=True)
class JoinOptions:
    """`least`: log-odds from which two groups are one; `caution`: how much more is asked of two crowds, whose wrong
    join costs most. `neighbours`: users of a crowded artefact that each of its users is compared with, in a new order
    every round. `partners`: most groups that each is compared with closely.
    """

    least: float = -1.0
    caution: float = 0.5
    neighbours: int = 6
    partners: int = 12
    rounds: int = 100


def agglomerate(suspects: Suspects, score: Score, options: JoinOptions, seed: int) -> Ids:
    """The group of every suspect, 0 to groups − 1, shape (suspects,); many are alone in theirs."""
    label = np.arange(len(suspects), dtype=np.int64)
    rng = np.random.default_rng(seed)
    for _ in range(options.rounds):
        groups = Groups.of(suspects, label)
        i, j = worth_comparing(groups, options, rng)
        found = score(groups, i, j)
        good = found > options.least + options.caution * crowded(np.log(np.minimum(groups.size[i], groups.size[j])))
        if not good.any():
            break
        root = _joined(i[good], j[good], found[good], groups.size)
        label = np.unique(root[label], return_inverse=True)[1].astype(np.int64)
    return label


def worth_comparing(groups: Groups, options: JoinOptions, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """Pairs (i < j) of groups that share an artefact or targets, the strongest partners of each."""
    order = rng.permutation(len(groups))
    tying = zip(groups.counts[: len(TYING_RELATIONS)], groups.suspects.kinds, strict=False)
    parts = [_sharing(counts, kind.strength, groups.size, order, options.neighbours) for counts, kind in tying]
    both = sp.triu(groups.cotargets, k=1).tocoo()
    apart = both.data / (COTARGET_STRENGTH * np.sqrt(groups.size[both.row] * groups.size[both.col]))
    parts.append((both.row.astype(np.int64), both.col.astype(np.int64), apart))
    i, j, strength = (np.concatenate(part) for part in zip(*parts, strict=True))
    key, pair = np.unique(np.minimum(i, j) * len(groups) + np.maximum(i, j), return_inverse=True)
    low, high = key // max(len(groups), 1), key % max(len(groups), 1)
    total = np.bincount(pair, weights=strength, minlength=len(key)) + _mixed(low, high)
    near = (_rank(low, high, total) < options.partners) & (low != high)
    return low[near], high[near]


def _sharing(
    counts: sp.csr_matrix, strength: Array, size: Array, order: Ids, neighbours: int
) -> tuple[Ids, Ids, Array]:
    """Pairs of groups that use the same artefact, and how strongly: all of a few users, neighbours among many."""
    cells = counts.tocoo()
    cell = np.lexsort((order[cells.row], cells.col))
    who, share = cells.row[cell].astype(np.int64), cells.data[cell] / size[cells.row[cell]]
    users = np.bincount(cells.col, minlength=counts.shape[1])
    pairs = users * np.minimum(neighbours, users // 2)
    artefact = np.repeat(np.arange(len(users)), pairs)
    begin, among = (np.cumsum(users) - users)[artefact], users[artefact]
    at = np.arange(len(artefact)) - (np.cumsum(pairs) - pairs)[artefact]
    x = at % among
    y = (x + at // among + 1) % among
    x, y = begin + x, begin + y
    return who[x], who[y], strength[artefact] * np.minimum(share[x], share[y])


def _mixed(i: Ids, j: Ids) -> Array:
    """A small number for each pair in a fixed, mixed order."""
    return ((i * 2_654_435_761 + j * 40_503) % 1_000_003) / 1_000_003 * TIE


def _rank(i: Ids, j: Ids, strength: Array) -> Ids:
    """Place of each pair among those of its ends, 0 the strongest: the better of the two places."""
    place = np.full(len(i), len(i), np.int64)
    strongest = np.argsort(-strength, kind="stable")
    for end in (i, j):
        order = strongest[np.argsort(end[strongest], kind="stable")]
        sorted_end = end[order]
        start = np.flatnonzero(np.append(True, sorted_end[1:] != sorted_end[:-1])) if len(i) else np.zeros(0, np.int64)
        run = np.diff(np.append(start, len(i)))
        within = np.empty(len(i), np.int64)
        within[order] = np.arange(len(i)) - np.repeat(start, run)
        place = np.minimum(place, within)
    return place


def _joined(i: Ids, j: Ids, found: Array, size: Array) -> Ids:
    """Root of every group after the best joins of a round, shape (groups,)."""
    value = found + _mixed(i, j)
    best = np.full(len(size), -np.inf)
    np.maximum.at(best, i, value)
    np.maximum.at(best, j, value)
    root = np.arange(len(size))
    mutual = (value >= best[i]) & (value >= best[j])
    root[j[mutual]] = i[mutual]
    busy = np.zeros(len(size), dtype=bool)
    busy[i[mutual]] = busy[j[mutual]] = True
    for one, other in ((i, j), (j, i)):
        taken = (value >= best[one]) & ~busy[one] & (size[other] >= TAKES_IN * size[one])
        root[one[taken]] = other[taken]
    while not np.array_equal(root, root[root]):
        root = root[root]
    return root
