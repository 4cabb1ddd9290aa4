"""The search: who is tied to whom, what a popular artefact is worth, which groups stay."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windows import Letter, id_of, letter, window

from graph.campaigns import FindOptions, Partition, find, find_groups
from graph.evidence import gather_evidence
from graph.values import Window

OPTIONS = FindOptions()
CROWD = 400  # honest senders around a campaign: rarity needs a background to be rare in
SMALL = settings(max_examples=12, deadline=None)


def gang(name: str, size: int, **shared: object) -> list[Letter]:
    """Throw-away senders of one campaign: each writes once, from a domain of its own, to people of its own."""
    usual = {"sites": (f"{name}-shop.example",), "network": None} | shared
    return [letter(f"x@{name}{n}.example", f"{name}-victim{n}@mail.test", **usual) for n in range(size)]


def honest(size: int, **shared: object) -> list[Letter]:
    usual = {"hour": 8} | shared
    return [letter(f"h{n}@h{n}.example", f"friend{n}@mail.test", day=n % 9, **usual) for n in range(size)]


def margins_of(seen: Window, bad: float = 3.0, good: float = -5.0) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """High for members of gangs, low for the honest."""
    return np.array([bad if key.startswith("x@") else good for key in seen.senders["key"].to_pylist()])


def found(letters: list[Letter], options: FindOptions = OPTIONS) -> tuple[Window, Partition]:
    seen = window(letters)
    return seen, find_groups(gather_evidence(seen), margins_of(seen), options)


def groups_of(seen: Window, partition: Partition) -> list[set[str]]:
    keys = np.array(seen.senders["key"].to_pylist())
    return [set(keys[partition.group == group]) for group in range(partition.count)]


def test_senders_that_share_a_rare_link_are_one_group() -> None:
    seen, partition = found(gang("a", 6) + honest(CROWD))
    assert groups_of(seen, partition) == [{f"x@a{n}.example" for n in range(6)}]


def test_two_campaigns_with_nothing_in_common_are_two_groups_in_the_order_of_their_first_member() -> None:
    seen, partition = found(gang("b", 7) + gang("a", 5) + honest(CROWD))
    assert groups_of(seen, partition) == [
        {f"x@a{n}.example" for n in range(5)},
        {f"x@b{n}.example" for n in range(7)},
    ]


@pytest.mark.parametrize("shared", [{"network": "192.0.2.0/24"}, {"text": "f1"}, {"sites": ("one.example",)}])
def test_any_single_artefact_ties_when_it_is_rare(shared: dict[str, object]) -> None:
    usual = {"sites": (), "network": None}
    _, partition = found(gang("a", 5, **(usual | shared)) + honest(CROWD))
    assert partition.count == 1


def test_a_link_that_the_unsuspicious_use_too_ties_nobody() -> None:
    popular = {"sites": ("popular.example",)}
    assert found(gang("a", 6, **popular) + honest(CROWD))[1].count == 1
    assert found(gang("a", 6, **popular) + honest(CROWD, **popular))[1].count == 0


def test_the_unsuspicious_are_in_no_group_whatever_they_share() -> None:
    seen, partition = found(gang("a", 6) + honest(CROWD, network="192.0.2.0/24"))
    good = margins_of(seen) < 0
    assert (partition.group[good] == -1).all()
    assert (partition.weight[good] == 0).all()


def test_two_senders_are_no_campaign_and_three_are() -> None:
    assert found(gang("a", 2) + honest(CROWD))[1].count == 0
    assert found(gang("a", 3) + honest(CROWD))[1].count == 1


def test_a_group_must_be_guilty_taken_together() -> None:
    seen = window(gang("a", 6) + honest(CROWD))
    gathered = gather_evidence(seen)
    assert find_groups(gathered, margins_of(seen, bad=0.5), OPTIONS).count == 1
    assert find_groups(gathered, margins_of(seen, bad=-0.5), OPTIONS).count == 0


def gangs_at(levels: list[float]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Margins of those whom the search keeps, of gangs of six whose members all have one margin each."""
    seen = window([one for at in range(len(levels)) for one in gang(f"g{at}-", 6)] + honest(CROWD))
    margins = margins_of(seen)
    for at, level in enumerate(levels):
        for n in range(6):
            margins[id_of(seen, "senders", f"x@g{at}-{n}.example")] = level
    return margins[find_groups(gather_evidence(seen), margins, OPTIONS).group >= 0]


@pytest.mark.parametrize(("under", "kept"), [(0, 6), (1, 6), (9, 3)])
def test_where_many_groups_are_just_under_the_line_those_just_above_it_go_too(under: int, kept: int) -> None:
    levels = [9.0] * 3 + [0.2] * 3 + [-0.5] * under
    assert sorted(gangs_at(levels)) == sorted(6 * levels[:kept])


def test_where_all_groups_are_doubtful_none_is_left() -> None:
    assert len(gangs_at([0.2] * 3 + [-0.5] * 9)) == 0


def test_a_doubtful_sender_in_guilty_company_belongs_to_it() -> None:
    seen = window(gang("a", 6) + honest(CROWD))
    margins = margins_of(seen)
    doubtful = id_of(seen, "senders", "x@a3.example")
    margins[doubtful] = OPTIONS.seed_margin + 0.1
    assert find_groups(gather_evidence(seen), margins, OPTIONS).group[doubtful] == 0


@pytest.mark.parametrize("letters", [[], honest(1), honest(20), gang("a", 1)])
def test_where_nobody_is_suspicious_or_tied_there_is_no_group(letters: list[Letter]) -> None:
    seen, partition = found(letters)
    assert partition.count == 0
    assert partition.group.tolist() == [-1] * seen.senders.num_rows


@SMALL
@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 2**31))
def test_the_same_evidence_gives_the_same_partition_for_a_seed(a: int, b: int, seed: int) -> None:
    options = replace(OPTIONS, seed=seed)
    seen = window(gang("a", a) + gang("b", b) + honest(CROWD))
    gathered, margins = gather_evidence(seen), margins_of(seen)
    first, again = (find_groups(gathered, margins, options) for _ in range(2))
    assert np.array_equal(first.group, again.group)
    assert np.array_equal(first.weight, again.weight)
    inside = first.group >= 0
    assert ((first.weight[inside] > 0) & (first.weight[inside] <= 1)).all()
    assert sorted(set(first.group[inside].tolist())) == list(range(first.count))
    if first.count:
        assert np.bincount(first.group[inside]).min() >= options.least_senders


def test_a_crowd_is_found_whole() -> None:
    seen, partition = found(gang("a", 60) + honest(2_000))
    assert groups_of(seen, partition) == [{f"x@a{n}.example" for n in range(60)}]


def test_a_member_that_shares_nothing_belongs_to_no_group() -> None:
    loner = letter("x@loner.example", "stranger@mail.test", hour=3, day=20)
    seen, partition = found([*gang("a", 6), loner, *honest(CROWD)])
    assert partition.group[id_of(seen, "senders", "x@loner.example")] == -1
    assert partition.count == 1


def test_who_fits_better_belongs_more() -> None:
    close = {"network": "192.0.2.0/24", "text": "f1"}
    loose = letter("x@a9.example", "a-victim9@mail.test", sites=("a-shop.example",))
    seen, partition = found([*gang("a", 9, **close), loose, *honest(CROWD)])
    weight = {key: partition.weight[id_of(seen, "senders", key)] for key in ("x@a0.example", "x@a9.example")}
    assert weight["x@a0.example"] > weight["x@a9.example"] > 0


def test_what_was_one_campaign_at_the_last_refresh_is_joined_on_less() -> None:
    """One member in two hundred of either side carries the same text: too little by itself."""
    early, late = {"day": 1, "hour": 3}, {"day": 9, "hour": 15}
    bridge = [
        letter(f"x@{side}0.example", f"{side}9@mail.test", text="f1", **at)
        for side, at in zip("ab", (early, late), strict=True)
    ]
    seen = window([*gang("a", 200, **early), *gang("b", 200, **late), *bridge, *honest(2_000)])
    evidence, margins = gather_evidence(seen), margins_of(seen)
    was = np.array([0 if key.startswith("x@") else -1 for key in seen.senders["key"].to_pylist()])
    strangers = np.full(len(was), -1)
    remembered = replace(OPTIONS, warm=20.0)
    assert find_groups(evidence, margins, remembered, before=strangers).count == 2
    assert find_groups(evidence, margins, remembered, before=was).count == 1


def test_nobody_is_held_together_by_the_past_alone() -> None:
    """Groups that share nothing are never compared, whatever they were."""
    seen = window(gang("a", 4) + gang("b", 4) + honest(CROWD))
    was = np.array([0 if key.startswith("x@") else -1 for key in seen.senders["key"].to_pylist()])
    partition = find_groups(gather_evidence(seen), margins_of(seen), replace(OPTIONS, warm=20.0), before=was)
    assert partition.count == 2


@pytest.mark.parametrize("at_once", [1, 7])
def test_pairs_are_one_campaign_or_not_however_many_are_compared_at_a_time(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = gang("a", 9) + gang("b", 6, network="192.0.2.0/24") + honest(CROWD)
    _, whole = found(letters)
    monkeypatch.setattr(find, "PAIRS_AT_ONCE", at_once)
    _, parted = found(letters)
    assert np.array_equal(parted.group, whole.group)
    assert np.allclose(parted.weight, whole.weight)
