"""Why two senders are, or are not, together: what each kind of evidence says, in log-odds and in sentences.

Weight of evidence (Good 1950): for each kind, how much likelier what is seen would be if one hand wrote for both than
if two strangers did. Works on what a snapshot keeps (`graph.campaigns.traits`), not on the window.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from graph import schema
from graph.campaigns.cohesion import CAP, OWN_TIME, TIME_DRAWS
from graph.campaigns.same_operator import collision_of
from graph.campaigns.traits import ARTEFACT_RELATIONS, DAYS, HOURS, TARGETS, Living
from graph.campaigns.words import NOUNS
from graph.evidence import MOST_WRITERS, Evidence

Ids = NDArray[np.int64]
Counts = Mapping[str, tuple[int, int]]  # artefact -> events of the sender, senders of the window that share it

KINDS = (*ARTEFACT_RELATIONS, TARGETS, DAYS, HOURS)
LEAST = -3.0  # one missing kind vetoes nothing
SHRINK = 2.0  # pseudo-pairs behind the share of pairs that keep a kind of evidence
MOST_PAIRS = 2_000  # of members, by which that share is measured
LEAST_KEPT, MOST_KEPT = 0.05, 0.95


@dataclass(frozen=True)
class Basis:
    """What comparisons rest on: figures of the window, kept as rows of graph.schema.COMPARED_BY.

    `senders` of the window; `prior`: log-odds that two suspects at random are in one campaign; `kept[kind]`: share of
    pairs within campaigns that share an artefact of the kind, where both have some; `spread[kind]`: of days and hours
    the sum of all senders' active ones; `collision`: chance that two targets meet (`same_operator.collision_of`).
    """

    senders: int
    prior: float
    collision: float
    kept: Mapping[str, float]
    spread: Mapping[str, float]

    def as_table(self) -> pa.Table:
        """The same as rows."""
        rows = {"senders": float(self.senders), "prior": self.prior, "collision": self.collision}
        rows |= {f"kept:{kind}": share for kind, share in self.kept.items()}
        rows |= {f"spread:{kind}": total for kind, total in self.spread.items()}
        return pa.table([list(rows), list(rows.values())], schema=schema.COMPARED_BY)

    @staticmethod
    def read(table: pa.Table) -> "Basis":
        """From rows of graph.schema.COMPARED_BY. KeyError where they lack a figure."""
        rows = dict(zip(table["name"].to_pylist(), table["value"].to_pylist(), strict=True))
        parts = {
            what: {name.partition(":")[2]: value for name, value in rows.items() if name.startswith(f"{what}:")}
            for what in ("kept", "spread")
        }
        return Basis(int(rows["senders"]), rows["prior"], rows["collision"], parts["kept"], parts["spread"])


@dataclass(frozen=True)
class Shared:
    """An artefact that both senders use, and how many senders of the window do."""

    artefact: str
    users: int


@dataclass(frozen=True)
class Said:
    """What one kind says. `known`: which of the two show anything of the kind; `shared`: the rarest first."""

    relation: str
    log_odds: float
    known: tuple[bool, bool]
    shared: tuple[Shared, ...]
    sentence: str


@dataclass(frozen=True)
class Comparison:
    """All kinds; `log_odds` is their sum and the prior: above 0 one hand is likelier than two."""

    prior: float
    said: tuple[Said, ...]

    @property
    def log_odds(self) -> float:
        return self.prior + sum(one.log_odds for one in self.said)

    @property
    def missing(self) -> float:
        """Log-odds that are missing until one hand is as likely as two; 0 where none are."""
        return max(-self.log_odds, 0.0)


def basis_of(evidence: Evidence, those: Living, suspects: int) -> Basis:
    """The figures of a window by its campaigns; pairs are taken in a fixed order, at most `MOST_PAIRS` a campaign."""
    sizes = those.sizes.astype(np.float64)
    together = float((sizes * (sizes - 1)).sum()) / max(suspects * (suspects - 1.0), 1.0)
    odds = np.clip(together, 1e-6, 0.5)
    first, second = _pairs(those)
    kept = {name: _kept(evidence.relation(name).used, first, second) for name in (*ARTEFACT_RELATIONS, TARGETS)}
    spread = {DAYS: float(np.count_nonzero(evidence.days)), HOURS: float(np.count_nonzero(evidence.hours))}
    prior, collision = float(np.log(odds / (1 - odds))), collision_of(evidence.relation(TARGETS).degree, MOST_WRITERS)
    return Basis(len(those.group), prior, collision, kept, spread)


def compare(first: Mapping[str, Counts], second: Mapping[str, Counts], basis: Basis) -> Comparison:
    """What every kind says of two senders, given by their traits: relation -> artefact -> (events, users)."""
    said = []
    for kind in KINDS:
        mine, theirs = first.get(kind, {}), second.get(kind, {})
        common = sorted(
            (Shared(a, mine[a][1]) for a in mine.keys() & theirs.keys()), key=lambda s: (s.users, s.artefact)
        )
        timed = kind in (DAYS, HOURS)
        value = _timed(mine, theirs, basis.spread[kind]) if timed else _artefacts(mine, theirs, common, basis, kind)
        known = bool(mine), bool(theirs)
        said.append(Said(kind, value, known, tuple(common), sentence(kind, known, common, len(mine), len(theirs))))
    return Comparison(basis.prior, tuple(said))


def traits_by_relation(rows: pa.Table) -> dict[str, dict[str, tuple[int, int]]]:
    """Traits of one sender (rows of graph.schema.SENDER_TRAITS) by relation and artefact."""
    out: dict[str, dict[str, tuple[int, int]]] = {}
    columns = (rows[name].to_pylist() for name in ("relation", "artefact", "events", "users"))
    for relation, artefact, events, users in zip(*columns, strict=True):
        out.setdefault(relation, {})[artefact] = (events, users)
    return out


def _artefacts(mine: Counts, theirs: Counts, common: list[Shared], basis: Basis, kind: str) -> float:
    """log(λ/p(at least one in common by chance) + 1 − λ) of the rarest, or log(1 − λ) where nothing is shared.

    A kind that one of them does not show at all is silent.
    """
    if not mine or not theirs:
        return 0.0
    kept = basis.kept.get(kind, LEAST_KEPT)
    if not common:
        return max(float(np.log1p(-kept)), LEAST)
    draws = min(len(mine), len(theirs))
    chance = [min(draws * shared.users / max(basis.senders, 1), 1.0) for shared in common]
    if kind == TARGETS:  # a list is as telling as all that it has in common, a few draws of it at most
        return min(float(sum(np.log(kept / p + 1 - kept) for p in chance[:3])), CAP)
    return min(float(np.log(kept / chance[0] + 1 - kept)), CAP)


def _timed(mine: Counts, theirs: Counts, spread: float) -> float:
    """How much likelier two draws meet than under everybody's days or hours, on the log scale."""
    if not mine or not theirs:
        return 0.0
    total_mine, total_theirs = (sum(events for events, _ in of.values()) for of in (mine, theirs))
    meet = sum(
        mine[at][0] / total_mine * theirs[at][0] / total_theirs * spread / max(users, 1)
        for at in mine.keys() & theirs.keys()
        for users in (mine[at][1],)
    )
    return float(np.clip(TIME_DRAWS * np.log(OWN_TIME * meet + 1 - OWN_TIME), LEAST, CAP))


def _pairs(those: Living) -> tuple[Ids, Ids]:
    """Pairs of members of one campaign: each with members at growing distances, so that pairs spread over all."""
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    order = np.argsort(those.group, kind="stable")
    bounds = np.searchsorted(those.group[order], np.arange(len(those.ids) + 1))
    for low, high in pairwise(bounds.tolist()):
        members = order[low:high]
        for step in range(1, min(len(members), max(MOST_PAIRS // max(len(members), 1), 1) + 1)):
            first.append(members[:-step][:MOST_PAIRS])
            second.append(members[step:][:MOST_PAIRS])
    return np.concatenate(first), np.concatenate(second)


def _kept(used: sp.csr_matrix, first: Ids, second: Ids) -> float:
    """Share of pairs with an artefact in common, of those where both have any; shrunk to the least."""
    has = np.diff(used.indptr) > 0
    both = has[first] & has[second]
    common = np.asarray(used[first[both]].multiply(used[second[both]]).sum(axis=1)).ravel() > 0
    share = (float(common.sum()) + SHRINK * LEAST_KEPT) / (float(both.sum()) + SHRINK)
    return float(np.clip(share, LEAST_KEPT, MOST_KEPT))


def sentence(kind: str, known: tuple[bool, bool], common: list[Shared], mine: int, theirs: int) -> str:
    """What one kind shows, in words made from its figures."""
    noun = NOUNS[kind]
    if not all(known):
        who = "Neither shows" if not any(known) else f"Only the {'first' if known[0] else 'second'} shows"
        return f"{who} a {noun}: it says nothing."
    if not common:
        return f"They share no {noun}, of {mine} and {theirs}."
    rarest = common[0]
    others = f"{rarest.users} senders have it in all" if rarest.users > 2 else "nobody else has it"
    return (
        f"They share {_count(len(common), noun)}, of {mine} and {theirs}; of the rarest, {rarest.artefact}, {others}."
    )


def answer(found: Comparison, same: bool) -> str:
    """The whole in a sentence."""
    sure = f"{found.log_odds:+.1f} log-odds"
    if same:
        return f"They are in one campaign. By themselves alone the two reach {sure}; members need not tie in pairs."
    if found.missing > 0:
        against = [one for one in found.said if one.log_odds < 0]
        most = min(against, key=lambda one: one.log_odds, default=None)
        why = f"; what speaks most against it: {most.sentence}" if most else ""
        return f"Not together: {sure}, {found.missing:.1f} short of as likely as not{why}"
    return f"Alone the two reach {sure}, which would do; what ties each to others tied them elsewhere or to nobody."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
