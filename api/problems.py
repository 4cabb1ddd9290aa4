"""Errors as RFC 9457 problem documents. Knows which status an error of ours deserves, and no route."""

from collections.abc import Mapping
from typing import Any

import msgspec

from graph.errors import (
    BusyError,
    HomeMovedError,
    NotFoundError,
    RingleaderError,
    SnapshotError,
    SnapshotMissingError,
    StoreError,
)
from graph.verdicts import IdempotencyError, VerdictError

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:ringleader:problem:"


class ProblemError(Exception):
    """What went wrong with a request: a status, a code that programs can match, and a sentence for people.

    `more` are extension members; `headers` go out with it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(status, code, title, detail)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def body(self, request_id: str) -> bytes:
        """The document, as JSON bytes."""
        members = {
            "type": _TYPE + self.code.lower(),
            "title": self.title,
            "status": self.status,
            "detail": whole_text(self.detail),
            "code": self.code,
            "request_id": request_id,
        }
        return msgspec.json.encode(members | self.more)


def whole_text(text: str, longest: int = 2_000) -> str:
    """What a caller sent, fit to be repeated in a problem: cut to so many characters, half characters replaced."""
    return text[:longest].encode("utf-8", "replace").decode()


def unforeseen() -> ProblemError:
    """The problem for what nobody foresaw: the server's fault."""
    return ProblemError(500, "UNFORESEEN", "Something failed", "The server's log has it under this request id.")


_STATUS: tuple[tuple[type[RingleaderError], int, str, str], ...] = (
    (SnapshotMissingError, 503, "SNAPSHOT-MISSING", "No snapshot"),
    (SnapshotError, 503, "SNAPSHOT-DAMAGED", "The snapshot is damaged"),
    (HomeMovedError, 503, "HOME-MOVED", "The home was moved"),
    (StoreError, 503, "STORE-UNAVAILABLE", "The graph store does not answer"),
    (BusyError, 409, "BUSY", "Another process is at work"),
    (NotFoundError, 404, "NOT-FOUND", "Not found"),
    (VerdictError, 422, "VERDICT-INVALID", "The verdict cannot be taken"),
    (IdempotencyError, 422, "IDEMPOTENCY-KEY-REUSED", "The idempotency key was used before"),
)


def problem_of(error: RingleaderError) -> ProblemError:
    """The problem for an error of ours; one that nobody foresaw is the server's fault, and tells no path."""
    for kind, status, code, title in _STATUS:
        if isinstance(error, kind):
            return ProblemError(status, code, title, f"{error.thing}: {error.reason}. {error.mend}.")
    title, detail = "The server cannot do this now", "Its log says why; `ringleader doctor` helps."
    return ProblemError(503, "UNAVAILABLE", title, detail)
