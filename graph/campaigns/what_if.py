"""The smallest evidence without which a campaign falls apart. Judges by `graph.campaigns.cohesion`; finds no campaign.

Evidence is taken away artefact by artefact, or a whole kind at a time: all targets, days or hours. First greedily, the
piece after which fewest members hold; then every piece that turns out not to be needed is put back; then all smaller
sets are tried, as far as `MOST_TRIED` goes. The answer says whether it is proven smallest (`exact`) or greedy.
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph import schema
from graph.campaigns.cohesion import LEAST_SENDERS, Bundle, holding, usual_times
from graph.campaigns.traits import DAYS, HOURS, TARGETS, Living
from graph.evidence import Evidence
from graph.values import Window

Ids = NDArray[np.int64]
Unit = tuple[str, int | None]  # a relation, and an artefact's position in the bundle or None for the whole kind

WHOLE_KINDS = (TARGETS, DAYS, HOURS)
MOST_UNITS = 16  # artefacts that can be taken away: those with most members
MOST_PIECES = 8  # more than so many reasons are "many"
MOST_TRIED = 200  # sets tried to prove that no smaller one does it
MOST_MEMBERS = 200  # of a larger campaign so many, evenly spread, stand for all
FALLEN = 0.5  # a campaign has dissolved when fewer than this share of those who held still hold


@dataclass(frozen=True)
class Dissolution:
    """What must go, piece by piece, and how many members hold before and after each; `shared`: members behind each."""

    pieces: tuple[Unit, ...]
    shared: tuple[int, ...]
    before: int
    after: tuple[int, ...]
    dissolves: bool
    exact: bool


def smallest(bundle: Bundle) -> Dissolution:
    """The smallest set of evidence found whose removal dissolves a campaign; no piece where nothing holds it."""
    before = int(holding(bundle).sum())
    shared = bundle.shared()
    artefacts = sorted(shared, key=lambda unit: (-shared[unit], unit))[:MOST_UNITS]
    units: list[Unit] = [*artefacts, *((kind, None) for kind in WHOLE_KINDS)]
    if not before:
        return Dissolution((), (), 0, (), False, True)
    chosen, left = _greedy(bundle, units, before)
    fallen = left < _line(before)
    exact = False
    if fallen:
        chosen = _needed(bundle, chosen, before)
        chosen, exact = _proven(bundle, units, chosen, before)
    after = tuple(int(holding(bundle, set(chosen[: at + 1])).sum()) for at in range(len(chosen)))
    behind = tuple(bundle.size if at is None else shared[name, at] for name, at in chosen)
    return Dissolution(tuple(chosen), behind, before, after, fallen, exact)


def _line(before: int) -> float:
    """With fewer members than this a campaign has dissolved."""
    return max(FALLEN * before, LEAST_SENDERS)


def _falls(bundle: Bundle, gone: tuple[Unit, ...] | list[Unit], before: int) -> bool:
    return not holding(bundle, set(gone), _line(before)).any()


def _left(bundle: Bundle, gone: tuple[Unit, ...] | list[Unit]) -> int:
    return int(holding(bundle, set(gone)).sum())


def _greedy(bundle: Bundle, units: list[Unit], before: int) -> tuple[list[Unit], int]:
    chosen: list[Unit] = []
    left = before
    while left >= _line(before) and len(chosen) < min(MOST_PIECES, len(units)):
        tried = [(_left(bundle, [*chosen, unit]), at) for at, unit in enumerate(units) if unit not in chosen]
        left, at = min(tried)
        chosen.append(units[at])
    return chosen, left


def _needed(bundle: Bundle, chosen: list[Unit], before: int) -> list[Unit]:
    """The chosen without those that can stay, the last chosen looked at first."""
    for unit in reversed(chosen):
        rest = [other for other in chosen if other != unit]
        if rest and _falls(bundle, rest, before):
            chosen = rest
    return chosen


def _proven(bundle: Bundle, units: list[Unit], chosen: list[Unit], before: int) -> tuple[list[Unit], bool]:
    """A smaller set if there is one, and whether all smaller ones were tried."""
    budget = MOST_TRIED
    for size in range(1, len(chosen)):
        budget -= comb(len(units), size)
        if budget < 0:
            return chosen, False
        for some in combinations(units, size):
            if _falls(bundle, some, before):
                return list(some), True
    return chosen, True


def what_if_table(window: Window, evidence: Evidence, those: Living) -> pa.Table:
    """Rows of graph.schema.WHAT_IF for every living campaign that its evidence holds; `evidence` as it was found by."""
    order = np.argsort(those.group, kind="stable")
    bounds = np.searchsorted(those.group[order], np.arange(len(those.ids) + 1))
    usual = usual_times(evidence)
    rows: list[dict[str, object]] = []
    for at, name in enumerate(those.ids):
        members = order[bounds[at] : bounds[at + 1]]
        step = -(-len(members) // MOST_MEMBERS)
        bundle = Bundle.of(evidence, members[:: max(step, 1)], usual)
        rows += _rows(window, evidence, name, bundle, smallest(bundle))
    return pa.Table.from_pylist(rows, schema.WHAT_IF)


def _rows(window: Window, evidence: Evidence, name: str, bundle: Bundle, found: Dissolution) -> list[dict[str, object]]:
    positions = {part.relation: part.ids for part in bundle.edges}
    rows: list[dict[str, object]] = []
    for rank, ((relation, at), shared, after) in enumerate(
        zip(found.pieces, found.shared, found.after, strict=True), start=1
    ):
        nodes = None if at is None else getattr(window, evidence.relation(relation).nodes)
        artefact = None if nodes is None else str(nodes["key"][int(positions[relation][at])])
        rows.append(
            {
                "campaign_id": name,
                "rank": rank,
                "relation": relation,
                "artefact": artefact,
                "senders": shared,
                "looked_at": bundle.size,
                "held_before": found.before,
                "held_after": after,
                "dissolves": found.dissolves,
                "exact": found.exact,
                "sentence": sentence(relation, artefact, found.before, after, rank),
            }
        )
    return rows


_KINDS = {TARGETS: "whom they write to", DAYS: "the days they write on", HOURS: "the hours they write at"}
_ARTEFACTS = {
    "linked_to": "the links to {}",
    "sent_from": "the network {}",
    "carried": "the text {}",
    "address_at": "the addresses at {}",
}


def sentence(relation: str, artefact: str | None, before: int, after: int, rank: int) -> str:
    """What one more piece taken away leaves, in words made from its figures."""
    piece = _KINDS[relation] if artefact is None else _ARTEFACTS[relation].format(artefact)
    start = "Without" if rank == 1 else "Then also without"
    return f"{start} {piece}, {after} of {before} senders still hold together."
