"""A campaign as a model, not a clique: what its senders draw from, and who is explained by it. Gives no ids, no words.

Pairs fragment a campaign that rotates its networks or gives every sender a link of its own. So each group found is
taken as a distribution over artefacts, targets, days and hours, mixed with the background by how far the group keeps
that kind of evidence; suspects go to the group that explains them best, and groups that explain each other are one
(hard expectation maximisation; METHODS of the lab, adversarial recipe 2 and 3).
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.evidence import Evidence, Floats, Relation

Array = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class ModelOptions:
    """Log-likelihood ratios throughout. `rounds`: of reassignment and merging."""

    rounds: int = 9  # each joins groups two by two, so nine gather five hundred fragments
    join: float = 4.0  # a suspect joins the group that explains it best when by at least this much
    merge: float = 5.0  # groups are one where the members of one are explained by the other by at least this much
    cap: float = 8.0  # most that one kind of evidence can say
    least: float = -3.0  # one missing kind vetoes nothing
    merge_least: float = -2.0  # likewise between groups: fragments fell apart by the very kind that they lack in common
    time_weight: float = 1.5  # effective number of independent draws from a day or hour profile
    target_draws: float = 3.0  # likewise of targets
    shrink: float = 2.0  # pseudo-members behind the share of members that keep a kind of evidence
    size_weight: float = 0.3  # of log(members): the larger group wins a tie


@dataclass(frozen=True)
class Kind:
    """One kind of evidence among suspects: `used` suspects × artefacts (ones), `background` share of all senders."""

    used: sp.csr_matrix
    background: Array
    draws: float


def kinds_of(evidence: Evidence, suspects: Ids, names: tuple[str, ...], options: ModelOptions) -> list[Kind]:
    """The kinds of evidence that groups are modelled by; recipients are drawn several times, the rest once."""
    kinds = [_kind(evidence.relation(name), suspects, 1.0) for name in names]
    return [*kinds, _kind(evidence.relation("wrote_to"), suspects, options.target_draws)]


def refine(evidence: Evidence, suspects: Ids, labels: Ids, names: tuple[str, ...], options: ModelOptions) -> Ids:
    """Labels of suspects (−1: none) after reassignment and merging, shape (suspects,)."""
    kinds = kinds_of(evidence, suspects, names, options)
    days, hours = _profiles(evidence.days, suspects), _profiles(evidence.hours, suspects)
    for _ in range(options.rounds):
        before = labels = _compact(labels)
        if labels.max(initial=-1) < 0:
            return labels
        forgiving = explained(kinds, (days, hours), labels, replace(options, least=options.merge_least))
        labels = _compact(_merged(forgiving, labels, options))
        labels = _reassigned(explained(kinds, (days, hours), labels, options), labels, options)
        if np.array_equal(before, labels):
            break
    return labels


def explained(
    kinds: list[Kind], profiles: tuple[tuple[Floats, Floats], ...], labels: Ids, options: ModelOptions
) -> Array:
    """How much better each group explains each suspect than the background does, without the suspect itself.

    Shape (suspects, groups).
    """
    groups = int(labels.max(initial=-1)) + 1
    own = sp.csr_matrix(
        (np.ones(int((labels >= 0).sum())), (np.flatnonzero(labels >= 0), labels[labels >= 0])),
        shape=(len(labels), groups),
    )
    size = np.asarray(own.sum(axis=0)).ravel()
    others = np.maximum(size[None, :] - own.toarray(), 0)
    score = options.size_weight * np.log(np.maximum(others, 1))
    for kind in kinds:
        score += np.clip(_kind_score(kind, own, labels, options), options.least, options.cap)
    for shares, background in profiles:
        score += np.clip(_time_score(shares, background, own, options), options.least, options.cap)
    return np.where(others > 0, score, -np.inf)


def _kind(relation: Relation, suspects: Ids, draws: float) -> Kind:
    used = relation.used
    everybody = np.asarray(used.sum(axis=0)).ravel()
    inside = used[suspects].tocsc()
    kept = np.flatnonzero(np.diff(inside.indptr) >= 2)
    return Kind(inside[:, kept].tocsr(), everybody[kept] / max(used.shape[0], 1), draws)


def _kind_score(kind: Kind, own: sp.csr_matrix, labels: Ids, options: ModelOptions) -> Array:
    """Log of λ·q(a)/p(a) + 1 − λ for the artefact of a suspect that speaks most, or the mean over a few draws."""
    counts = (kind.used.T @ own).tocsr()
    kept, total = _kept_share(kind, counts, own, labels, options)
    n, groups = own.shape
    edges = kind.used.tocoo()
    per_edge = np.diff(counts.indptr)[edges.col]
    s = np.repeat(edges.row, per_edge).astype(np.int64)
    at = _ranges(counts.indptr[edges.col].astype(np.int64), per_edge)
    g, a = counts.indices[at].astype(np.int64), np.repeat(edges.col, per_edge)
    inside = counts.data[at] - (labels[s] == g)
    ratio = inside / np.maximum(total[g] - (labels[s] == g), 1) / np.maximum(kind.background[a], 1e-9)
    spoken = np.log(kept[g] * ratio + 1 - kept[g])
    silent = np.log(1 - kept)
    has = np.diff(kind.used.indptr) > 0
    out = np.where(has[:, None], silent[None, :], 0.0)
    if not len(s):
        return out
    if kind.draws == 1:
        best = np.full(n * groups, -np.inf)
        np.maximum.at(best, s * groups + g, spoken)
        return np.asarray(np.maximum(out, best.reshape(n, groups)))
    degree = np.maximum(np.diff(kind.used.indptr), 1)
    gain = np.bincount(s * groups + g, weights=spoken - silent[g], minlength=n * groups).reshape(n, groups)
    draws = np.minimum(degree, kind.draws)[:, None]
    return np.asarray(draws * (out + gain / degree[:, None]))


def _ranges(start: Ids, length: Ids) -> Ids:
    """The concatenation of start[k], start[k] + 1, … of each length."""
    before = np.cumsum(length) - length
    return np.repeat(start - before, length) + np.arange(int(length.sum()))


def _kept_share(
    kind: Kind, counts: sp.csr_matrix, own: sp.csr_matrix, labels: Ids, options: ModelOptions
) -> tuple[Array, Array]:
    """λ of each group: share of members that share an artefact of this kind with another member, and all its draws."""
    groups = own.shape[1]
    member = np.flatnonzero(labels >= 0)
    mine = kind.used[member]
    edges = mine.tocoo()
    inside = np.asarray(counts[edges.col, labels[member][edges.row]]).ravel() if edges.nnz else np.zeros(0)
    hit = np.bincount(edges.row, weights=inside >= 2, minlength=len(member)) > 0
    size = np.bincount(labels[member], minlength=groups)
    hits = np.bincount(labels[member], weights=hit, minlength=groups)
    kept = hits / (size + options.shrink)
    return np.clip(kept, 0.0, 0.95), np.asarray(counts.sum(axis=0), dtype=np.float64).ravel()


def _profiles(profile: Floats, suspects: Ids) -> tuple[Floats, Floats]:
    """Shares of a suspect's events by day or hour, and of everybody's; smoothed (½, 1, ½)."""
    smooth = profile.copy()
    smooth[:, 1:] += profile[:, :-1] / 2
    smooth[:, :-1] += profile[:, 1:] / 2
    background = smooth.sum(axis=0) + 1e-3
    mine = smooth[suspects]
    return mine / np.maximum(mine.sum(axis=1, keepdims=True), 1e-9), background / background.sum()


def _time_score(shares: Floats, background: Floats, own: sp.csr_matrix, options: ModelOptions) -> Array:
    """Expected log-ratio of a suspect's days (or hours) under each group's profile, without the suspect's own share."""
    total = own.T @ shares
    size = np.maximum(np.asarray(own.sum(axis=0)).ravel(), 1)
    mixed = 0.9 * total / size[:, None] + 0.1 * background
    score = shares @ np.log(mixed / background).T
    rows, cols = own.nonzero()
    alone = np.maximum(size[cols] - 1, 1)[:, None]
    without = 0.9 * np.maximum(total[cols] - shares[rows], 0) / alone + 0.1 * background
    score[rows, cols] = np.einsum("ij,ij->i", shares[rows], np.log(without / background))
    return np.asarray(options.time_weight * score, dtype=np.float64)


def _merged(scores: Array, labels: Ids, options: ModelOptions) -> Ids:
    """Joins a group to the one that explains its members best."""
    groups = scores.shape[1]
    member = labels >= 0
    finite = np.where(np.isfinite(scores), scores, 0.0)
    own = sp.csr_matrix(
        (np.ones(int(member.sum())), (labels[member], np.flatnonzero(member))), shape=(groups, len(labels))
    )
    size = np.maximum(np.asarray(own.sum(axis=1)).ravel(), 1)
    mean = (own @ finite) / size[:, None]
    itself = np.diag(mean).copy()
    np.fill_diagonal(mean, -np.inf)
    good = mean >= options.merge  # not "as well as by their own": a fragment's own model is what split it off
    pairs = sorted(
        ((float(mean[g, h] - itself[g]), g, h) for g, h in zip(*np.nonzero(good), strict=True)), reverse=True
    )
    root = np.arange(groups)
    grown: set[int] = set()
    for _, g, h in pairs:  # each group takes part in at most one join a round: its model is then made anew
        if g not in grown and h not in grown:
            root[g] = h
            grown.update((g, h))
    return np.where(member, root[np.maximum(labels, 0)], -1)


def _reassigned(scores: Array, labels: Ids, options: ModelOptions) -> Ids:
    """Each suspect to the group that explains it best, if by enough; it stays where two are about as good."""
    best = scores.argmax(axis=1)
    gain = scores[np.arange(len(labels)), best]
    stay = (labels >= 0) & (scores[np.arange(len(labels)), np.maximum(labels, 0)] >= gain - 0.5)
    return np.where(gain >= options.join, np.where(stay, labels, best), -1)


def _compact(labels: Ids) -> Ids:
    """Labels without gaps."""
    kept = np.unique(labels[labels >= 0])
    return np.where(labels >= 0, np.searchsorted(kept, np.maximum(labels, 0)), -1)
