"""Look-ups as OpenAPI tells them, and the risk of events not seen before. `hot` answers the first two itself."""

from typing import Annotated

from fastapi import Path

from api.newcomers import score_event
from api.routes.common import Belongings, guarded, needs, problems
from api.routes.hot import LOOKUP, NODE_ROUTE
from api.serving import stamp
from api.shapes import LookupIn, LookupOut, NodeKind, NodeOut, ScoredEvent, ScoreIn, ScoreOut

router = guarded(tags=["look-ups"])


@router.get(NODE_ROUTE, response_model=NodeOut, dependencies=[needs("lookup")], responses=problems(400, 404, 503))
def node(kind: NodeKind, key: Annotated[str, Path(description="percent-encoded, slashes as %2F")]) -> None:
    """One sender's or domain's risk, what was decided, its campaign, and why."""


@router.post(LOOKUP, response_model=LookupOut, dependencies=[needs("lookup")], responses=problems(413, 422, 503))
def lookup(asked: LookupIn) -> None:
    """Up to 1,000 nodes at once, answered in the order asked; `found` is false where one is unknown."""


@router.post("/v1/score", dependencies=[needs("lookup")], responses=problems(422, 503))
def score(asked: ScoreIn, serving: Belongings) -> ScoreOut:
    """Risk of the senders of up to 200 events not seen before, in the context of the current graph.

    A known sender has its own risk. An unknown one takes it from what its event shares with the graph: linked
    domains, its address domain, network and fingerprint. Nothing is stored.
    """
    snapshot = serving.live.require()
    results = [ScoredEvent.model_validate(score_event(snapshot, event)) for event in asked.events]
    return ScoreOut(**stamp(snapshot), results=results)
