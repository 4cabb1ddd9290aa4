"""Who and what belongs to each group: senders, domains, targets, and the counts of a campaign's row. Judges nothing."""

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.campaigns.find import Partition
from graph.campaigns.groups import Groups, Ids, keys_of
from graph.campaigns.identity import OWNED, Group

MEMBER_DOMAIN_PURITY = 0.5  # a domain belongs to a campaign when at least half of those who use it are its senders


def member_domains(groups: Groups) -> sp.coo_matrix:
    """Domain × group: share of a domain's users who are inside, where that makes it a member."""
    use = groups.evidence.domain_users
    everybody = np.asarray(use.sum(axis=0)).ravel()
    both = (use.T @ groups.indicator).tocoo()
    share = both.data / np.maximum(everybody[both.row], 1)
    alone = (both.data >= 2) | (everybody[both.row] == 1) & (groups.sizes[both.col] <= 2 * both.data)
    keep = (share > MEMBER_DOMAIN_PURITY) & alone
    return sp.coo_matrix((share[keep], (both.row[keep], both.col[keep])), shape=both.shape)


def group_keys(groups: Groups, domains: sp.coo_matrix) -> list[Group]:
    """What a group is known by from refresh to refresh: its senders, its domains, and what is mostly its own."""
    keys: list[set[str]] = [set() for _ in groups.sizes]
    for name, g in zip(keys_of(groups.window.senders, groups.members), groups.group.tolist(), strict=True):
        keys[g].add(f"sender:{name}")
    for name, g in zip(keys_of(groups.window.domains, domains.row), domains.col.tolist(), strict=True):
        keys[g].add(f"domain:{name}")
    for relation, kind in OWNED.items():
        artefacts, owner = _owned(groups, relation)
        nodes = getattr(groups.window, groups.evidence.relation(relation).nodes)
        for name, g in zip(keys_of(nodes, artefacts), owner.tolist(), strict=True):
            keys[g].add(f"{kind}:{name}")
    return [frozenset(k) for k in keys]


def member_rows(
    groups: Groups, names: NDArray[np.object_], partition: Partition, domains: sp.coo_matrix
) -> pd.DataFrame:
    """Rows of graph.schema.MEMBERS."""
    return pd.concat(
        [_sender_rows(groups, names, partition), _domain_rows(groups, names, domains), _target_rows(groups, names)]
    )


def campaign_rows(
    groups: Groups, names: NDArray[np.object_], domains: sp.coo_matrix, logits: NDArray[np.float64]
) -> pd.DataFrame:
    """Rows of graph.schema.CAMPAIGNS, without operation and state; `logits`: log-odds of the risk."""
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


def _sender_rows(groups: Groups, names: NDArray[np.object_], partition: Partition) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "campaign_id": names[groups.group],
            "kind": "sender",
            "key": keys_of(groups.window.senders, groups.members),
            "role": "sender",
            "weight": partition.weight[groups.members],
        }
    )


def _domain_rows(groups: Groups, names: NDArray[np.object_], domains: sp.coo_matrix) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "campaign_id": names[domains.col],
            "kind": "domain",
            "key": keys_of(groups.window.domains, domains.row),
            "role": "domain",
            "weight": domains.data,
        }
    )


def _hits(groups: Groups) -> sp.coo_matrix:
    """Recipient × group: events of members to the recipient."""
    hits: sp.coo_matrix = (groups.evidence.relation("wrote_to").counts.T @ groups.indicator).tocoo()
    return hits


def _target_rows(groups: Groups, names: NDArray[np.object_]) -> pd.DataFrame:
    hits = _hits(groups)
    most = np.zeros(len(groups.sizes))
    np.maximum.at(most, hits.col, hits.data)
    return pd.DataFrame(
        {
            "campaign_id": names[hits.col],
            "kind": "recipient",
            "key": keys_of(groups.window.recipients, hits.row),
            "role": "target",
            "weight": hits.data / np.maximum(most[hits.col], 1),
        }
    )


def _owned(groups: Groups, relation: str) -> tuple[Ids, Ids]:
    """Artefacts that two members or more use, and they are most of those who do; and the group of each."""
    cells = groups.inside[relation].tocoo()
    mine = (cells.data >= 2) & (2 * cells.data > groups.evidence.relation(relation).degree[cells.row])
    return cells.row[mine].astype(np.int64), cells.col[mine].astype(np.int64)
