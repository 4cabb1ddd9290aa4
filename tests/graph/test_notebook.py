"""Graphs and tables for notebooks, and DataFrames on their way back to the lake."""

import ast
import json
from dataclasses import replace
from datetime import UTC, datetime

import networkx as nx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as fast
from hypothesis import strategies as st

from graph import notebook, schema
from graph.errors import InputError, NotFoundError
from graph.home import Home
from graph.lake import Lake
from graph.read import Quarantine, ReadOptions, read_events
from graph.snapshot import publish
from graph.values import Window
from tests import factories

TS = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def snapshot(tmp_path):
    return publish(Home(tmp_path).ensure(), factories.publication(), keep=2)


def a_window() -> Window:
    """Two senders, one of them also a recipient; every relation once."""

    def rows(wanted: pa.Schema, *values: dict) -> pa.Table:
        return pa.Table.from_pylist([{name: value.get(name) for name in wanted.names} for value in values], wanted)

    edge = {"events": 3, "first_seen": TS, "last_seen": TS}
    return Window(
        start=TS,
        as_of=TS,
        fingerprint="f",
        senders=rows(schema.SENDERS, {"key": "a@x.example", "events": 3}, {"key": "b@y.example", "events": 1}),
        recipients=rows(schema.RECIPIENTS, {"key": "b@y.example"}),
        domains=rows(schema.ARTEFACTS, {"key": "x.example"}, {"key": "y.example"}),
        networks=rows(schema.ARTEFACTS, {"key": "192.0.2.0/24"}),
        fingerprints=rows(schema.ARTEFACTS, {"key": "ff"}),
        wrote_to=rows(schema.WROTE_TO, {"sender": 0, "recipient": 0, "reports": 2, **edge}),
        linked_to=rows(schema.LINKED_TO, {"sender": 1, "domain": 0, **edge}),
        sent_from=rows(schema.SENT_FROM, {"sender": 0, "network": 0, **edge}),
        carried=rows(schema.CARRIED, {"sender": 0, "fingerprint": 0, **edge}),
        address_at=rows(schema.ADDRESS_AT, {"sender": 0, "domain": 0}, {"sender": 1, "domain": 1}),
        same_mailbox=rows(schema.SAME_MAILBOX, {"sender": 1, "recipient": 0}),
    )


def test_a_campaign_is_a_multigraph_of_members_artefacts_and_targets(snapshot):
    graph = notebook.campaign(snapshot, "c-links")
    assert isinstance(graph, nx.MultiDiGraph)
    assert graph.graph["risk"] == pytest.approx(0.97)
    assert graph.nodes["sender", "bad1@offers.example"]["role"] == "sender"
    assert graph.nodes["recipient", "target1@example.net"]["role"] == "target"
    edge = graph["sender", "bad1@offers.example"]["domain", "offers.example"]["linked_to"]
    assert edge == {"relation": "linked_to", "events": 4}
    assert nx.number_weakly_connected_components(graph.subgraph(n for n in graph if graph.degree(n))) == 1


def test_a_campaigns_graph_holds_all_its_members_and_edges_and_no_others(snapshot):
    graph = notebook.campaign(snapshot, "c-links")
    members = notebook.table(snapshot, "members").query("campaign_id == 'c-links'")
    edges = notebook.table(snapshot, "edges").query("campaign_id == 'c-links'")
    assert {(kind, key) for kind, key, data in _nodes(graph) if "role" in data} == set(
        zip(members["kind"], members["key"], strict=True)
    )
    assert graph.number_of_edges() == len(edges)


def _nodes(graph):
    return [(kind, key, data) for (kind, key), data in graph.nodes(data=True)]


def test_an_unknown_campaign_says_where_to_find_the_known_ones(snapshot):
    with pytest.raises(NotFoundError, match="c-nowhere"):
        notebook.campaign(snapshot, "c-nowhere")


def through_graphml(graph, folder):
    nx.write_graphml(graph, folder / "campaign.graphml")
    return nx.read_graphml(folder / "campaign.graphml", force_multigraph=True)


def through_gml(graph, folder):
    nx.write_gml(graph, folder / "campaign.gml")
    return nx.read_gml(folder / "campaign.gml")


def through_json(graph, folder):
    (folder / "campaign.json").write_text(json.dumps(nx.node_link_data(graph), allow_nan=False))
    return nx.node_link_graph(json.loads((folder / "campaign.json").read_text()))


FORMATS = (through_graphml, through_gml, through_json)


@pytest.mark.parametrize("through", FORMATS)
def test_a_campaign_goes_through_every_graph_format(snapshot, tmp_path, through):
    """Case 22."""
    graph = notebook.campaign(snapshot, "c-links")
    again = through(graph, tmp_path)
    assert again.number_of_nodes() == graph.number_of_nodes()
    assert again.number_of_edges() == graph.number_of_edges()
    assert {data["key"] for _, data in again.nodes(data=True)} == {key for _, key in graph.nodes}
    assert graph.graph["first_seen"] == factories.seen(1).isoformat()


@pytest.mark.parametrize("through", FORMATS)
@given(
    keys=st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=4, unique=True),
    weight=st.none() | st.floats(0, 1),
    events=st.none() | st.integers(0, 2**40),
)
@fast(max_examples=10, deadline=None)
def test_a_campaign_goes_through_every_format_whatever_its_senders_are_called(
    tmp_path_factory, through, keys, weight, events
):
    made, folder = factories.publication(), tmp_path_factory.mktemp("formats")
    members = [row | {"weight": weight} for row in factories.members("c-links", "sender", "sender", keys)]
    edges = [
        row | {"events": events} for row in factories.edges("c-links", "linked_to", "domain", "offers.example", keys)
    ]
    found = replace(
        made.campaigns,
        members=factories.table(schema.MEMBERS, members),
        edges=factories.table(schema.CAMPAIGN_EDGES, edges),
        evidence=made.campaigns.evidence.slice(0, 0),
    )
    graph = notebook.campaign(publish(Home(folder).ensure(), replace(made, campaigns=found), keep=1), "c-links")
    assert "headline" not in graph.graph
    again = through(graph, folder)
    assert again.number_of_edges() == graph.number_of_edges()
    if through is not through_json:
        assert {ast.literal_eval(node) for node in again} == set(graph)


def test_a_campaign_can_be_written_as_gexf(snapshot, tmp_path):
    nx.write_gexf(notebook.campaign(snapshot, "c-links"), tmp_path / "campaign.gexf")
    assert "bad1@offers.example" in (tmp_path / "campaign.gexf").read_text()


def test_a_window_goes_through_json_and_gml(tmp_path):
    graph = notebook.window_graph(a_window())
    for through in (through_json, through_gml):
        assert through(graph, tmp_path).number_of_edges() == graph.number_of_edges()


def test_a_snapshots_tables_are_frames_whose_missing_text_is_na(snapshot):
    scores = notebook.table(snapshot, "scores")
    assert list(scores.columns) == schema.DECIDED_SCORES.names
    assert scores.set_index("key").loc["ann@example.org", "campaign_id"] is pd.NA
    assert str(scores["as_of"].dt.tz) == "UTC"


def test_a_window_is_a_multigraph_of_every_relation():
    graph = notebook.window_graph(a_window())
    assert sorted(relation for _, _, relation in graph.edges(keys=True)) == sorted(
        ["wrote_to", "linked_to", "sent_from", "carried", "address_at", "address_at", "same_mailbox"]
    )
    assert graph.nodes["sender", "a@x.example"]["events"] == 3
    wrote = graph["sender", "a@x.example"]["recipient", "b@y.example"]["wrote_to"]
    assert (wrote["events"], wrote["reports"], wrote["relation"]) == (3, 2, "wrote_to")
    assert graph.has_edge(("sender", "b@y.example"), ("recipient", "b@y.example"), "same_mailbox")


def test_a_windows_tables_are_frames_by_name():
    tables = notebook.window_tables(a_window())
    assert set(tables) == {name for name, kind in Window.__annotations__.items() if kind is pa.Table}
    assert tables["wrote_to"].loc[0, "events"] == 3


def event_frame(**changes) -> pd.DataFrame:
    row = {
        "event_id": "e1",
        "ts": pd.Timestamp("2024-05-01T10:00:00Z"),
        "channel": "mail",
        "sender": "a@x.example",
        "recipients": ["b@y.example"],
        "domains": [],
        "ip": "192.0.2.7",
    }
    return pd.DataFrame([row, {**row, "event_id": "e2", **changes}])


def read_back(rows: pd.DataFrame, quarantine: Quarantine) -> pa.Table:
    return pa.Table.from_batches(notebook.events(rows, ReadOptions(), quarantine), schema.EVENTS)


def test_a_frame_of_events_goes_into_the_lake(tmp_path):
    quarantine = Quarantine(tmp_path / "q.jsonl")
    lake = Lake(Home(tmp_path / "home").ensure().path)
    summary = lake.ingest(events=notebook.events(event_frame(), ReadOptions(), quarantine))
    assert (summary.events_new, quarantine.count) == (2, 0)


def test_a_row_of_a_frame_that_breaks_the_contract_is_set_aside_by_its_position(tmp_path):
    with Quarantine(tmp_path / "q.jsonl") as quarantine:
        good = read_back(event_frame(channel="fax"), quarantine)
    assert good["event_id"].to_pylist() == ["e1"]
    assert '"row": 2' in (tmp_path / "q.jsonl").read_text()


def test_a_frame_without_a_needed_column_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match="recipients"):
        read_back(event_frame().drop(columns="recipients"), Quarantine(tmp_path / "q.jsonl"))


def test_a_frame_with_a_column_of_several_types_is_an_error(tmp_path):
    with pytest.raises(InputError, match="several types"):
        read_back(event_frame(sender=7), Quarantine(tmp_path / "q.jsonl"))


def test_reports_and_verdicts_have_their_own_columns(tmp_path):
    quarantine = Quarantine(tmp_path / "q.jsonl")
    reports = pd.DataFrame([{"event_id": "e1", "reporter": "b@y.example", "ts": TS, "kind": "junk"}])
    verdict = {"kind": "sender", "key": "a@x.example", "verdict": "malicious", "ts": TS, "source": "desk"}
    (reported,) = notebook.reports(reports, ReadOptions(), quarantine)
    (judged,) = notebook.verdicts(pd.DataFrame([verdict]), ReadOptions(), quarantine)
    assert reported.schema.names == schema.REPORTS.names
    assert judged.to_pylist() == [verdict]


names = st.text("abcdefghij", min_size=1, max_size=8)
mailboxes = st.builds("{}@{}.example".format, names, names)


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "event_id": st.uuids().map(str),
                "ts": st.datetimes(datetime(2001, 1, 1), datetime(2024, 1, 1), timezones=st.just(UTC)),
                "channel": st.sampled_from(schema.CHANNELS),
                "sender": mailboxes,
                "recipients": st.lists(mailboxes, min_size=1, max_size=3),
                "domains": st.lists(names.map("{}.example".format), max_size=2),
                "ip": st.none() | st.ip_addresses().map(str),
                "fingerprint": st.none() | names,
            }
        ),
        min_size=1,
        max_size=6,
    )
)
@fast(max_examples=30, deadline=None)
def test_a_file_of_events_comes_back_the_same_by_way_of_a_frame(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("frame")
    pq.write_table(pa.Table.from_pylist(rows, schema.EVENTS), folder / "events.parquet")
    quarantine = Quarantine(folder / "q.jsonl")
    direct = pa.Table.from_batches(read_events([folder], ReadOptions(), quarantine), schema.EVENTS)
    assert read_back(notebook.frame(direct), quarantine).to_pylist() == direct.to_pylist() == rows
    assert quarantine.count == 0
