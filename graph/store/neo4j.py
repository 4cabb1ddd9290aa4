"""The graph store on a Neo4j 5 server: batched idempotent upserts, then what left the window is deleted.

A write is many small transactions. Who reads meanwhile sees of each node and relationship its old or its new
state, never half of one, and for some seconds rows of two refreshes side by side; `refresh()` names the new one
only once the last row is in its place. A write that was cut short is made whole by the next.

Each node and relationship of the window carries the id of the refresh that wrote it, in `_refresh`: names with a
leading underscore are this module's own.
"""

import time
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from graph.schema import TIME
from graph.store.bolt import Address, Bolt, Row
from graph.store.protocol import Progress, StoreSummary, quiet, summary
from graph.store.queries import query
from graph.store.reads import CypherReads, ends
from graph.store.rows import LIVING_STATES, History, node_rows, relation_rows
from graph.store.vocabulary import (
    ABOUT,
    BECAME,
    KEPT_LABELS,
    KEPT_TYPES,
    NODES,
    RELATIONS,
    NodeKind,
    RelationKind,
)
from graph.values import GraphContents

BATCH_ROWS = 5_000  # rows a transaction: a tenth of a second of locks, some 10 MB of transaction state
INDEXES = (("Sender", "risk"), ("Domain", "risk"), ("Campaign", "state"), ("Verdict", "key"))
KEPT_CAMPAIGN = "AND NOT (n)-[:BECAME]-() AND NOT (n)<-[:ABOUT]-()"
MOMENT = (  # a time travels as microseconds: packing ints is eight times as fast as packing datetimes
    "CASE WHEN {0} IS NULL THEN null "
    "ELSE datetime({{epochSeconds: {0} / 1000000, nanosecond: {0} % 1000000 * 1000}}) END"
)


class Neo4jStore(CypherReads):
    """A `GraphStore` over Bolt; `batch_rows` rows go into one transaction."""

    def __init__(self, address: Address, password: str | None, batch_rows: int = BATCH_ROWS) -> None:
        self._bolt = Bolt(address, password)
        self._batch_rows = batch_rows

    def write(self, contents: GraphContents, progress: Progress = quiet) -> StoreSummary:
        """As in `GraphStore`. Raises StoreError; what is written by then stays; the next write completes it."""
        began = time.perf_counter()
        refresh = contents.refresh.id
        self._create_schema()
        for node, rows in node_rows(contents, History()):
            self._upsert_nodes(node, rows, refresh, progress)
        for relation, rows in relation_rows(contents, History()):
            self._upsert_relations(relation, rows, refresh, progress)
        self._link_verdicts()
        self._delete_stale(refresh)
        self._bolt.write(query("neo4j_make_current"), {"refresh": refresh})
        return summary(refresh, self.counts(), time.perf_counter() - began)

    def refresh(self) -> str | None:
        """As in `GraphStore`."""
        rows = self._read(query("neo4j_current_refresh"))
        return str(rows[0]["id"]) if rows else None

    def check(self) -> None:
        """As in `GraphStore`: one read in the database that will be written."""
        self.refresh()

    def outdated(self) -> bool:
        """As in `GraphStore`: a server has one database, which each query reads as it is then."""
        return False

    def ping(self) -> str:
        """As in `GraphStore`."""
        return self._bolt.agent()

    def close(self) -> None:
        """As in `GraphStore`."""
        self._bolt.close()

    def _read(self, text: str, **parameters: object) -> list[Row]:
        return self._bolt.read(text, parameters)

    def _create_schema(self) -> None:
        for node in NODES.values():
            words = {"name": f"{node.label.lower()}_{node.key}_unique", "label": node.label, "key": node.key}
            self._bolt.write(query("neo4j_constraint", **words), {})
        for label, name in INDEXES:
            words = {"name": f"{label.lower()}_{name}", "label": label, "property": name}
            self._bolt.write(query("neo4j_index", **words), {})

    def _upsert_nodes(self, node: NodeKind, rows: pa.Table, refresh: str, progress: Progress) -> None:
        if node.label == "Campaign":  # those without a state are named by lineage alone, which makes them
            rows = rows.filter(pc.is_valid(rows["state"]))
        self._send(_upsert_text(node), rows, refresh, progress)

    def _upsert_relations(self, relation: RelationKind, rows: pa.Table, refresh: str, progress: Progress) -> None:
        if relation in ABOUT:  # `_link_verdicts` does these: it reaches verdicts of earlier refreshes too
            return
        text = query("neo4j_upsert_lineage") if relation is BECAME else _upsert_relation_text(relation)
        self._send(text, rows, refresh, progress)

    def _send(self, text: str, rows: pa.Table, refresh: str, progress: Progress) -> None:
        for batch in self._batches(_plain(rows)):
            self._bolt.write(text, {"rows": batch, "refresh": refresh})
            progress(len(batch))

    def _batches(self, rows: pa.Table) -> Iterator[list[list[object]]]:
        for start in range(0, rows.num_rows, self._batch_rows):
            part = rows.slice(start, self._batch_rows)
            yield [list(row) for row in zip(*(column.to_pylist() for column in part.columns), strict=True)]

    def _link_verdicts(self) -> None:
        for relation in ABOUT:
            node = NODES[relation.target]
            text = query("neo4j_link_verdicts", label=node.label, key=node.key)
            self._bolt.write(text, {"kind": node.label.lower()})

    def _delete_stale(self, refresh: str) -> None:
        self._bolt.write(
            query("neo4j_sleep_campaigns"), {"refresh": refresh, "living": list(LIVING_STATES), "state": "dormant"}
        )
        for relation in RELATIONS:
            if relation.type not in KEPT_TYPES:
                self._delete("neo4j_delete_relations", query("neo4j_stale_relations", **ends(relation)), refresh)
        for label in NODES:
            if label not in KEPT_LABELS:
                kept = KEPT_CAMPAIGN if label == "Campaign" else ""
                self._delete("neo4j_delete_nodes", query("neo4j_stale_nodes", label=label, and_not_kept=kept), refresh)

    def _delete(self, name: str, stale: str, refresh: str) -> None:
        """One scan finds what is stale; batches delete it by id, so that no transaction grows with the graph."""
        ids = [row["id"] for row in self._read(stale, refresh=refresh)]
        for start in range(0, len(ids), self._batch_rows):
            self._bolt.write(query(name), {"rows": ids[start : start + self._batch_rows]})


def _upsert_text(node: NodeKind) -> str:
    stamped = node.label not in KEPT_LABELS
    return query(
        "neo4j_upsert_nodes", label=node.label, key=node.key, properties=_assignments("n", node.properties, 1, stamped)
    )


def _upsert_relation_text(relation: RelationKind) -> str:
    return query(
        "neo4j_upsert_relations", **ends(relation), properties=_assignments("r", relation.properties, 2, stamped=True)
    )


def _assignments(variable: str, properties: tuple[tuple[str, pa.DataType], ...], first: int, stamped: bool) -> str:
    """`n.risk = row[3], n._refresh = $refresh`: rows travel as lists, which pack in half the time of maps."""
    pairs = [
        f"{variable}.{name} = {MOMENT.format(f'row[{place}]') if type == TIME else f'row[{place}]'}"
        for place, (name, type) in enumerate(properties, start=first)
    ]
    return ", ".join([*pairs, *([f"{variable}._refresh = $refresh"] if stamped else [])])


def _plain(rows: pa.Table) -> pa.Table:
    """Times as microseconds."""
    return pa.table(
        {name: rows[name].cast(pa.int64()) if rows[name].type == TIME else rows[name] for name in rows.column_names}
    )
