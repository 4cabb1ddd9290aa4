"""What ties the three campaigns of `factories`, by hand: two of op-1 share a network and their targets."""

from typing import Any

import pyarrow as pa

from graph import schema

BAD = [f"bad{number}@offers.example" for number in range(1, 6)]
CALENDAR_BAD = ["invite+1@cal.example", "invite/2@cal.example", "ïnvite3@cal.example"]
TARGETS = [f"target{number}@example.net" for number in range(1, 4)]


def _table(form: pa.Schema, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in form.names} for row in rows], schema=form)


def _traits(campaign_id: str, relation: str, of: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    return [
        {"campaign_id": campaign_id, "relation": relation, "artefact": artefact, "inside": inside, "users": users}
        for artefact, (inside, users) in of.items()
    ]


def _sender(key: str, relation: str, of: dict[str, tuple[int, int]]) -> list[dict[str, Any]]:
    return [
        {"key": key, "relation": relation, "artefact": artefact, "events": events, "users": users}
        for artefact, (events, users) in of.items()
    ]


def _link(relation: str, artefact: str | None, inside: int, log_odds: float, sentence: str) -> dict[str, Any]:
    pair = {"operation_id": "op-1", "campaign_id": "c-invites", "other_id": "c-links", "confidence": 0.96}
    shared = {"relation": relation, "artefact": artefact, "inside": inside, "other_inside": inside}
    return {**pair, **shared, "log_odds": log_odds, "sentence": sentence}


def tables() -> dict[str, pa.Table]:
    """The tables of graph.values.Campaigns that say what ties whom."""
    figures = {"senders": 400.0, "prior": -3.0, "collision": 0.01}
    figures |= {f"kept:{kind}": 0.5 for kind in ("linked_to", "sent_from", "carried", "address_at", "wrote_to")}
    figures |= {"spread:days": 2_000.0, "spread:hours": 2_000.0}
    piece = {"campaign_id": "c-links", "looked_at": 5, "held_before": 5, "dissolves": True, "exact": True}
    asked = {"risk": 0.5, "sentence": "Its risk is 0.50, and a verdict on it would tell about itself alone."}
    return {
        "traits": _table(
            schema.TRAITS,
            _traits("c-links", "sent_from", {"192.0.2.0/24": (3, 5)})
            + _traits("c-links", "wrote_to", dict.fromkeys(TARGETS, (5, 8)))
            + _traits("c-invites", "sent_from", {"192.0.2.0/24": (2, 5)})
            + _traits("c-invites", "address_at", {"cal.example": (3, 3)}),
        ),
        "sender_traits": _table(
            schema.SENDER_TRAITS,
            _sender(BAD[0], "linked_to", {"offers.example": (4, 6)})
            + _sender(BAD[0], "sent_from", {"192.0.2.0/24": (4, 5)})
            + _sender(BAD[1], "linked_to", {"offers.example": (2, 6)})
            + _sender(BAD[1], "sent_from", {"192.0.2.0/24": (2, 5)})
            + _sender(CALENDAR_BAD[0], "linked_to", {"cal.example": (4, 3)}),
        ),
        "compared_by": _table(schema.COMPARED_BY, [{"name": name, "value": value} for name, value in figures.items()]),
        "operation_links": _table(
            schema.OPERATION_LINKS,
            [
                _link("sent_from", "192.0.2.0/24", 3, 3.0, "3 of 3 senders of the one … send from 192.0.2.0/24."),
                _link("wrote_to", None, 3, 2.0, "They have 3 targets in common, beyond chance."),
            ],
        ),
        "what_if": _table(
            schema.WHAT_IF,
            [
                piece
                | {"rank": 1, "relation": "linked_to", "artefact": "offers.example", "senders": 5, "held_after": 3}
                | {"sentence": "Without the links to offers.example, 3 of 5 senders still hold together."},
                piece
                | {"rank": 2, "relation": "days", "senders": 5, "held_after": 0}
                | {"sentence": "Then also without the days they write on, 0 of 5 senders still hold together."},
            ],
        ),
        "queue": _table(
            schema.QUEUE,
            [
                {"rank": 1, "kind": "campaign", "key": "c-quiet", "gain": 2.0, "reaches": 2} | asked,
                {"rank": 2, "kind": "sender", "key": "ann@example.org", "gain": 1.0, "reaches": 1} | asked,
            ],
        ),
    }
