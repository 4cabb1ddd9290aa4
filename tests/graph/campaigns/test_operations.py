"""One operator behind several campaigns: what counts as evidence of it, what does not, and ids that last."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import schema
from graph.campaigns.operations import LINE, find_operations, operation_id, remembered, with_operations
from graph.campaigns.same_operator import MOST_SAID, PRIOR, Comparable, collision_of, compare, sentence

Traits = dict[str, dict[str, dict[str, tuple[int, int]]]]  # campaign -> relation -> artefact -> inside, users
VICTIMS = {f"v{n}@mail.test": (2, 3) for n in range(40)}


def comparable(of: Traits, sizes: int = 10, collision: float = 0.001) -> Comparable:
    turned: Traits = {}
    for campaign, by in of.items():
        for relation, traits in by.items():
            turned.setdefault(relation, {})[campaign] = traits
    return Comparable(turned, dict.fromkeys(of, sizes), collision)


def test_a_common_list_of_victims_makes_an_operation() -> None:
    of, links = find_operations(comparable({"a": {"wrote_to": VICTIMS}, "b": {"wrote_to": VICTIMS}}), {})
    assert of["a"] == of["b"] == operation_id(["a", "b"])
    (row,) = links.to_pylist()
    assert (row["relation"], row["inside"], row["artefact"]) == ("wrote_to", 40, None)
    assert row["confidence"] == pytest.approx(1 / (1 + np.exp(-(PRIOR + MOST_SAID["wrote_to"]))))
    assert row["sentence"] == "They have 40 targets in common, beyond chance."


def test_victims_that_chance_would_share_make_none() -> None:
    both = {"a": {"wrote_to": VICTIMS}, "b": {"wrote_to": VICTIMS}}
    assert find_operations(comparable(both, collision=1 / 40), {})[0] == {}


def test_a_network_alone_may_have_changed_hands_and_with_a_link_domain_it_has_not() -> None:
    network = {"sent_from": {"192.0.2.0/24": (8, 16)}}
    link = {"linked_to": {"shop.example": (8, 16)}}
    assert find_operations(comparable({"a": network, "b": network}), {})[0] == {}
    both = network | link
    assert set(find_operations(comparable({"a": both, "b": both}), {})[0]) == {"a", "b"}


def test_what_others_use_as_much_says_nothing() -> None:
    shared = {"sent_from": {"192.0.2.0/24": (8, 200)}, "linked_to": {"shop.example": (8, 200)}}
    link = compare(comparable({"a": shared, "b": shared}), "a", "b")
    assert [one.log_odds for one in link.said] == [0.0, 0.0]
    assert link.log_odds == PRIOR


def test_a_large_campaign_lends_no_purity_to_a_small_one() -> None:
    """Of the network's users nearly all are in campaigns; but of those outside the large one the small has few."""
    large, small = {"sent_from": {"n": (80, 100)}}, {"sent_from": {"n": (3, 100)}}
    assert compare(comparable({"a": large, "b": small}), "a", "b").said[0].log_odds == 0.0


def test_a_text_that_only_campaigns_carry_is_written_once_though_many_carry_it() -> None:
    text = {"carried": {"f1": (8, 24)}}
    of, _ = find_operations(comparable({"a": text, "b": text, "c": text}), {})
    assert len(set(of.values())) == 1
    sold = {"carried": {"f1": (8, 2_400)}}
    assert find_operations(comparable({"a": sold, "b": sold, "c": sold}), {})[0] == {}


def test_hours_never_make_a_link_by_themselves() -> None:
    night = {"hours": {"03": (50, 60), "04": (50, 60)}}
    link = compare(comparable({"a": night, "b": night}), "a", "b")
    assert link.said[0].log_odds == pytest.approx(MOST_SAID["hours"])
    assert link.log_odds < LINE
    day = {"hours": {"13": (50, 60)}}
    assert compare(comparable({"a": night, "b": day}), "a", "b").said[0].log_odds == pytest.approx(-MOST_SAID["hours"])


def test_a_kind_that_one_of_them_lacks_is_silent() -> None:
    assert compare(comparable({"a": {"wrote_to": VICTIMS}, "b": {"hours": {"03": (1, 1)}}}), "a", "b").said == ()


def test_an_operation_goes_on_under_its_id_and_a_part_that_leaves_gets_a_new_one() -> None:
    others = {f"w{n}@mail.test": (2, 3) for n in range(40)}
    first = comparable({name: {"wrote_to": VICTIMS} for name in "abc"})
    before, _ = find_operations(first, {})
    grown, _ = find_operations(comparable({name: {"wrote_to": VICTIMS} for name in "abcd"}), before)
    assert set(grown.values()) == set(before.values())
    parted = {
        "a": {"wrote_to": VICTIMS},
        "b": {"wrote_to": VICTIMS},
        "c": {"wrote_to": others},
        "d": {"wrote_to": others},
    }
    of, _ = find_operations(comparable(parted), grown)
    kept = [of["a"] == grown["a"], of["c"] == grown["a"]]
    assert sorted(kept) == [False, True]


@settings(max_examples=30, deadline=None)
@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_campaigns_changes_nothing(order: list[str]) -> None:
    lists = {"a": VICTIMS, "b": VICTIMS, "c": {"x": (1, 1)}, "d": {"x": (1, 1)}}
    found = find_operations(comparable({name: {"wrote_to": lists[name]} for name in order}), {})
    same = find_operations(comparable({name: {"wrote_to": lists[name]} for name in "abcd"}), {})
    assert found[0] == same[0]
    assert found[1].equals(same[1])


def test_no_campaign_makes_no_operation() -> None:
    of, links = find_operations(comparable({}), {})
    assert (of, links.num_rows, links.schema) == ({}, 0, schema.OPERATION_LINKS)


def test_sleeping_campaigns_keep_their_traits_and_forgotten_ones_do_not() -> None:
    def traits(*names: str) -> pa.Table:
        row = {"relation": "sent_from", "artefact": "192.0.2.0/24", "inside": 3, "users": 4}
        return pa.Table.from_pylist([{"campaign_id": name, **row} for name in names], schema.TRAITS)

    campaigns = pa.table({"campaign_id": ["awake", "asleep"]})
    kept = remembered(traits("awake"), traits("awake", "asleep", "merged"), campaigns)
    assert kept["campaign_id"].to_pylist() == ["asleep", "awake"]


def test_the_table_of_campaigns_gets_their_operations() -> None:
    empty = {name: [None, None] for name in schema.CAMPAIGNS.names} | {"campaign_id": ["a", "b"]}
    table = pa.table(empty, schema=schema.CAMPAIGNS)
    assert with_operations(table, {"b": "o-1"})["operation_id"].to_pylist() == [None, "o-1"]


def test_two_targets_meet_by_the_square_of_their_shares() -> None:
    assert collision_of(np.array([1, 1, 2, 96]), most=50) == pytest.approx((0.01**2) * 2 + 0.02**2)


def test_sentences_say_the_figures() -> None:
    shared = {"sent_from": {"192.0.2.0/24": (8, 17)}}
    said = compare(comparable({"a": shared, "b": shared}), "a", "b").said[0]
    assert sentence(said, 10, 12) == (
        "8 of 10 senders of the one and 8 of 12 of the other send from 192.0.2.0/24; 1 other sender does."
    )
