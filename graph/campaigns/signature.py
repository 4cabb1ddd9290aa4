"""What to look for so as to stop a campaign: few artefacts and habits, joined by "and" and "or", that its senders meet.

A rule is a disjunction of clauses, each of one or two traits. Clauses are added as long as they raise the F-measure by
more than they cost, precision counting twice as much as recall (van Rijsbergen 1979, β = ½); then each that is not
needed is dropped. The choice among all clauses is exact for one clause and greedy beyond. Precision and recall are
those of the window, over senders. Knows no verdict: others who meet a rule may be guilty too.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.campaigns.groups import INFRASTRUCTURE, Groups, Ids, keys_of
from graph.campaigns.patterns import Shared
from graph.campaigns.words import VERBS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Columns = dict[str, sp.csc_matrix]

BETA = 0.5
COST = 0.01  # of F that a trait must bring
MOST_CLAUSES = 6
MOST_TRAITS = 40  # that a group's rule is chosen from, the best alone first
PAIRED = 14  # of these are tried two by two
MOST_OTHERS = 2_000  # senders outside who meet a trait: a wider one is no signature, not even half of one
TARGET_STEPS = (2, 3, 5)
HABITS = ("same_hours", "debut")  # a day that is over stops nobody, but tells newcomers from customers of long standing


@dataclass(frozen=True)
class Trait:
    """Something that a sender can be checked for; `senders`: who meets it, ids sorted."""

    relation: str
    artefact: str
    senders: Ids


@dataclass(frozen=True)
class Signature:
    """A rule and how it did in the window: `inside` members and `outside` others meet it."""

    clauses: tuple[tuple[Trait, ...], ...]
    inside: int
    outside: int
    members: int

    @property
    def precision(self) -> float:
        """Share of members among those who meet the rule; NaN where nobody does."""
        return self.inside / (self.inside + self.outside) if self.inside + self.outside else float("nan")

    @property
    def recall(self) -> float:
        """Share of the members who meet it."""
        return self.inside / self.members

    @property
    def sentence(self) -> str:
        """The rule in words, with its figures."""
        if not self.clauses:
            return f"Nothing that could be looked for tells its {self.members} senders from others."
        rule = ", or ".join(" and ".join(_words(trait) for trait in clause) for clause in self.clauses)
        others = {0: "no others", 1: "1 other"}.get(self.outside, f"{self.outside} others")
        return f"Senders that {rule}: {self.inside} of {self.members} members and {others} in this window."


def signatures(groups: Groups, habits: list[Shared]) -> list[Signature]:
    """The signature of every group; `habits`: those that groups share (graph.campaigns.patterns)."""
    columns = {name: groups.evidence.relation(name).used.tocsc() for name in (*INFRASTRUCTURE, "wrote_to")}
    inside = {name: groups.inside[name].tocsc() for name in columns}
    out = []
    for group in range(groups.count):
        members = groups.members[groups.group == group]
        traits = [trait for name in INFRASTRUCTURE for trait in _artefacts(groups, columns, inside, name, group)]
        traits += _targets(columns["wrote_to"], inside["wrote_to"], group)
        traits += [
            Trait(one.relation, one.artefact, np.flatnonzero(one.has))
            for one in habits
            if one.group == group and one.relation in HABITS and one.outside <= MOST_OTHERS
        ]
        out.append(signature(members, traits))
    return out


def signature(members: Ids, traits: list[Trait]) -> Signature:
    """The best small rule for some senders (ids sorted), out of traits."""
    traits = _best(members, traits)
    universe = np.unique(np.concatenate([members, *(trait.senders for trait in traits)]))
    meets = np.array([_among(universe, trait.senders) for trait in traits]).reshape(len(traits), len(universe))
    mine = _among(universe, members)
    singles: list[tuple[int, ...]] = [(at,) for at in range(len(traits))]
    clauses = singles + list(combinations(range(min(len(traits), PAIRED)), 2))
    clauses = [clause for clause in clauses if any(not _is_habit(traits[at]) for at in clause)]
    covers = np.array([meets[list(clause)].all(axis=0) for clause in clauses]).reshape(len(clauses), len(universe))
    chosen = _pruned(_greedy(clauses, covers, mine), clauses, covers, mine)
    met = _met(chosen, covers)
    rule = tuple(tuple(traits[at] for at in clauses[clause]) for clause in chosen)
    return Signature(rule, int((met & mine).sum()), int((met & ~mine).sum()), len(members))


def _among(universe: Ids, some: Ids) -> Mask:
    """Where in a sorted universe some of it stand, shape of the universe."""
    out = np.zeros(len(universe), dtype=bool)
    out[np.searchsorted(universe, some)] = True
    return out


def _greedy(clauses: list[tuple[int, ...]], covers: Mask, mine: Mask) -> list[int]:
    """Clauses one after another, each the one that raises the worth of the rule most."""
    chosen: list[int] = []
    met, worth = np.zeros(len(mine), dtype=bool), 0.0
    cost = np.array([COST * len(clause) for clause in clauses])
    while clauses and len(chosen) < MOST_CLAUSES:
        joint = covers | met
        gains = _f_measure(joint, mine) - cost
        best = int(gains.argmax())
        if gains[best] <= worth:
            break
        chosen.append(best)
        met, worth = joint[best], float(gains[best] + cost[best])
    return chosen


def _pruned(chosen: list[int], clauses: list[tuple[int, ...]], covers: Mask, mine: Mask) -> list[int]:
    """Without the clauses that later ones made needless."""
    for clause in list(chosen):
        rest = [other for other in chosen if other != clause]
        if rest and _worth(rest, covers, mine) >= _worth(chosen, covers, mine) - COST * len(clauses[clause]):
            chosen = rest
    return chosen


def _worth(chosen: list[int], covers: Mask, mine: Mask) -> float:
    return float(_f_measure(_met(chosen, covers)[None, :], mine)[0])


def _met(chosen: list[int], covers: Mask) -> Mask:
    """Who meets any of the clauses chosen."""
    return np.asarray(covers[chosen].any(axis=0), dtype=bool)


def _f_measure(met: Mask, mine: Mask) -> Array:
    """F-measure of several rules at once: `met[rule, sender]`."""
    inside = met[:, mine].sum(axis=1)
    return _f(inside, met.sum(axis=1) - inside, int(mine.sum()))


def _f(inside: NDArray[np.int64], outside: NDArray[np.int64], members: int) -> Array:
    """F-measure from those who meet a rule, members and others."""
    return np.asarray((1 + BETA**2) * inside / np.maximum(BETA**2 * members + inside + outside, 1e-9))


def _best(members: Ids, traits: list[Trait]) -> list[Trait]:
    """The traits that alone would do best; of several that the same senders meet, the first."""
    hits = np.array([np.isin(trait.senders, members, assume_unique=True).sum() for trait in traits], dtype=np.int64)
    size = np.array([len(trait.senders) for trait in traits], dtype=np.int64)
    order = np.argsort(-_f(hits, size - hits, len(members)), kind="stable")
    kept: dict[bytes, Trait] = {}
    for at in order.tolist():
        kept.setdefault(traits[at].senders.tobytes(), traits[at])
    return list(kept.values())[:MOST_TRAITS]


def _artefacts(groups: Groups, columns: Columns, inside: Columns, name: str, group: int) -> list[Trait]:
    """What at least two members use and few others."""
    relation, count = groups.evidence.relation(name), inside[name]
    used = slice(count.indptr[group], count.indptr[group + 1])
    artefact, hits = count.indices[used].astype(np.int64), count.data[used]
    keep = (hits >= 2) & (relation.degree[artefact] - hits <= MOST_OTHERS)
    artefact = np.sort(artefact[keep])
    names = keys_of(getattr(groups.window, relation.nodes), artefact)
    return [Trait(name, key, _column(columns[name], at)) for key, at in zip(names, artefact.tolist(), strict=True)]


def _targets(column: sp.csc_matrix, inside: sp.csc_matrix, group: int) -> list[Trait]:
    """Who writes to several of the recipients that at least two members write to."""
    used = slice(inside.indptr[group], inside.indptr[group + 1])
    shared = inside.indices[used][inside.data[used] >= 2]
    senders, hits = np.unique(column[:, shared].indices.astype(np.int64), return_counts=True)
    return [
        Trait("targets", f"{least} of its {len(shared)} shared targets", senders[hits >= least])
        for least in TARGET_STEPS
        if len(shared) >= least and (hits >= least).sum() <= MOST_OTHERS
    ]


def _column(matrix: sp.csc_matrix, at: int) -> Ids:
    return np.sort(matrix.indices[matrix.indptr[at] : matrix.indptr[at + 1]].astype(np.int64))


def _is_habit(trait: Trait) -> bool:
    return trait.relation in HABITS


def _words(trait: Trait) -> str:
    verb = {**VERBS, "targets": "write to at least {artefact}"}[trait.relation]
    return verb.format(artefact=trait.artefact)
