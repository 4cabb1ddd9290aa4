"""The reads that both stores share, because their Cypher dialects agree. Knows no driver: rows come from `_read`."""

from abc import ABC, abstractmethod
from itertools import chain, zip_longest
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from graph.errors import NotFoundError
from graph.schema import VERDICT_ROWS
from graph.store.protocol import Neighbour, StoredCampaign
from graph.store.queries import projected, query
from graph.store.vocabulary import BECAME, KINDS, NODES, PART_OF, RELATION_TYPES, RELATIONS, NodeKind, RelationKind

LINEAGE_LIMIT = 10_000  # heirs or ancestors of one campaign: far more than it has refreshes

Row = dict[str, Any]


class CypherReads(ABC):
    """Everything of a `GraphStore` that only reads."""

    @abstractmethod
    def _read(self, text: str, **parameters: object) -> list[Row]:
        """Rows of one query as dicts, times as UTC datetimes; raises `StoreError`."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def counts(self) -> dict[str, int]:
        nodes = {label: self._count(query("count_nodes", label=label)) for label in NODES}
        return nodes | {type: self._count(query("count_relations", type=type)) for type in RELATION_TYPES}

    def _count(self, text: str) -> int:
        return int(self._read(text)[0]["rows"])

    def neighbours(self, kind: str, key: str, limit: int = 100) -> list[Neighbour]:
        label = KINDS.get(kind)
        if label is None:
            raise NotFoundError(kind, "no such kind of node", f"Choose one of {', '.join(KINDS)}")
        self._node(NODES[label], key)
        by_relation = [self._out(relation, key, limit) for relation in RELATIONS if relation.source == label]
        by_relation += [self._in(relation, key, limit) for relation in RELATIONS if relation.target == label]
        fairly = chain.from_iterable(zip_longest(*by_relation))
        return [neighbour for neighbour in fairly if neighbour is not None][:limit]

    def _out(self, relation: RelationKind, key: str, limit: int) -> list[Neighbour]:
        return self._along("neighbours_out", "out", relation, relation.target, key, limit)

    def _in(self, relation: RelationKind, key: str, limit: int) -> list[Neighbour]:
        return self._along("neighbours_in", "in", relation, relation.source, key, limit)

    def _along(
        self, name: str, direction: str, relation: RelationKind, other: str, key: str, limit: int
    ) -> list[Neighbour]:
        properties = tuple(name for name, _ in relation.properties)
        text = query(
            name,
            **ends(relation),
            properties=projected("r", properties),
            strength=f"r.{relation.strength} DESC, " if relation.strength else "",
        )
        return [
            Neighbour(
                relation.type, direction, other.lower(), row["neighbour"], {name: row[name] for name in properties}
            )
            for row in self._read(text, key=key, limit=limit)
        ]

    def campaign(self, id: str) -> StoredCampaign:
        properties = self._node(NODES["Campaign"], id)
        operations = self._out(PART_OF, id, 1)
        return StoredCampaign(
            id=id,
            properties=properties,
            operation=operations[0].key if operations else None,
            became=self._lineage("neighbours_out", id),
            was=self._lineage("neighbours_in", id),
        )

    def _lineage(self, name: str, id: str) -> tuple[tuple[str, str, float], ...]:
        text = query(name, **ends(BECAME), properties=projected("r", ("refresh", "share")), strength="r.refresh, ")
        rows = self._read(text, key=id, limit=LINEAGE_LIMIT)
        return tuple((row["neighbour"], row["refresh"], row["share"]) for row in rows)

    def verdicts(self) -> pa.Table:
        order = [(name, "ascending") for name in ("ts", "kind", "key", "source", "verdict")]
        return self._nodes(NODES["Verdict"]).select(VERDICT_ROWS.names).sort_by(order)

    def _node(self, node: NodeKind, key: str) -> Row:
        names = tuple(name for name, _ in node.properties)
        text = query("node", label=node.label, key=node.key, properties=projected("n", names))
        rows = self._read(text, key=key)
        if not rows:
            raise NotFoundError(
                f"{node.label} {key}", "the graph store does not hold it", "Look it up as it was ingested"
            )
        return {name: rows[0][name] for name in names}

    def _nodes(self, node: NodeKind) -> pa.Table:
        names = tuple(node.schema.names)
        text = query("nodes", label=node.label, properties=projected("n", names))
        return pa.Table.from_pylist(self._read(text), schema=node.schema)

    def _relations(self, relation: RelationKind) -> pa.Table:
        names = tuple(name for name, _ in relation.properties)
        text = query("relations", **ends(relation), properties=projected("r", names))
        return pa.Table.from_pylist(self._read(text), schema=relation.schema)


def ends(relation: RelationKind) -> dict[str, str]:
    """The words of a relationship and both its ends, for a query."""
    return {
        "type": relation.type,
        "source": relation.source,
        "source_key": NODES[relation.source].key,
        "target": relation.target,
        "target_key": NODES[relation.target].key,
    }
