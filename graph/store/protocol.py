"""What every graph store can do, and the values it answers with. Knows no database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa

from graph.store.vocabulary import NODES
from graph.values import GraphContents

Progress = Callable[[int], None]  # called with the number of rows written since the last call
Value = object  # str, int, float, datetime (UTC) or None


def quiet(rows: int) -> None:
    """The progress of a caller who shows none."""


@dataclass(frozen=True)
class StoreSummary:
    """What the store holds after a write: nodes by label, relationships by type, and the seconds it took."""

    refresh: str
    nodes: Mapping[str, int]
    relationships: Mapping[str, int]
    seconds: float


def summary(refresh: str, counts: Mapping[str, int], seconds: float) -> StoreSummary:
    """Counts by label and type as a summary."""
    nodes = {name: rows for name, rows in counts.items() if name in NODES}
    relationships = {name: rows for name, rows in counts.items() if name not in NODES}
    return StoreSummary(refresh, nodes, relationships, seconds)


@dataclass(frozen=True)
class Neighbour:
    """One relationship of a node, and what is at its other end. `direction` is "out" or "in"."""

    relation: str
    direction: str
    kind: str
    key: str
    properties: Mapping[str, Value]


@dataclass(frozen=True)
class StoredCampaign:
    """A campaign as the graph knows it, living or merged.

    `became` are its heirs and `was` its ancestors, each as (campaign id, refresh id, share).
    """

    id: str
    properties: Mapping[str, Value]
    operation: str | None
    became: tuple[tuple[str, str, float], ...]
    was: tuple[tuple[str, str, float], ...]


class GraphStore(Protocol):
    """A graph database that holds the window of the last refresh, its campaigns, and what people said of them.

    Every method raises `StoreError` where the store is away, refuses us or is damaged. One writer at a time: the
    caller holds the home's write lock.
    """

    def write(self, contents: GraphContents, progress: Progress = quiet) -> StoreSummary:
        """Make the store hold `contents`; the same contents twice change nothing.

        What left the window goes. Verdicts, refreshes, campaigns that have lineage or a verdict, and lineage stay.
        """
        ...

    def counts(self) -> dict[str, int]:
        """Nodes by label and relationships by type, every label and type of the contract, zero where none."""
        ...

    def neighbours(self, kind: str, key: str, limit: int = 100) -> list[Neighbour]:
        """At most `limit` relationships of a node, the strongest of each type before the second of any.

        Raises `NotFoundError` for a node that is not there.
        """
        ...

    def campaign(self, id: str) -> StoredCampaign:
        """A campaign with its operation and lineage. Raises `NotFoundError`."""
        ...

    def verdicts(self) -> pa.Table:
        """Every verdict ever kept (`graph.schema.VERDICT_ROWS`), oldest first."""
        ...

    def refresh(self) -> str | None:
        """Id of the refresh whose window the store holds, None before the first."""
        ...

    def check(self) -> None:
        """Raise StoreError now where `write` would fail for want of a server, a password or a readable past."""
        ...

    def outdated(self) -> bool:
        """Whether a new handle would read another database than this one does; costs no query."""
        ...

    def ping(self) -> str:
        """Name and version of the database, once it has answered."""
        ...

    def close(self) -> None:
        """Let go of the database; harmless twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
