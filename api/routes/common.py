"""What routes share: scopes as dependencies, page limits, answers with problems told to OpenAPI. Knows no table."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.security import HTTPBearer

from api.auth import Caller
from api.problems import MEDIA_TYPE
from api.serving import Serving, bearer_key

DEFAULT_LIMIT = 50
MOST = 200
Limit = Annotated[int, Query(ge=1, le=MOST, description="rows on a page")]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]

# For OpenAPI alone: the check itself is Serving.authorise, the same for every route.
_bearer = HTTPBearer(auto_error=False, description="`Authorization: Bearer KEY`, KEY from `ringleader keys create`")
_WORDS = {
    400: "The cursor, or a parameter, cannot be used",
    401: "No key, or one that is not good",
    403: "The key lacks the scope",
    404: "There is no such thing",
    409: "Another one runs",
    413: "Too much at a time",
    422: "The request breaks the contract",
    503: "No snapshot, or a store that does not answer",
}


def serving_of(request: Request) -> Serving:
    """The server's belongings."""
    serving: Serving = request.app.state.serving
    return serving


def needs(scope: str) -> Any:
    """A dependency: the caller, who must have this scope. A browser's session will do to read."""
    return Depends(_checker(scope))


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors a route can answer with, for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    return {status: {"description": _WORDS[status], "content": content} for status in sorted({401, 403, *statuses})}


Belongings = Annotated[Serving, Depends(serving_of)]


def _checker(scope: str) -> Callable[..., Coroutine[Any, Any, Caller]]:
    async def check(request: Request, serving: Belongings, _: Annotated[Any, Depends(_bearer)]) -> Caller:
        if request.method == "GET" and bearer_key(request.scope) is None:
            caller = await serving.session(request.scope, scope)
            if caller is not None:
                return caller
        return serving.authorise(request.scope, scope)

    return check
