"""Mail addresses in header values. Does not normalise them and does not know which header they came from.

Written as one pass over bounded text, because the standard library's parser recurses into comments.
"""

import re
from collections.abc import Iterable
from typing import Final

MAX_ADDRESSES: Final = 1000  # of one message; providers refuse more recipients than that

_COMMENT: Final = re.compile(r"\((?:[^()\\]|\\.){0,4096}\)")
_COMMENT_DEPTH: Final = 4  # nested comments that are taken out; deeper ones stay and harm nothing
_QUOTED_NAME: Final = re.compile(r'"(?:[^"\\]|\\.){0,4096}"(?!\s?@)')
_ANGLE: Final = re.compile(r"<([^<>]*)>")
_SEPARATOR: Final = re.compile(r"[,;]")
_EDGES: Final = "<>()[]\"':,; \t"


def addresses_of(value: str) -> list[str]:
    """The mail addresses of a header value, distinct, in order; what stands in `<>` wins over a name."""
    if "@" not in value:
        return []
    value = _QUOTED_NAME.sub(" ", value)
    for _ in range(_COMMENT_DEPTH):
        if "(" not in value:
            break
        value = _COMMENT.sub(" ", value)
    found = (_address(piece) for piece in _pieces(value))
    return list(dict.fromkeys(address for address in found if address))[:MAX_ADDRESSES]


def _pieces(value: str) -> Iterable[str]:
    angles = _ANGLE.findall(value)
    if not angles:
        return _SEPARATOR.split(value)
    # Addresses without `<>` may stand between those with.
    bare = (piece for piece in _SEPARATOR.split(value) if "<" not in piece and ">" not in piece)
    return [*(angle.rpartition(":")[2] if angle.startswith("@") else angle for angle in angles), *bare]


def _address(piece: str) -> str | None:
    local, at, host = piece.rpartition("@")
    if not at:
        return None
    local = local.strip()
    if not local.startswith('"'):
        local = local.split()[-1] if local else ""
    local = local.lstrip("<([':,;").removeprefix("mailto:")
    host = (host.split() or [""])[0].strip(_EDGES).rstrip(".")
    return f"{local}@{host}" if local and host else None
