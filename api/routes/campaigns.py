"""Campaigns: the list, one of them, and what belongs to it. Everything is read from the snapshot."""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from api.cursors import decode_cursor, encode_cursor
from api.interchange import FORMATS, export_campaign
from api.listing import Wanted, after, find_campaigns
from api.problems import ProblemError
from api.routes.common import DEFAULT_LIMIT, Belongings, Cursor, Limit, guarded, needs, problems
from api.serving import Serving, stamp
from api.shapes import (
    CampaignDetail,
    CampaignPage,
    EvidenceOut,
    GraphOut,
    ImpactOut,
    LineageOut,
    MemberPage,
    Moment,
    State,
    TimelineOut,
)
from graph.snapshot import Snapshot

EDGES_SHOWN = 5_000  # what a browser can still draw
VERDICTS_SHOWN = 20
Sort = Literal[
    "risk", "-risk", "senders", "-senders", "domains", "-domains", "recipients", "-recipients",
    "events", "-events", "first_seen", "-first_seen", "last_seen", "-last_seen",
]  # fmt: skip
_KINDS: dict[str, type] = {"risk": float, "first_seen": datetime, "last_seen": datetime} | dict.fromkeys(
    ("senders", "domains", "recipients", "events"), int
)
Format = Literal["stix", "misp", "graphml", "csv"]
router = guarded(prefix="/v1/campaigns", tags=["campaigns"], dependencies=[needs("investigate")])


class MovedError(Exception):
    """The campaign asked for lives on in another: `heir`."""

    def __init__(self, heir: str) -> None:
        super().__init__(heir)
        self.heir = heir


@router.get("", responses=problems(400, 422, 503))
def campaigns(
    serving: Belongings,
    state: Annotated[list[State], Query()] = [],  # noqa: B006 (FastAPI reads it, nobody writes it)
    min_risk: Annotated[float | None, Query(ge=0, le=1)] = None,
    channel: Literal["mail", "calendar", "contacts"] | None = None,
    domain: Annotated[str | None, Query(description="a registrable domain among its members", max_length=300)] = None,
    since: Annotated[Moment | None, Query(description="seen at or after")] = None,
    until: Annotated[Moment | None, Query(description="seen at or before")] = None,
    text: Annotated[str | None, Query(description="in ids, members or the headline", max_length=300)] = None,
    sort: Annotated[Sort, Query(description="a dash before it: largest first")] = "-risk",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> CampaignPage:
    """Campaigns that match, a page of them."""
    snapshot = serving.live.require()
    wanted = Wanted(tuple(sorted(set(state))), min_risk, channel, domain, since, until, text)
    rows, total, next_cursor = page_of_campaigns(snapshot, wanted, sort, limit, cursor)
    return CampaignPage.model_validate({**stamp(snapshot), "items": rows, "total": total, "next_cursor": next_cursor})


def page_of_campaigns(
    snapshot: Snapshot, wanted: Wanted, sort: str, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], int, str | None]:
    """Rows of one page, how many match on all, and the cursor of the next page."""
    column, descending = sort.lstrip("-"), sort.startswith("-")
    found = find_campaigns(snapshot, wanted, column, descending)
    query = {"route": "campaigns", "sort": sort, **vars(wanted)}
    total = found.num_rows
    if cursor is not None:
        value, campaign_id = decode_cursor(cursor, query, (_KINDS[column], str))
        found = after(found, column, descending, (value, campaign_id))
    rows = found.slice(0, limit).to_pylist()
    if found.num_rows <= limit:
        return rows, total, None
    last = rows[-1]
    return rows, total, encode_cursor(query, (last[column], last["campaign_id"]))


@router.get("/{campaign_id}", responses={301: {"description": "It merged: the heir"}, **problems(404, 503)})
def campaign(serving: Belongings, campaign_id: str) -> CampaignDetail:
    """One campaign. One that merged answers 301 with its heir, here and on every route below."""
    snapshot, row = find(serving, campaign_id)
    verdicts = serving.ledger.list(VERDICTS_SHOWN, kind="campaign", keys=[campaign_id])
    return CampaignDetail.model_validate(
        {
            **stamp(snapshot),
            **row,
            "assessment": profile_of(snapshot, campaign_id).get("assessment"),
            "verdicts": [vars(verdict) for verdict in verdicts],
        }
    )


@router.get("/{campaign_id}/members", responses=problems(400, 404, 503))
def members(
    serving: Belongings,
    campaign_id: str,
    role: Literal["sender", "domain", "target"] | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> MemberPage:
    """Its senders, domains and targets, by kind, role and key."""
    snapshot, _ = find(serving, campaign_id)
    found = snapshot.rows_of("members", campaign_id)
    if role is not None:
        found = found.filter(pc.equal(found["role"], role))
    query = {"route": "members", "campaign_id": campaign_id, "role": role}
    if cursor is not None:
        found = _after_member(found, decode_cursor(cursor, query, (str, str, str)))
    rows = found.slice(0, limit).to_pylist()
    position = [rows[-1][name] for name in ("kind", "role", "key")] if rows else []
    following = encode_cursor(query, position) if found.num_rows > limit else None
    return MemberPage.model_validate(
        {**stamp(snapshot), "campaign_id": campaign_id, "items": rows, "next_cursor": following}
    )


@router.get("/{campaign_id}/graph", responses=problems(404, 503))
def graph(serving: Belongings, campaign_id: str) -> GraphOut:
    """Its members, what they share and the most hit targets, as nodes and edges."""
    snapshot, _ = find(serving, campaign_id)
    return GraphOut.model_validate({**stamp(snapshot), "campaign_id": campaign_id, **drawn(snapshot, campaign_id)})


def drawn(snapshot: Snapshot, campaign_id: str, most: int = EDGES_SHOWN) -> dict[str, Any]:
    """nodes, edges and truncated of a campaign's graph."""
    edges = snapshot.rows_of("edges", campaign_id)
    kept = edges.slice(0, most).drop_columns(["campaign_id"]).to_pylist()
    names = {(edge["source_kind"], edge["source"]) for edge in kept}
    names |= {(edge["target_kind"], edge["target"]) for edge in kept}
    roles = {(row["kind"], row["key"]): row["role"] for row in snapshot.rows_of("members", campaign_id).to_pylist()}
    nodes = []
    for kind, key in sorted(names):
        known = snapshot.lookup(kind, key) or {}
        nodes.append({"kind": kind, "key": key, "role": roles.get((kind, key)), "risk": known.get("risk")})
    return {"nodes": nodes, "edges": kept, "truncated": edges.num_rows > most}


@router.get("/{campaign_id}/timeline", responses=problems(404, 503))
def timeline(serving: Belongings, campaign_id: str) -> TimelineOut:
    """Its events and active senders over time, its growth, and when it is due again if it keeps a period."""
    return TimelineOut.model_validate(_part(serving, campaign_id, "timeline", "timing"))


@router.get("/{campaign_id}/evidence", responses=problems(404, 503))
def evidence(serving: Belongings, campaign_id: str) -> EvidenceOut:
    """What ties it together, strongest first, and a signature that would stop it."""
    return EvidenceOut.model_validate(_part(serving, campaign_id, "evidence", "signature"))


@router.get("/{campaign_id}/lineage", responses=problems(404, 503))
def lineage(serving: Belongings, campaign_id: str) -> LineageOut:
    """How it came to be: what was born, grew, split and merged, oldest first."""
    snapshot, _ = find(serving, campaign_id)
    rows = snapshot.lineage_of(campaign_id)
    return LineageOut.model_validate({**stamp(snapshot), "campaign_id": campaign_id, "items": rows})


@router.get("/{campaign_id}/impact", responses=problems(404, 503))
def impact(serving: Belongings, campaign_id: str) -> ImpactOut:
    """Whom acting on a member would hurt, who is a victim, and the harm so far."""
    return ImpactOut.model_validate(_part(serving, campaign_id, "impact", "harm"))


@router.get("/{campaign_id}/export", response_class=Response, responses=problems(404, 422, 503))
def export(
    serving: Belongings, campaign_id: str, format: Annotated[Format, Query(description="of the document")]
) -> Response:
    """The campaign as a document for other systems: a STIX 2.1 bundle, a MISP event, GraphML or CSV."""
    snapshot, row = find(serving, campaign_id)
    media_type, ending = FORMATS[format]
    name = f'attachment; filename="{_file_name(campaign_id)}.{ending}"'
    return Response(
        export_campaign(snapshot, row, format), media_type=media_type, headers={"Content-Disposition": name}
    )


def find(serving: Serving, campaign_id: str) -> tuple[Snapshot, dict[str, Any]]:
    """The live snapshot and the campaign's row in it. Raises MovedError to its heir, ProblemError 404."""
    snapshot = serving.live.require()
    row = snapshot.campaign(campaign_id)
    if row is not None:
        return snapshot, row
    heir = snapshot.heir(campaign_id)
    if heir is not None:
        raise MovedError(heir)
    raise ProblemError(
        404,
        "CAMPAIGN-UNKNOWN",
        "No such campaign",
        f"{campaign_id!r} is not in snapshot {snapshot.id}, nor merged in it.",
    )


def moved(request: Request, error: Exception) -> Response:
    """301 to the same route of the heir, query kept."""
    assert isinstance(error, MovedError)
    target = str(request.scope["route"].path).replace("{campaign_id}", quote(error.heir, safe=""))
    return RedirectResponse(target + (f"?{request.url.query}" if request.url.query else ""), status_code=301)


def profile_of(snapshot: Snapshot, campaign_id: str) -> dict[str, Any]:
    """assessment, signature, harm and timing of a campaign; empty where it went to sleep before snapshots told."""
    rows = snapshot.rows_of("profiles", campaign_id).to_pylist()
    return dict(rows[0]) if rows else {}


def _part(serving: Serving, campaign_id: str, name: str, whole: str) -> dict[str, Any]:
    """A campaign's rows of a table, and the part of its profile that goes with them."""
    snapshot, _ = find(serving, campaign_id)
    items = snapshot.rows_of(name, campaign_id).to_pylist()
    part = profile_of(snapshot, campaign_id).get(whole)
    return {**stamp(snapshot), "campaign_id": campaign_id, "items": items, whole: part}


def _after_member(found: pa.Table, position: list[Any]) -> pa.Table:
    kind, role, key = position
    in_kind = pc.equal(found["kind"], kind)
    in_role = pc.and_(in_kind, pc.equal(found["role"], role))
    later = pc.or_(pc.greater(found["kind"], kind), pc.and_(in_kind, pc.greater(found["role"], role)))
    return found.filter(pc.or_(later, pc.and_(in_role, pc.greater(found["key"], key))))


def _file_name(campaign_id: str) -> str:
    return "".join(
        letter if (letter.isalnum() and letter.isascii()) or letter in "-_" else "_" for letter in campaign_id
    )
