"""Figures of pairs of groups: what they say of groups that share all, some or nothing, and of a member and the rest."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from windows import Letter, letter, window

from graph.campaigns.likeness import FIGURES, Groups, Suspects, _shares, likeness, membership
from graph.campaigns.rhythm import Rhythm, cosine
from graph.campaigns.same_campaign import shipped
from graph.evidence import gather_evidence

CROWD = 100
SMALL = settings(max_examples=40, deadline=None)


def gang(name: str, size: int, **shared: object) -> list[Letter]:
    return [letter(f"x@{name}{n}.example", f"{name}-victim{n}@mail.test", **shared) for n in range(size)]


def suspects_of(letters: list[Letter], honest: int = CROWD, **usual: object) -> Suspects:
    others = [letter(f"h{n}@h{n}.example", f"friend{n}@mail.test", **usual) for n in range(honest)]
    seen = window(letters + others)
    rows = np.flatnonzero([key.startswith("x@") for key in seen.senders["key"].to_pylist()])
    return Suspects.of(gather_evidence(seen), rows)


def figures(suspects: Suspects, label: list[int]) -> dict[str, float]:
    """Of the pair of groups 0 and 1."""
    row = likeness(Groups.of(suspects, np.array(label)), np.array([0]), np.array([1]))[0]
    return dict(zip(FIGURES, row.tolist(), strict=True))


def test_groups_that_use_the_same_link_are_alike_in_links_alone() -> None:
    told = figures(suspects_of(gang("a", 4, sites=("shop.example",), network=None)), [0, 0, 1, 1])
    assert told["linked_to.best"] == pytest.approx(np.log(104 / 4))
    strength = np.log(104 / 4)
    assert told["linked_to.cosine"] == pytest.approx(strength**2 / (1 + strength**2))
    assert told["linked_to.kept_low"] == pytest.approx(strength / (1 + strength))
    assert told["linked_to.differ"] == pytest.approx(0, abs=0.05)
    assert told["linked_to.unlike"] == pytest.approx(0, abs=0.06)
    assert told["sent_from.best"] == told["carried.best"] == told["sent_from.has_low"] == 0


def test_groups_that_each_keep_a_link_of_their_own_differ() -> None:
    letters = gang("a", 3, sites=("a.example",)) + gang("b", 3, sites=("b.example",))
    told = figures(suspects_of(letters), [0, 0, 0, 1, 1, 1])
    kept = np.log(106 / 3) / (1 + np.log(106 / 3))
    assert told["linked_to.best"] == 0
    assert told["linked_to.differ"] == pytest.approx(kept)
    assert told["linked_to.unlike"] == pytest.approx(kept**2)


def test_an_artefact_that_the_unsuspicious_use_speaks_less() -> None:
    alone = figures(suspects_of(gang("a", 4, sites=("shop.example",))), [0, 0, 1, 1])
    letters = gang("a", 4, sites=("shop.example",))
    shared = figures(suspects_of(letters, sites=("shop.example",)), [0, 0, 1, 1])
    assert shared["linked_to.best"] < 0.1 * alone["linked_to.best"]


def test_one_common_member_of_many_does_not_make_crowds_less_different() -> None:
    letters = gang("a", 20, sites=("a.example",)) + gang("b", 20, sites=("b.example",))
    apart = figures(suspects_of(letters), [0] * 20 + [1] * 20)
    touching = figures(suspects_of([*letters, replace(letters[0], sites=("b.example",))]), [0] * 20 + [1] * 20)
    assert touching["linked_to.differ"] > 0.8 * apart["linked_to.differ"] > 0


def test_a_hub_in_common_makes_nobody_alike() -> None:
    hub = figures(suspects_of(gang("a", 40, sites=("hub.example",)), 10), [0] * 20 + [1] * 20)
    own = figures(suspects_of(gang("a", 40, sites=("own.example",)), 4_000), [0] * 20 + [1] * 20)
    assert hub["linked_to.cosine"] < 0.2 < 0.9 < own["linked_to.cosine"]
    assert hub["linked_to.kept_low"] < 0.3 < 0.8 < own["linked_to.kept_low"]


def test_targets_that_few_members_have_in_common_are_not_kept_by_all() -> None:
    lists = [[f"v{n}-{m}@mail.test" for m in range(9)] + ["common@mail.test"] for n in range(6)]
    letters = [letter(f"x@a{n}.example", *to) for n, to in enumerate(lists)]
    told = figures(suspects_of(letters), [0, 0, 0, 1, 1, 1])
    assert told["wrote_to.kept_low"] == told["wrote_to.kept_high"] == pytest.approx(0.1)


def test_a_gap_between_days_is_told() -> None:
    early, late = gang("a", 2, day=1), gang("b", 2, day=12)
    told = figures(suspects_of(early + late), [0, 0, 1, 1])
    assert told["days.cosine"] == 0
    assert told["days.gap"] > np.log(8)
    assert figures(suspects_of(gang("a", 4, day=3)), [0, 0, 1, 1])["days.gap"] == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31))
def test_a_pair_is_the_same_whichever_way_it_is_asked(a: int, b: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sites = [tuple(f"s{n}.example" for n in rng.choice(4, 2, replace=False)) for _ in range(a + b)]
    letters = [letter(f"x@{n}.example", f"v{n % 3}@mail.test", sites=site, day=n) for n, site in enumerate(sites)]
    groups = Groups.of(suspects_of(letters, honest=20), np.array([0] * a + [1] * b))
    one, other = likeness(groups, np.array([0]), np.array([1])), likeness(groups, np.array([1]), np.array([0]))
    assert np.allclose(one, other)
    assert np.isfinite(one).all()


def test_a_member_is_compared_with_the_others_as_with_a_group_without_it() -> None:
    suspects = suspects_of(gang("a", 5, sites=("shop.example",), network="192.0.2.0/24", text="f1"))
    single = Groups.of(suspects, np.arange(5))
    inside = membership(Groups.of(suspects, np.zeros(5, np.int64)), single)[0]
    apart = likeness(Groups.of(suspects, np.array([0, 1, 1, 1, 1])), np.array([0]), np.array([1]))[0]
    norms = [at for at, name in enumerate(FIGURES) if name.endswith((".cosine", ".unlike"))]  # of the whole group
    assert np.allclose(np.delete(inside, norms), np.delete(apart, norms))


def test_no_pair_has_no_figures() -> None:
    groups = Groups.of(suspects_of(gang("a", 3)), np.arange(3))
    told = likeness(groups, np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert told.shape == (0, len(FIGURES))
    assert len(shipped().log_odds(told)) == 0


def test_who_is_alone_has_no_figures() -> None:
    suspects = suspects_of(gang("a", 3))
    single = Groups.of(suspects, np.arange(3))
    assert np.isnan(membership(Groups.of(suspects, np.array([0, 0, 1])), single)[2]).all()


# ---- Days -----------------------------------------------------------------------------------------------------


def day_cosine(days: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    shares = _shares(days)
    rhythm = Rhythm.of(shares)
    return cosine(rhythm.at(i), rhythm.at(j))


DAYS = arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(2, 8)), elements=st.integers(0, 5))


@SMALL
@given(DAYS)
def test_day_cosine_is_symmetric_and_between_nought_and_one(
    days: "np.ndarray[tuple[int, int], np.dtype[np.float32]]",
) -> None:
    before = days.copy()
    i, j = (part.ravel() for part in np.meshgrid(np.arange(len(days)), np.arange(len(days))))
    there, back = day_cosine(days, i, j), day_cosine(days, j, i)
    assert np.allclose(there, back)
    assert ((there >= 0) & (there <= 1 + 1e-5)).all()
    assert np.allclose(there[(i == j) & (days[i].sum(axis=1) > 0)], 1, atol=1e-5)
    assert np.array_equal(days, before)


def test_the_next_day_is_nearer_than_the_day_after_and_a_week_is_nothing() -> None:
    days = np.eye(10, dtype=np.float32)
    first = np.zeros(3, np.int64)
    next_day, after, week = day_cosine(days, first + 2, np.array([3, 4, 9])).tolist()
    assert 1 > next_day > after > week == 0


@pytest.mark.parametrize("kind", ["linked_to", "sent_from", "carried", "address_at"])
def test_a_kind_that_no_suspect_uses_is_absent(kind: str) -> None:
    used = {"sites": ("shop.example",), "network": "192.0.2.0/24", "text": "t"}
    missing = {"linked_to": {"sites": ()}, "sent_from": {"network": None}, "carried": {"text": None}, "address_at": {}}
    suspects = suspects_of(gang("a", 4, **{**used, **missing[kind]}))
    absent = dict(zip(FIGURES, suspects.absent.tolist(), strict=True))
    gone = {name for name, missed in absent.items() if missed}
    assert gone == (set() if kind == "address_at" else {name for name in FIGURES if name.startswith(f"{kind}.")})


def test_what_is_absent_adds_nothing_whatever_it_is() -> None:
    suspects = suspects_of(gang("a", 4, sites=("shop.example",), network=None))
    model = shipped().without(suspects.absent)
    rows = np.abs(np.random.default_rng(2).normal(size=(6, len(FIGURES))))
    changed = np.where(suspects.absent, rows * 7 + 1, rows)
    assert suspects.absent.any()
    assert np.array_equal(model.log_odds(rows), model.log_odds(changed))
    assert not model.parts(rows)[:, suspects.absent].any()
    assert np.array_equal(model.parts(rows)[:, ~suspects.absent], shipped().parts(rows)[:, ~suspects.absent])
