"""How well found campaigns agree with the true ones. Knows two labellings of the same senders, not how they were made.

Everywhere: `found[s]` and `true[s]` are the group of sender s or −1; shape (senders,).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import v_measure_score

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

HALF = 0.5  # Jaccard similarity from which a campaign counts as found
SMALL = 30  # senders below which a campaign is small: the ones that large groups swallow
LEAST_SENDERS = 3  # smaller than that there is nothing to find together
MERGED_SHARE = 0.1  # of a found campaign's malicious senders: fewer of another operator's are strays, no merger


@dataclass(frozen=True)
class PairScores:
    """Precision, recall and F1 over pairs of senders."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Agreement:
    """Found campaigns against true ones.

    `found`, `found_small` and `found_new` are shares of the true campaigns of at least three senders (all, under
    thirty senders, without a label) that overlap with a found one by a Jaccard similarity of half or more. `merged`
    counts those whose main found campaign is to a tenth or more another operator's; None where operators are unknown.
    """

    pairs: PairScores
    b_cubed_f1: float
    v_measure: float
    campaigns: int
    campaigns_true: int
    found: float
    small_true: int
    found_small: float
    new_true: int
    found_new: float
    members: int
    intruders: int
    merged: int | None

    @property
    def innocent_share(self) -> float:
        """Share of intruders among all members of found campaigns."""
        return self.intruders / self.members if self.members else float("nan")


def agreement(found: Ids, true: Ids, labelled: Mask, operator: Ids | None = None) -> Agreement:
    """Every measure, over the senders that are in a found or in a true campaign.

    An innocent in a found campaign is an intruder: a true group of its own, so it spoils every pair it makes. A guilty
    sender in no found campaign is a found group of its own. `labelled`: senders whose label was known; a campaign
    without one is new. `operator[s]`: who runs the campaign of sender s, −1 for nobody.
    """
    take = (found >= 0) | (true >= 0)
    mine, theirs = alone(found[take]), alone(true[take])
    best, sizes = best_jaccard(found, true)
    real, small = sizes >= LEAST_SENDERS, (sizes >= LEAST_SENDERS) & (sizes < SMALL)
    new = real & ~np.isin(np.arange(len(sizes)), true[labelled])
    return Agreement(
        pairs=pair_scores(mine, theirs),
        b_cubed_f1=b_cubed(mine, theirs),
        v_measure=float(v_measure_score(theirs, mine)) if take.any() else float("nan"),
        campaigns=len(np.unique(found[found >= 0])),
        campaigns_true=int(real.sum()),
        found=_share(best[real] >= HALF),
        small_true=int(small.sum()),
        found_small=_share(best[small] >= HALF),
        new_true=int(new.sum()),
        found_new=_share(best[new] >= HALF),
        members=int((found >= 0).sum()),
        intruders=int(((found >= 0) & (true < 0)).sum()),
        merged=None if operator is None else merged(found, true, operator, real),
    )


def merged(found: Ids, true: Ids, operator: Ids, real: Mask) -> int:
    """How many of the `real` true campaigns lie in a found one of which another operator has a tenth or more."""
    main = main_group(found, true)
    out = 0
    for campaign in sorted(set(main) & set(np.flatnonzero(real).tolist())):
        company = operator[(found == main[campaign]) & (operator >= 0)]
        own = operator[true == campaign].max(initial=-1)
        out += bool(len(company) and (company != own).mean() >= MERGED_SHARE)
    return out


def alone(groups: Ids) -> Ids:
    """Every −1 as a group of its own, numbers from 0."""
    out = groups.copy()
    lone = out < 0
    out[lone] = groups.max(initial=-1) + 1 + np.arange(int(lone.sum()))
    return out


def pair_scores(found: Ids, true: Ids) -> PairScores:
    """Pairs put together rightly, of all put together (precision) and of all that belong together (recall)."""
    _, _, common = _cells(found, true)
    right, put, belong = (_pairs(counts) for counts in (common, np.bincount(found), np.bincount(true)))
    precision = right / put if put else float("nan")
    recall = right / belong if belong else float("nan")
    return PairScores(precision, recall, 2 * right / (put + belong) if put + belong else float("nan"))


def b_cubed(found: Ids, true: Ids) -> float:
    """F1 of mean precision and recall of the items (Bagga and Baldwin 1998)."""
    if not len(found):
        return float("nan")
    f, t, common = _cells(found, true)
    precision = float(np.sum(common**2 / np.bincount(found)[f]) / len(found))
    recall = float(np.sum(common**2 / np.bincount(true)[t]) / len(true))
    return 2 * precision * recall / (precision + recall)


def best_jaccard(found: Ids, true: Ids) -> tuple[NDArray[np.float64], Ids]:
    """For each true campaign (by number) the best Jaccard similarity of a found one, and its size."""
    sizes = np.bincount(true[true >= 0])
    best = np.zeros(len(sizes))
    both = (found >= 0) & (true >= 0)
    f, t, common = _cells(found[both], true[both])
    union = np.bincount(found[found >= 0])[f] + sizes[t] - common
    np.maximum.at(best, t, common / np.maximum(union, 1))
    return best, sizes.astype(np.int64)


def main_group(found: Ids, anchors: Ids) -> dict[int, int]:
    """For each anchor (a true campaign) the found group that holds most of its senders; none where all are loose."""
    both = (found >= 0) & (anchors >= 0)
    f, a, common = _cells(found[both], anchors[both])
    out: dict[int, tuple[int, int]] = {}
    for group, anchor, count in zip(f.tolist(), a.tolist(), common.tolist(), strict=True):
        out[anchor] = max(out.get(anchor, (0, -1)), (count, group))
    return {anchor: group for anchor, (_, group) in out.items()}


def _cells(found: Ids, true: Ids) -> tuple[Ids, Ids, Ids]:
    """Filled cells of the contingency table: found group, true group, common senders."""
    pairs, counts = np.unique(np.stack([found, true]), axis=1, return_counts=True)
    return pairs[0], pairs[1], counts.astype(np.int64)


def _pairs(counts: Ids) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _share(hits: Mask) -> float:
    return float(hits.mean()) if len(hits) else float("nan")
