"""What would dissolve a campaign: the piece that holds it, proven smallest, and judged so by the search itself too."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from windows import Letter, id_of, letter, window

from graph import schema
from graph.campaigns import FindOptions, find_groups
from graph.campaigns.cohesion import Bundle, holding, usual_times
from graph.campaigns.traits import Living
from graph.campaigns.what_if import Dissolution, sentence, smallest, what_if_table
from graph.evidence import Evidence, gather_evidence
from graph.values import Window


def gang(size: int, **shared: object) -> list[Letter]:
    """Throw-away senders; everybody writes at one hour of one day, so that only what they share holds them."""
    usual: dict[str, object] = {"sites": (), "network": None} | shared
    return [letter(f"x@bad{n}.example", f"victim{n}@mail.test", **usual) for n in range(size)]


def honest(size: int) -> list[Letter]:
    return [letter(f"h{n}@h{n}.example", f"friend{n}@mail.test") for n in range(size)]


def members_of(seen: Window) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.flatnonzero([key.startswith("x@") for key in seen.senders["key"].to_pylist()])


def bundle_of(gathered: Evidence, seen: Window) -> Bundle:
    return Bundle.of(gathered, members_of(seen), usual_times(gathered))


def dissolved(letters: list[Letter]) -> tuple[Window, Evidence, Dissolution]:
    seen = window(letters + honest(1_500))
    gathered = gather_evidence(seen)
    return seen, gathered, smallest(bundle_of(gathered, seen))


def test_a_campaign_held_by_one_link_falls_without_it() -> None:
    _, _, found = dissolved(gang(8, sites=("shop.example",)))
    assert [relation for relation, _ in found.pieces] == ["linked_to"]
    assert (found.dissolves, found.exact, found.before, found.after, found.shared) == (True, True, 8, (0,), (8,))


def test_a_campaign_held_by_two_things_falls_only_without_both() -> None:
    _, _, found = dissolved(gang(8, sites=("shop.example",), network="192.0.2.0/24"))
    assert {relation for relation, _ in found.pieces} == {"linked_to", "sent_from"}
    assert (found.dissolves, found.exact) == (True, True)
    assert found.after[0] == 8


def test_the_search_itself_finds_the_campaign_no_more() -> None:
    seen, gathered, found = dissolved(gang(8, sites=("shop.example",)))
    margins = np.where(np.isin(np.arange(seen.senders.num_rows), members_of(seen)), 3.0, -5.0)
    assert find_groups(gathered, margins, FindOptions()).count == 1
    gone = {relation for relation, _ in found.pieces}
    left = replace(
        gathered,
        relations=tuple(
            replace(r, counts=sp.csr_matrix(r.counts.shape)) if r.name in gone else r for r in gathered.relations
        ),
    )
    assert find_groups(left, margins, FindOptions()).count == 0


def test_senders_that_share_nothing_hold_by_nothing() -> None:
    _, _, found = dissolved(gang(6))
    assert (found.pieces, found.before, found.dissolves) == ((), 0, False)


def test_those_who_share_nothing_let_go_and_the_rest_hold() -> None:
    tied = gang(6, sites=("shop.example",))
    loose = [letter(f"x@lone{n}.example", f"w{n}@mail.test") for n in range(3)]
    seen = window(tied + loose + honest(1_500))
    bundle = bundle_of(gather_evidence(seen), seen)
    keys = [seen.senders["key"][int(at)].as_py() for at in members_of(seen)]
    assert {key for key, holds in zip(keys, holding(bundle), strict=True) if holds} == {
        f"x@bad{n}.example" for n in range(6)
    }


@pytest.mark.parametrize("size", [0, 1, 2])
def test_fewer_than_three_hold_nobody(size: int) -> None:
    seen = window(gang(size, sites=("shop.example",)) + honest(20))
    assert not holding(bundle_of(gather_evidence(seen), seen)).any()


def test_the_table_names_the_pieces_and_says_what_is_left() -> None:
    seen, gathered, _ = dissolved(gang(8, sites=("shop.example",)))
    group = np.where(np.isin(np.arange(seen.senders.num_rows), members_of(seen)), 0, -1)
    table = what_if_table(seen, gathered, Living(("c-1",), group))
    assert table.schema == schema.WHAT_IF
    (row,) = table.to_pylist()
    assert (row["campaign_id"], row["relation"], row["artefact"]) == ("c-1", "linked_to", "shop.example")
    assert (row["senders"], row["looked_at"], row["held_before"], row["held_after"]) == (8, 8, 8, 0)
    assert row["sentence"] == "Without the links to shop.example, 0 of 8 senders still hold together."
    assert id_of(seen, "domains", row["artefact"]) >= 0


def test_sentences_follow_the_figures() -> None:
    assert sentence("days", None, 9, 2, 2) == (
        "Then also without the days they write on, 2 of 9 senders still hold together."
    )


def test_fewer_than_asked_for_hold_nobody() -> None:
    seen = window(gang(6, sites=("shop.example",)) + honest(1_500))
    bundle = bundle_of(gather_evidence(seen), seen)
    assert holding(bundle, least=6).sum() == 6
    assert not holding(bundle, least=7).any()


def test_what_is_remembered_is_what_was_worked_out() -> None:
    """Answers are kept by what was taken away and who is left: asked in another order, they are the same."""
    seen = window(gang(6, sites=("shop.example",), network="192.0.2.0/24") + honest(1_500))
    gathered = gather_evidence(seen)
    asked = [frozenset(some) for some in ((), (("linked_to", 0),), (("sent_from", 0),), (("sent_from", None),))]
    used, fresh = bundle_of(gathered, seen), [bundle_of(gathered, seen) for _ in asked]
    for without, bundle in zip([*asked, *reversed(asked)], [*fresh, *reversed(fresh)], strict=True):
        assert np.array_equal(holding(used, without), holding(bundle, without))
