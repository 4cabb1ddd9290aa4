"""Ways in and out for notebooks: networkx graphs and pandas tables. Knows no command, no server and no model.

Nodes of every graph here are pairs (kind, key) and carry both as attributes; each edge carries its relation, also as
its networkx key. Attributes are what GraphML, GML and JSON can say: times are ISO 8601 text, what is not known is left
out, and a character that XML cannot say stands as U+FFFD. Lists of a window's nodes stay lists, which GraphML alone
refuses. One campaign or one small window fits a notebook; a window of a million senders does not.

>>> from graph.notebook import campaign, table
>>> snapshot = open_current(Home(Path(".ringleader")))  # doctest: +SKIP
>>> table(snapshot, "campaigns").nlargest(5, "risk")  # doctest: +SKIP
>>> networkx.write_graphml(campaign(snapshot, "C-1"), "campaign.graphml")  # doctest: +SKIP
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

import networkx as nx
import pandas as pd
import pyarrow as pa

from graph.errors import InputError, NotFoundError
from graph.read.options import ReadOptions
from graph.read.quarantine import Quarantine
from graph.read.rows import EVENTS, REPORTS, VERDICTS, Contract, RawRows, check_columns, clean_rows
from graph.snapshot import Snapshot
from graph.values import Window

# What is no character of XML 1.0 (section 2.2); lone surrogates cannot come out of a snapshot.
_UNSAYABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FRAME = "DataFrame"  # stands where a file's name would in errors and quarantine lines


@dataclass(frozen=True)
class Ends:
    """Which node tables a window's edge table joins: table and kind of its source and of its target."""

    relation: str
    source: tuple[str, str]
    target: tuple[str, str]


_SENDER = ("senders", "sender")
_RECIPIENT = ("recipients", "recipient")
_DOMAIN = ("domains", "domain")
WINDOW_EDGES = (
    Ends("wrote_to", _SENDER, _RECIPIENT),
    Ends("linked_to", _SENDER, _DOMAIN),
    Ends("sent_from", _SENDER, ("networks", "network")),
    Ends("carried", _SENDER, ("fingerprints", "fingerprint")),
    Ends("address_at", _SENDER, _DOMAIN),
    Ends("same_mailbox", _SENDER, _RECIPIENT),
)


def table(snapshot: Snapshot, name: str) -> pd.DataFrame:
    """A table of a snapshot (`graph.snapshot.TABLES`); times are UTC."""
    return frame(snapshot.table(name))


def window_tables(window: Window) -> dict[str, pd.DataFrame]:
    """Every table of a window by its name; row number = node id, as the edge tables use it."""
    tables = {each.name: getattr(window, each.name) for each in fields(window)}
    return {name: frame(value) for name, value in tables.items() if isinstance(value, pa.Table)}


def frame(rows: pa.Table) -> pd.DataFrame:
    """An Arrow table as a DataFrame; missing text is pandas' NA, so that `frame["campaign_id"].isna()` finds it."""
    converted: pd.DataFrame = rows.to_pandas(types_mapper={pa.string(): pd.StringDtype("pyarrow")}.get)
    return converted


def campaign(snapshot: Snapshot, campaign_id: str) -> "nx.MultiDiGraph[tuple[str, str]]":
    """One campaign: members, what they share, and the targets hit most.

    Graph attributes: the campaign's row of `campaigns`. Nodes: `kind`, `key`, and for members `role` and `weight`.
    Edges: `relation`, `events`. Raises NotFoundError for an id that this snapshot does not hold.
    """
    facts = snapshot.campaign(campaign_id)
    if facts is None:
        mend = "See the ids in table(snapshot, 'campaigns'); after a merge, snapshot.heir(id) names the heir"
        raise NotFoundError(f"campaign {campaign_id}", f"snapshot {snapshot.id} does not hold it", mend)
    graph: nx.MultiDiGraph[tuple[str, str]] = nx.MultiDiGraph(**_sayable(facts))
    for member in snapshot.rows_of("members", campaign_id).drop_columns(["campaign_id"]).to_pylist():
        graph.add_node(_node(member["kind"], member["key"]), **_sayable(member))
    for edge in snapshot.rows_of("edges", campaign_id).to_pylist():
        _join(graph, _node(edge["source_kind"], edge["source"]), _node(edge["target_kind"], edge["target"]), edge)
    return graph


def _join(
    graph: "nx.MultiDiGraph[tuple[str, str]]",
    source: tuple[str, str],
    target: tuple[str, str],
    edge: Mapping[str, object],
) -> None:
    for kind, key in (source, target):
        graph.add_node((kind, key), kind=kind, key=str(key))
    known = _sayable({name: edge[name] for name in ("relation", "events")})
    graph.add_edge(source, target, key=edge["relation"], **known)


class _Key(str):
    """A key whose representation fits into GML's quotes: networkx writes a pair there by it, and GML is ASCII."""

    __slots__ = ()

    def __repr__(self) -> str:
        text = self.encode("unicode_escape").decode("ascii")
        for letter in ("'", '"', "&"):
            text = text.replace(letter, f"\\x{ord(letter):02x}")
        return f"'{text}'"


def _node(kind: str, key: str) -> tuple[str, str]:
    return kind, _Key(_UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", key))


def _sayable(facts: Mapping[str, object]) -> dict[str, object]:
    """Attributes that graph formats can write: no None, no time but as text."""
    return {name: _plain(value) for name, value in facts.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return _UNSAYABLE.sub("\N{REPLACEMENT CHARACTER}", value) if isinstance(value, str) else value


def window_graph(window: Window) -> "nx.MultiDiGraph[tuple[str, str]]":
    """A whole window: its node tables' columns on the nodes, its edge tables' columns on the edges."""
    graph: nx.MultiDiGraph[tuple[str, str]] = nx.MultiDiGraph(
        start=window.start.isoformat(), as_of=window.as_of.isoformat()
    )
    nodes: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, kind in dict.fromkeys(end for ends in WINDOW_EDGES for end in (ends.source, ends.target)):
        rows = getattr(window, name).to_pylist()
        nodes[name, kind] = [_node(kind, row["key"]) for row in rows]
        graph.add_nodes_from((_node(kind, row["key"]), {"kind": kind, **_sayable(row)}) for row in rows)
    for ends in WINDOW_EDGES:
        sources, targets = nodes[ends.source], nodes[ends.target]
        for row in getattr(window, ends.relation).to_pylist():
            source, target = sources[row.pop(ends.source[1])], targets[row.pop(ends.target[1])]
            graph.add_edge(source, target, key=ends.relation, relation=ends.relation, **_sayable(row))
    return graph


def events(rows: pd.DataFrame, options: ReadOptions, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
    """A DataFrame in the contract's columns as batches for `Lake.ingest(events=...)`, checked as a file would be.

    A row that breaks the contract goes to `quarantine` under its 1-based position. Raises InputError for a missing
    column and for a type that cannot hold what the contract asks for.
    """
    return _checked(rows, EVENTS, options, quarantine)


def reports(rows: pd.DataFrame, options: ReadOptions, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
    """The same for reports."""
    return _checked(rows, REPORTS, options, quarantine)


def verdicts(rows: pd.DataFrame, options: ReadOptions, quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
    """The same for verdicts."""
    return _checked(rows, VERDICTS, options, quarantine)


def _checked(
    rows: pd.DataFrame, contract: Contract, options: ReadOptions, quarantine: Quarantine
) -> Iterator[pa.RecordBatch]:
    names = check_columns(list(map(str, rows.columns)), contract, FRAME)
    try:
        whole = pa.Table.from_pandas(rows[names], preserve_index=False)
    except pa.ArrowException as error:
        reason = f"a column holds values of several types ({error})"
        raise InputError(FRAME, reason, "Give each column one type") from error
    first = 1
    for batch in whole.to_batches(max_chunksize=options.batch_rows):
        yield clean_rows(RawRows(FRAME, batch, range(first, first + batch.num_rows)), contract, options, quarantine)
        first += batch.num_rows
