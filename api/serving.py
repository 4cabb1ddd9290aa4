"""What every route of a server stands on: home, snapshot, keys, ledger, audit, counts. Knows no route."""

from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from api.audit import Audit
from api.auth import SCOPES, Caller, KeyStore
from api.graph_reads import GraphReads
from api.holdings import Holdings
from api.jobs import RefreshJobs
from api.live import LiveSnapshot
from api.metrics import Metrics
from api.problems import ProblemError
from graph.home import Home
from graph.snapshot import Snapshot
from graph.verdicts import VerdictLedger

SESSION_COOKIE = "ringleader_session"
ANYBODY = Caller("anybody", frozenset(SCOPES))  # who asks where `--auth off`
Scope = Any  # an ASGI scope


@dataclass(frozen=True)
class Serving:
    """One server's belongings."""

    home: Home
    live: LiveSnapshot
    holdings: Holdings
    metrics: Metrics
    graph: GraphReads

    @property
    def keys(self) -> KeyStore | None:
        """None where everybody may do everything (loopback only)."""
        return self.holdings.keys

    @property
    def ledger(self) -> VerdictLedger:
        return self.holdings.ledger

    @property
    def audit(self) -> Audit:
        return self.holdings.audit

    @property
    def jobs(self) -> RefreshJobs:
        return self.holdings.jobs

    def authorise(self, scope: Scope, wanted: str) -> Caller:
        """Who asks, by the bearer key. Raises ProblemError 401 or 403. Notes caller and scope for the audit."""
        if self.keys is None:
            return noted(scope, ANYBODY, wanted)
        key = bearer_key(scope)
        if key is None:
            raise unauthorised("This needs an API key: send `Authorization: Bearer KEY`.", "")
        caller = self.keys.identify(key)
        if caller is None:
            raise unauthorised("The API key is unknown or was revoked.", ', error="invalid_token"')
        noted(scope, caller, wanted)
        if wanted not in caller.scopes:
            raise ProblemError(
                403,
                "SCOPE-MISSING",
                "Not allowed",
                f"The key {caller.name} lacks the scope {wanted}.",
                {"WWW-Authenticate": f'Bearer realm="ringleader", error="insufficient_scope", scope="{wanted}"'},
            )
        return caller

    async def session(self, scope: Scope, wanted: str) -> Caller | None:
        """Who asks, by the browser's session; None where there is none that may do what is wanted."""
        token = cookie(scope, SESSION_COOKIE)
        if self.keys is None:
            return noted(scope, ANYBODY, wanted)
        caller = await run_in_threadpool(self.keys.session, token) if token else None
        return noted(scope, caller, wanted) if caller is not None and wanted in caller.scopes else None


def stamp(snapshot: Snapshot) -> dict[str, Any]:
    """What every answer about a score carries."""
    return {"snapshot": snapshot.id, "model": snapshot.manifest.model, "as_of": snapshot.manifest.as_of}


def noted(scope: Scope, caller: Caller, wanted: str) -> Caller:
    """Leave on the request who asked for what, for the audit."""
    state = scope["state"]
    state["caller"], state["scope"] = caller.name, wanted
    return caller


def bearer_key(scope: Scope) -> str | None:
    """The key of `Authorization: Bearer KEY`."""
    value = header(scope, b"authorization")
    if value is None or value[:7].lower() != "bearer ":
        return None
    return value[7:].strip() or None


def cookie(scope: Scope, name: str) -> str | None:
    """A cookie's value."""
    for pair in (header(scope, b"cookie") or "").split(";"):
        found, _, value = pair.strip().partition("=")
        if found == name:
            return value
    return None


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this lower-case name."""
    for found, value in scope["headers"]:
        if found == name:
            return str(value, "latin-1")
    return None


def unauthorised(detail: str, why: str) -> ProblemError:
    return ProblemError(
        401, "KEY-REQUIRED", "Who are you?", detail, {"WWW-Authenticate": f'Bearer realm="ringleader"{why}'}
    )
