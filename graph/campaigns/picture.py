"""A group over time and as a graph that a person can look at. Knows edges and days, no evidence and no risk."""

from datetime import timedelta

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.campaigns.groups import INFRASTRUCTURE, Groups, keys_of

PICTURE_TARGETS = 25  # most-hit recipients in a campaign's picture
PICTURE_EDGES = 400
KIND = {"domains": "domain", "networks": "network", "fingerprints": "fingerprint", "recipients": "recipient"}


def timeline_rows(groups: Groups, names: NDArray[np.object_]) -> pd.DataFrame:
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


def picture_rows(groups: Groups, names: NDArray[np.object_]) -> pd.DataFrame:
    """The edges worth drawing: members to what at least two of them share, and to the targets hit most."""
    parts = [_picture_edges(groups, name, names) for name in INFRASTRUCTURE] + [
        _picture_edges(groups, "wrote_to", names)
    ]
    rows = pd.concat(parts, ignore_index=True)
    place = rows.sort_values(["rank", "source", "target"]).groupby("campaign_id").cumcount()
    return rows[place.reindex(rows.index) < PICTURE_EDGES]


def _picture_edges(groups: Groups, name: str, names: NDArray[np.object_]) -> pd.DataFrame:
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
            "source": keys_of(groups.window.senders, edges["s"].to_numpy(dtype=np.int64)),
            "target_kind": KIND[relation.nodes],
            "target": keys_of(getattr(groups.window, relation.nodes), edges["a"].to_numpy(dtype=np.int64)),
            "events": edges["events"].to_numpy(),
            "rank": -edges["n"].to_numpy() + (1_000_000 if name == "wrote_to" else 0),
        }
    )
