"""Impact: whom acting on a member would hurt, and who is a victim, by what was before the burst."""

import numpy as np
from windows import START, Letter, id_of, letter, window

from graph import schema
from graph.campaigns.impact import impact_table, past_of


def rows_of(letters: list[Letter], *names: str) -> dict[str, dict[str, object]]:
    seen = window(letters)
    members = np.array([id_of(seen, "senders", name) for name in names])
    table = impact_table(seen, past_of(seen), np.array(["c-1"] * len(names), dtype=object), members)
    assert table.schema == schema.IMPACT
    return {row["key"]: row for row in table.to_pylist()}


def burst(sender: str, day: int) -> list[Letter]:
    return [letter(sender, f"stranger{n}@mail.test", day=day + n % 2, hour=n) for n in range(12)]


def test_an_account_with_regular_correspondents_before_its_burst_is_a_victim() -> None:
    old = [letter("ann@home.example", "bob@home.example", day=day) for day in (0, 2, 4, 6)]
    old.append(letter("bob@home.example", "ann@home.example", day=1))
    rows = rows_of(
        [*old, *burst("ann@home.example", 8), *burst("fraud@bad.example", 8)], "ann@home.example", "fraud@bad.example"
    )
    ann, fraud = rows["ann@home.example"], rows["fraud@bad.example"]
    assert (ann["victim"], ann["legitimate_correspondents"], ann["regular"]) == (True, 1, 1)
    assert ann["since"] == START.replace(day=START.day + 8)
    assert ann["reason"] == (
        "Before 2024-03-09 it wrote to one person day after day: an account with a life of its own, perhaps hijacked."
    )
    assert (fraud["victim"], fraud["legitimate_correspondents"], fraud["since"]) == (False, 0, None)
    assert (
        fraud["reason"] == "Nobody wrote back to it in this window, and no two people are its regular correspondents."
    )


def test_two_people_who_answered_before_the_burst_are_a_life_one_is_not() -> None:
    def past(sender: str, *friends: str) -> list[Letter]:
        return [each for one in friends for each in (letter(sender, one, day=1), letter(one, sender, day=2))]

    letters = [*past("two@home.example", "b@x.example", "c@x.example"), *past("one@home.example", "d@x.example")]
    rows = rows_of(
        [*letters, *burst("two@home.example", 8), *burst("one@home.example", 8)], "two@home.example", "one@home.example"
    )
    assert [rows[f"{name}@home.example"]["victim"] for name in ("two", "one")] == [True, False]
    assert rows["two@home.example"]["answered_before"] == 2
    assert rows["one@home.example"]["legitimate_correspondents"] == 1


def test_marks_who_answer_the_fraud_are_no_honest_past() -> None:
    fraud = burst("fraud@bad.example", 3)
    answers = [letter(f"stranger{n}@mail.test", "fraud@bad.example", day=4) for n in range(3)]
    (row,) = rows_of([*fraud, *answers], "fraud@bad.example").values()
    assert (row["victim"], row["legitimate_correspondents"]) == (False, 0)
    assert row["reason"] == "3 people answered it, none of them before its burst."


def test_one_mark_written_to_day_after_day_is_no_life_two_are() -> None:
    def daily(sender: str, *marks: str) -> list[Letter]:
        return [letter(sender, mark, day=day) for mark in marks for day in (0, 2, 4, 6)]

    letters = [*daily("pest@bad.example", "trap@mail.test"), *daily("list@home.example", "a@x.example", "b@x.example")]
    rows = rows_of(letters, "pest@bad.example", "list@home.example")
    assert [row["victim"] for row in rows.values()] == [False, True]
    assert [row["legitimate_correspondents"] for row in rows.values()] == [0, 2]


def test_no_members_hurt_nobody() -> None:
    seen = window([letter("ann@a.example", "bob@b.example")])
    rows = impact_table(seen, past_of(seen), np.array([], dtype=object), np.array([], dtype=np.int64))
    assert (rows.num_rows, rows.schema) == (0, schema.IMPACT)
