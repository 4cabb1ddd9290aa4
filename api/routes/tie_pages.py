"""The pages about ties: one operation, why two are not together, and what to judge next. Read from `api.ties`."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api import ties
from api.page import render
from api.routes.common import Belongings
from api.routes.page import investigator, page_of
from api.serving import Serving

QUEUE_SHOWN, LINKS_SHOWN = 20, 60
router = APIRouter(include_in_schema=False)
Name = Annotated[str, Query(max_length=1000)]


@router.get("/queue")
async def queue(request: Request, serving: Belongings) -> HTMLResponse:
    """Whom or what to judge next."""
    caller = await investigator(request, serving)
    return await page_of(request, lambda: _queue_page(serving, caller))


@router.get("/together")
async def together(
    request: Request, serving: Belongings, a: Name = "", b: Name = "", kind: Literal["sender", "campaign"] = "sender"
) -> HTMLResponse:
    """Why two senders or two campaigns are not together."""
    caller = await investigator(request, serving)
    return await page_of(request, lambda: _together_page(serving, caller, kind, a.strip(), b.strip()))


@router.get("/operations/{operation_id}")
async def operation(request: Request, serving: Belongings, operation_id: str) -> HTMLResponse:
    """One operation."""
    caller = await investigator(request, serving)
    return await page_of(request, lambda: _operation_page(serving, caller, operation_id))


def _queue_page(serving: Serving, caller: str) -> str:
    snapshot = serving.live.require()
    rows = ties.queue_of(snapshot, serving.ledger)
    left = max(len(rows) - QUEUE_SHOWN, 0)
    return render("queue.html", caller=caller, snapshot=snapshot, rows=rows[:QUEUE_SHOWN], left=left)


def _together_page(serving: Serving, caller: str, kind: str, a: str, b: str) -> str:
    snapshot = serving.live.require()
    compare = ties.senders_together if kind == "sender" else ties.campaigns_together
    found = compare(snapshot, a, b) if a and b and a != b else None
    return render("together.html", caller=caller, snapshot=snapshot, kind=kind, a=a, b=b, found=found)


def _operation_page(serving: Serving, caller: str, operation_id: str) -> str:
    snapshot = serving.live.require()
    found = ties.operation(snapshot, operation_id)
    links = found["links"]
    return render(
        "operation.html",
        caller=caller,
        snapshot=snapshot,
        found=found,
        links=links[:LINKS_SHOWN],
        links_left=max(len(links) - LINKS_SHOWN, 0),
    )
