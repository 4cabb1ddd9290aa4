"""What surrounds a node, from the graph store, with each neighbour's risk from the snapshot."""

import json
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import Response

from api.cursors import decode_cursor, encode_cursor
from api.routes.common import DEFAULT_LIMIT, Belongings, Cursor, Limit, guarded, needs, problems
from api.serving import stamp
from api.shapes import NeighbourPage
from graph.errors import NotFoundError
from graph.keys import spellings
from graph.snapshot import NODE_KINDS, Snapshot
from graph.store import GraphStore, Neighbour

REACHABLE = 5_000  # neighbours that can be paged through; a hub has millions, and its strongest come first
router = guarded(tags=["nodes"], dependencies=[needs("investigate")])


@router.get(
    "/v1/nodes/{kind}/{key:path}/neighbours", response_model=NeighbourPage, responses=problems(400, 404, 422, 503)
)
async def neighbours(
    serving: Belongings, kind: str, key: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Response:
    """A sender's, domain's, recipient's or network's relationships, the strongest of each type first."""
    snapshot = serving.live.require()
    page = await serving.graph.ask(partial(_page, snapshot, kind, key, limit, cursor))
    return Response(page, media_type="application/json")


def _page(snapshot: Snapshot, kind: str, key: str, limit: int, cursor: str | None, store: GraphStore) -> str:
    """One page as JSON, made where the store is read: the event loop has nothing left to do with it."""
    refresh = store.refresh()
    query = {"route": "neighbours", "kind": kind, "key": key, "refresh": refresh}
    start = 0 if cursor is None else min(max(decode_cursor(cursor, query, (int,))[0], 0), REACHABLE)
    key, found = _neighbours(store, kind, key, min(start + limit + 1, REACHABLE))
    rows = [_shaped(snapshot, neighbour) for neighbour in found[start : start + limit]]
    following = encode_cursor(query, (start + limit,)) if len(found) > start + limit else None
    named = {"kind": kind, "key": key, "refresh": refresh}
    return NeighbourPage.model_validate(
        {**stamp(snapshot), **named, "items": rows, "next_cursor": following}
    ).model_dump_json()


def _neighbours(store: GraphStore, kind: str, key: str, limit: int) -> tuple[str, list[Neighbour]]:
    """The key of the node that is meant, by its exact spelling or its canonical one, and what surrounds it."""
    *others, last = spellings(kind, key)
    for spelling in others:
        with suppress(NotFoundError):
            return spelling, store.neighbours(kind, spelling, limit)
    return last, store.neighbours(kind, last, limit)


def _shaped(snapshot: Snapshot, neighbour: Neighbour) -> dict[str, Any]:
    fields = snapshot.lookup_fields(neighbour.kind, neighbour.key) if neighbour.kind in NODE_KINDS else None
    known = json.loads(b"{" + fields + b"}") if fields else {}
    return {
        "relation": neighbour.relation,
        "direction": neighbour.direction,
        "kind": neighbour.kind,
        "key": neighbour.key,
        "risk": known.get("risk"),
        "campaign_id": known.get("campaign_id"),
        "properties": {name: _plain(value) for name, value in neighbour.properties.items()},
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
