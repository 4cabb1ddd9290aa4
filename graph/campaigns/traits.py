"""What campaigns and senders draw from, as small tables that outlive the window. Compares nobody with anybody.

A snapshot keeps them, so that a server can say what two senders share without the window, and a later refresh can link
a campaign to one that sleeps since weeks.
"""

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
from graph.evidence import MOST_WRITERS, Evidence, Relation
from graph.values import Campaigns, Window

Numbers = NDArray[np.floating[Any] | np.integer[Any]]
Ids = NDArray[np.int64]

ARTEFACT_RELATIONS = ("linked_to", "sent_from", "carried", "address_at")
TARGETS, HOURS, DAYS = "wrote_to", "hours", "days"
MOST_OF_CAMPAIGN = {TARGETS: 2_000}  # traits of one kind that are kept, the most shared first
MOST_OF_SENDER = {TARGETS: 50}
MOST = 100  # of every other kind


@dataclass(frozen=True)
class Living:
    """The campaigns that have senders in the window: `group[s]` is the number in `ids` of sender s's, or −1."""

    ids: tuple[str, ...]
    group: Ids

    @property
    def sizes(self) -> Ids:
        """Senders of each campaign."""
        return np.bincount(self.group[self.group >= 0], minlength=len(self.ids)).astype(np.int64)

    @property
    def indicator(self) -> sp.csr_matrix:
        """Senders × campaigns, one where a sender is a member."""
        members = np.flatnonzero(self.group >= 0)
        shape = (len(self.group), len(self.ids))
        return sp.csr_matrix((np.ones(len(members)), (members, self.group[members])), shape=shape)


def living(window: Window, campaigns: Campaigns) -> Living:
    """Campaigns with events in the window, in the order of their ids, and whose member each sender is."""
    ids = sorted(set(campaigns.timeline["campaign_id"].to_pylist()))
    rows = campaigns.members.filter(pc.equal(campaigns.members["role"], "sender"))
    number = {name: at for at, name in enumerate(ids)}
    of = dict(zip(rows["key"].to_pylist(), rows["campaign_id"].to_pylist(), strict=True))
    keys = window.senders["key"].to_pylist()
    return Living(tuple(ids), np.array([number.get(of.get(key, ""), -1) for key in keys], dtype=np.int64))


def campaign_traits(window: Window, evidence: Evidence, those: Living) -> pa.Table:
    """Rows of graph.schema.TRAITS: artefacts, targets and hours of every living campaign.

    A recipient to whom more than `MOST_WRITERS` write is nobody's target.
    """
    names = np.array(those.ids, dtype=object)
    parts = [_hours(evidence, those)]
    for name in (*ARTEFACT_RELATIONS, TARGETS):
        relation = evidence.relation(name)
        cells = (relation.used.T @ those.indicator).tocoo()
        frame = _cells(window, relation, cells.row)
        parts.append(_largest(frame.assign(owner=cells.col, value=cells.data), MOST_OF_CAMPAIGN.get(name, MOST)))
    rows = pd.concat(parts, ignore_index=True)
    rows["campaign_id"] = names[rows["owner"].to_numpy(dtype=np.int64)]
    return _table(rows.rename(columns={"value": "inside"}), schema.TRAITS, ["campaign_id", "relation", "artefact"])


def sender_traits(window: Window, evidence: Evidence, suspects: Ids) -> pa.Table:
    """Rows of graph.schema.SENDER_TRAITS: artefacts, targets, hours and days of some senders.

    Of each kind the rarest that another of these shares come first, so that what is cut off ties nobody.
    """
    keys = np.array(window.senders["key"].to_pylist(), dtype=object)
    parts = [_days(window, evidence, suspects), _own_hours(evidence, suspects)]
    for name in (*ARTEFACT_RELATIONS, TARGETS):
        relation = evidence.relation(name)
        cells = relation.counts[suspects].tocoo()
        met = np.bincount(cells.col, minlength=relation.counts.shape[1])[cells.col] >= 2
        frame = _cells(window, relation, cells.col).assign(owner=suspects[cells.row], value=cells.data)
        frame = frame[frame["users"] <= MOST_WRITERS] if name == TARGETS else frame
        ranked = frame.assign(first=~met[frame.index]).sort_values(["owner", "first", "users", "artefact"])
        parts.append(ranked.groupby("owner").head(MOST_OF_SENDER.get(name, MOST)).drop(columns="first"))
    rows = pd.concat(parts, ignore_index=True)
    rows["key"] = keys[rows["owner"].to_numpy(dtype=np.int64)]
    return _table(rows.rename(columns={"value": "events"}), schema.SENDER_TRAITS, ["key", "relation", "artefact"])


def _cells(window: Window, relation: Relation, artefact: NDArray[np.integer[Any]]) -> pd.DataFrame:
    """Relation, artefact's key and users of some cells of a relation."""
    nodes = getattr(window, relation.nodes)["key"]
    return pd.DataFrame(
        {
            "relation": np.full(len(artefact), relation.name, dtype=object),
            "artefact": np.array(nodes.take(pa.array(artefact.astype(np.int64))).to_pylist(), dtype=object),
            "users": relation.degree[artefact],
        }
    )


def _largest(frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """Of each owner the traits that most members share, the rarest of equals first."""
    popular = (frame["relation"] == TARGETS) & (frame["users"] > MOST_WRITERS)
    ranked = frame[~popular].sort_values(["owner", "value", "users", "artefact"], ascending=[True, False, True, True])
    return ranked.groupby("owner").head(most)


def _hours(evidence: Evidence, those: Living) -> pd.DataFrame:
    by_hour = those.indicator.T @ evidence.hours
    return _profile(by_hour, np.arange(len(those.ids)), evidence.hours.sum(axis=0), HOURS, _hour_names(evidence))


def _own_hours(evidence: Evidence, suspects: Ids) -> pd.DataFrame:
    everybody = np.count_nonzero(evidence.hours, axis=0)
    return _profile(evidence.hours[suspects], suspects, everybody, HOURS, _hour_names(evidence))


def _days(window: Window, evidence: Evidence, suspects: Ids) -> pd.DataFrame:
    names = [(window.start + timedelta(days=day)).date().isoformat() for day in range(evidence.days.shape[1])]
    everybody = np.count_nonzero(evidence.days, axis=0)
    return _profile(evidence.days[suspects], suspects, everybody, DAYS, names)


def _hour_names(evidence: Evidence) -> list[str]:
    return [f"{hour:02d}" for hour in range(evidence.hours.shape[1])]


def _profile(counts: Numbers, owners: Ids, users: Numbers, relation: str, names: list[str]) -> pd.DataFrame:
    owner, at = np.nonzero(np.rint(counts) > 0)
    return pd.DataFrame(
        {
            "relation": np.full(len(at), relation, dtype=object),
            "artefact": np.array(names, dtype=object)[at],
            "users": np.asarray(users, dtype=np.int64)[at],
            "owner": owners[owner],
            "value": np.rint(counts[owner, at]),
        }
    )


def _table(frame: pd.DataFrame, wanted: pa.Schema, order: list[str]) -> pa.Table:
    whole = frame.astype({name: np.int64 for name in wanted.names if pa.types.is_integer(wanted.field(name).type)})
    table = pa.Table.from_pandas(whole.reindex(columns=wanted.names), schema=wanted, preserve_index=False)
    return table.sort_by([(name, "ascending") for name in order]).replace_schema_metadata(None)
