"""For those who run the service: refreshes published and asked for, models."""

from itertools import groupby
from typing import Annotated, Any

from fastapi import Response

from api.auth import Caller
from api.cursors import decode_cursor, encode_cursor
from api.routes.common import DEFAULT_LIMIT, Belongings, Cursor, Limit, guarded, needs, problems
from api.serving import Serving
from api.shapes import JobOut, ModelPage, RefreshPage
from graph.snapshot import Manifest, list_manifests

JOBS_SHOWN = 20
router = guarded(tags=["operation"])


@router.get("/v1/refreshes", dependencies=[needs("operate")], responses=problems(400))
def refreshes(serving: Belongings, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> RefreshPage:
    """Refreshes whose snapshots are kept, the latest published first, and those asked for over HTTP."""
    rows = [_refresh_row(manifest, _live_id(serving)) for manifest in list_manifests(serving.home)]
    page, following = _page(rows, ("published_at", "snapshot"), {"route": "refreshes"}, limit, cursor)
    jobs = [vars(job) for job in serving.jobs.latest(JOBS_SHOWN)]
    return RefreshPage.model_validate({"items": page, "requested": jobs, "next_cursor": following})


@router.post("/v1/refreshes", status_code=202, responses=problems(409, 503))
def refresh(serving: Belongings, response: Response, caller: Annotated[Caller, needs("operate")]) -> JobOut:
    """Begin a refresh in a process of its own; one at a time. `GET /v1/refreshes` shows how it goes."""
    response.headers["Location"] = "/v1/refreshes"
    return JobOut.model_validate(vars(serving.jobs.start(caller.name)))


@router.get("/v1/models", dependencies=[needs("operate")], responses=problems(400))
def models(serving: Belongings, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> ModelPage:
    """The models behind the snapshots that are kept, with their cards, the latest first."""
    live = serving.live.current
    rows = _model_rows(list_manifests(serving.home), live.manifest.model if live else None)
    page, following = _page(rows, ("last_published", "model"), {"route": "models"}, limit, cursor)
    return ModelPage.model_validate({"items": page, "next_cursor": following})


def _live_id(serving: Serving) -> str | None:
    return serving.live.current.id if serving.live.current else None


def _refresh_row(manifest: Manifest, live: str | None) -> dict[str, Any]:
    return {
        "refresh": manifest.refresh["id"],
        "snapshot": manifest.id,
        "start": manifest.refresh["start"],
        "as_of": manifest.as_of,
        "model": manifest.model,
        "published_at": manifest.published_at.isoformat(),
        "live": manifest.id == live,
        "decision": manifest.decision,
        "stages": manifest.stages,
    }


def _model_rows(manifests: list[Manifest], live: str | None) -> list[dict[str, Any]]:
    rows = []
    ordered = sorted(manifests, key=lambda manifest: (manifest.model, manifest.published_at))
    for model, group in groupby(ordered, key=lambda manifest: manifest.model):
        of_model = list(group)
        row = {"model": model, "live": model == live, "card": of_model[-1].model_card}
        row |= {"first_published": of_model[0].published_at, "last_published": of_model[-1].published_at.isoformat()}
        rows.append(row | {"snapshots": [manifest.id for manifest in of_model]})
    return sorted(rows, key=lambda row: (row["last_published"], row["model"]), reverse=True)


def _page(
    rows: list[dict[str, Any]], order: tuple[str, str], query: dict[str, object], limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of rows that are sorted by two columns of text, the greatest first, and the next one's cursor."""
    if cursor is not None:
        position = tuple(decode_cursor(cursor, query, (str, str)))
        rows = [row for row in rows if tuple(row[name] for name in order) < position]
    page = rows[:limit]
    following = encode_cursor(query, [page[-1][name] for name in order]) if len(rows) > limit else None
    return page, following
