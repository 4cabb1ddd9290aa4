"""Groups into the tables an investigator reads: members, evidence, timeline, picture, impact. Finds nothing itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray

from graph import schema
from graph.campaigns.find import Partition
from graph.campaigns.identity import OWNED, Group, Identities, Known, carry_over
from graph.campaigns.impact import impact_table
from graph.campaigns.risk import group_logits, operation_id, operations
from graph.campaigns.words import sentence
from graph.evidence import Evidence
from graph.values import Campaigns, Refresh, Window

Ids = NDArray[np.int64]

MEMBER_DOMAIN_PURITY = 0.5  # a domain belongs to a campaign when at least half of those who use it are its senders
EVIDENCE_ROWS = 12
PICTURE_TARGETS = 25  # most-hit recipients in a campaign's picture
PICTURE_EDGES = 400
INFRASTRUCTURE = ("linked_to", "sent_from", "address_at", "carried")
KIND = {"domains": "domain", "networks": "network", "fingerprints": "fingerprint", "recipients": "recipient"}


@dataclass(frozen=True)
class _Groups:
    """Groups with what each artefact has inside: `inside[name]` is artefact × group, members that use it."""

    window: Window
    evidence: Evidence
    members: Ids
    group: Ids
    sizes: Ids
    indicator: sp.csr_matrix
    inside: Mapping[str, sp.csr_matrix]

    @staticmethod
    def of(window: Window, evidence: Evidence, partition: Partition) -> "_Groups":
        members = np.flatnonzero(partition.group >= 0)
        group = partition.group[members]
        shape = (window.senders.num_rows, partition.count)
        indicator = sp.csr_matrix((np.ones(len(members)), (members, group)), shape=shape)
        inside = {r.name: (r.used.T @ indicator).tocsr() for r in evidence.relations}
        sizes = np.bincount(group, minlength=partition.count).astype(np.int64)
        return _Groups(window, evidence, members, group, sizes, indicator, inside)


def describe_campaigns(
    window: Window,
    evidence: Evidence,
    partition: Partition,
    margins: NDArray[np.float64],
    known: Known | None,
    refresh: Refresh,
    judged: Mapping[str, str],
) -> Campaigns:
    """The campaigns of a refresh: ids carried over from `known`, tables made, verdicts (`judged`) made states."""
    groups = _Groups.of(window, evidence, partition)
    domains = _member_domains(groups)
    dismissed = {name for name, verdict in judged.items() if verdict == "benign"}
    identities = carry_over(_keys(groups, domains), known, refresh, dismissed)
    names = np.array(identities.ids, dtype=object)
    members = pd.concat(
        [_sender_rows(groups, names, partition), _domain_rows(groups, names, domains), _target_rows(groups, names)]
    )
    logits = group_logits(partition.group, margins, partition.count)
    table = _campaign_rows(groups, names, domains, logits)
    table["operation_id"] = _operation_ids(groups, names)
    table["state"] = _states(identities, known, judged)
    return Campaigns(
        campaigns=_table(_with_dormant(table, identities, known, judged), schema.CAMPAIGNS, ["campaign_id"]),
        members=_table(
            _with_dormant_members(members, identities, known), schema.MEMBERS, ["campaign_id", "role", "key"]
        ),
        evidence=pa.concat_tables(
            [
                _table(_evidence_rows(groups, names), schema.EVIDENCE, ["campaign_id", "rank"]),
                _dormant_evidence(identities, known),
            ]
        ).sort_by([("campaign_id", "ascending"), ("rank", "ascending")]),
        lineage=identities.lineage,
        timeline=_table(_timeline(groups, names), schema.TIMELINE, ["campaign_id", "ts"]),
        edges=_table(_picture(groups, names), schema.CAMPAIGN_EDGES, ["campaign_id", "relation", "source", "target"]),
        impact=impact_table(window, names[groups.group], groups.members).sort_by(
            [("campaign_id", "ascending"), ("key", "ascending")]
        ),
    )


def _table(frame: pd.DataFrame, wanted: pa.Schema, order: list[str]) -> pa.Table:
    table = pa.Table.from_pandas(frame.reindex(columns=wanted.names), schema=wanted, preserve_index=False)
    return table.sort_by([(name, "ascending") for name in order]).replace_schema_metadata(None)


def _names(table: pa.Table, rows: NDArray[np.integer[Any]]) -> list[str]:
    keys: list[str] = table["key"].take(pa.array(rows)).to_pylist()
    return keys


def _member_domains(groups: _Groups) -> sp.coo_matrix:
    """Domain × group: share of a domain's users who are inside, where that makes it a member."""
    use = groups.evidence.domain_users
    everybody = np.asarray(use.sum(axis=0)).ravel()
    both = (use.T @ groups.indicator).tocoo()
    share = both.data / np.maximum(everybody[both.row], 1)
    alone = (both.data >= 2) | (everybody[both.row] == 1) & (groups.sizes[both.col] <= 2 * both.data)
    keep = (share > MEMBER_DOMAIN_PURITY) & alone
    return sp.coo_matrix((share[keep], (both.row[keep], both.col[keep])), shape=both.shape)


def _keys(groups: _Groups, domains: sp.coo_matrix) -> list[Group]:
    keys: list[set[str]] = [set() for _ in groups.sizes]
    for name, g in zip(_names(groups.window.senders, groups.members), groups.group.tolist(), strict=True):
        keys[g].add(f"sender:{name}")
    for name, g in zip(_names(groups.window.domains, domains.row), domains.col.tolist(), strict=True):
        keys[g].add(f"domain:{name}")
    for relation, kind in OWNED.items():
        artefacts, owner = _owned(groups, relation)
        nodes = getattr(groups.window, groups.evidence.relation(relation).nodes)
        for name, g in zip(_names(nodes, artefacts), owner.tolist(), strict=True):
            keys[g].add(f"{kind}:{name}")
    return [frozenset(k) for k in keys]


def _owned(groups: _Groups, relation: str) -> tuple[Ids, Ids]:
    """Artefacts that two members or more use, and they are most of those who do; and the group of each."""
    cells = groups.inside[relation].tocoo()
    mine = (cells.data >= 2) & (2 * cells.data > groups.evidence.relation(relation).degree[cells.row])
    return cells.row[mine].astype(np.int64), cells.col[mine].astype(np.int64)


def _sender_rows(groups: _Groups, names: NDArray[np.object_], partition: Partition) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "campaign_id": names[groups.group],
            "kind": "sender",
            "key": _names(groups.window.senders, groups.members),
            "role": "sender",
            "weight": partition.weight[groups.members],
        }
    )


def _domain_rows(groups: _Groups, names: NDArray[np.object_], domains: sp.coo_matrix) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "campaign_id": names[domains.col],
            "kind": "domain",
            "key": _names(groups.window.domains, domains.row),
            "role": "domain",
            "weight": domains.data,
        }
    )


def _hits(groups: _Groups) -> sp.coo_matrix:
    """Recipient × group: events of members to the recipient."""
    hits: sp.coo_matrix = (groups.evidence.relation("wrote_to").counts.T @ groups.indicator).tocoo()
    return hits


def _target_rows(groups: _Groups, names: NDArray[np.object_]) -> pd.DataFrame:
    hits = _hits(groups)
    most = np.zeros(len(groups.sizes))
    np.maximum.at(most, hits.col, hits.data)
    return pd.DataFrame(
        {
            "campaign_id": names[hits.col],
            "kind": "recipient",
            "key": _names(groups.window.recipients, hits.row),
            "role": "target",
            "weight": hits.data / np.maximum(most[hits.col], 1),
        }
    )


def _campaign_rows(
    groups: _Groups, names: NDArray[np.object_], domains: sp.coo_matrix, logits: NDArray[np.float64]
) -> pd.DataFrame:
    count = len(names)
    senders = groups.window.senders.select(["events", "first_seen", "last_seen"]).take(pa.array(groups.members))
    by_group = senders.to_pandas().assign(group=groups.group).groupby("group")
    return pd.DataFrame(
        {
            "campaign_id": names,
            "risk": 1 / (1 + np.exp(-logits)),
            "senders": groups.sizes,
            "domains": np.bincount(domains.col, minlength=count),
            "recipients": np.bincount(_hits(groups).col, minlength=count),
            "events": by_group["events"].sum().to_numpy(),
            "first_seen": by_group["first_seen"].min().to_numpy() if count else pd.Series(dtype="datetime64[us, UTC]"),
            "last_seen": by_group["last_seen"].max().to_numpy() if count else pd.Series(dtype="datetime64[us, UTC]"),
        }
    )


def _operation_ids(groups: _Groups, names: NDArray[np.object_]) -> list[str | None]:
    kinds = INFRASTRUCTURE[:3]
    users = [groups.evidence.relation(name).degree for name in kinds]
    first = operations([groups.inside[name] for name in kinds], users, groups.sizes)
    return [operation_id(names[at]) if at >= 0 else None for at in first]


def _states(identities: Identities, known: Known | None, judged: Mapping[str, str]) -> list[str]:
    before = known.states() if known else {}
    return [_state(name, "active" if name in before else "new", judged) for name in identities.ids]


def _state(name: str, otherwise: str, judged: Mapping[str, str]) -> str:
    return {"malicious": "confirmed", "benign": "dismissed"}.get(judged.get(name, ""), otherwise)


def _with_dormant(
    table: pd.DataFrame, identities: Identities, known: Known | None, judged: Mapping[str, str]
) -> pd.DataFrame:
    """Campaigns that sleep keep their last figures, so that their ids still answer."""
    if known is None or not identities.dormant:
        return table
    before: pd.DataFrame = known.campaigns.to_pandas()
    asleep = before[before["campaign_id"].isin(identities.dormant)].copy()
    asleep["state"] = [_state(name, "dormant", judged) for name in asleep["campaign_id"]]
    return pd.concat([table, asleep])


def _with_dormant_members(members: pd.DataFrame, identities: Identities, known: Known | None) -> pd.DataFrame:
    """A sleeping campaign keeps the members that no other campaign has taken over."""
    if known is None or not identities.dormant:
        return members
    before: pd.DataFrame = known.members.to_pandas()
    asleep = before[before["campaign_id"].isin(identities.dormant)]
    taken = set(members.loc[members["role"] != "target", "key"])
    free = (asleep["role"] == "target") | ~asleep["key"].isin(taken)
    return pd.concat([members, asleep[free]])


def _dormant_evidence(identities: Identities, known: Known | None) -> pa.Table:
    """What tied a sleeping campaign when it was last found; `last_seen` is no later than the campaign's own."""
    if known is None or not identities.dormant:
        return schema.EVIDENCE.empty_table()
    rows = known.evidence.filter(pc.is_in(known.evidence["campaign_id"], pa.array(identities.dormant)))
    ended = dict(zip(*(known.campaigns[name].to_pylist() for name in ("campaign_id", "last_seen")), strict=True))
    ends = pa.array([ended[campaign] for campaign in rows["campaign_id"].to_pylist()], schema.TIME)
    at = rows.schema.get_field_index("last_seen")
    seen = pc.if_else(pc.less(rows["last_seen"], ends), rows["last_seen"], ends)
    return rows.set_column(at, "last_seen", seen).cast(schema.EVIDENCE)


def _evidence_rows(groups: _Groups, names: NDArray[np.object_]) -> pd.DataFrame:
    parts = [_artefact_evidence(groups, name) for name in INFRASTRUCTURE] + [_cotarget_evidence(groups)]
    rows = pd.concat([part for part in parts if len(part)] or [parts[0]], ignore_index=True)
    rows = rows.sort_values(["group", "strength", "relation", "artefact"], ascending=[True, False, True, True])
    rows["rank"] = rows.groupby("group").cumcount() + 1
    rows = rows[rows["rank"] <= EVIDENCE_ROWS].copy()
    rows["campaign_id"] = names[rows["group"].to_numpy(dtype=np.int64)]
    sizes = groups.sizes[rows["group"].to_numpy(dtype=np.int64)]
    rows["sentence"] = [
        sentence(relation, artefact, inside, int(size), outside)
        for relation, artefact, inside, outside, size in zip(
            rows["relation"], rows["artefact"], rows["inside"], rows["outside"], sizes, strict=True
        )
    ]
    return rows


def _artefact_evidence(groups: _Groups, name: str) -> pd.DataFrame:
    """Artefacts that at least two members share more than chance would have it."""
    relation = groups.evidence.relation(name)
    cells = groups.inside[name].tocoo()
    everybody = relation.degree[cells.row]
    expected = groups.sizes[cells.col] * everybody / max(len(groups.window.senders), 1)
    strength = cells.data * np.log(np.maximum(cells.data, 1) / np.maximum(expected, 1e-9)) - (cells.data - expected)
    keep = (cells.data >= 2) & (cells.data > expected)
    nodes = getattr(groups.window, relation.nodes).select(["key", "first_seen", "last_seen"])
    rows: pd.DataFrame = nodes.take(pa.array(cells.row[keep].astype(np.int64))).to_pandas()
    return rows.rename(columns={"key": "artefact"}).assign(
        group=cells.col[keep],
        relation=name,
        inside=cells.data[keep].astype(np.int64),
        outside=(everybody - cells.data)[keep].astype(np.int64),
        strength=strength[keep],
    )


def _cotarget_evidence(groups: _Groups) -> pd.DataFrame:
    """One row a group: members tied to another member by shared targets, and strangers tied to any."""
    peers = (groups.evidence.cotargets @ groups.indicator).tocoo()
    of = np.full(groups.window.senders.num_rows, -1, np.int64)
    of[groups.members] = groups.group
    own = of[peers.row] == peers.col
    count = len(groups.sizes)
    inside = np.bincount(peers.col[own], minlength=count)
    outside = np.bincount(peers.col[~own], minlength=count)
    strength = np.bincount(peers.col[own], weights=peers.data[own], minlength=count) / 2
    keep = np.flatnonzero(inside >= 2)
    seen = groups.window.senders.select(["first_seen", "last_seen"]).take(pa.array(groups.members)).to_pandas()
    by_group = seen.groupby(groups.group)
    return pd.DataFrame(
        {
            "group": keep,
            "relation": "cotargets",
            "artefact": "shared targets",
            "inside": inside[keep],
            "outside": outside[keep],
            "strength": strength[keep],
            "first_seen": by_group["first_seen"].min().reindex(keep).array,
            "last_seen": by_group["last_seen"].max().reindex(keep).array,
        }
    )


def _timeline(groups: _Groups, names: NDArray[np.object_]) -> pd.DataFrame:
    """Events and active senders of each campaign, day by day of the window."""
    days = groups.evidence.days[groups.members]
    events = sp.csr_matrix(
        (np.ones(len(groups.members)), (groups.group, np.arange(len(groups.members)))),
        shape=(len(names), len(groups.members)),
    )
    by_day, active = events @ days, events @ (days > 0).astype(np.float32)
    g, day = np.nonzero(by_day)
    start = groups.window.start
    return pd.DataFrame(
        {
            "campaign_id": names[g],
            "ts": pd.Series([start + timedelta(days=int(d)) for d in day], dtype="datetime64[us, UTC]"),
            "events": by_day[g, day].astype(np.int64),
            "senders": active[g, day].astype(np.int64),
        }
    )


def _picture(groups: _Groups, names: NDArray[np.object_]) -> pd.DataFrame:
    """The edges worth drawing: members to what at least two of them share, and to the targets hit most."""
    parts = [_picture_edges(groups, name, names) for name in INFRASTRUCTURE] + [
        _picture_edges(groups, "wrote_to", names)
    ]
    rows = pd.concat(parts, ignore_index=True)
    place = rows.sort_values(["rank", "source", "target"]).groupby("campaign_id").cumcount()
    return rows[place.reindex(rows.index) < PICTURE_EDGES]


def _picture_edges(groups: _Groups, name: str, names: NDArray[np.object_]) -> pd.DataFrame:
    relation = groups.evidence.relation(name)
    cells = relation.counts[groups.members].tocoo()
    group = groups.group[cells.row]
    inside = np.asarray(groups.inside[name][cells.col, group]).ravel() if cells.nnz else np.zeros(0)
    keep = inside >= 2
    edges = pd.DataFrame(
        {
            "s": groups.members[cells.row[keep]],
            "a": cells.col[keep],
            "g": group[keep],
            "n": inside[keep],
            "events": cells.data[keep].astype(np.int64),
        }
    )
    if name == "wrote_to":
        ranks = edges.drop_duplicates(["g", "a"]).sort_values(["n", "a"], ascending=[False, True])
        chosen = ranks.groupby("g").head(PICTURE_TARGETS)[["g", "a"]]
        edges = edges.merge(chosen, on=["g", "a"])
    return pd.DataFrame(
        {
            "campaign_id": names[edges["g"].to_numpy(dtype=np.int64)],
            "relation": name,
            "source_kind": "sender",
            "source": _names(groups.window.senders, edges["s"].to_numpy(dtype=np.int64)),
            "target_kind": KIND[relation.nodes],
            "target": _names(getattr(groups.window, relation.nodes), edges["a"].to_numpy(dtype=np.int64)),
            "events": edges["events"].to_numpy(),
            "rank": -edges["n"].to_numpy() + (1_000_000 if name == "wrote_to" else 0),
        }
    )
