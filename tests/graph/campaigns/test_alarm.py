"""Which joins are held back until a person has looked, and which go through."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import remembered
from windows import START, Letter, id_of, letter, window

from graph.campaigns import Partition
from graph.campaigns.alarm import AlarmOptions, Held, alarm_id, hold_back
from graph.campaigns.identity import Known
from graph.evidence import gather_evidence
from graph.values import Window

OPTIONS = AlarmOptions(crowd=20)
A = [f"x@a{n}.example" for n in range(8)]
B = [f"x@b{n}.example" for n in range(6)]
LATE = START + timedelta(days=5)  # an end of the refresh before, with letters after it
LAWS = settings(max_examples=25, deadline=None)


def wrote(
    keys: Sequence[str], *sites: str, network: str | None = None, day: int = 1, text: str | None = None
) -> list[Letter]:
    return [letter(key, f"victim-of-{key}", sites=sites, network=network, day=day, text=text) for key in keys]


def one_group(seen: Window, *keys: Sequence[str]) -> Partition:
    """All these senders in one group, nobody else in any."""
    group = np.full(seen.senders.num_rows, -1, np.int64)
    for key in (key for part in keys for key in part):
        group[id_of(seen, "senders", key)] = 0
    return Partition(group, (group >= 0).astype(np.float64))


def guarded(
    letters: list[Letter],
    parts: Sequence[Sequence[str]],
    known: Known | None,
    judged: dict[str, str] | None = None,
    options: AlarmOptions = OPTIONS,
) -> tuple[list[set[str]], Held]:
    """The groups of keys that are left of one group of all `parts`, and the whole answer."""
    seen = window(letters)
    held = hold_back(seen, gather_evidence(seen), one_group(seen, *parts), known, judged or {}, options)
    keys = np.array(seen.senders["key"].to_pylist())
    return [set(keys[held.partition.group == at].tolist()) for at in range(held.partition.count)], held


BOTH = remembered({"c-a": A, "c-b": B})


def test_two_established_campaigns_that_one_link_joins_stay_two_and_an_alarm_asks() -> None:
    letters = wrote(A, "hub.example", "a.example") + wrote(B, "hub.example", "b.example")
    groups, held = guarded(letters, [A, B], BOTH)
    assert groups == [set(A), set(B)]
    (alarm,) = held.alarms
    assert (alarm.kind, alarm.group, alarm.other, alarm.state) == ("merge", 0, 1, "open")
    assert (alarm.join.artefacts, alarm.join.relation, alarm.join.users) == (1, "linked_to", (8, 6))


@pytest.mark.parametrize("more", [{"network": "192.0.2.0/24"}, {"text": "same"}])
def test_two_artefacts_join_without_a_question(more: dict[str, str]) -> None:
    letters = wrote(A, "hub.example", **more) + wrote(B, "hub.example", **more)  # type: ignore[arg-type]
    groups, held = guarded(letters, [A, B], BOTH)
    assert groups == [set(A + B)]
    assert held.alarms == ()


def test_an_artefact_that_two_of_many_use_joins_nobody() -> None:
    """Eight in a hundred would be a tenth of neither side: strays that were poisoned with a link of the other's."""
    many = [f"x@m{n}.example" for n in range(30)]
    letters = wrote(many, "hub.example", "m.example") + wrote(B, "hub.example", "b.example") + wrote(B[:1], "m.example")
    groups, _ = guarded(letters, [many, B], remembered({"c-m": many, "c-b": B}))
    assert sorted(groups, key=len) == [set(B), set(many)]


def test_a_hub_that_strangers_use_joins_nobody_though_it_is_the_second_artefact() -> None:
    crowd = [f"h{n}@home.example" for n in range(100)]
    letters = wrote([*A, *B], "hub.example", network="192.0.2.0/24") + wrote(crowd, network="192.0.2.0/24")
    groups, held = guarded(letters, [A, B], BOTH)
    assert len(groups) == 2
    assert held.alarms[0].join.relation == "linked_to"


def test_campaigns_that_only_a_sender_in_the_middle_ties_stay_two() -> None:
    bridge = ["x@between.example"]
    letters = wrote([*A, *bridge], "a.example", "a2.example") + wrote([*B, *bridge], "b.example", "b2.example")
    groups, held = guarded(letters, [A, B, bridge], BOTH)
    assert groups == [set(A), set(B + bridge)] or groups == [set(A + bridge), set(B)]
    assert (held.alarms[0].join.artefacts, held.alarms[0].join.relation) == (0, None)


def test_a_new_sender_goes_to_the_side_that_it_is_like() -> None:
    new = ["x@new.example"]
    letters = wrote(A, "hub.example", "a.example") + wrote([*B, *new], "hub.example", "b.example")
    groups, _ = guarded(letters, [A, B, new], BOTH)
    assert groups == [set(A), {*B, *new}]


@pytest.mark.parametrize("state", ["new", "dormant"])
def test_a_campaign_that_is_not_established_may_be_joined(state: str) -> None:
    letters = wrote([*A, *B], "hub.example")
    groups, held = guarded(letters, [A, B], remembered({"c-a": A, "c-b": B}, c_b=state))
    assert (groups, held.alarms) == ([set(A + B)], ())


def test_a_verdict_on_the_alarm_lets_the_join_through_or_keeps_it_apart() -> None:
    letters = wrote([*A, *B], "hub.example")
    name = alarm_id("c-b", "c-a")
    assert name == alarm_id("c-a", "c-b")
    joined, quiet = guarded(letters, [A, B], BOTH, {name: "malicious"})
    assert (joined, quiet.alarms) == ([set(A + B)], ())
    apart, told = guarded(letters, [A, B], BOTH, {name: "benign"})
    assert (apart, [alarm.state for alarm in told.alarms]) == ([set(A), set(B)], ["apart"])
    two = wrote([*A, *B], "hub.example", "second.example")
    assert guarded(two, [A, B], BOTH, {name: "benign"})[0] == [set(A), set(B)]


def test_the_option_switches_alarms_off() -> None:
    groups, held = guarded(wrote([*A, *B], "hub.example"), [A, B], BOTH, options=replace(OPTIONS, hold=False))
    assert (groups, held.alarms) == ([set(A + B)], ())


def test_without_a_refresh_before_nothing_is_held_back() -> None:
    assert guarded(wrote([*A, *B], "hub.example"), [A, B], None)[0] == [set(A + B)]


def test_what_a_verdict_joined_and_what_it_did_not_is_kept_among_three() -> None:
    c = [f"x@c{n}.example" for n in range(5)]
    letters = wrote([*A, *B, *c], "hub.example", "second.example")
    known = remembered({"c-a": A, "c-b": B, "c-c": c})
    groups, _ = guarded(letters, [A, B, c], known, {alarm_id("c-a", "c-b"): "benign"})
    assert len(groups) == 2
    assert not any(set(A) <= group and set(B) <= group for group in groups)


# ---- Growth -------------------------------------------------------------------------------------------------

CROWD = [f"y@crowd{n}.example" for n in range(40)]


def test_a_campaign_does_not_swallow_a_crowd_that_was_there_all_along() -> None:
    letters = wrote([*A, *CROWD], "brand.example", "other.example")
    groups, held = guarded(letters, [A, CROWD], remembered({"c-a": A}))
    assert groups == [set(A), set(CROWD)]
    (alarm,) = held.alarms
    assert (alarm.kind, alarm.join.users) == ("growth", (8, 40))


def test_new_senders_may_join_in_any_number() -> None:
    letters = wrote(A, "brand.example") + wrote(CROWD, "brand.example", day=7)
    groups, held = guarded(letters, [A, CROWD], remembered({"c-a": A}, as_of=LATE))
    assert (groups, held.alarms) == ([set(A + CROWD)], ())


@pytest.mark.parametrize(("size", "parts"), [(16, 1), (17, 1), (20, 2)])
def test_growth_is_held_back_over_both_bounds_alone(size: int, parts: int) -> None:
    """More than twice the campaign, and a crowd of twenty."""
    groups, _ = guarded(wrote([*A, *CROWD[:size]], "brand.example"), [A, CROWD[:size]], remembered({"c-a": A}))
    assert len(groups) == parts


def test_a_crowd_held_back_stays_so_until_somebody_answers() -> None:
    letters = wrote([*A, *CROWD], "brand.example", "other.example")
    name = alarm_id("c-a", "c-crowd")
    asked = [{"alarm_id": name, "campaign_id": "c-a", "other_id": "c-crowd", "kind": "growth", "state": "open"}]
    known = remembered({"c-a": A, "c-crowd": CROWD}, asked, c_crowd="new")
    assert len(guarded(letters, [A, CROWD], known)[0]) == 2
    assert len(guarded(letters, [A, CROWD], known, {name: "malicious"})[0]) == 1
    assert len(guarded(letters, [A, CROWD], remembered({"c-a": A, "c-crowd": CROWD}, c_crowd="new"))[0]) == 2


def test_an_innocent_group_of_five_hundred_is_not_pulled_in_by_a_bridge_though_all_seem_guilty() -> None:
    """The worst case: risk was fooled about everybody, and one attacker has the brand's own link and network."""
    brand = [f"shop{n}@brand{n}.example" for n in range(500)]
    usual = {"network": "192.0.2.0/24"}
    letters = wrote(A, "own.example", network="198.51.100.0/24") + wrote(brand, "brand.example", **usual)
    letters += wrote(A[:1], "brand.example", **usual)
    groups, held = guarded(letters, [A, brand], remembered({"c-a": A}), options=AlarmOptions())
    assert groups == [set(brand), set(A)]
    assert [alarm.kind for alarm in held.alarms] == ["growth"]


# ---- Benign groups ------------------------------------------------------------------------------------------


def test_a_benign_group_is_joined_to_nobody_and_nobody_is_asked() -> None:
    letters = wrote([*A, *B], "hub.example", "second.example", network="192.0.2.0/24")
    groups, held = guarded(letters, [A, B], remembered({"c-a": A, "c-b": B}, c_b="dismissed"))
    assert (groups, held.alarms) == ([set(A), set(B)], ())


def test_a_benign_group_hides_no_newcomers_beyond_half_of_its_size() -> None:
    few, many = CROWD[:4], CROWD[:5]
    known = remembered({"c-a": A}, as_of=LATE, c_a="dismissed")
    letters = wrote(A, "brand.example") + wrote(many, "brand.example", day=7)
    assert guarded(letters, [A, few], known)[0] == [set(A + few)]
    groups, held = guarded(letters, [A, many], known)
    assert groups == [set(A), set(many)]
    assert held.alarms[0].kind == "growth"


# ---- Laws ---------------------------------------------------------------------------------------------------


@LAWS
@given(st.data())
def test_nobody_is_lost_or_gained_and_what_was_apart_stays_apart(data: st.DataObject) -> None:
    keys = [f"x@s{n}.example" for n in range(14)]
    sites = [data.draw(st.sets(st.sampled_from(["p.example", "q.example", "r.example"]), min_size=1)) for _ in keys]
    letters = [one for key, own in zip(keys, sites, strict=True) for one in wrote([key], *sorted(own))]
    owner = {key: data.draw(st.sampled_from(["", "c-1", "c-2", "c-3"])) for key in keys}
    old = {name: [key for key in keys if owner[key] == name] for name in ("c-1", "c-2", "c-3")}
    states = {name.replace("-", "_"): data.draw(st.sampled_from(["active", "new", "dismissed"])) for name in old}
    seen = window(letters)
    group = np.array([data.draw(st.integers(-1, 1)) for _ in keys], dtype=np.int64)
    group = np.where(group > group.max(initial=-1) - 1, group, np.minimum(group, 0)) if (group >= 0).any() else group
    partition = Partition(group, np.ones(len(keys)))
    held = hold_back(seen, gather_evidence(seen), partition, remembered(old, **states), {}, OPTIONS)
    assert np.array_equal(held.partition.group >= 0, group >= 0)
    assert sorted(set(held.partition.group.tolist()) - {-1}) == list(range(held.partition.count))
    for at in range(held.partition.count):
        assert len(set(group[held.partition.group == at].tolist())) == 1
    assert all(alarm.group != alarm.other for alarm in held.alarms)


def test_an_empty_window_raises_nothing() -> None:
    seen = window([])
    nobody = Partition(np.zeros(0, np.int64), np.zeros(0))
    assert hold_back(seen, gather_evidence(seen), nobody, BOTH, {}, OPTIONS).alarms == ()


def test_the_alarm_looks_at_the_moment_of_the_last_refresh() -> None:
    """A sender first seen after it is new; one that was seen at that very moment was there."""
    letters = wrote(A, "brand.example") + wrote(CROWD, "brand.example", day=7)
    moment = START + timedelta(days=7, hours=9)
    assert len(guarded(letters, [A, CROWD], remembered({"c-a": A}, as_of=moment))[0]) == 2
    assert len(guarded(letters, [A, CROWD], remembered({"c-a": A}, as_of=moment - timedelta(hours=1)))[0]) == 1
