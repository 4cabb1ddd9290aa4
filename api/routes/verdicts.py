"""Human verdicts: taken once, on disk before the answer is sent, listed. They count from the next refresh on."""

from typing import Annotated, Literal

from fastapi import Header, Query, Response

from api.auth import Caller
from api.cursors import decode_cursor, encode_cursor
from api.routes.campaigns import MovedError, find
from api.routes.common import DEFAULT_LIMIT, Belongings, Cursor, Limit, guarded, needs, problems
from api.serving import Serving
from api.shapes import VerdictIn, VerdictOut, VerdictPage
from graph.keys import meant_instead, spellings
from graph.schema import VERDICT_KINDS
from graph.verdicts import Decision

router = guarded(prefix="/v1/verdicts", tags=["verdicts"])


@router.post(
    "", status_code=201, responses={200: {"description": "Taken before, under this key"}, **problems(404, 422, 503)}
)
def decide(
    serving: Belongings,
    response: Response,
    asked: VerdictIn,
    caller: Annotated[Caller, needs("decide")],
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> VerdictOut:
    """Keep a verdict about a sender, a domain or a campaign; its source is the name of the key.

    A key that names nobody in the window is kept all the same, with a warning: the next refresh may know it.

    The same `Idempotency-Key` again gives the first answer. A verdict about a merged campaign is kept for its heir. On
    the id of an alarm, as a campaign's, `malicious` means that both sides are one campaign, `benign` that they are two.
    """
    key = asked.key.strip()
    if asked.kind == "campaign":
        key = _living(serving, key)
    warnings = _warnings(serving, asked.kind, key)  # before it is kept: an error here must not follow the commit
    decision = Decision(asked.kind, key, asked.verdict, caller.name, asked.ts, asked.note)
    verdict, new = serving.ledger.add(decision, idempotency_key)
    if new:
        serving.metrics.verdicts.labels(verdict.kind, verdict.verdict).inc()
    else:
        response.status_code = 200
    return VerdictOut.model_validate({**vars(verdict), "warnings": warnings})


@router.get("", dependencies=[needs("investigate")], responses=problems(400, 422))
def verdicts(
    serving: Belongings,
    kind: Literal["sender", "domain", "campaign"] | None = None,
    key: Annotated[str | None, Query(max_length=1000)] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> VerdictPage:
    """Verdicts given over HTTP, the latest first."""
    query = {"route": "verdicts", "kind": kind, "key": key}
    before = None if cursor is None else decode_cursor(cursor, query, (int,))[0]
    found = serving.ledger.list(limit + 1, before, kind, None if key is None else _spellings(kind, key))
    following = encode_cursor(query, (found[limit - 1].place,)) if len(found) > limit else None
    items = [VerdictOut.model_validate(vars(verdict)) for verdict in found[:limit]]
    return VerdictPage(items=items, next_cursor=following)


def _living(serving: Serving, campaign_id: str) -> str:
    """The campaign itself, or the one that it merged into, or the alarm of that id. Raises ProblemError 404."""
    if campaign_id in serving.live.require().table("alarms", ["alarm_id"])["alarm_id"].to_pylist():
        return campaign_id
    try:
        find(serving, campaign_id)
    except MovedError as moved:
        return moved.heir
    return campaign_id


def _spellings(kind: str | None, key: str) -> tuple[str, ...]:
    """How verdicts may have named what this key means."""
    kinds = VERDICT_KINDS if kind is None else (kind,)
    return tuple(dict.fromkeys(spelling for each in kinds for spelling in spellings(each, key)))


def _warnings(serving: Serving, kind: str, key: str) -> list[str]:
    """What whoever gives a verdict should know: that its key names nobody, and what might have been meant."""
    snapshot = serving.live.current
    if kind == "campaign" or snapshot is None or snapshot.lookup_fields(kind, key) is not None:
        return []
    wider = meant_instead(kind, key)
    near = f"; if the whole site is meant, judge {wider}" if wider else ""
    return [f"no {kind} {key!r} is in the window of the live snapshot, so the verdict has no effect there{near}"]
