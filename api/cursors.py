"""Opaque page cursors, each bound to the query that it came from. Knows no table.

A cursor holds a position (the last row's sort values), not an offset, so that pages neither skip nor repeat rows that
stay, even where a new snapshot comes between them. It is no secret: a forged one can only ask for another position.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from api.problems import ProblemError

Value = str | int | float | None
LONGEST = 4_096  # characters; longer ones were not made here
_BOUND_BYTES = 12  # of the query's digest: enough that no two queries meet by chance


def encode_cursor(query: Mapping[str, object], position: Sequence[Value]) -> str:
    """The cursor for what comes after `position` in the answer to `query`."""
    return base64.urlsafe_b64encode(_bound(query) + msgspec.json.encode(list(position))).decode().rstrip("=")


def decode_cursor(cursor: str, query: Mapping[str, object], shape: Sequence[type]) -> list[Value]:
    """The position in a cursor. Raises ProblemError 400 where it is none of ours, or of another query.

    `shape` names the types of the position's values, in order; each may be None too.
    """
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = msgspec.json.decode(raw[_BOUND_BYTES:], type=list[Value])
    except (ValueError, binascii.Error, UnicodeError) as error:
        raise _invalid("It is not a cursor that this server gave.") from error
    if raw[:_BOUND_BYTES] != _bound(query):
        raise _invalid("It belongs to another query. Leave it out to begin at the first page.")
    if len(position) != len(shape) or not all(map(_fits, position, shape)):
        raise _invalid("It is not a cursor that this server gave.")
    return position


def _fits(value: Value, wanted: type) -> bool:
    return value is None or isinstance(value, wanted) or (wanted is float and isinstance(value, int))


def _bound(query: Mapping[str, object]) -> bytes:
    asked = {name: value for name, value in query.items() if value is not None}
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).digest()[:_BOUND_BYTES]


def _invalid(detail: str) -> ProblemError:
    return ProblemError(400, "CURSOR-INVALID", "The cursor cannot be used", detail)
