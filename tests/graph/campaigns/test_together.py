"""Why two senders are or are not together: what each kind of evidence says, and that the whole is its sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windows import letter, window

from graph import schema
from graph.campaigns.together import CAP, LEAST, Basis, Counts, answer, basis_of, compare, traits_by_relation
from graph.campaigns.traits import Living, campaign_traits, sender_traits
from graph.evidence import gather_evidence

KEPT = dict.fromkeys(("linked_to", "sent_from", "carried", "address_at", "wrote_to"), 0.5)
BASIS = Basis(1_000, -4.0, 0.01, KEPT, {"days": 3_000.0, "hours": 3_000.0})
COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(1, 9), st.integers(2, 900)), max_size=5)


def of_kind(kind: str, mine: Counts, theirs: Counts) -> float:
    found = compare({kind: mine}, {kind: theirs}, BASIS)
    return next(one.log_odds for one in found.said if one.relation == kind)


def test_what_is_shared_says_the_more_the_rarer_it_is() -> None:
    rare, common = {"a": (1, 2)}, {"a": (1, 500)}
    assert (
        of_kind("linked_to", rare, rare)
        > of_kind("linked_to", common, common)
        > of_kind("linked_to", rare, {"b": (1, 2)})
    )
    assert of_kind("linked_to", rare, rare) == pytest.approx(np.log(0.5 / 0.002 + 0.5))


def test_sharing_nothing_of_a_kind_that_campaigns_keep_speaks_against() -> None:
    assert of_kind("linked_to", {"a": (1, 2)}, {"b": (1, 2)}) == pytest.approx(np.log(0.5))


def test_a_kind_that_one_does_not_show_is_silent_and_says_so() -> None:
    found = compare({"sent_from": {"n": (1, 2)}}, {}, BASIS)
    assert found.log_odds == BASIS.prior
    said = {one.relation: one.sentence for one in found.said}
    assert said["sent_from"] == "Only the first shows a network: it says nothing."
    assert said["linked_to"] == "Neither shows a link domain: it says nothing."


def test_the_same_rare_days_speak_for_and_different_days_against() -> None:
    quiet, other = {"2024-03-02": (4, 30)}, {"2024-03-05": (4, 30)}
    assert of_kind("days", quiet, quiet) > 1
    assert of_kind("days", quiet, other) == LEAST


@settings(max_examples=60, deadline=None)
@given(COUNTS, COUNTS)
def test_the_whole_is_the_sum_and_the_order_of_the_two_changes_nothing(mine: Counts, theirs: Counts) -> None:
    for kind in (*KEPT, "days"):
        theirs_too = {key: (events, mine[key][1] if key in mine else users) for key, (events, users) in theirs.items()}
        there, back = compare({kind: mine}, {kind: theirs_too}, BASIS), compare({kind: theirs_too}, {kind: mine}, BASIS)
        assert there.log_odds == pytest.approx(back.log_odds)
        assert there.log_odds == pytest.approx(BASIS.prior + sum(one.log_odds for one in there.said))
        assert all(LEAST <= one.log_odds <= CAP for one in there.said)
        assert there.missing == max(-there.log_odds, 0)


def test_the_answer_tells_what_is_missing_and_what_speaks_most_against() -> None:
    found = compare({"linked_to": {"a": (1, 2)}}, {"linked_to": {"b": (1, 2)}}, BASIS)
    assert answer(found, same=False) == (
        "Not together: -4.7 log-odds, 4.7 short of as likely as not; what speaks most against it: "
        "They share no link domain, of 1 and 1."
    )


def test_figures_survive_the_table() -> None:
    assert Basis.read(BASIS.as_table()) == BASIS
    assert BASIS.as_table().schema == schema.COMPARED_BY


def test_members_of_a_campaign_are_nearer_than_strangers_by_what_a_snapshot_keeps() -> None:
    gang = [letter(f"x{n}@bad.example", f"v{n}@mail.test", day=2, sites=("shop.example",)) for n in range(6)]
    crowd = [letter(f"h{n}@h{n}.example", "v1@mail.test", day=n % 9, sites=("news.example",)) for n in range(60)]
    seen = window(gang + crowd)
    gathered = gather_evidence(seen)
    keys = seen.senders["key"].to_pylist()
    those = Living(("c-1",), np.array([0 if "bad" in key else -1 for key in keys]))
    rows = sender_traits(seen, gathered, np.arange(len(keys)))
    assert rows.schema == schema.SENDER_TRAITS
    basis = basis_of(gathered, those, len(keys))
    assert basis.kept["linked_to"] > 0.8
    of = {key: traits_by_relation(rows.filter(np.array(rows["key"].to_pylist()) == key)) for key in keys}
    tied = compare(of["x1@bad.example"], of["x2@bad.example"], basis)
    strange = compare(of["x1@bad.example"], of["h3@h3.example"], basis)
    assert tied.log_odds > 0 > strange.log_odds
    assert of["x1@bad.example"]["linked_to"] == {"shop.example": (1, 6)}
    assert of["x1@bad.example"]["days"] == {"2024-03-03": (1, 13)}


def test_a_campaigns_traits_count_members_and_everybody() -> None:
    gang = [letter(f"x{n}@bad.example", "v@mail.test", hour=3, sites=("shop.example",)) for n in range(4)]
    other = letter("h@h.example", "v@mail.test", sites=("shop.example",))
    seen = window([*gang, other])
    those = Living(("c-1",), np.array([0 if "bad" in key else -1 for key in seen.senders["key"].to_pylist()]))
    table = campaign_traits(seen, gather_evidence(seen), those)
    assert table.schema == schema.TRAITS
    rows = {(row["relation"], row["artefact"]): (row["inside"], row["users"]) for row in table.to_pylist()}
    assert rows == {
        ("linked_to", "shop.example"): (4, 5),
        ("address_at", "bad.example"): (4, 4),
        ("wrote_to", "v@mail.test"): (4, 5),
        ("hours", "03"): (4, 4),
    }
