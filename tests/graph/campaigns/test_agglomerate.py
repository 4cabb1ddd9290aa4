"""The order of joins: best pairs first, crowds without chains, the same whatever the order of the senders."""

import numpy as np
from windows import Letter, letter, window

from graph.campaigns.agglomerate import JoinOptions, agglomerate, worth_comparing
from graph.campaigns.likeness import FIGURES, Groups, Suspects, likeness
from graph.evidence import gather_evidence

LINKS = FIGURES.index("linked_to.cosine")
OPTIONS = JoinOptions(caution=0.0)


def gang(name: str, size: int, **shared: object) -> list[Letter]:
    return [letter(f"x@{name}{n}.example", f"{name}-victim{n}@mail.test", **shared) for n in range(size)]


def suspects_of(letters: list[Letter]) -> Suspects:
    others = [letter(f"h{n}@h{n}.example", f"friend{n}@mail.test") for n in range(100)]
    seen = window(letters + others)
    rows = np.flatnonzero([key.startswith("x@") for key in seen.senders["key"].to_pylist()])
    return Suspects.of(gather_evidence(seen), rows)


def by_links(groups: Groups, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return likeness(groups, i, j)[:, LINKS] - 0.5


def test_what_shares_links_is_joined_and_nothing_else() -> None:
    letters = gang("a", 30, sites=("a.example",)) + gang("b", 3, sites=("b.example",)) + gang("c", 2)
    label = agglomerate(suspects_of(letters), by_links, OPTIONS, seed=1)
    assert len(set(label[:30])) == len(set(label[30:33])) == 1
    assert len(set(label)) == 4


def test_nothing_is_joined_below_the_line() -> None:
    suspects = suspects_of(gang("a", 6, sites=("a.example",)))
    label = agglomerate(suspects, by_links, JoinOptions(least=100.0), seed=1)
    assert len(set(label)) == 6


def test_a_crowd_joins_in_few_rounds() -> None:
    """Equal pairs are told apart by a mixed order: in a chain five hundred would need hundreds of rounds."""
    rounds = 0

    def counted(groups: Groups, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        nonlocal rounds
        rounds += 1
        return by_links(groups, i, j)

    label = agglomerate(suspects_of(gang("a", 500, sites=("a.example",))), counted, OPTIONS, seed=1)
    assert len(set(label)) == 1
    assert rounds < 40


def test_only_groups_that_share_something_are_compared_and_each_with_few() -> None:
    suspects = suspects_of(gang("a", 200, sites=("a.example",), network=None) + gang("b", 2, network=None))
    options = JoinOptions(neighbours=4, partners=3)
    i, j = worth_comparing(Groups.of(suspects, np.arange(202)), options, np.random.default_rng(1))
    assert (i < j).all()
    assert j.max() < 200
    assert len(set(zip(i.tolist(), j.tolist(), strict=True))) == len(i) <= 2 * options.partners * 200


def test_nobody_at_all_is_in_no_group() -> None:
    assert agglomerate(suspects_of([]), by_links, OPTIONS, seed=1).tolist() == []


def test_more_is_asked_of_two_crowds_than_of_two_senders() -> None:
    suspects = suspects_of(gang("a", 16, sites=("a.example",)))
    halves = JoinOptions(least=0.0, caution=0.3)  # a likeness of .8 is .3 above, crowds of eight ask for .23
    wary = JoinOptions(least=0.0, caution=1.2)
    assert len(set(agglomerate(suspects, by_links, halves, seed=1))) == 1
    assert 1 < len(set(agglomerate(suspects, by_links, wary, seed=1))) < 16
