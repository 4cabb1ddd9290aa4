"""What routes share: the key before all else, page limits, answers with problems told to OpenAPI. Knows no table."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.routing import APIRoute
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
    return Depends(_Needs(scope))


def guarded(**options: Any) -> APIRouter:
    """A router whose routes look at the key before they read a byte of the body."""
    return APIRouter(route_class=_KeyFirst, **options)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors a route can answer with, for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
    return {status: {"description": _WORDS[status], "content": content} for status in sorted({401, 403, *statuses})}


Belongings = Annotated[Serving, Depends(serving_of)]


class _Needs:
    """The dependency of `needs`. A caller who was authorised already is not looked up again."""

    def __init__(self, scope: str) -> None:
        self._scope = scope

    async def __call__(self, request: Request, _: Annotated[Any, Depends(_bearer)]) -> Caller:
        return await self.caller(request)

    async def caller(self, request: Request) -> Caller:
        """Who asks. Raises ProblemError 401 or 403."""
        authorised: dict[str, Caller] = request.scope["state"].setdefault("authorised", {})
        if self._scope not in authorised:
            authorised[self._scope] = await self._authorise(request)
        return authorised[self._scope]

    async def _authorise(self, request: Request) -> Caller:
        serving = serving_of(request)
        if request.method == "GET" and bearer_key(request.scope) is None:
            caller = await serving.session(request.scope, self._scope)
            if caller is not None:
                return caller
        return serving.authorise(request.scope, self._scope)


class _KeyFirst(APIRoute):
    """FastAPI parses the body before it asks the dependencies, so that a stranger would get 422 where 401 is due."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        needed = [each.call for each in self.dependant.dependencies if isinstance(each.call, _Needs)]

        async def key_first(request: Request) -> Response:
            for need in needed:
                await need.caller(request)
            await request.body()  # read here, a body that is too large is told so; FastAPI would call it unreadable
            return await handler(request)

        return key_first
