"""Ids that outlive a refresh: laws over random groups, and each line of the log on a small case."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windows import AS_OF, START

from graph import schema
from graph.campaigns import Known, carry_over
from graph.campaigns.identity import Group, Identities, _assigned, _kin, new_id
from graph.values import Refresh

LAWS = settings(max_examples=60, deadline=None)


def members(*names: str) -> Group:
    return frozenset(f"sender:{name}" for name in names)


def crowd(first: int, last: int) -> Group:
    """Members first … last − 1."""
    return members(*(f"m{n}@x.example" for n in range(first, last)))


def refresh(number: int) -> Refresh:
    """The n-th refresh, one day after the one before."""
    shift = timedelta(days=number)
    return Refresh(f"r-{number}", START + shift, AS_OF + shift, "m-1", "0" * 64)


def kept(groups: dict[str, Group], found: Identities | None = None, **states: str) -> Known:
    """What a snapshot holds of campaigns with these members."""
    campaigns = [row_of(schema.CAMPAIGNS, campaign_id=name, state=states.get(name, "active")) for name in groups]
    rows = []
    for name, group in groups.items():
        for key in sorted(group):
            role, _, bare = key.partition(":")
            rows.append(row_of(schema.MEMBERS, campaign_id=name, kind=role, key=bare, role=role, weight=1.0))
    lineage = found.lineage if found else schema.LINEAGE.empty_table()
    tables = (
        pa.Table.from_pylist(rows, form) for rows, form in ((campaigns, schema.CAMPAIGNS), (rows, schema.MEMBERS))
    )
    return Known(*tables, lineage)


def row_of(form: pa.Schema, **given: Any) -> dict[str, Any]:
    return {name: given.get(name) for name in form.names}


def known_after(groups: list[Group], found: Identities) -> Known:
    return kept(dict(zip(found.ids, groups, strict=True)), found)


def lines(found: Identities, number: int) -> list[tuple[str, str, str | None]]:
    """(campaign, event, other) of one refresh, in order."""
    rows = [row for row in found.lineage.to_pylist() if row["refresh"] == f"r-{number}"]
    return [(row["campaign_id"], row["event"], row["other_id"]) for row in rows]


@st.composite
def partitions(draw: st.DrawFn) -> list[Group]:
    """Disjoint groups of three to six among thirty members."""
    everybody = draw(st.permutations(range(30)))
    sizes = draw(st.lists(st.integers(3, 6), max_size=5))
    out, at = [], 0
    for size in sizes:
        out.append(members(*(f"m{n}@x.example" for n in everybody[at : at + size])))
        at += size
    return out


@LAWS
@given(partitions())
def test_the_same_groups_again_keep_their_ids_and_write_no_line(groups: list[Group]) -> None:
    first = carry_over(groups, None, refresh(1))
    again = carry_over(groups, known_after(groups, first), refresh(2))
    assert again.ids == first.ids
    assert lines(again, 2) == []


@LAWS
@given(partitions(), partitions(), st.randoms())
def test_the_order_of_groups_changes_nobodys_id(before: list[Group], now: list[Group], chance: Any) -> None:
    known = known_after(before, carry_over(before, None, refresh(1)))
    found = carry_over(now, known, refresh(2))
    shuffled = list(now)
    chance.shuffle(shuffled)
    again = carry_over(shuffled, known, refresh(2))
    assert dict(zip(shuffled, again.ids, strict=True)) == dict(zip(now, found.ids, strict=True))
    assert again.dormant == found.dormant
    assert sorted(lines(again, 2), key=str) == sorted(lines(found, 2), key=str)


@LAWS
@given(partitions(), partitions())
def test_no_other_assignment_keeps_more(before: list[Group], now: list[Group]) -> None:
    """Against every way to give the earlier ids out."""
    kin = _kin(now, before)
    matched = _assigned(now, kin, len(before))
    assert len(set(matched.values())) == len(matched)
    places = [*range(len(before)), *[-1] * len(now)]
    best = max(
        sum(kin[at, o].gain if (at, o) in kin else 0.0 for at, o in enumerate(chosen))
        for chosen in set(permutations(places, len(now)))
    )
    assert sum(kin[pair].gain for pair in matched.items()) == pytest.approx(best)


@LAWS
@given(st.lists(st.integers(3, 40), min_size=1, max_size=6), st.integers(0, 30))
def test_ids_stay_where_a_third_less_a_bit_of_the_members_rotates(sizes: list[int], percent: int) -> None:
    before, now, at = [], [], 0
    for size in sizes:
        gone = size * percent // 100
        before.append(crowd(at, at + size))
        now.append(crowd(at + gone, at + size) | members(*(f"new{n}@y.example" for n in range(at, at + gone))))
        at += size
    first = carry_over(before, None, refresh(1))
    assert carry_over(now, known_after(before, first), refresh(2)).ids == first.ids


@LAWS
@given(st.lists(partitions(), min_size=2, max_size=6))
def test_an_old_id_answers_for_ever_and_is_never_given_again(history: list[list[Group]]) -> None:
    """Through any history: whoever was born is alive, asleep, or merged into somebody who answers; and born once."""
    known = None
    alive: set[str] = set()
    for number, groups in enumerate(history):
        found = carry_over(groups, known, refresh(number))
        alive = set(found.ids) | set(found.dormant)
        asleep = {} if known is None else {name: known.groups()[name] for name in found.dormant}
        states = dict.fromkeys(asleep, "dormant")
        known = kept(dict(zip(found.ids, groups, strict=True)) | asleep, found, **states)
    log = [] if known is None else known.lineage.to_pylist()
    born = [row["campaign_id"] for row in log if row["event"] == "born"]
    assert len(set(born)) == len(born)
    heirs = {row["campaign_id"]: row["other_id"] for row in log if row["event"] == "merged"}
    for name in born:
        for _ in range(len(history)):
            name = heirs.get(name, name)
        assert name in alive


@LAWS
@given(partitions(), partitions())
def test_ids_are_distinct_and_new_ones_are_nobody_elses(before: list[Group], now: list[Group]) -> None:
    first = carry_over(before, None, refresh(1))
    found = carry_over(now, known_after(before, first), refresh(2))
    assert len(set(found.ids)) == len(now)
    born = {campaign for campaign, event, _ in lines(found, 2) if event == "born"}
    assert born == set(found.ids) - set(first.ids)
    for group, name in zip(now, found.ids, strict=True):
        if name in first.ids:
            assert group & before[first.ids.index(name)]


@LAWS
@given(partitions(), partitions())
def test_every_earlier_campaign_lives_on_or_is_told_of(before: list[Group], now: list[Group]) -> None:
    first = carry_over(before, None, refresh(1))
    found = carry_over(now, known_after(before, first), refresh(2))
    merged = {campaign for campaign, event, _ in lines(found, 2) if event == "merged"}
    assert set(first.ids) == (set(first.ids) & set(found.ids)) | merged | set(found.dormant)
    assert not merged & set(found.ids)
    heirs = {other for _, event, other in lines(found, 2) if event == "merged"}
    assert heirs <= set(found.ids)


def test_a_first_refresh_bears_every_group() -> None:
    found = carry_over([crowd(0, 5), crowd(5, 9)], None, refresh(1))
    assert lines(found, 1) == [(name, "born", None) for name in found.ids]
    assert found.dormant == ()
    assert found.lineage.schema == schema.LINEAGE


def test_a_split_leaves_the_id_with_the_larger_part_and_names_the_other() -> None:
    found = carry_over([crowd(0, 7), crowd(7, 10)], kept({"c-old": crowd(0, 10)}), refresh(2))
    larger, smaller = found.ids
    assert larger == "c-old"
    assert set(lines(found, 2)) == {
        ("c-old", "shrank", None),
        (smaller, "born", None),
        ("c-old", "split", smaller),
    }


def test_a_fragment_that_is_wholly_old_takes_no_id_from_the_campaign_that_took_in_new_members() -> None:
    rotated = crowd(0, 7) | members(*(f"new{n}@y.example" for n in range(3)))
    found = carry_over([crowd(7, 10), rotated], kept({"c-old": crowd(0, 10)}), refresh(2))
    assert found.ids[1] == "c-old"


def test_two_that_merge_leave_one_id_and_a_pointer_to_the_heir() -> None:
    known = kept({"c-large": crowd(0, 8), "c-small": crowd(8, 12)})
    found = carry_over([crowd(0, 12)], known, refresh(2))
    (heir,) = found.ids
    (gone,) = {"c-large", "c-small"} - {heir}
    assert set(lines(found, 2)) == {(heir, "grew", None), (gone, "merged", heir)}
    assert found.dormant == ()


def test_a_campaign_that_nobody_continues_sleeps_and_is_told_of_once() -> None:
    known = kept({"c-old": crowd(0, 5)})
    found = carry_over([crowd(10, 15)], known, refresh(2))
    assert found.dormant == ("c-old",)
    assert ("c-old", "dormant", None) in lines(found, 2)
    asleep = kept({"c-old": crowd(0, 5)}, found, **{"c-old": "dormant"})
    later = carry_over([], asleep, refresh(3))
    assert later.dormant == ("c-old",)
    assert lines(later, 3) == []


def test_a_sleeper_that_comes_back_keeps_its_id_and_is_revived() -> None:
    asleep = kept({"c-old": crowd(0, 5)}, **{"c-old": "dormant"})
    found = carry_over([crowd(0, 5)], asleep, refresh(3))
    assert found.ids == ("c-old",)
    assert lines(found, 3) == [("c-old", "revived", None)]


def test_a_dismissed_campaign_that_is_gone_does_not_become_news() -> None:
    found = carry_over([], kept({"c-old": crowd(0, 5)}, **{"c-old": "dismissed"}), refresh(2))
    assert lines(found, 2) == []


@pytest.mark.parametrize(("now", "event", "share"), [(12, "grew", 0.2), (8, "shrank", -0.2)])
def test_growth_and_loss_of_more_than_a_tenth_are_told_with_their_share(now: int, event: str, share: float) -> None:
    found = carry_over([crowd(0, now)], kept({"c-old": crowd(0, 10)}), refresh(2))
    (row,) = found.lineage.to_pylist()
    assert (row["campaign_id"], row["event"], row["share"]) == ("c-old", event, share)


def test_a_member_more_or_less_is_no_news() -> None:
    assert lines(carry_over([crowd(0, 20)], kept({"c-old": crowd(0, 19)}), refresh(2)), 2) == []


def test_the_most_members_in_all_decide_not_the_first_best_pair() -> None:
    known = kept({"c-a": crowd(0, 10), "c-b": crowd(10, 20)})
    both = crowd(4, 10) | crowd(10, 16)  # six of each
    rest = crowd(0, 4)  # only c-a can live on here
    found = carry_over([both, rest], known, refresh(2))
    assert found.ids == ("c-b", "c-a")


def test_too_few_common_members_make_a_new_campaign() -> None:
    found = carry_over([crowd(8, 18)], kept({"c-old": crowd(0, 10)}), refresh(2))  # two of ten
    assert found.ids[0] != "c-old"
    assert found.dormant == ("c-old",)


def test_domains_carry_an_id_when_every_sender_is_new() -> None:
    old = members("a@x.example", "b@x.example") | {"domain:shop.example", "domain:pay.example"}
    now = members("c@y.example", "d@y.example") | {"domain:shop.example", "domain:pay.example"}
    assert carry_over([now], kept({"c-old": old}), refresh(2)).ids == ("c-old",)


def with_evidence(known: Known, *rows: tuple[str, str, int, int]) -> Known:
    """The same with evidence of its one campaign: relation, artefact, users inside and outside."""
    (name,) = known.campaigns["campaign_id"].to_pylist()
    names = ("relation", "artefact", "inside", "outside")
    made = [row_of(schema.EVIDENCE, campaign_id=name, **dict(zip(names, row, strict=True))) for row in rows]
    return replace(known, evidence=pa.Table.from_pylist(made, schema.EVIDENCE))


def test_networks_and_texts_that_were_its_own_carry_an_id_too() -> None:
    own = ("sent_from", "192.0.2.0/24", 9, 0), ("carried", "text", 9, 1)
    others = ("sent_from", "198.51.100.0/24", 9, 900), ("linked_to", "shop.example", 9, 0)
    now = members("c@y.example", "d@y.example", "e@y.example") | {"network:192.0.2.0/24", "fingerprint:text"}
    known = kept({"c-old": crowd(0, 9)})
    assert carry_over([now], with_evidence(known, *own), refresh(2)).ids == ("c-old",)
    assert carry_over([now], with_evidence(known, own[0], *others), refresh(2)).ids != ("c-old",)  # one is a chance
    shared = members("c@y.example", "d@y.example") | {"network:192.0.2.0/24", "network:198.51.100.0/24"}
    assert carry_over([shared], with_evidence(known, own[0], *others), refresh(2)).ids != ("c-old",)


def test_where_members_and_infrastructure_part_ways_the_id_goes_with_the_members() -> None:
    own = ("sent_from", "192.0.2.0/24", 9, 0), ("carried", "text", 9, 0)
    known = with_evidence(kept({"c-old": crowd(0, 20)}), *own)
    fewer = (
        crowd(8, 13) | members(*(f"n{n}@y.example" for n in range(9))) | {"network:192.0.2.0/24", "fingerprint:text"}
    )
    assert carry_over([fewer, crowd(0, 8)], known, refresh(2)).ids[1] == "c-old"


def test_one_sender_in_common_is_a_chance_meeting() -> None:
    one = crowd(9, 10) | members("a@y.example", "b@y.example")
    assert carry_over([one], kept({"c-old": crowd(0, 10)}), refresh(2)).dormant == ("c-old",)


def test_shares_of_merges_and_splits_are_of_the_earlier_campaigns_senders() -> None:
    known = kept({"c-large": crowd(0, 8), "c-small": crowd(8, 12)})
    found = carry_over([crowd(0, 7) | crowd(8, 11), crowd(20, 23)], known, refresh(2))
    assert [row["share"] for row in found.lineage.to_pylist() if row["event"] == "merged"] == [0.75]
    found = carry_over([crowd(0, 6), crowd(6, 8)], kept({"c-old": crowd(0, 8)}), refresh(2))
    assert [row["share"] for row in found.lineage.to_pylist() if row["event"] == "split"] == [0.25]


def test_targets_in_common_carry_no_id() -> None:
    known = kept({"c-old": members("a@x.example")})
    target = row_of(schema.MEMBERS, campaign_id="c-old", kind="recipient", key="v@mail.test", role="target", weight=1.0)
    with_target = Known(
        known.campaigns,
        pa.concat_tables([known.members, pa.Table.from_pylist([target], schema.MEMBERS)]),
        known.lineage,
    )
    assert with_target.groups() == {"c-old": members("a@x.example")}


def test_the_log_keeps_every_earlier_line_in_its_place() -> None:
    groups = [crowd(0, 5)]
    first = carry_over(groups, None, refresh(1))
    second = carry_over([crowd(0, 9)], known_after(groups, first), refresh(2))
    assert second.lineage.to_pylist()[:1] == first.lineage.to_pylist()
    assert [row["event"] for row in second.lineage.to_pylist()] == ["born", "grew"]


@LAWS
@given(st.sets(st.text(min_size=1, max_size=4), min_size=1), st.integers(0, 3))
def test_an_id_is_a_function_of_founders_and_founding_refresh(names: set[str], number: int) -> None:
    group = members(*names)
    assert new_id(group, refresh(number)) == new_id(frozenset(list(group)), refresh(number))
    assert new_id(group, refresh(number)) != new_id(group, refresh(number + 1))
    assert new_id(group, refresh(number)) != new_id(group | {"sender:one more"} - {"nobody"}, refresh(number)) or (
        "one more" in names
    )
