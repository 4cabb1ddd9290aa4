"""What hubs are worth as evidence, counted by hand, and why."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows import Letter, letter, window

from graph import schema
from graph.campaigns import Partition
from graph.campaigns.discount import discount_reason, discount_table
from graph.campaigns.likeness import purity_discount
from graph.evidence import gather_evidence

GANG = [f"x@bad{n}.example" for n in range(4)]
OTHERS = [f"h{n}@home.example" for n in range(12)]


def rows_of(letters: list[Letter]) -> list[dict[str, object]]:
    """Discounts of a campaign of GANG, the only suspects."""
    seen = window(letters)
    inside = np.array([key in GANG for key in seen.senders["key"].to_pylist()])
    partition = Partition(np.where(inside, 0, -1), inside.astype(np.float64))
    table = discount_table(seen, gather_evidence(seen), partition, inside, {0: "c-gang"})
    assert table.schema == schema.DISCOUNTS
    rows: list[dict[str, object]] = table.to_pylist()
    return rows


def test_a_hub_is_told_with_its_users_and_a_private_link_is_not() -> None:
    both = ("hub.example", "own.example")
    bad = [letter(key, "v@mail.test", sites=both, network="192.0.2.0/24") for key in GANG]
    good = [letter(key, "w@mail.test", sites=("hub.example",), network="192.0.2.0/24") for key in OTHERS]
    rows = rows_of(bad + good)
    assert [(row["relation"], row["artefact"]) for row in rows] == [
        ("linked_to", "hub.example"),
        ("sent_from", "192.0.2.0/24"),
    ]
    assert (rows[0]["inside"], rows[0]["outside"], rows[0]["unsuspected"]) == (4, 12, 12)
    assert rows[0]["kept"] == pytest.approx((4 / 16) ** 2)
    assert rows[0]["reason"] == (
        "4 members link to it, and 12 other senders, 12 of whom nobody suspects: it counts 6.2 % of what it would if "
        "it were theirs alone."
    )


def test_what_one_member_alone_shares_with_the_crowd_is_not_told() -> None:
    bad = [letter(key, "v@mail.test", sites=("hub.example",) if key == GANG[0] else ()) for key in GANG]
    assert rows_of(bad + [letter(key, "w@mail.test", sites=("hub.example",)) for key in OTHERS]) == []


def test_without_groups_there_is_nothing_to_tell() -> None:
    seen = window([letter(key, "w@mail.test", sites=("hub.example",)) for key in OTHERS])
    nobody = Partition(np.full(len(OTHERS), -1), np.zeros(len(OTHERS)))
    table = discount_table(seen, gather_evidence(seen), nobody, np.zeros(len(OTHERS), dtype=bool), {})
    assert (table.num_rows, table.schema) == (0, schema.DISCOUNTS)


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_discount_falls_with_every_user_whom_nobody_suspects(suspects: int, others: int) -> None:
    users = np.array([suspects + others, suspects + others + 1])
    worth = purity_discount(np.array([suspects, suspects]), users)
    assert 0 <= worth[1] <= worth[0] <= 1
    assert bool(worth[0] == 1) is (others == 0 and suspects > 0)
    assert worth[1] < worth[0] or suspects == 0


@given(st.integers(2, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_numbers_in_a_reason_are_its_figures(inside: int, outside: int, unsuspected: int) -> None:
    words = discount_reason("sent_from", inside, outside, unsuspected, 0.25)
    assert [int(number) for number in re.findall(r"\d+", words)] == [inside, outside, unsuspected, 25]
