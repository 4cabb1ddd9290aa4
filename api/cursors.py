"""Opaque page cursors, each bound to the query that it came from. Knows no table.

A cursor holds a position (the last row's sort values), not an offset, so that pages neither skip nor repeat rows that
stay, even where a new snapshot comes between them. It is no secret: a forged one can only ask for another position of
the same types, which `decode_cursor` sees to.
"""

import base64
import binascii
import hashlib
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from api.problems import ProblemError
from graph.times import utc

Value = str | int | float | datetime
LONGEST = 4_096  # characters; longer ones were not made here
INT64: Final = range(-(2**63), 2**63)  # what Arrow and SQLite call a whole number
_BOUND_BYTES = 12  # of the query's digest: enough that no two queries meet by chance


def encode_cursor(query: Mapping[str, object], position: Sequence[Value]) -> str:
    """The cursor for what comes after `position` in the answer to `query`."""
    return base64.urlsafe_b64encode(_bound(query) + msgspec.json.encode(list(position))).decode().rstrip("=")


def decode_cursor(cursor: str, query: Mapping[str, object], shape: Sequence[type]) -> list[Any]:
    """The position in a cursor. Raises ProblemError 400 where it is none of ours, or of another query.

    `shape` names the types of the position's values, in order: str, int (of 64 bits), float (finite) or datetime
    (UTC). A value of another type, null among them, is refused.
    """
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = msgspec.json.decode(raw[_BOUND_BYTES:], type=list[str | int | float])
        values = [_fitted(value, wanted) for value, wanted in zip(position, shape, strict=True)]
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _invalid("It is not a cursor that this server gave.") from error
    if raw[:_BOUND_BYTES] != _bound(query):
        raise _invalid("It belongs to another query. Leave it out to begin at the first page.")
    return values


def _fitted(value: str | int | float, wanted: type) -> Value:
    """The value as the type that is wanted. Raises ValueError where it is of another."""
    if wanted is float and not isinstance(value, str):
        if (isinstance(value, int) and value not in INT64) or not math.isfinite(value):
            raise ValueError("out of bounds")
        return float(value)
    if wanted is datetime and isinstance(value, str):
        return utc(datetime.fromisoformat(value))
    if not isinstance(value, wanted) or (isinstance(value, int) and value not in INT64):
        raise ValueError("of another type")
    return value


def _bound(query: Mapping[str, object]) -> bytes:
    asked = {name: value for name, value in query.items() if value is not None}
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).digest()[:_BOUND_BYTES]


def _invalid(detail: str) -> ProblemError:
    return ProblemError(400, "CURSOR-INVALID", "The cursor cannot be used", detail)
