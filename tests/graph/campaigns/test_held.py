"""Alarms as rows: ids, dates that stay, lines of the log, and sentences whose numbers are the figures."""

import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import remembered
from windows import AS_OF, START, letter, window

from graph import schema
from graph.campaigns import Partition
from graph.campaigns.alarm import Alarm, Held, Join, alarm_id
from graph.campaigns.held import alarm_sentence, alarm_table, campaign_names, held_lines
from graph.evidence import gather_evidence
from graph.values import Refresh

REFRESH = Refresh("r-1", START, AS_OF, "m-1", "0" * 64)
KEYS = [f"x@s{n}.example" for n in range(5)]
SEEN = window([letter(key, "v@mail.test", sites=("hub.example",)) for key in KEYS])
HELD = Held(
    Partition(np.array([0, 0, 1, 1, 1]), np.ones(5)),
    (Alarm("merge", 0, 1, Join(1, "linked_to", SEEN.domains["key"].to_pylist().index("hub.example"), (2, 3)), "open"),),
)
NAMES = {0: "c-a", 1: "c-b"}


def test_a_row_says_what_would_join_whom() -> None:
    (row,) = alarm_table(SEEN, gather_evidence(SEEN), HELD, NAMES, None, REFRESH).to_pylist()
    assert row == {
        "alarm_id": alarm_id("c-a", "c-b"),
        "campaign_id": "c-a",
        "other_id": "c-b",
        "kind": "merge",
        "state": "open",
        "since": AS_OF,
        "relation": "linked_to",
        "artefact": "hub.example",
        "senders": 2,
        "other_senders": 3,
        "inside": 2,
        "other_inside": 3,
        "sentence": "2 senders and 3 of another campaign: 2 and 3 of them link to hub.example, and that alone ties "
        "them. Are they one campaign?",
    }


def test_an_alarm_keeps_its_date_and_is_written_into_the_log_once() -> None:
    evidence = gather_evidence(SEEN)
    first = alarm_table(SEEN, evidence, HELD, NAMES, None, REFRESH)
    (line,) = held_lines(first, REFRESH).to_pylist()
    assert (line["campaign_id"], line["event"], line["other_id"], line["share"]) == ("c-a", "held", "c-b", 0.6)
    later = replace(REFRESH, id="r-2", as_of=AS_OF + timedelta(days=1))
    known = replace(remembered({"c-a": KEYS[:2], "c-b": KEYS[2:]}), alarms=first)
    again = alarm_table(SEEN, evidence, HELD, NAMES, known, later)
    assert again["since"].to_pylist() == [AS_OF]
    assert held_lines(again, later).num_rows == 0


def test_nothing_held_back_makes_empty_tables() -> None:
    quiet = Held(HELD.partition)
    table = alarm_table(SEEN, gather_evidence(SEEN), quiet, NAMES, None, REFRESH)
    assert (table.num_rows, table.schema) == (0, schema.ALARMS)
    assert held_lines(table, REFRESH).schema == schema.LINEAGE


def test_groups_have_the_names_that_their_members_were_given() -> None:
    members = remembered({"c-a": KEYS[:2], "c-b": KEYS[2:]}).members
    assert campaign_names(SEEN, HELD.partition, members) == NAMES


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["merge", "growth"]),
    st.sampled_from(["linked_to", "sent_from", "carried", "address_at", "cotargets", None]),
    st.tuples(st.integers(1, 999), st.integers(1, 999)),
    st.tuples(st.integers(1, 999), st.integers(1, 999)),
    st.sampled_from(["open", "apart"]),
)
def test_numbers_in_a_sentence_are_its_figures(
    kind: str, relation: str | None, sizes: tuple[int, int], users: tuple[int, int], state: str
) -> None:
    words = alarm_sentence(kind, Join(1, relation, 0, users), "hub.example", sizes, state)
    stated = [int(number) for number in re.findall(r"\d+", words)]
    order = sizes if kind == "merge" else sizes[::-1]
    assert stated == [*order, *(users if relation else ())]
    assert words.endswith("?") is (state == "open")


@pytest.mark.parametrize(("artefacts", "alone"), [(1, True), (2, False)])
def test_alone_is_said_of_one_artefact_only(artefacts: int, alone: bool) -> None:
    words = alarm_sentence("merge", Join(artefacts, "carried", 0, (2, 2)), "text", (3, 3), "open")
    assert ("that alone" in words) is alone
