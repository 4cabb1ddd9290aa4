"""What every graph store does, in the contract's words; each sentence is proved on both."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from small_world import (
    EARLY,
    LATE,
    START,
    Place,
    became,
    campaign,
    campaigns,
    contents,
    member,
    verdict,
    verdicts,
    window,
)

from graph import schema
from graph.errors import NotFoundError
from graph.store import GraphStore, Neighbour
from graph.values import GraphContents

SEEN = {"first_seen": EARLY, "last_seen": LATE}
WHOLE = {
    "Sender": 3,
    "Recipient": 3,
    "Domain": 3,
    "Network": 2,
    "Campaign": 2,
    "Operation": 1,
    "Verdict": 3,
    "Refresh": 1,
    "WROTE_TO": 6,
    "LINKED_TO": 2,
    "SENT_FROM": 2,
    "ADDRESS_AT": 3,
    "SAME_MAILBOX": 1,
    "MEMBER_OF": 4,
    "TARGETS": 2,
    "PART_OF": 1,
    "BECAME": 0,
    "ABOUT": 3,
}


def around(store: GraphStore, kind: str, key: str) -> dict[tuple[str, str, str], dict[str, object]]:
    """A node's relationships as {(type, direction, key at the other end): properties}."""
    return {(n.relation, n.direction, n.key): dict(n.properties) for n in store.neighbours(kind, key)}


def whole(store: GraphStore) -> dict[str, object]:
    """Everything that can be asked of the small world."""
    keys = [("sender", "mallory@bad.example"), ("sender", "alice@example.com"), ("recipient", "bob@example.com")]
    keys += [("domain", "click.test"), ("network", "192.0.2.0/24"), ("campaign", "c-1"), ("operation", "op-1")]
    seen: dict[str, object] = {f"{kind} {key}": store.neighbours(kind, key) for kind, key in keys}
    return seen | {"counts": store.counts(), "verdicts": store.verdicts().to_pylist(), "c-1": store.campaign("c-1")}


def moved() -> GraphContents:
    """The next refresh: trudy and her mail have left, c-1 has merged into c-3, c-2 has gone without an heir."""
    found = campaigns(
        [campaign("c-3", "op-2", "new")],
        [member("c-3", "sender", "mallory@bad.example", "sender")],
        [became("c-1", "c-3", "merged")],
    )
    return contents("refresh-2", window(["mallory@bad.example", "alice@example.com"]), found, verdicts())


def test_a_store_that_was_never_written_is_empty(store: GraphStore) -> None:
    assert set(store.counts()) == set(WHOLE)
    assert not any(store.counts().values())
    assert store.refresh() is None
    assert store.verdicts() == schema.VERDICT_ROWS.empty_table()


def test_every_label_and_type_is_there_in_the_right_number(store: GraphStore) -> None:
    summary = store.write(contents())
    assert store.counts() == WHOLE
    assert {**summary.nodes, **summary.relationships} == WHOLE
    assert store.refresh() == summary.refresh == "refresh-1"


def test_progress_tells_every_row_once(store: GraphStore) -> None:
    rows: list[int] = []
    store.write(contents(), rows.append)
    assert sum(rows) in (sum(WHOLE.values()), sum(WHOLE.values()) - WHOLE["ABOUT"])  # Neo4j links verdicts by query


def test_a_sender_has_the_relationships_and_properties_of_the_contract(store: GraphStore) -> None:
    store.write(contents())
    found = around(store, "sender", "mallory@bad.example")
    about = next(key for (type, _, key) in found if type == "ABOUT")
    counts = {"mail": 1, "calendar": 2, "contacts": 3, "reports": 4, "active_days": 2}
    assert found == {
        ("WROTE_TO", "out", "bob@example.com"): {"events": 1, **counts, **SEEN},
        ("WROTE_TO", "out", "carol@example.net"): {"events": 2, **counts, **SEEN},
        ("LINKED_TO", "out", "click.test"): {"events": 1, **SEEN},
        ("SENT_FROM", "out", "192.0.2.0/24"): {"events": 1, "addresses": 5, **SEEN},
        ("ADDRESS_AT", "out", "bad.example"): {},
        ("MEMBER_OF", "out", "c-1"): {"role": "sender", "weight": 0.9},
        ("ABOUT", "in", about): {},
    }
    assert ("SAME_MAILBOX", "out", "alice@example.com") in around(store, "sender", "alice@example.com")


def test_a_campaign_has_members_targets_operation_and_verdict(store: GraphStore) -> None:
    store.write(contents())
    found = around(store, "campaign", "c-1")
    assert found[("MEMBER_OF", "in", "click.test")] == {"role": "domain", "weight": 0.7}
    assert found[("TARGETS", "out", "bob@example.com")] == {"events": 1 + 3}  # mallory's and trudy's, not alice's
    assert found[("TARGETS", "out", "carol@example.net")] == {"events": 2 + 4}
    assert found[("PART_OF", "out", "op-1")] == {}
    assert sum(type == "ABOUT" for type, _, _ in found) == 1
    assert store.campaign("c-1").operation == "op-1"
    assert store.campaign("c-2").operation is None


def test_a_campaign_keeps_what_the_campaign_table_says(store: GraphStore) -> None:
    store.write(contents())
    counts = {"senders": 2, "domains": 1, "recipients": 2, "events": 10}
    assert store.campaign("c-1").properties == {"risk": 0.97, "state": "active", **counts, **SEEN}


def test_verdicts_come_back_as_they_were_given(store: GraphStore) -> None:
    given = contents().verdicts
    store.write(contents())
    assert store.verdicts().sort_by("kind") == given.sort_by("kind")


def test_writing_the_same_contents_twice_changes_nothing(store: GraphStore) -> None:
    store.write(contents())
    first = whole(store)
    store.write(contents())
    assert whole(store) == first


def test_what_left_the_window_leaves_the_store(store: GraphStore) -> None:
    store.write(contents())
    store.write(moved())
    counts = store.counts()
    assert (counts["Sender"], counts["WROTE_TO"], counts["LINKED_TO"], counts["MEMBER_OF"]) == (2, 4, 1, 1)
    assert (counts["TARGETS"], counts["PART_OF"], counts["Operation"]) == (0, 1, 1)
    with pytest.raises(NotFoundError, match="trudy"):
        store.neighbours("sender", "trudy@bad.example")
    with pytest.raises(NotFoundError, match="c-2"):
        store.campaign("c-2")


def test_verdicts_merged_campaigns_and_lineage_outlive_the_window(store: GraphStore) -> None:
    store.write(contents())
    store.write(moved())
    store.write(replace(moved(), campaigns=campaigns([campaign("c-3", "op-2")], [])))
    merged, heir = store.campaign("c-1"), store.campaign("c-3")
    assert merged.became == (("c-3", "refresh-2", 0.75),)
    assert heir.was == (("c-1", "refresh-2", 0.75),)
    assert merged.properties["state"] == "dormant"
    assert merged.properties["risk"] == 0.97
    assert store.verdicts().num_rows == 3
    assert store.counts()["Refresh"] == 2
    assert store.refresh() == "refresh-2"


def test_a_verdict_finds_its_sender_again_when_that_comes_back(store: GraphStore) -> None:
    about_trudy = contents(said=verdicts(verdict("sender", "trudy@bad.example")))
    store.write(about_trudy)
    store.write(moved())
    assert store.counts()["ABOUT"] == 0
    store.write(contents("refresh-3", said=verdicts()))
    assert [n for n in store.neighbours("sender", "trudy@bad.example") if n.relation == "ABOUT"]


def test_a_campaign_with_a_verdict_outlives_the_window_in_its_decided_state(store: GraphStore) -> None:
    found = campaigns([campaign("c-9", state="dismissed"), campaign("c-8", None)], [])
    store.write(contents(found=found, said=verdicts(verdict("campaign", "c-9", "benign"))))
    store.write(contents("refresh-2", found=campaigns([], []), said=verdicts()))
    assert store.campaign("c-9").properties["state"] == "dismissed"
    assert store.counts()["Campaign"] == 1


def test_lineage_may_name_campaigns_that_no_table_holds(store: GraphStore) -> None:
    found = campaigns([campaign("c-3")], [], [became("c-lost", "c-3", "merged"), became("c-3", "c-3b", "split")])
    store.write(contents(found=found))
    assert store.campaign("c-lost").became == (("c-3", "refresh-2", 0.75),)
    assert store.campaign("c-3").became == (("c-3b", "refresh-2", 0.75),)
    assert store.counts()["BECAME"] == 2


def test_only_merges_and_splits_are_lineage_of_the_graph(store: GraphStore) -> None:
    grew = became("c-1", "c-2", "grew")
    born = became("c-2", None, "born")  # type: ignore[arg-type]
    store.write(contents(found=campaigns([campaign("c-1"), campaign("c-2")], [], [grew, born])))
    assert store.counts()["BECAME"] == 0


def test_a_changed_property_is_changed(store: GraphStore) -> None:
    store.write(contents())
    calmer = campaigns([{**campaign("c-1"), "risk": None, "last_seen": None}], [])
    store.write(contents("refresh-2", found=calmer))
    properties = store.campaign("c-1").properties
    assert (properties["risk"], properties["last_seen"], properties["first_seen"]) == (None, None, EARLY)


def test_times_keep_their_microseconds_and_are_utc(store: GraphStore) -> None:
    store.write(contents())
    [seen] = {n.properties["first_seen"] for n in store.neighbours("network", "192.0.2.0/24")}
    assert isinstance(seen, datetime)
    assert seen == START + timedelta(hours=1, microseconds=7)
    assert seen.utcoffset() == timedelta(0)


def test_neighbours_come_strongest_first_and_fairly_by_type(store: GraphStore) -> None:
    store.write(contents())
    found = store.neighbours("sender", "mallory@bad.example", limit=6)
    assert [n.relation for n in found[:5]] == ["WROTE_TO", "LINKED_TO", "SENT_FROM", "ADDRESS_AT", "MEMBER_OF"]
    assert found[0] == Neighbour("WROTE_TO", "out", "recipient", "carol@example.net", found[0].properties)
    assert len(found) == 6


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.neighbours("sender", "nobody@example.org"),
        lambda store: store.neighbours("planet", "mars"),
        lambda store: store.campaign("c-404"),
    ],
)
def test_what_is_not_there_is_said_to_be_missing(store: GraphStore, ask: Callable[[GraphStore], object]) -> None:
    store.write(contents())
    with pytest.raises(NotFoundError):
        ask(store)


def test_hostile_keys_are_data_and_stay_data(store: GraphStore) -> None:
    hostile = "'}) DETACH DELETE n //\"`\\\n\u202e😀$rows@bad.example"
    graph = window(["alice@example.com"])
    senders = graph.senders.set_column(0, "key", pa.array([hostile]))
    store.write(contents(graph=replace(graph, senders=senders), found=campaigns([], []), said=verdicts()))
    assert len(store.neighbours("sender", hostile)) == 4
    assert store.counts()["Sender"] == 1


def test_an_empty_window_empties_the_graph_but_not_the_history(store: GraphStore) -> None:
    store.write(contents())
    empty = window([])
    bare = replace(
        empty,
        senders=empty.senders.slice(0, 0),
        recipients=empty.recipients.slice(0, 0),
        domains=empty.domains.slice(0, 0),
        networks=empty.networks.slice(0, 0),
    )
    store.write(contents("refresh-2", bare, campaigns([], []), verdicts()))
    left = {name: rows for name, rows in store.counts().items() if rows}
    assert left == {"Verdict": 3, "Campaign": 1, "ABOUT": 1, "Refresh": 2}


def test_a_second_client_sees_what_the_first_wrote(store: GraphStore, place: Place) -> None:
    store.write(contents())
    with place.open() as other:
        assert whole(other) == whole(store)


def test_a_store_answers_by_name(store: GraphStore) -> None:
    assert store.ping().startswith(("LadybugDB 0.", "Neo4j/5."))


def test_closing_twice_is_harmless(place: Place) -> None:
    store = place.open()
    store.ping()
    store.close()
    store.close()


def test_verdicts_of_one_key_by_two_people_are_two(store: GraphStore) -> None:
    said = verdicts(
        verdict("domain", "click.test"),
        verdict("domain", "click.test", "benign", source="analyst-2", ts=datetime(2025, 3, 4, tzinfo=UTC)),
    )
    store.write(contents(said=said))
    assert store.verdicts()["source"].to_pylist() == ["analyst-1", "analyst-2"]
    assert store.counts()["ABOUT"] == 2
