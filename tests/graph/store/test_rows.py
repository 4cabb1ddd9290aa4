"""Laws of the rows, for any graph: no relationship without both its ends, keys unique, targets' events add up."""

from collections import Counter
from dataclasses import replace

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from small_world import became, campaign, campaigns, contents, edges, member, verdict, verdicts, window

from graph import schema
from graph.store.rows import History, node_rows, relation_rows, verdict_rows
from graph.store.vocabulary import BECAME, NODES, RELATIONS, TARGETS
from graph.values import GraphContents

SENDERS = [f"s{n}@bad.example" for n in range(4)]
RECIPIENTS = ["alice@example.com", "bob@example.com", "carol@example.net"]
IDS = ["c-1", "c-2", "c-3"]


def pairs(left: list[str], right: list[str]) -> st.SearchStrategy[list[tuple[str, str]]]:
    return st.lists(st.tuples(st.sampled_from(left), st.sampled_from(right)), unique=True, max_size=8)


@st.composite
def graphs(draw: st.DrawFn) -> GraphContents:
    """Any mail between a few people, any campaigns, members and verdicts, also of nodes that are not there."""
    graph = window(SENDERS)
    mail = edges(schema.WROTE_TO, graph.senders, graph.recipients, draw(pairs(SENDERS, RECIPIENTS)))
    found = draw(st.lists(st.sampled_from(IDS), unique=True))
    members = [member(c, "sender", s, "sender") for c, s in draw(pairs(IDS, [*SENDERS, "gone@bad.example"]))]
    members += [member(c, "recipient", r, "target") for c, r in draw(pairs(IDS, [*RECIPIENTS, "gone@example.com"]))]
    members += [member(c, "domain", d, "domain") for c, d in draw(pairs(IDS, ["click.test", "gone.test"]))]
    lineage = [became(a, b, "merged") for a, b in draw(pairs(IDS, IDS))]
    said = [verdict(kind, key) for kind, key in draw(pairs(["sender", "domain", "campaign"], [*SENDERS, *IDS]))]
    return contents(
        graph=replace(graph, wrote_to=mail),
        found=campaigns(
            [campaign(id) for id in sorted(found)], [m for m in members if m["campaign_id"] in found], lineage
        ),
        said=verdicts(*said),
    )


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_every_relationship_has_both_ends_and_no_key_comes_twice(graph: GraphContents) -> None:
    keys = {node.label: rows[node.key].to_pylist() for node, rows in node_rows(graph, History())}
    assert set(keys) == set(NODES)
    assert all(len(found) == len(set(found)) for found in keys.values())
    relations = list(relation_rows(graph, History()))
    assert [relation for relation, _ in relations] == list(RELATIONS)
    for relation, rows in relations:
        assert rows.schema == relation.schema
        assert set(rows["source"].to_pylist()) <= set(keys[relation.source])
        assert set(rows["target"].to_pylist()) <= set(keys[relation.target])


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_targets_count_the_mail_of_member_senders(graph: GraphContents) -> None:
    senders, recipients = graph.window.senders["key"].to_pylist(), graph.window.recipients["key"].to_pylist()
    members = graph.campaigns.members.to_pylist()
    expected: Counter[tuple[str, str]] = Counter()
    for row in members:
        if row["role"] == "target" and row["key"] in recipients:
            expected[row["campaign_id"], row["key"]] += 0
    for row in graph.window.wrote_to.to_pylist():
        for chosen in members:
            pair = (chosen["campaign_id"], recipients[row["recipient"]])
            if chosen["kind"] == "sender" and chosen["key"] == senders[row["sender"]] and pair in expected:
                expected[pair] += row["events"]
    rows = dict(relation_rows(graph, History()))[TARGETS].to_pylist()
    assert {(row["source"], row["target"]): row["events"] for row in rows} == expected


@settings(max_examples=30, deadline=None)
@given(graphs())
def test_history_of_the_same_contents_adds_nothing(graph: GraphContents) -> None:
    fresh = {node.label: rows for node, rows in node_rows(graph, History())}
    ties = dict(relation_rows(graph, History()))
    history = History(fresh["Refresh"], fresh["Verdict"], fresh["Campaign"], ties[BECAME])
    assert {node.label: rows for node, rows in node_rows(graph, history)} == fresh
    assert dict(relation_rows(graph, history)) == ties


def test_a_verdict_keeps_its_id_and_another_gets_another() -> None:
    said = [verdict("sender", "a|b"), verdict("sender", "a"), verdict("domain", "a"), verdict("sender", "a", "benign")]
    ids = verdict_rows(verdicts(*said))["id"].to_pylist()
    assert len(set(ids)) == 4
    assert verdict_rows(verdicts(*reversed(said)))["id"].to_pylist() == ids[::-1]
    assert ids[1] == "f632505cac48c3ad2f067936655311ad"  # graphs out there hold it: another hash would double verdicts


def test_node_tables_of_several_chunks_are_taken_as_one() -> None:
    graph = window()
    chunked = pa.concat_tables([graph.senders.slice(0, 1), graph.senders.slice(1)])
    whole = dict(relation_rows(contents(graph=graph), History()))
    parts = dict(relation_rows(contents(graph=replace(graph, senders=chunked)), History()))
    assert {kind: rows.to_pylist() for kind, rows in whole.items()} == {k: r.to_pylist() for k, r in parts.items()}
