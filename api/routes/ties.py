"""What ties campaigns and senders, and what to judge next: what if, together, operations, the queue."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import Query

from api import ties
from api.connection_shapes import OperationDetail, OperationPage, QueuePage, TogetherOut, WhatIfOut
from api.cursors import decode_cursor, encode_cursor
from api.problems import ProblemError
from api.routes.campaigns import find
from api.routes.common import DEFAULT_LIMIT, Belongings, Cursor, Limit, guarded, needs, problems
from api.serving import stamp

router = guarded(prefix="/v1", tags=["campaigns"], dependencies=[needs("investigate")])
Name = Annotated[str, Query(min_length=1, max_length=1000)]


@router.get("/campaigns/{campaign_id}/what-if", responses=problems(404, 503))
def what_if(serving: Belongings, campaign_id: str) -> WhatIfOut:
    """The smallest evidence found without which the campaign would fall apart, piece by piece."""
    snapshot, _ = find(serving, campaign_id)
    return WhatIfOut.model_validate(
        {**stamp(snapshot), "campaign_id": campaign_id, **ties.what_if(snapshot, campaign_id)}
    )


@router.get("/together", responses=problems(404, 422, 503))
def together(
    serving: Belongings,
    a: Annotated[Name, Query(description="a sender, or the id of a campaign")],
    b: Annotated[Name, Query(description="another of the same kind")],
    kind: Annotated[Literal["sender", "campaign"], Query(description="what the two are")] = "sender",
) -> TogetherOut:
    """Why two senders are, or are not, in one campaign; of campaigns, why they are or are not one operation."""
    if a == b:
        raise ProblemError(422, "SAME-TWICE", "One, not two", "Name two different ones.")
    snapshot = serving.live.require()
    compare = ties.senders_together if kind == "sender" else ties.campaigns_together
    return TogetherOut.model_validate({**stamp(snapshot), **compare(snapshot, a, b)})


@router.get("/operations", responses=problems(400, 422, 503))
def operations(serving: Belongings, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> OperationPage:
    """Operations, the largest first: campaigns that one operator runs, sleeping ones among them."""
    snapshot = serving.live.require()
    rows, following = _page(ties.operations_of(snapshot), "operations", lambda row: row["operation_id"], limit, cursor)
    return OperationPage.model_validate({**stamp(snapshot), "items": rows, "next_cursor": following})


@router.get("/operations/{operation_id}", responses=problems(404, 503))
def operation(serving: Belongings, operation_id: str) -> OperationDetail:
    """One operation: its campaigns, and why each pair of them is linked."""
    snapshot = serving.live.require()
    return OperationDetail.model_validate({**stamp(snapshot), **ties.operation(snapshot, operation_id)})


@router.get("/queue", responses=problems(400, 422, 503))
def queue(serving: Belongings, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> QueuePage:
    """Senders and campaigns that a person should judge next: the verdicts that are expected to tell most."""
    snapshot = serving.live.require()
    asked = ties.queue_of(snapshot, serving.ledger)
    rows, following = _page(asked, "queue", lambda row: f"{row['kind']}:{row['key']}", limit, cursor)
    return QueuePage.model_validate({**stamp(snapshot), "items": rows, "next_cursor": following})


def _page(
    rows: Sequence[dict[str, Any]], route: str, name: Callable[[dict[str, Any]], str], limit: int, cursor: str | None
) -> tuple[Sequence[dict[str, Any]], str | None]:
    """One page of rows that have names, and the cursor of the next; empty where the cursor's row is gone."""
    query = {"route": route}
    if cursor is not None:
        (last,) = decode_cursor(cursor, query, (str,))
        names = [name(row) for row in rows]
        rows = rows[names.index(last) + 1 :] if last in names else []
    return rows[:limit], encode_cursor(query, (name(rows[limit - 1]),)) if len(rows) > limit else None
