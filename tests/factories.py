"""A small publication made by hand: three campaigns, the nodes around them, and a merged one."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import tie_tables

from graph.schema import (
    ARTEFACTS,
    BASE,
    CAMPAIGN_EDGES,
    CAMPAIGNS,
    DECIDED_SCORES,
    EVIDENCE,
    IMPACT,
    LINEAGE,
    MEMBERS,
    PROFILES,
    REASONS,
    REST,
    SENDERS,
    TIMELINE,
)
from graph.values import Campaigns, Publication, Refresh

AS_OF = datetime(2024, 5, 20, 12, tzinfo=UTC)
START = AS_OF - timedelta(days=30)
MODEL = "risk-1"
MALICIOUS_FROM, BENIGN_TO = 0.95, 0.02
BAD = [f"bad{number}@offers.example" for number in range(1, 6)]
CALENDAR_BAD = ["invite+1@cal.example", "invite/2@cal.example", "ïnvite3@cal.example"]
GOOD = ["ann@example.org", "bob@example.org"]
TARGETS = [f"target{number}@example.net" for number in range(1, 4)]


def table(schema: pa.Schema, rows: list[dict[str, Any]]) -> pa.Table:
    """A table of this schema; columns that a row leaves out are null."""
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def seen(day: int) -> datetime:
    return START + timedelta(days=day)


def senders(keys: list[str]) -> pa.Table:
    rows = []
    for key in sorted(keys):
        calendar = 4 if "cal.example" in key else 0
        counts = {"events": 4, "mail": 4 - calendar, "calendar": calendar, "contacts": 0}
        rows.append({"key": key, "first_seen": seen(1), "last_seen": seen(3), "recipients": 3, **counts})
    return table(SENDERS, rows)


def domains(keys: list[str]) -> pa.Table:
    return table(
        ARTEFACTS,
        [{"key": key, "events": 9, "senders": 3, "first_seen": seen(1), "last_seen": seen(3)} for key in sorted(keys)],
    )


def scores(campaign_of: dict[tuple[str, str], str | None], risk: dict[str | None, float]) -> pa.Table:
    same = {"model": MODEL, "as_of": AS_OF}
    rows = [
        {"kind": kind, "key": key, "risk": risk[campaign], "campaign_id": campaign, "decision": word(risk[campaign])}
        for (kind, key), campaign in campaign_of.items()
    ]
    return table(DECIDED_SCORES, [row | same for row in rows])


def word(risk: float) -> str:
    """What is decided at a risk, by the lines of `decision`."""
    return "malicious" if risk >= MALICIOUS_FROM else "benign" if risk <= BENIGN_TO else "abstain"


def decision() -> dict[str, object]:
    """What a manifest tells of decisions."""
    upper = {"line": MALICIOUS_FROM, "called": 6, "expected_wrong": 0.18, "expected_precision": 0.97}
    lower = {"line": BENIGN_TO, "called": 3, "expected_wrong": 0.03, "expected_precision": 0.99}
    lines = {"malicious": upper, "benign": lower, "nodes": {"malicious": 6, "benign": 3, "abstain": 6}}
    asked = {"precision": 0.97, "benign_precision": 0.99, "false_positive_cost": 10.0, "least_events": 3}
    return {**asked, "sender": lines, "domain": lines}


def members(campaign_id: str, kind: str, role: str, keys: list[str]) -> list[dict[str, Any]]:
    return [{"campaign_id": campaign_id, "kind": kind, "key": key, "role": role, "weight": 1.0} for key in keys]


def campaign(campaign_id: str, risk: float, state: str, members: int, days: tuple[int, int]) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "operation_id": "op-1",
        "risk": risk,
        "senders": members,
        "domains": 1,
        "recipients": 3,
        "events": members * 4,
        "first_seen": seen(days[0]),
        "last_seen": seen(days[1]),
        "state": state,
    }


def evidence(campaign_id: str, rank: int, relation: str, artefact: str, sentence: str) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id,
        "rank": rank,
        "relation": relation,
        "artefact": artefact,
        "inside": 3,
        "outside": 1,
        "strength": 9.0 - rank,
        "log10_p": -12.0 + rank,
        "log10_p_corrected": -3.5 + rank,
        "first_seen": seen(1),
        "last_seen": seen(3),
        "sentence": sentence,
    }


def edges(campaign_id: str, relation: str, target_kind: str, target: str, keys: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "campaign_id": campaign_id,
            "relation": relation,
            "source_kind": "sender",
            "source": key,
            "target_kind": target_kind,
            "target": target,
            "events": 4,
        }
        for key in keys
    ]


def campaigns() -> Campaigns:
    """c-links (5 senders), c-invites (3, calendar), c-quiet (dormant); c-old merged into c-links by way of c-mid."""
    return Campaigns(
        campaigns=table(
            CAMPAIGNS,
            [
                campaign("c-invites", 0.91, "new", 3, (5, 9)),
                campaign("c-links", 0.97, "active", 5, (1, 20)),
                campaign("c-quiet", 0.60, "dormant", 2, (0, 2)),
            ],
        ),
        members=table(
            MEMBERS,
            members("c-links", "sender", "sender", BAD)
            + members("c-links", "domain", "domain", ["offers.example"])
            + members("c-links", "recipient", "target", TARGETS)
            + members("c-invites", "sender", "sender", CALENDAR_BAD)
            + members("c-invites", "domain", "domain", ["cal.example"])
            + members("c-quiet", "sender", "sender", ["old1@quiet.example", "old2@quiet.example"]),
        ),
        evidence=table(
            EVIDENCE,
            [
                evidence(
                    "c-links", 1, "linked_to", "offers.example", "5 members link to offers.example, 1 other does."
                ),
                evidence("c-links", 2, "sent_from", "192.0.2.0/24", "3 members write from 192.0.2.0/24, 1 other does."),
                evidence("c-links", 3, "carried", "f-1", "3 members carry one text <b>word for word</b>."),
                evidence("c-invites", 1, "address_at", "cal.example", "3 members have an address at cal.example."),
                evidence("c-quiet", 1, "sent_from", "203.0.113.0/24", "2 members write from 203.0.113.0/24.")
                | {"first_seen": seen(0), "last_seen": seen(2)},
            ],
        ),
        lineage=table(
            LINEAGE,
            [
                {"campaign_id": "c-old", "refresh": "r-0", "ts": seen(2), "event": "born"},
                {
                    "campaign_id": "c-old",
                    "refresh": "r-1",
                    "ts": seen(5),
                    "event": "merged",
                    "other_id": "c-mid",
                    "share": 0.8,
                },
                {
                    "campaign_id": "c-mid",
                    "refresh": "r-2",
                    "ts": seen(6),
                    "event": "merged",
                    "other_id": "c-links",
                    "share": 0.7,
                },
                {"campaign_id": "c-links", "refresh": "r-0", "ts": seen(2), "event": "born"},
                {"campaign_id": "c-links", "refresh": "r-2", "ts": seen(6), "event": "grew"},
            ],
        ),
        timeline=table(
            TIMELINE,
            [{"campaign_id": "c-links", "ts": seen(day), "events": day, "senders": 2} for day in range(1, 6)]
            + [{"campaign_id": "c-invites", "ts": seen(7), "events": 12, "senders": 3}],
        ),
        edges=table(
            CAMPAIGN_EDGES,
            edges("c-links", "linked_to", "domain", "offers.example", BAD)
            + edges("c-links", "sent_from", "network", "192.0.2.0/24", BAD[:3])
            + edges("c-links", "wrote_to", "recipient", TARGETS[0], BAD)
            + edges("c-invites", "address_at", "domain", "cal.example", CALENDAR_BAD),
        ),
        impact=table(
            IMPACT,
            [
                {
                    "campaign_id": "c-links",
                    "kind": "sender",
                    "key": BAD[0],
                    "legitimate_correspondents": 2,
                    "victim": True,
                    "regular": 1,
                    "answered_before": 1,
                    "since": seen(3),
                    "reason": "2 people who answer it would lose it.",
                }
            ],
        ),
        profiles=table(PROFILES, [profile("c-links")]),
        **tie_tables.tables(),
    )


def profile(campaign_id: str) -> dict[str, Any]:
    """A campaign as a whole, too thin to rely on."""
    return {
        "campaign_id": campaign_id,
        "assessment": {
            "log_odds": 3.5,
            "members_log_odds": 2.5,
            "evidence_log10_p": -2.5,
            "kinds": 3,
            "insufficient_data": True,
            "reason": "Only 2 of its senders are in this window.",
        },
        "signature": {
            "clauses": [[{"relation": "linked_to", "artefact": "offers.example"}]],
            "inside": 4,
            "outside": 1,
            "members": 5,
            "precision": 0.8,
            "recall": 0.8,
            "sentence": "Senders that link to offers.example: 4 of 5 members and 1 other in this window.",
        },
        "harm": {
            "perpetrators": 4,
            "victims": 1,
            "messages": 60,
            "people": 30,
            "reports": 2,
            "hours": 20.0,
            "messages_per_hour": 3.0,
            "people_per_hour": 1.5,
            "losing": 2,
            "sentence": "30 people were written to 60 times in 20 hours, 1.5 people an hour.",
        },
        "timing": {
            "active_days": 5,
            "events_last_week": 10,
            "events_week_before": 5,
            "growth": 2.0,
            "growth_log10_p": -0.8,
            "new_senders_last_week": 1,
            "synchrony": 0.6,
            "period_days": 7,
            "period_log10_p": -3.0,
            "next_from": seen(25),
            "next_until": seen(26),
            "sentence": "10 events in the last seven days and 5 in the seven before: no different beyond chance.",
        },
    }


def publication(refresh_id: str = "r-2", as_of: datetime = AS_OF, shift: float = 0.0) -> Publication:
    """The whole; `shift` moves every risk a little, so that two publications can be told apart by their answers."""
    found = campaigns()
    nodes: dict[tuple[str, str], str | None] = {("sender", key): None for key in GOOD}
    for row in found.members.to_pylist():
        if row["role"] != "target":
            nodes[row["kind"], row["key"]] = row["campaign_id"]
    nodes["domain", "example.org"] = None
    risk: dict[str | None, float] = {None: 0.01 + shift}
    risk |= {row["campaign_id"]: row["risk"] - shift for row in found.campaigns.to_pylist()}
    return Publication(
        refresh=Refresh(refresh_id, START, as_of, MODEL, "0" * 64),
        scores=scores(nodes, risk),
        reasons=reasons(),
        senders=senders([key for kind, key in nodes if kind == "sender"]),
        domains=domains([key for kind, key in nodes if kind == "domain"]),
        campaigns=found,
        model_card={"model": MODEL, "metrics": {"auprc": 0.9}},
        decision=decision(),
        stages=({"name": "window", "rows": 10, "seconds": 0.1, "peak_mb": 50.0},),
    )


def reasons() -> pa.Table:
    """Six reasons of the first sender, the first and last needed; with base and rest they sum to its log-odds."""
    usual = {"kind": "sender", "key": BAD[0], "peers": 4, "examples": BAD[1:4], "needed": False}
    listed = [
        {
            "rank": rank,
            "relation": "linked_to",
            "artefact": "offers.example",
            "contribution": 4.0 - rank / 2,
            "needed": rank in (1, 6),
            "sentence": f"Reason number {rank}.",
        }
        for rank in (3, 1, 2, 4, 6, 5)
    ]
    base = {"rank": 0, "relation": BASE, "contribution": -4.0, "sentence": "Without evidence."}
    left = math.log(0.97 / 0.03) + 4.0 - sum(float(row["contribution"]) for row in listed)  # type: ignore[arg-type]
    rest = {"rank": 7, "relation": REST, "contribution": left, "sentence": "What is left."}
    return table(REASONS, [usual | row for row in (rest, *listed, base)])


def without_campaigns(made: Publication) -> Publication:
    """The same window in which no campaign was found."""
    empty = {name: getattr(made.campaigns, name).slice(0, 0) for name in made.campaigns.__dataclass_fields__}
    return replace(made, campaigns=Campaigns(**empty))
