"""What surrounds a node, from the graph store, with each neighbour's risk from the snapshot."""

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter

from api.cursors import decode_cursor, encode_cursor
from api.routes.common import DEFAULT_LIMIT, Belongings, Cursor, Limit, needs, problems
from api.serving import stamp
from api.shapes import NeighbourPage
from graph.snapshot import NODE_KINDS, Snapshot
from graph.store import Neighbour

REACHABLE = 5_000  # neighbours that can be paged through; a hub has millions, and its strongest come first
router = APIRouter(tags=["nodes"], dependencies=[needs("investigate")])


@router.get("/v1/nodes/{kind}/{key:path}/neighbours", responses=problems(400, 404, 422, 503))
def neighbours(
    serving: Belongings, kind: str, key: str, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> NeighbourPage:
    """A sender's, domain's, recipient's or network's relationships, the strongest of each type first."""
    snapshot = serving.live.require()
    with serving.open_store() as store:
        refresh = store.refresh()
        query = {"route": "neighbours", "kind": kind, "key": key, "refresh": refresh}
        start = 0 if cursor is None else int(str(decode_cursor(cursor, query, (int,))[0]))
        found = store.neighbours(kind, key, min(start + limit + 1, REACHABLE))
    page = [_shaped(snapshot, neighbour) for neighbour in found[start : start + limit]]
    following = encode_cursor(query, (start + limit,)) if len(found) > start + limit else None
    return NeighbourPage.model_validate(
        {**stamp(snapshot), "kind": kind, "key": key, "refresh": refresh, "items": page, "next_cursor": following}
    )


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
