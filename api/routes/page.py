"""The pages for people: campaigns, one campaign, signing in and out, the API's documentation."""

from typing import Annotated, Any
from urllib.parse import parse_qs, quote, urlencode

import pyarrow.compute as pc
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.staticfiles import StaticFiles

from api.auth import SESSION_SECONDS, Caller
from api.interchange import FORMATS
from api.listing import CHANNELS, Wanted
from api.page import ASSETS, HEADERS, render
from api.page.drawing import GRAPH_HEIGHT, GRAPH_WIDTH, bars, picture, spark
from api.page.reference import operations
from api.problems import ProblemError
from api.routes.alarms import alarms_of
from api.routes.campaigns import find, page_of_campaigns, profile_of
from api.routes.common import Belongings
from api.serving import SESSION_COOKIE, Serving, cookie
from api.ties import what_if
from graph.schema import ALARM_OPEN, CAMPAIGN_STATES
from graph.snapshot import Snapshot

ROWS = 25
ALARMS_SHOWN, EVIDENCE_SHOWN, MEMBERS_SHOWN, IMPACT_SHOWN, VERDICTS_SHOWN = 8, 12, 60, 12, 10
SORTS = (
    ("-risk", "riskiest"),
    ("-last_seen", "latest"),
    ("-senders", "most senders"),
    ("-recipients", "most recipients"),
)
LONGEST_FORM = 4_096
router = APIRouter(include_in_schema=False)


def assets() -> StaticFiles:
    """The style sheet and the icon."""
    return StaticFiles(directory=ASSETS)


class SignInError(Exception):
    """Nobody is signed in; `next` is what was asked for."""

    def __init__(self, next: str) -> None:
        super().__init__(next)
        self.next = next


async def investigator(request: Request, serving: Serving) -> str:
    """The name of who is signed in. Raises SignInError."""
    caller: Caller | None = await serving.session(request.scope, "investigate")
    if caller is None:
        raise SignInError(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    return caller.name if serving.keys is not None else ""


async def to_sign_in(_: Request, error: Exception) -> Response:
    assert isinstance(error, SignInError)
    return RedirectResponse(f"/sign-in?next={quote(error.next)}", status_code=303)


@router.get("/")
async def campaigns(
    request: Request,
    serving: Belongings,
    text: Annotated[str, Query(max_length=300)] = "",
    state: str = "",
    channel: str = "",
    sort: str = SORTS[0][0],
    cursor: str = "",
) -> HTMLResponse:
    """The list of campaigns."""
    caller = await investigator(request, serving)
    asked = {
        "text": text,
        "state": state if state in CAMPAIGN_STATES else "",
        "channel": channel if channel in CHANNELS else "",
        "sort": sort if sort in dict(SORTS) else SORTS[0][0],
    }
    return await page_of(request, lambda: _campaigns_page(serving, caller, asked, cursor))


@router.get("/campaigns/{campaign_id}")
async def campaign(request: Request, serving: Belongings, campaign_id: str) -> HTMLResponse:
    """One campaign."""
    caller = await investigator(request, serving)
    return await page_of(request, lambda: _campaign_page(serving, caller, campaign_id))


@router.get("/sign-in")
async def sign_in_form(serving: Belongings, next: str = "/") -> Response:
    """The form that takes an API key."""
    if serving.keys is None:
        return RedirectResponse("/", status_code=303)
    return _html(render("sign-in.html", caller="", next=_local(next), fault=""))


@router.post("/sign-in")
async def sign_in(request: Request, serving: Belongings) -> Response:
    """Trade an API key for a session; the browser keeps the session, never the key."""
    form = parse_qs((await request.body())[:LONGEST_FORM].decode("utf-8", "replace"))
    key, following = form.get("key", [""])[0].strip(), _local(form.get("next", ["/"])[0])
    if serving.keys is None:
        return RedirectResponse("/", status_code=303)
    caller = serving.keys.identify(key)
    if caller is None or "investigate" not in caller.scopes:
        fault = "This key is unknown or was revoked." if caller is None else "This key lacks the scope investigate."
        return _html(render("sign-in.html", caller="", next=following, fault=fault), 403)
    token = await run_in_threadpool(serving.keys.open_session, key)
    response = RedirectResponse(following, status_code=303)
    secure = request.url.scheme == "https"
    response.set_cookie(
        SESSION_COOKIE, token or "", max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=secure
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request, serving: Belongings) -> Response:
    """End the session."""
    token = cookie(request.scope, SESSION_COOKIE)
    if serving.keys is not None and token:
        await run_in_threadpool(serving.keys.close_session, token)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return response


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """The API, told for people."""
    return _html(render("docs.html", caller="", groups=operations(request.app.openapi())))


def _campaigns_page(serving: Serving, caller: str, asked: dict[str, str], cursor: str) -> str:
    snapshot = serving.live.require()
    states = (asked["state"],) if asked["state"] else ()
    wanted = Wanted(states=states, channel=asked["channel"] or None, text=asked["text"].strip() or None)
    rows, total, following = page_of_campaigns(snapshot, wanted, asked["sort"], ROWS, cursor or None)
    filters = {name: value for name, value in asked.items() if value}
    waiting = [] if cursor or wanted != Wanted() else alarms_of(snapshot, ALARM_OPEN)
    return render(
        "campaigns.html",
        caller=caller,
        snapshot=snapshot,
        rows=rows,
        total=total,
        filtered=wanted != Wanted(),
        asked={**asked, "cursor": cursor},
        states=CAMPAIGN_STATES,
        channels=CHANNELS,
        sorts=SORTS,
        sparks=_sparks(snapshot, rows),
        alarms=waiting[:ALARMS_SHOWN],
        alarms_left=max(len(waiting) - ALARMS_SHOWN, 0),
        first="/?" + urlencode(filters),
        following="/?" + urlencode({**filters, "cursor": following}) if following else "",
    )


def _campaign_page(serving: Serving, caller: str, campaign_id: str) -> str:
    snapshot, row = find(serving, campaign_id)
    timeline = snapshot.rows_of("timeline", campaign_id).to_pylist()
    everybody = snapshot.rows_of("impact", campaign_id)
    hurt = pc.or_(pc.greater(everybody["legitimate_correspondents"], 0), everybody["victim"])
    impact = everybody.filter(hurt).sort_by([("legitimate_correspondents", "descending"), ("key", "ascending")])
    members = snapshot.rows_of("members", campaign_id)
    culprits = members.filter(pc.not_equal(members["role"], "target")).sort_by(
        [("kind", "ascending"), ("weight", "descending"), ("key", "ascending")]
    )
    return render(
        "campaign.html",
        caller=caller,
        snapshot=snapshot,
        row=row,
        evidence=snapshot.rows_of("evidence", campaign_id).slice(0, EVIDENCE_SHOWN).to_pylist(),
        discounts=snapshot.rows_of("discounts", campaign_id).sort_by([("inside", "descending")]).to_pylist(),
        alarms=alarms_of(snapshot, campaign_id=campaign_id),
        profile=profile_of(snapshot, campaign_id),
        dissolved=what_if(snapshot, campaign_id),
        bars=bars(timeline),
        last_point=timeline[-1]["ts"] if timeline else row["last_seen"],
        picture=picture(snapshot.rows_of("edges", campaign_id).to_pylist()),
        width=GRAPH_WIDTH,
        height=GRAPH_HEIGHT,
        members=_with_risk(snapshot, culprits.slice(0, MEMBERS_SHOWN).to_pylist()),
        members_left=max(culprits.num_rows - MEMBERS_SHOWN, 0),
        targets=members.num_rows - culprits.num_rows,
        impact=impact.slice(0, IMPACT_SHOWN).to_pylist(),
        impact_left=max(impact.num_rows - IMPACT_SHOWN, 0),
        harmless=everybody.num_rows - impact.num_rows,
        lineage=snapshot.lineage_of(campaign_id),
        verdicts=serving.ledger.list(VERDICTS_SHOWN, kind="campaign", keys=[campaign_id]),
        formats=FORMATS,
    )


def _sparks(snapshot: Snapshot, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Sparklines of the rows shown, on one axis from the first day that any of them has events to the last."""
    points = {row["campaign_id"]: snapshot.rows_of("timeline", row["campaign_id"]).to_pylist() for row in rows}
    days = sorted(point["ts"] for of_campaign in points.values() for point in of_campaign)
    return {name: spark(of_campaign, days[0], days[-1]) if days else [] for name, of_campaign in points.items()}


def _with_risk(snapshot: Snapshot, members: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = [snapshot.lookup(member["kind"], member["key"]) for member in members]
    names = ("risk", "decision")
    return [
        member | {name: node[name] if node else None for name in names}
        for member, node in zip(members, known, strict=True)
    ]


async def page_of(request: Request, make: Any) -> HTMLResponse:
    """A page made off the event loop; what goes wrong is told as a page too."""
    try:
        return _html(await run_in_threadpool(make))
    except ProblemError as problem:
        request_id = request.scope["state"]["request_id"]
        return _html(render("problem.html", caller="", problem=problem, request_id=request_id), problem.status)


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, HEADERS)


def _local(path: str) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
