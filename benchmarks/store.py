"""How fast a refresh gets into a graph store: bulk COPY into LadybugDB, batched upserts into Neo4j, beside naive ones.

    .venv/bin/python benchmarks/store.py [--edges 1000000] [--neo4j-edges 100000]

Neo4j is the server of NEO4J_URI (`make neo4j` starts one) with NEO4J_PASSWORD, and its database is WIPED. Without it
only LadybugDB is measured. The naive peers write the same WROTE_TO rows one query a row, on a sample.
"""

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ladybug
import numpy as np
import pyarrow as pa
from neo4j import GraphDatabase

from graph import schema
from graph.home import Home
from graph.store import open_store
from graph.store.bolt import parse
from graph.values import Campaigns, GraphContents, Refresh, Window

START = datetime(2025, 3, 1, tzinfo=UTC)
MONTH = 30 * 86_400_000_000  # microseconds
SENDERS_PER_EDGE, RECIPIENTS_PER_EDGE = 5, 4  # mail is sparse: five edges a sender, four a recipient
LADYBUG_SAMPLE, NEO4J_SAMPLE = 2_000, 1_000
ONE_EDGE = (
    "MATCH (a:Sender {key: $source}) MATCH (b:Recipient {key: $target}) "
    "MERGE (a)-[r:WROTE_TO]->(b) SET r.events = $events"
)


def filled(form: pa.Schema, **columns: pa.Array) -> pa.Table:
    """A table of this schema from some columns, the others null."""
    rows = len(next(iter(columns.values())))
    return pa.table([columns.get(field.name, pa.nulls(rows, field.type)) for field in form], schema=form)


def world(edges: int, seed: int = 7) -> GraphContents:
    """A refresh of `edges` distinct WROTE_TO relationships and nothing else that is large."""
    draw = np.random.default_rng(seed)
    senders, recipients = edges // SENDERS_PER_EDGE, edges // RECIPIENTS_PER_EDGE
    pairs = np.unique(draw.integers(0, senders * recipients, int(edges * 1.05)))[:edges]
    first = START.timestamp() * 1e6 + draw.integers(0, MONTH, len(pairs))
    moments = pa.array(first.astype("int64")).cast(pa.int64()).cast(schema.TIME)
    counts = {name: pa.array(draw.integers(1, 9, len(pairs))) for name in ("events", "mail", "calendar", "contacts")}
    wrote_to = filled(
        schema.WROTE_TO,
        sender=pa.array((pairs // recipients).astype("int32")),
        recipient=pa.array((pairs % recipients).astype("int32")),
        first_seen=moments,
        last_seen=moments,
        active_days=pa.array(np.ones(len(pairs), "int32")),
        reports=pa.array(np.zeros(len(pairs), "int64")),
        **counts,
    )
    return contents(people(schema.SENDERS, "s", senders), people(schema.RECIPIENTS, "r", recipients), wrote_to)


def people(form: pa.Schema, prefix: str, number: int) -> pa.Table:
    """Nodes with keys on a reserved name."""
    seen = pa.array([START] * number, schema.TIME)
    keys = pa.array([f"{prefix}{i:08}@example.com" for i in range(number)])
    return filled(form, key=keys, first_seen=seen, last_seen=seen)


def contents(senders: pa.Table, recipients: pa.Table, wrote_to: pa.Table) -> GraphContents:
    """A whole refresh around one large table."""
    none = {name: getattr(schema, name.upper()).empty_table() for name in ("linked_to", "sent_from", "carried")}
    none |= {name: getattr(schema, name.upper()).empty_table() for name in ("address_at", "same_mailbox")}
    artefacts = dict.fromkeys(("domains", "networks", "fingerprints"), schema.ARTEFACTS.empty_table())
    as_of = START + timedelta(days=30)
    window = Window(START, as_of, "0" * 64, senders, recipients, wrote_to=wrote_to, **artefacts, **none)
    names = ("campaigns", "members", "evidence", "lineage", "timeline", "impact")
    found = {name: getattr(schema, name.upper()).empty_table() for name in names}
    return GraphContents(
        Refresh("benchmark", START, as_of, "none", window.fingerprint),
        window,
        pa.array(np.zeros(senders.num_rows)),
        pa.array([], pa.float64()),
        Campaigns(edges=schema.CAMPAIGN_EDGES.empty_table(), **found),
        schema.VERDICT_ROWS.empty_table(),
    )


def sample(graph: GraphContents, rows: int) -> list[dict[str, object]]:
    """Some WROTE_TO rows as the naive peer's parameters."""
    edges = graph.window.wrote_to.slice(0, rows)
    source = graph.window.senders["key"].take(edges["sender"])
    target = graph.window.recipients["key"].take(edges["recipient"])
    return pa.table({"source": source, "target": target, "events": edges["events"]}).to_pylist()


def say(what: str, rows: int, seconds: float) -> float:
    """Print one measurement; rows a second."""
    print(f"{what:<58}{rows:>10,} rows {seconds:>8.2f} s {rows / seconds:>12,.0f} rows/s", flush=True)
    return rows / seconds


def embedded(edges: int) -> None:
    """The whole embedded write, node tables, fsync and pointer swap included, and its naive peer."""
    graph = world(edges)
    with tempfile.TemporaryDirectory() as folder:
        with open_store("ladybug:", Home(Path(folder))) as store:
            summary = store.write(graph)
        rows = sum(summary.nodes.values()) + sum(summary.relationships.values())
        ours = say("LadybugDB, a refresh (bulk COPY, fsync, swap)", rows, summary.seconds)
        with ladybug.Database(f"{folder}/naive") as database, ladybug.Connection(database) as connection:
            naive = say("LadybugDB, one query a row", LADYBUG_SAMPLE, one_by_one_embedded(connection, graph))
    print(f"  -> {ours / naive:,.0f} times as fast\n")


def one_by_one_embedded(connection: ladybug.Connection, graph: GraphContents) -> float:
    connection.execute("CREATE NODE TABLE Sender(key STRING PRIMARY KEY)")
    connection.execute("CREATE NODE TABLE Recipient(key STRING PRIMARY KEY)")
    connection.execute("CREATE REL TABLE WROTE_TO(FROM Sender TO Recipient, events INT64)")
    connection.execute("COPY Sender FROM $rows", {"rows": graph.window.senders.select(["key"])})
    connection.execute("COPY Recipient FROM $rows", {"rows": graph.window.recipients.select(["key"])})
    began = time.perf_counter()
    for row in sample(graph, LADYBUG_SAMPLE):
        connection.execute(ONE_EDGE, row)
    return time.perf_counter() - began


def served(edges: int, url: str, password: str) -> None:
    """The whole Neo4j write, first and repeated, and its naive peer."""
    graph, address = world(edges), parse(url)
    with GraphDatabase.driver(address.uri, auth=(address.user, password)) as driver:
        with driver.session() as session:
            session.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 1000 ROWS").consume()
        with open_store(url, Home(Path()), password) as store:
            summary = store.write(graph)
            rows = sum(summary.nodes.values()) + sum(summary.relationships.values())
            ours = say("Neo4j, a refresh into an empty database (batched UNWIND)", rows, summary.seconds)
            say("Neo4j, the same refresh again (changes nothing)", rows, store.write(graph).seconds)
        began = time.perf_counter()
        for row in sample(graph, NEO4J_SAMPLE):
            driver.execute_query(ONE_EDGE, row)
        naive = say("Neo4j, one query a row", NEO4J_SAMPLE, time.perf_counter() - began)
    print(f"  -> {ours / naive:,.0f} times as fast")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--edges", type=int, default=1_000_000)
    options.add_argument("--neo4j-edges", type=int, default=100_000)
    chosen = options.parse_args()
    embedded(chosen.edges)
    url = os.environ.get("NEO4J_URI")
    if url:
        served(chosen.neo4j_edges, url, os.environ.get("NEO4J_PASSWORD", ""))
    else:
        print("NEO4J_URI is not set: Neo4j is not measured (`make neo4j` starts one)")


if __name__ == "__main__":
    main()
