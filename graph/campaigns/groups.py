"""Groups of senders beside what they use, counted once for all who describe them. Finds nothing and says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.campaigns.find import Partition
from graph.evidence import Evidence
from graph.values import Window

Ids = NDArray[np.int64]

INFRASTRUCTURE = ("linked_to", "sent_from", "carried", "address_at")


@dataclass(frozen=True)
class Groups:
    """`members[i]` is a sender in `group[i]` of `sizes`; `of[s]` the group of every sender, −1 for none.

    `inside[name]` is artefact × group: how many members use the artefact of that relation.
    """

    window: Window
    evidence: Evidence
    members: Ids
    group: Ids
    of: Ids
    sizes: Ids
    indicator: sp.csr_matrix  # senders × groups
    inside: Mapping[str, sp.csr_matrix]

    @staticmethod
    def count_in(window: Window, evidence: Evidence, partition: Partition) -> "Groups":
        """The groups of a partition, counted."""
        members = np.flatnonzero(partition.group >= 0)
        group = partition.group[members]
        shape = (window.senders.num_rows, partition.count)
        indicator = sp.csr_matrix((np.ones(len(members)), (members, group)), shape=shape)
        inside = {r.name: (r.used.T @ indicator).tocsr() for r in evidence.relations}
        sizes = np.bincount(group, minlength=partition.count).astype(np.int64)
        return Groups(window, evidence, members, group, partition.group, sizes, indicator, inside)

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(self.sizes)

    @property
    def senders(self) -> int:
        """How many senders the window has."""
        return int(self.window.senders.num_rows)

    def seen(self) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
        """First and last event of each group's members, shape (groups,)."""
        never = np.datetime64("NaT", "us")
        first, last = np.full(self.count, never), np.full(self.count, never)
        np.fmin.at(first, self.group, moments(self.window.senders, "first_seen")[self.members])
        np.fmax.at(last, self.group, moments(self.window.senders, "last_seen")[self.members])
        return first, last


def moments(table: pa.Table, name: str) -> NDArray[np.datetime64]:
    """A column of times, microseconds UTC."""
    return np.asarray(table[name].to_numpy(zero_copy_only=False).astype("datetime64[us]"))


def keys_of(table: pa.Table, rows: NDArray[np.integer[Any]]) -> list[str]:
    """Keys of some nodes, by their ids."""
    keys: list[str] = table["key"].take(pa.array(rows)).to_pylist()
    return keys
