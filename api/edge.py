"""The outermost layer, pure ASGI: request ids, counts, audit, size limits, errors as problems. Knows no route's work.

Written without `BaseHTTPMiddleware`, which costs more than a look-up.
"""

import ipaddress
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.concurrency import run_in_threadpool

from api.problems import MEDIA_TYPE, ProblemError, problem_of, unforeseen
from api.serving import Serving, header
from graph.errors import HomeMovedError, RingleaderError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 4 << 20  # a thousand look-ups of the longest addresses, or 200 events with their recipients
_LENGTH_DIGITS = 18  # of a Content-Length: more are too large, whatever they say
AUDITED = ("investigate", "decide", "operate")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger("ringleader")


class Edge:
    """Wraps the application; `scope["state"]` carries request_id, and caller, scope and route once they are known."""

    def __init__(self, app: App, serving: Serving) -> None:
        self._app = app
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        state = scope["state"] = dict(scope.get("state") or {})
        request_id = state["request_id"] = _request_id(scope)
        status, unrecorded = 0, False

        async def answer(message: Message) -> None:
            nonlocal status, unrecorded
            if unrecorded:
                return
            if message["type"] == "http.response.start":
                trouble = await self._record(scope, message["status"]) if state.get("scope") in AUDITED else None
                if trouble is not None:
                    status, unrecorded = 503, True
                    await send_problem(trouble, request_id, send)
                    return
                status = message["status"]
                headers = _with_head(message["headers"]) if status == 405 else message["headers"]
                message["headers"] = [*headers, (b"x-request-id", request_id.encode())]
            await send(message)

        asked = scope
        if scope["method"] == "HEAD":
            asked, send = {**scope, "method": "GET"}, _without_body(send)
        try:
            _refuse_strangers(scope, self._serving)
            await self._app(asked, _bounded(scope, receive), answer)
        except ProblemError as problem:
            if not status:
                await send_problem(problem, request_id, answer)
        except RingleaderError as error:
            _log.error("%s: %s", request_id, error)
            if not status:
                await send_problem(problem_of(error), request_id, answer)
        except Exception:  # noqa: BLE001 (the last net: logged, and told as a problem)
            _log.exception("%s: %s %s", request_id, scope["method"], scope["path"])
            if not status:
                await send_problem(unforeseen(), request_id, answer)
        finally:
            route = str(state.get("route") or getattr(asked.get("route"), "path", "none"))
            self._serving.metrics.answered(route, _method(scope), status, time.perf_counter() - started)

    async def _record(self, scope: Scope, status: int) -> ProblemError | None:
        """Write the audit's entry; the problem that is answered instead where that fails."""
        state = scope["state"]
        target = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        entry = (state["request_id"], state["caller"], state["scope"], scope["method"], target, status)
        try:
            await run_in_threadpool(self._serving.audit.add, *entry)
        except RingleaderError as error:
            _log.error("%s: %s", state["request_id"], error)
            return problem_of(error) if isinstance(error, HomeMovedError) else _unrecorded()
        return None


async def send_json(send: Send, body: bytes, status: int = 200, media_type: bytes = b"application/json") -> None:
    """A whole JSON answer."""
    headers = [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_problem(problem: ProblemError, request_id: str, send: Send) -> None:
    """A whole problem document."""
    body = problem.body(request_id)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    headers += [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in problem.headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def is_loopback(host: str) -> bool:
    """Whether a host name or address, without port, is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _without_body(send: Send) -> Send:
    """`send` for a HEAD request: status and headers as GET would have them, no body (RFC 9110, 9.3.2)."""

    async def headers_only(message: Message) -> None:
        if message["type"] != "http.response.start":
            message = {"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)}
        await send(message)

    return headers_only


def _with_head(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Headers whose `Allow` names HEAD wherever it names GET."""
    return [
        (name, value + b", HEAD") if name == b"allow" and b"GET" in value and b"HEAD" not in value else (name, value)
        for name, value in headers
    ]


def _request_id(scope: Scope) -> str:
    """The caller's own id where it is a sane one, so that a request can be followed from system to system."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(8)


def _refuse_strangers(scope: Scope, serving: Serving) -> None:
    """Requests that another site's page made this browser send: by a borrowed name (DNS rebinding) or across sites."""
    if serving.keys is None:
        host = header(scope, b"host") or ""
        name = host.rpartition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        if not is_loopback(name):
            raise ProblemError(
                421, "HOST-UNKNOWN", "Wrong host", "Without authentication only loopback names are answered."
            )
    if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
        origin = header(scope, b"origin")
        if origin is not None and origin.partition("://")[2] != header(scope, b"host"):
            raise ProblemError(403, "ORIGIN-REFUSED", "Wrong origin", "Pages of other sites may not send this.")


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """`receive` that raises ProblemError 413 once more than MAX_BODY bytes have come, or are announced.

    Nothing is raised before somebody reads: the key is looked at first.
    """
    if scope["method"] in ("GET", "HEAD"):
        return receive
    announced = header(scope, b"content-length") or "0"
    left = MAX_BODY

    async def bounded() -> Message:
        nonlocal left
        if not (announced.isascii() and announced.isdigit()):
            raise ProblemError(400, "REQUEST-INVALID", "The request cannot be read", "Content-Length is no number.")
        if len(announced) > _LENGTH_DIGITS or int(announced) > MAX_BODY:
            raise _too_large()
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _too_large()
        return message

    return bounded


def _method(scope: Scope) -> str:
    """The method as a metric's label: a stranger's invention does not become a new one."""
    method: str = scope["method"]
    return method if method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE") else "other"


def _too_large() -> ProblemError:
    return ProblemError(413, "BODY-TOO-LARGE", "Too large", f"A body may have {MAX_BODY} bytes; send it in parts.")


def _unrecorded() -> ProblemError:
    return ProblemError(503, "AUDIT-UNAVAILABLE", "Not answered", "What was asked could not be recorded in the audit.")
