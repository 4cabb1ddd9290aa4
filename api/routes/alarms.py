"""Alarms: joins of campaigns that wait for a person; and the artefacts whose evidence was discounted, with reasons."""

from typing import Annotated, Any, Literal

import pyarrow.compute as pc
from fastapi import Query

from api.cursors import decode_cursor, encode_cursor
from api.routes.campaigns import find
from api.routes.common import DEFAULT_LIMIT, Belongings, Cursor, Limit, guarded, needs, problems
from api.serving import stamp
from api.shapes import AlarmPage, DiscountsOut
from graph.snapshot import Snapshot

router = guarded(prefix="/v1", tags=["campaigns"], dependencies=[needs("investigate")])


@router.get("/alarms", responses=problems(400, 422, 503))
def alarms(
    serving: Belongings,
    state: Annotated[Literal["open", "apart"] | None, Query(description="apart: a verdict said so")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> AlarmPage:
    """Joins of campaigns that were held back, the latest first.

    A verdict of kind `campaign` on an alarm's id answers it: `malicious` makes them one campaign at the next refresh,
    `benign` keeps them two for good.
    """
    snapshot = serving.live.require()
    query = {"route": "alarms", "state": state}
    rows = alarms_of(snapshot, state)
    if cursor is not None:
        (last,) = decode_cursor(cursor, query, (str,))
        names = [row["alarm_id"] for row in rows]
        rows = rows[names.index(last) + 1 :] if last in names else []
    following = encode_cursor(query, (rows[limit - 1]["alarm_id"],)) if len(rows) > limit else None
    return AlarmPage.model_validate({**stamp(snapshot), "items": rows[:limit], "next_cursor": following})


@router.get("/campaigns/{campaign_id}/discounts", responses=problems(404, 503))
def discounts(serving: Belongings, campaign_id: str) -> DiscountsOut:
    """What its members share with so many others that it hardly counts, most used first."""
    snapshot, _ = find(serving, campaign_id)
    rows = snapshot.rows_of("discounts", campaign_id).sort_by([("inside", "descending"), ("artefact", "ascending")])
    return DiscountsOut.model_validate({**stamp(snapshot), "campaign_id": campaign_id, "items": rows.to_pylist()})


def alarms_of(snapshot: Snapshot, state: str | None = None, campaign_id: str | None = None) -> list[dict[str, Any]]:
    """Alarms of a snapshot, the latest first: those in a state, those about a campaign."""
    table = snapshot.table("alarms")
    if state is not None:
        table = table.filter(pc.equal(table["state"], state))
    if campaign_id is not None:
        table = table.filter(
            pc.or_(pc.equal(table["campaign_id"], campaign_id), pc.equal(table["other_id"], campaign_id))
        )
    rows: list[dict[str, Any]] = table.sort_by([("since", "descending"), ("alarm_id", "ascending")]).to_pylist()
    return rows
