"""What ties each group together: shared artefacts, shared targets and shared habits, against chance. Draws no picture.

Each row counts members and others, with the log-likelihood ratio against the expected count as its strength and the
exact tail of chance as its significance (`graph.campaigns.significance`), before and after correction for everything
that was looked at: half of the error goes to artefacts, every one of at least two senders for every group, half to
habits, every place of one for every group, so that a longer window does not weaken a shared link.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from graph.campaigns.groups import INFRASTRUCTURE, Groups, Ids, keys_of, moments
from graph.campaigns.patterns import Shared, habits, looked_at, shared_habits
from graph.campaigns.significance import corrected, hypergeometric_tail
from graph.campaigns.words import sentence
from graph.evidence import RELATION_TABLE, ids

Times = NDArray[np.datetime64]

EVIDENCE_ROWS = 12
FAMILIES = 2  # artefacts and habits
TARGET_ROWS = 2  # recipients named as evidence; that targets are shared is said once for all of them
SHARED_TARGETS = "shared targets"
_COLUMNS = {relation: artefact for relation, _, artefact, _ in RELATION_TABLE}


def evidence_rows(groups: Groups) -> tuple[pd.DataFrame, list[Shared]]:
    """Rows of graph.schema.EVIDENCE with `group` for its id, strongest first; and the habits shared."""
    found = habits(groups)
    tests = FAMILIES * groups.count * (1 + sum(int((r.degree >= 2).sum()) for r in groups.evidence.relations))
    of_habits = FAMILIES * groups.count * looked_at(found)
    shared = list(shared_habits(groups, found, of_habits))
    parts = [_artefacts(groups, name) for name in INFRASTRUCTURE]
    parts += [_most_hit(_artefacts(groups, "wrote_to")), _cotargets(groups)]
    judged = [_judged(part, groups, tests) for part in parts] + [_judged(_habits(groups, shared), groups, of_habits)]
    rows = pd.concat([part for part in judged if len(part)] or judged[:1], ignore_index=True)
    rows = rows.sort_values(["group", "strength", "relation", "artefact"], ascending=[True, False, True, True])
    rows["rank"] = rows.groupby("group").cumcount() + 1
    rows = rows[rows["rank"] <= EVIDENCE_ROWS].copy()
    of = rows["group"].to_numpy(dtype=np.int64)
    figures = zip(
        rows["relation"], rows["artefact"], rows["inside"], groups.sizes[of].tolist(), rows["outside"], strict=True
    )
    rows["sentence"] = [sentence(*each) for each in figures]
    return rows, shared


def _judged(rows: pd.DataFrame, groups: Groups, tests: int) -> pd.DataFrame:
    inside, outside = (rows[name].to_numpy(dtype=np.int64) for name in ("inside", "outside"))
    sizes = groups.sizes[rows["group"].to_numpy(dtype=np.int64)]
    expected = sizes * (inside + outside) / max(groups.senders, 1)
    strength = inside * np.log(np.maximum(inside, 1) / np.maximum(expected, 1e-9)) - (inside - expected)
    log10_p = hypergeometric_tail(inside, sizes, inside + outside, groups.senders)
    judged: pd.DataFrame = rows.assign(strength=strength, log10_p=log10_p, log10_p_corrected=corrected(log10_p, tests))
    beyond: pd.DataFrame = judged[inside > expected]
    return beyond


def _artefacts(groups: Groups, name: str) -> pd.DataFrame:
    """Artefacts that at least two members share, and when members used them."""
    relation = groups.evidence.relation(name)
    cells = groups.inside[name].tocoo()
    keep = cells.data >= 2
    artefact, group, inside = (part[keep].astype(np.int64) for part in (cells.row, cells.col, cells.data))
    first, last = _used(groups, name, artefact, group)
    return pd.DataFrame(
        {
            "group": group,
            "relation": name,
            "artefact": keys_of(getattr(groups.window, relation.nodes), artefact),
            "inside": inside,
            "outside": relation.degree[artefact] - inside,
            "first_seen": _times(first),
            "last_seen": _times(last),
        }
    )


def _used(groups: Groups, name: str, artefact: Ids, group: Ids) -> tuple[Times, Times]:
    """When members first and last used each artefact; where the relation has no times, when its members were seen."""
    edges: pa.Table = getattr(groups.window, name)
    sender, node = ids(edges, "sender"), ids(edges, _COLUMNS[name])
    timed, rows = (
        (edges, np.arange(len(sender))) if "first_seen" in edges.column_names else (groups.window.senders, sender)
    )
    inner = np.flatnonzero(groups.of[sender] >= 0)
    cells, cell = np.unique(node[inner] * groups.count + groups.of[sender[inner]], return_inverse=True)
    at = np.searchsorted(cells, artefact * groups.count + group)
    spans = []
    for column, narrowed in (("first_seen", np.fmin), ("last_seen", np.fmax)):
        span = np.full(len(cells), np.datetime64("NaT", "us"))
        narrowed.at(span, cell, moments(timed, column)[rows[inner]])
        spans.append(span[at])
    return spans[0], spans[1]


def _most_hit(rows: pd.DataFrame) -> pd.DataFrame:
    """The recipients whom most members and fewest others write to."""
    order = rows.sort_values(["group", "inside", "outside", "artefact"], ascending=[True, False, True, True])
    return order.groupby("group").head(TARGET_ROWS)


def _cotargets(groups: Groups) -> pd.DataFrame:
    """One row a group: members tied to another member by shared targets, and strangers tied to any."""
    peers = (groups.evidence.cotargets @ groups.indicator).tocoo()
    own = groups.of[peers.row] == peers.col
    inside = np.bincount(peers.col[own], minlength=groups.count)
    outside = np.bincount(peers.col[~own], minlength=groups.count)
    keep = np.flatnonzero(inside >= 2)
    first, last = groups.seen()
    return pd.DataFrame(
        {
            "group": keep,
            "relation": "cotargets",
            "artefact": SHARED_TARGETS,
            "inside": inside[keep],
            "outside": outside[keep],
            "first_seen": _times(first[keep]),
            "last_seen": _times(last[keep]),
        }
    )


def _habits(groups: Groups, shared: list[Shared]) -> pd.DataFrame:
    """The habits of each group; of same days and a first appearance on the same days only what tells more."""
    telling: dict[tuple[int, bool], Shared] = {}
    for one in shared:
        place = one.group, one.relation == "same_hours"
        if place not in telling or one.log10_p < telling[place].log10_p:
            telling[place] = one
    chosen = list(telling.values())
    of = np.array([one.group for one in chosen], dtype=np.int64)
    first, last = groups.seen()
    return pd.DataFrame(
        {
            "group": of,
            "relation": [one.relation for one in chosen],
            "artefact": [one.artefact for one in chosen],
            "inside": np.array([one.inside for one in chosen], dtype=np.int64),
            "outside": np.array([one.outside for one in chosen], dtype=np.int64),
            "first_seen": _times(first[of]),
            "last_seen": _times(last[of]),
        }
    )


def _times(values: NDArray[np.datetime64]) -> pd.Series:
    zoned: pd.Series = pd.Series(values).dt.tz_localize("UTC")
    return zoned
