"""Whether the server lives, whether it can answer, what it counts. No key is asked for."""

from typing import Any

from fastapi import APIRouter, Response

from api.metrics import CONTENT_TYPE
from api.routes.common import Belongings

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz", responses={503: {"description": "SNAPSHOT-MISSING, SNAPSHOT-STALE or HOME-MOVED"}})
async def readyz(serving: Belongings) -> dict[str, Any]:
    """Look-ups can be answered from a fresh snapshot; `damaged` tells of a newer one that cannot be served."""
    serving.holdings.see_to_identity()
    return serving.live.ready()


@router.get("/metrics", response_class=Response)
def metrics(serving: Belongings) -> Response:
    """Counts and times in Prometheus' text format."""
    return Response(serving.metrics.text(), media_type=CONTENT_TYPE)
