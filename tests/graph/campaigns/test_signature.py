"""Signatures: what the rule says is what it counts, and it is the smallest that does the job."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.campaigns.signature import MOST_CLAUSES, Trait, signature


def trait(artefact: str, senders: list[int], relation: str = "linked_to") -> Trait:
    return Trait(relation, artefact, np.array(sorted(senders), dtype=np.int64))


MEMBERS = np.arange(10)


def test_one_link_that_all_members_and_nobody_else_use_is_the_rule() -> None:
    found = signature(MEMBERS, [trait("shop.example", [*range(10)]), trait("part.example", [*range(6)])])
    assert [[one.artefact for one in clause] for clause in found.clauses] == [["shop.example"]]
    assert (found.precision, found.recall) == (1.0, 1.0)
    assert found.sentence == ("Senders that link to shop.example: 10 of 10 members and no others in this window.")


def test_two_halves_are_joined_by_or() -> None:
    found = signature(MEMBERS, [trait("a.example", [*range(5)]), trait("192.0.2.0/24", [*range(5, 10)], "sent_from")])
    assert len(found.clauses) == 2
    assert (found.inside, found.outside) == (10, 0)
    assert "link to a.example, or send from 192.0.2.0/24" in found.sentence


def test_what_many_others_use_is_narrowed_by_and() -> None:
    crowd = trait("popular.example", [*range(40)])
    late = trait("2024-03-04", [*range(10), *range(40, 60)], "debut")
    found = signature(MEMBERS, [crowd, late])
    assert [{one.artefact for one in clause} for clause in found.clauses] == [{"popular.example", "2024-03-04"}]
    assert (found.precision, found.recall) == (1.0, 1.0)


def test_a_habit_alone_is_no_rule() -> None:
    found = signature(MEMBERS, [trait("2024-03-04", [*range(10)], "debut")])
    assert found.clauses == ()
    assert np.isnan(found.precision)
    assert found.sentence == "Nothing that could be looked for tells its 10 senders from others."


def test_without_traits_there_is_no_rule() -> None:
    assert signature(MEMBERS, []).clauses == ()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sets(st.integers(0, 25), min_size=1), min_size=1, max_size=8), st.integers(2, 15))
def test_the_figures_are_those_of_the_rule_and_no_single_trait_does_better(used: list[set[int]], size: int) -> None:
    traits = [trait(f"d{at}.example", [*senders]) for at, senders in enumerate(used)]
    members = set(range(size))
    found = signature(np.arange(size), traits)
    met = set[int]()
    for clause in found.clauses:
        met |= set.intersection(*(set(one.senders.tolist()) for one in clause))
    assert (found.inside, found.outside) == (len(met & members), len(met - members))
    assert len(found.clauses) <= MOST_CLAUSES
    alone = max(f_half(senders, members) for senders in used)
    assert f_half(met, members) >= alone - 0.03  # what a clause costs


def f_half(met: set[int], members: set[int]) -> float:
    return 1.25 * len(met & members) / (0.25 * len(members) + len(met)) if met else 0.0
