"""Impact: whom acting on a member would hurt, by who answered it."""

import numpy as np
from windows import id_of, letter, window

from graph import schema
from graph.campaigns.impact import impact_table


def test_an_account_that_two_people_answer_is_taken_for_a_victim() -> None:
    friends = [f"friend{n}@home.example" for n in range(2)]
    seen = window(
        [
            letter("hijacked@home.example", *friends, "stranger@mail.test"),
            *(letter(friend, "hijacked@home.example", day=2) for friend in friends),
            letter("fraud@bad.example", "stranger@mail.test", "mark@mail.test"),
            letter("mark@mail.test", "fraud@bad.example", day=3),
            letter("throwaway@bad.example", "stranger@mail.test"),
        ]
    )
    names = ["fraud@bad.example", "hijacked@home.example", "throwaway@bad.example"]
    members = np.array([id_of(seen, "senders", name) for name in names])
    rows = impact_table(seen, np.array(["c-1", "c-1", "c-2"], dtype=object), members)
    assert rows.schema == schema.IMPACT
    assert [(row["campaign_id"], row["key"], row["victim"]) for row in rows.to_pylist()] == [
        ("c-1", "fraud@bad.example", False),
        ("c-1", "hijacked@home.example", True),
        ("c-2", "throwaway@bad.example", False),
    ]
    assert rows["legitimate_correspondents"].to_pylist() == [1, 2, 0]
    one, two, none = rows["reason"].to_pylist()
    assert one == "One person wrote back to it in this window."
    assert two.startswith("2 people wrote back")
    assert none == "Nobody wrote back to it in this window."


def test_no_members_hurt_nobody() -> None:
    seen = window([letter("ann@a.example", "bob@b.example")])
    rows = impact_table(seen, np.array([], dtype=object), np.array([], dtype=np.int64))
    assert (rows.num_rows, rows.schema) == (0, schema.IMPACT)
