"""Groups of suspicious senders that belong to one campaign. Knows evidence and margins; gives no ids and no words.

Suspects are joined as long as two groups are more likely one campaign than not (`graph.campaigns.agglomerate`); then
every group is judged as a whole, and every member by what it is itself and how well it fits the rest.
"""

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import expit

from graph.campaigns.agglomerate import JoinOptions, agglomerate
from graph.campaigns.cut import CutOptions, least_log_odds
from graph.campaigns.likeness import Groups, Suspects, likeness, membership
from graph.campaigns.risk import group_logits
from graph.campaigns.same_campaign import SameCampaign, shipped
from graph.evidence import Evidence

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

PAIRS_AT_ONCE = 16_384  # compared, so that their figures stay in the processor's cache and memory does not follow pairs


@dataclass(frozen=True)
class FindOptions:
    """The dials of the search; margins and fits are log-odds.

    `seed_margin`: senders above it take part. Which groups stay, their log-odds (graph.campaigns.risk) and `cut` say
    (graph.campaigns.cut). A member stays where its own margin plus `fit_weight` times its fit, which counts up to
    `most_fit`, is above `least_standing`.
    `warm`: what having been in one campaign at the last refresh adds to the log-odds of being one now.
    """

    seed_margin: float = -2.0
    least_senders: int = 3
    most_fit: float = 5.0
    fit_weight: float = 2.0
    least_standing: float = 2.0
    warm: float = 1.0
    seed: int = 7
    cut: CutOptions = field(default_factory=CutOptions)
    join: JoinOptions = field(default_factory=JoinOptions)


@dataclass(frozen=True)
class Partition:
    """`group[s]`: group of sender s or −1, numbered by the first member; `weight[s]`: how surely it belongs, 0–1."""

    group: Ids
    weight: Array

    @property
    def count(self) -> int:
        """How many groups there are."""
        return int(self.group.max(initial=-1)) + 1


def find_groups(
    evidence: Evidence,
    margins: Array,
    options: FindOptions,
    before: Ids | None = None,
    same: SameCampaign | None = None,
) -> Partition:
    """Groups among the senders whose margin is above `seed_margin`, shape (senders,).

    `before[s]`: the campaign of sender s at the last refresh as a number, or −1. `same`: another model than the one
    that comes with Ringleader.
    """
    rows = np.flatnonzero(margins > options.seed_margin)
    suspects = Suspects.of(evidence, rows)
    model = (same or shipped()).without(suspects.absent)  # a relation that this provider lacks neither joins nor parts
    past = before[rows] if before is not None else np.full(len(rows), -1, np.int64)

    def score(groups: Groups, i: Ids, j: Ids) -> Array:
        return _same(model, groups, i, j) + options.warm * _common_past(groups, past, i, j)

    label = agglomerate(suspects, score, options.join, options.seed)
    fit = _fit(suspects, label, model)
    label = _guilty(label, fit, margins[rows], options)
    group, weight = np.full(len(margins), -1, np.int64), np.zeros(len(margins))
    group[rows] = _renumbered(label)
    weight[rows] = expit(fit)
    return Partition(group, np.where(group >= 0, np.clip(weight, 0.05, 1.0), 0.0))


def _same(model: SameCampaign, groups: Groups, i: Ids, j: Ids) -> Array:
    """Log-odds of pairs of groups by their likeness, shape (pairs,), some `PAIRS_AT_ONCE` at a time."""
    blocks = zip(_split(i), _split(j), strict=True)
    return np.concatenate([model.log_odds(likeness(groups, *block)) for block in blocks])


def _split(pairs: Ids) -> list[Ids]:
    """Blocks as long as each other, one of nothing where there are no pairs."""
    return np.array_split(pairs, max(-(-len(pairs) // PAIRS_AT_ONCE), 1))


def _common_past(groups: Groups, past: Ids, i: Ids, j: Ids) -> Array:
    """Share of two groups that were in the same campaigns at the last refresh, 0 to 1, shape (pairs,)."""
    known = past >= 0
    if not known.any():
        return np.zeros(len(i))
    cells = (groups.label[known], past[known])
    was = sp.csr_matrix((np.ones(int(known.sum())), cells), shape=(len(groups), int(past.max()) + 1))
    share = (sp.diags(1 / groups.size) @ was).tocsr()
    return np.asarray(share[i].minimum(share[j]).sum(axis=1)).ravel()


def _fit(suspects: Suspects, label: Ids, model: SameCampaign) -> Array:
    """Log-odds that a suspect is of one campaign with the rest of its group; −inf where it is alone."""
    single = Groups.of(suspects, np.arange(len(label), dtype=np.int64))
    figures = membership(Groups.of(suspects, label), single)
    alone = np.isnan(figures).any(axis=1)
    return np.where(alone, -np.inf, model.log_odds(np.nan_to_num(figures)))


def _guilty(label: Ids, fit: Array, margins: Array, options: FindOptions) -> Ids:
    """−1 for members that are more likely innocent than not, and for groups that are too small or not guilty enough."""
    stays = margins + options.fit_weight * np.clip(fit, -options.most_fit, options.most_fit) > options.least_standing
    groups, staying = int(label.max(initial=-1)) + 1, np.where(stays, label, -1)
    joined, whole = (group_logits(of, margins, groups) for of in (label, staying))
    many, enough = (np.bincount(of[of >= 0], minlength=groups) >= options.least_senders for of in (label, staying))
    kept = enough & (whole >= least_log_odds(whole[enough], joined[many], options.cut))
    return np.where(stays & kept[label], label, -1)


def _renumbered(label: Ids) -> Ids:
    """Groups numbered in the order of their first member."""
    kept = label[label >= 0]
    order = {name: at for at, name in enumerate(dict.fromkeys(kept.tolist()))}
    return np.array([order.get(name, -1) for name in label.tolist()], dtype=np.int64)
