"""Which campaigns one operator runs, under ids that last, and why. Knows campaigns by their traits, not their events.

An operation is what links of high confidence connect; `graph.campaigns.same_operator` says what speaks for a link.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from graph import schema
from graph.campaigns.same_operator import Comparable, Link, compare, sentence, surprise_of
from graph.campaigns.traits import ARTEFACT_RELATIONS, TARGETS

LINE = 3.0  # log-odds of a link: a probability of .95
MOST_SHARERS = 50  # campaigns at one artefact: more share a service, not an operator
LEAST_SHARE = 0.05  # of the members of both campaigns at one artefact: else nothing is looked at
MOST_USERS = 5  # of an artefact for each member of the campaign that has most of them: else it is nobody's own
LEAST_SURPRISE = 5.0  # log-likelihood ratio of common targets, likewise


def find_operations(those: Comparable, before: Mapping[str, str]) -> tuple[dict[str, str], pa.Table]:
    """The operation of every campaign that has one, and why: rows of graph.schema.OPERATION_LINKS.

    Operations are what links of at least `LINE` connect. `before` has the operations of an earlier refresh by campaign:
    an operation goes on under the id that most of its campaigns had (of equals the first by name), each at most once.
    """
    links = [link for pair in sorted(_candidates(those)) if (link := compare(those, *pair)).log_odds >= LINE]
    of = _named(_connected(links), before)
    rows = [row for link in links for row in _rows(link, of[link.campaign_id], those.sizes)]
    table = pa.Table.from_pylist(rows, schema.OPERATION_LINKS)
    return of, table.sort_by([(name, "ascending") for name in ("operation_id", "campaign_id", "other_id", "relation")])


def operation_id(campaign_ids: list[str]) -> str:
    """An operation's id, from those of its founding campaigns."""
    digest = hashlib.blake2b("\n".join(sorted(campaign_ids)).encode(), digest_size=10).digest()
    return "o-" + base64.b32encode(digest).decode().lower()


def _candidates(those: Comparable) -> set[tuple[str, str]]:
    """Pairs that share some artefact or a part of their targets; all others cannot come near a link."""
    pairs = _by_targets(those)
    for relation in ARTEFACT_RELATIONS:
        owners: dict[str, list[tuple[str, int, int]]] = {}
        for campaign, traits in sorted(those.traits.get(relation, {}).items()):
            for artefact, (inside, users) in traits.items():
                if inside >= LEAST_SHARE * those.sizes[campaign]:
                    owners.setdefault(artefact, []).append((campaign, inside, users))
        for cells in owners.values():
            if len(cells) <= MOST_SHARERS and min(c[2] for c in cells) <= MOST_USERS * max(c[1] for c in cells):
                pairs.update(combinations((campaign for campaign, _, _ in cells), 2))
    return pairs


def _by_targets(those: Comparable) -> set[tuple[str, str]]:
    """Pairs whose lists of targets overlap beyond chance."""
    of = those.traits.get(TARGETS, {})
    names = sorted(of)
    number = {key: at for at, key in enumerate(sorted({key for traits in of.values() for key in traits}))}
    rows = [at for at, name in enumerate(names) for _ in of[name]]
    cells = (rows, [number[key] for name in names for key in of[name]])
    lists = csr_matrix((np.ones(len(rows)), cells), shape=(len(names), len(number)))
    common = (lists @ lists.T).tocoo()
    size = np.diff(lists.indptr)
    upper = zip(common.row.tolist(), common.col.tolist(), common.data.tolist(), strict=True)
    return {
        (names[i], names[j])
        for i, j, both in upper
        if i < j and surprise_of(int(both), float(size[i] * size[j]) * those.collision) >= LEAST_SURPRISE
    }


def _connected(links: list[Link]) -> list[list[str]]:
    """Campaigns that links connect, each set in order."""
    names = sorted({name for link in links for name in (link.campaign_id, link.other_id)})
    at = {name: place for place, name in enumerate(names)}
    cells = (
        np.array([at[link.campaign_id] for link in links], np.int64),
        np.array([at[link.other_id] for link in links], np.int64),
    )
    graph = coo_matrix((np.ones(len(links)), cells), shape=(len(names), len(names)))
    _, part = connected_components(graph, directed=False)
    found: dict[int, list[str]] = {}
    for name, component in zip(names, part.tolist(), strict=True):
        found.setdefault(component, []).append(name)
    return list(found.values())


def _named(operations: list[list[str]], before: Mapping[str, str]) -> dict[str, str]:
    """The id of each campaign's operation: the one that most of its campaigns had, if no larger part has it too."""
    claims = sorted(
        (-votes, id, at) for at, campaigns in enumerate(operations) for id, votes in _votes(campaigns, before)
    )
    ids: dict[int, str] = {}
    for _, id, at in claims:
        if at not in ids and id not in ids.values():
            ids[at] = id
    return {
        campaign: ids.get(at) or operation_id(campaigns)
        for at, campaigns in enumerate(operations)
        for campaign in campaigns
    }


def _votes(campaigns: list[str], before: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    had = [before[name] for name in campaigns if name in before]
    return ((id, had.count(id)) for id in dict.fromkeys(had))


def _rows(link: Link, operation: str, sizes: Mapping[str, int]) -> Iterator[dict[str, object]]:
    for one in link.said:
        if one.log_odds > 0:
            yield {
                "operation_id": operation,
                "campaign_id": link.campaign_id,
                "other_id": link.other_id,
                **vars(one),
                "confidence": link.confidence,
                "sentence": sentence(one, sizes[link.campaign_id], sizes[link.other_id]),
            }


def answer(link: Link, same: bool) -> str:
    """Why two campaigns are, or are not, one operation, in a sentence."""
    reach = f"{link.log_odds:+.1f} log-odds"
    if link.log_odds >= LINE:
        return f"One operator runs both, by {reach} of the {LINE:.1f} that a link needs."
    if same:
        return f"They are one operation through others: the two by themselves reach {reach} of {LINE:.1f}."
    return f"Not one operation: {reach}, {LINE - link.log_odds:.1f} short of the {LINE:.1f} that a link needs."


def with_operations(campaigns: pa.Table, of: Mapping[str, str]) -> pa.Table:
    """The campaigns table with the column `operation_id` filled."""
    ids = pa.array([of.get(name) for name in campaigns["campaign_id"].to_pylist()], pa.string())
    return campaigns.set_column(campaigns.schema.get_field_index("operation_id"), "operation_id", ids)


def remembered(now: pa.Table, before: pa.Table, campaigns: pa.Table) -> pa.Table:
    """The traits of now, and of sleeping `campaigns` those of `before`; both of graph.schema.TRAITS."""
    known = pa.array(campaigns["campaign_id"].to_pylist(), pa.string())
    asleep = pc.and_(
        pc.is_in(before["campaign_id"], known),
        pc.invert(pc.is_in(before["campaign_id"], pc.unique(now["campaign_id"]))),
    )
    return pa.concat_tables([now, before.filter(asleep)]).sort_by(
        [(name, "ascending") for name in ("campaign_id", "relation", "artefact")]
    )


def list_operations(campaigns: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """One row an operation: its campaigns and senders, first and last event, and its weakest link's confidence."""
    of = campaigns.dropna(subset="operation_id").groupby("operation_id")
    table = of.agg(
        campaigns=("campaign_id", "size"),
        senders=("senders", "sum"),
        risk=("risk", "max"),
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
    )
    table["confidence"] = links.groupby("operation_id")["confidence"].min()
    return table.reset_index().sort_values(["senders", "operation_id"], ascending=[False, True])
