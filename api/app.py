"""The application: belongings, routes and layers put together. The only module of the servers that names them all."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.edge import App, Edge
from api.graph_reads import GraphReads
from api.holdings import Holdings, Identities
from api.live import LiveSnapshot
from api.metrics import Metrics
from api.problems import MEDIA_TYPE, ProblemError, problem_of, unforeseen, whole_text
from api.routes import alarms, campaigns, health, hot, investigate, lookup, operate, page, tie_pages, ties, verdicts
from api.serving import Serving
from api.shapes import ProblemOut
from graph.errors import RingleaderError
from graph.home import Home
from graph.store import GraphStore, open_store

STALE_AFTER = timedelta(hours=48)
FAULTS_TOLD = 20  # of one request; two hundred events can break the contract in thousands of places
WORDS = 200  # characters of a place or a reason: a caller can name a field as it likes


def build_app(
    home: Home,
    *,
    auth: str = "keys",
    stale_after: timedelta = STALE_AFTER,
    open_graph: Callable[[], GraphStore] | None = None,
    refresh_command: Sequence[str] | None = None,
    identities: Identities | None = None,
) -> App:
    """The ASGI application that serves a home.

    `auth` is "keys" or "off" (for loopback; `api.server` sees to that). `open_graph` opens the graph store, the
    embedded one by default; `refresh_command` is what POST /v1/refreshes runs. With `identities` of the home's SQLite
    files, as another process of the same server holds them, nothing is made.
    """
    if identities is None:
        home.ensure()
    holdings = Holdings.of(home, auth, refresh_command)
    holdings.hold(identities)
    metrics = Metrics()
    graph = GraphReads(open_graph or (lambda: open_store("ladybug:", home)))
    serving = Serving(
        home=home,
        live=LiveSnapshot(home, metrics, stale_after, graph.follow),
        holdings=holdings,
        metrics=metrics,
        graph=graph,
    )
    return Edge(hot.HotRoutes(_inner(serving), serving), serving)


def _inner(serving: Serving) -> FastAPI:
    app = FastAPI(
        title="Ringleader",
        summary="Risk of senders and domains, and the campaigns that they act in.",
        version="1",
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere; ours stands alone
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.serving = serving
    rooms = (investigate, lookup, campaigns, alarms, ties, verdicts, operate, health, page, tie_pages)
    for room in rooms:  # the first that matches answers
        app.include_router(room.router)
    app.mount("/assets", page.assets())
    app.add_exception_handler(campaigns.MovedError, campaigns.moved)
    app.add_exception_handler(page.SignInError, page.to_sign_in)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RingleaderError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _unforeseen)
    _complete_openapi(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    serving: Serving = app.state.serving
    serving.live.start()
    yield
    serving.live.stop()
    serving.graph.close()
    serving.holdings.close()


def _answer(request: Request, problem: ProblemError) -> Response:
    body = problem.body(request.scope["state"]["request_id"])
    return Response(body, problem.status, problem.headers, MEDIA_TYPE)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return _answer(request, error)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, RingleaderError)
    return _answer(request, problem_of(error))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    errors = [
        {"at": whole_text(".".join(map(str, fault["loc"])), WORDS), "reason": whole_text(fault["msg"], WORDS)}
        for fault in faults[:FAULTS_TOLD]
    ]
    detail = "; ".join(f"{fault['at']}: {fault['reason']}" for fault in errors)
    if len(faults) > FAULTS_TOLD:
        detail += f"; and {len(faults) - FAULTS_TOLD} more"
    return _answer(
        request, ProblemError(422, "REQUEST-INVALID", "The request breaks the contract", detail, errors=errors)
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {400: "REQUEST-INVALID", 404: "NOT-FOUND", 405: "METHOD-NOT-ALLOWED"}
    code = codes.get(error.status_code, "REFUSED")
    where = f"{request.method} {request.url.path}"
    return _answer(request, ProblemError(error.status_code, code, str(error.detail), where, error.headers))


async def _unforeseen(request: Request, error: Exception) -> Response:
    return _answer(request, unforeseen())  # it is raised again behind this, and `Edge` logs it


def _complete_openapi(app: FastAPI) -> None:
    """Tell OpenAPI the problem document, which no route returns by its type, in the place of FastAPI's own."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        for operations in document["paths"].values():
            for operation in operations.values():  # FastAPI assumes its own error document; ours are problems
                if "HTTPValidationError" in str(operation["responses"].get("422")):
                    del operation["responses"]["422"]
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("ProblemOut", ProblemOut.model_json_schema())
        return document

    app.openapi = openapi  # type: ignore[method-assign]
