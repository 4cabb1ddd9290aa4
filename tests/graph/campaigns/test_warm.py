"""Where a search begins: the last refresh's campaigns as numbers of the senders of now."""

import pyarrow as pa
from windows import letter, window

from graph import schema
from graph.campaigns import Known, last_groups

SEEN = window([letter(f"{name}@x.example", "v@mail.test") for name in "abcde"])


def known(*members: tuple[str, str, str, float]) -> Known:
    """(campaign, role, key, weight) of each member; campaigns c-1 and c-2 exist, the latter asleep."""
    states = {"c-1": "active", "c-2": "dormant"}
    campaigns = [dict.fromkeys(schema.CAMPAIGNS.names) | {"campaign_id": one, "state": states[one]} for one in states]
    rows = [
        {"campaign_id": campaign, "kind": role, "key": key, "role": role, "weight": weight}
        for campaign, role, key, weight in members
    ]
    return Known(
        pa.Table.from_pylist(campaigns, schema.CAMPAIGNS),
        pa.Table.from_pylist(rows, schema.MEMBERS),
        schema.LINEAGE.empty_table(),
    )


def test_members_have_the_number_of_their_campaign_and_the_rest_none() -> None:
    before = known(
        ("c-2", "sender", "d@x.example", 1.0),
        ("c-1", "sender", "a@x.example", 1.0),
        ("c-1", "sender", "gone@x.example", 1.0),
        ("c-1", "target", "b@x.example", 1.0),
        ("c-1", "domain", "c@x.example", 1.0),
    )
    assert last_groups(before, SEEN).tolist() == [0, -1, -1, 1, -1]


def test_a_member_of_two_is_where_it_belongs_most() -> None:
    both = known(("c-1", "sender", "a@x.example", 0.9), ("c-2", "sender", "a@x.example", 0.4))
    assert last_groups(both, SEEN)[0] == 0


def test_without_a_refresh_before_nobody_has_a_number() -> None:
    assert last_groups(None, SEEN).tolist() == [-1] * 5
