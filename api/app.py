"""The application: belongings, routes and layers put together. The only module of the servers that names them all."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.audit import Audit
from api.auth import KeyStore
from api.edge import App, Edge
from api.jobs import RefreshJobs
from api.live import LiveSnapshot
from api.metrics import Metrics
from api.problems import MEDIA_TYPE, ProblemError, problem_of
from api.routes import alarms, campaigns, health, hot, investigate, lookup, operate, page, tie_pages, ties, verdicts
from api.serving import Serving
from api.shapes import ProblemOut
from graph.errors import RingleaderError
from graph.home import Home
from graph.store import GraphStore, open_store
from graph.verdicts import VerdictLedger

STALE_AFTER = timedelta(hours=48)


def build_app(
    home: Home,
    *,
    auth: str = "keys",
    stale_after: timedelta = STALE_AFTER,
    open_graph: Callable[[], GraphStore] | None = None,
    refresh_command: Sequence[str] | None = None,
) -> App:
    """The ASGI application that serves a home.

    `auth` is "keys" or "off" (for loopback; `api.server` sees to that). `open_graph` opens the graph store, the
    embedded one by default; `refresh_command` is what POST /v1/refreshes runs.
    """
    home.ensure()
    metrics = Metrics()
    serving = Serving(
        home=home,
        live=LiveSnapshot(home, metrics, stale_after),
        keys=KeyStore(home) if auth == "keys" else None,
        ledger=VerdictLedger(home),
        audit=Audit(home),
        metrics=metrics,
        jobs=RefreshJobs(home, refresh_command),
        open_store=open_graph or (lambda: open_store("ladybug:", home)),
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
    _complete_openapi(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    serving: Serving = app.state.serving
    serving.live.start()
    yield
    serving.live.stop()
    serving.audit.close()
    if serving.keys is not None:
        serving.keys.close()


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
    errors = [{"at": ".".join(map(str, fault["loc"])), "reason": fault["msg"]} for fault in error.errors()]
    detail = "; ".join(f"{fault['at']}: {fault['reason']}" for fault in errors)
    return _answer(
        request, ProblemError(422, "REQUEST-INVALID", "The request breaks the contract", detail, errors=errors)
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "NOT-FOUND", 405: "METHOD-NOT-ALLOWED"}.get(error.status_code, "REFUSED")
    problem = ProblemError(
        error.status_code, code, str(error.detail), f"{request.method} {request.url.path}", error.headers
    )
    return _answer(request, problem)


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
