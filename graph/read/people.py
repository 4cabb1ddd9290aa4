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
_GROUP: Final = re.compile(r"^[^<>\"@:,;]{0,256}:(?!//)")  # RFC 5322, section 3.4: a name for the addresses that follow
_EDGES: Final = "<>()[]\"':,; \t"
_HOST_ENDS: Final = re.compile(r"[\s,;<>()\"\\]")
# An address wherever it stands: in quotes, in a comment, glued to a name. Both halves are bounded.
_ANYWHERE: Final = re.compile(r"[^\s<>()\[\]\",;:@\\]{1,256}@[^\s<>()\[\]\",;:@\\]{1,256}")


def addresses_of(value: str) -> list[str]:
    """The mail addresses of a header value, distinct, in order; what stands in `<>` wins over a name."""
    if "@" not in value:
        return []
    value = _QUOTED_NAME.sub(" ", value)
    for _ in range(_COMMENT_DEPTH):
        if "(" not in value:
            break
        value = _COMMENT.sub(" ", value)
    return _distinct(_address(part) for part in _parts(value))


def hidden_addresses_of(value: str) -> list[str]:
    """Addresses that the grammar takes for a quoted name or a comment, as in `<"ann@a.example">`, in order.

    For a value in which `addresses_of` sees none. An empty `<>` says that there is none, so what is said beside it
    is a name.
    """
    if _ANGLE.search(value) and not any(angle.strip() for angle in _ANGLE.findall(value)):
        return []
    return _distinct(_address(match) for match in _ANYWHERE.findall(value))


def _distinct(addresses: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(address for address in addresses if address))[:MAX_ADDRESSES]


def _parts(value: str) -> Iterable[str]:
    angles = _ANGLE.findall(value)
    if not angles:
        return (_GROUP.sub("", part.strip()) for part in _SEPARATOR.split(value))
    # Addresses without `<>` may stand between those with.
    bare = (_GROUP.sub("", part.strip()) for part in _SEPARATOR.split(value) if "<" not in part and ">" not in part)
    inside = (angle.rpartition(":")[2] if angle.startswith("@") else angle for angle in angles)
    return [*(part for angle in inside for part in _several(angle)), *bare]


def _several(angle: str) -> list[str]:
    """What stands in one `<>`: one address, or several by those who take it for a bracket."""
    return _SEPARATOR.split(angle) if angle.count("@") > 1 else [angle]


def _address(part: str) -> str | None:
    local, at, host = part.rpartition("@")
    if not at:
        return None
    local = local.strip()
    if not local.startswith('"'):
        local = local.split()[-1] if local else ""
    local = local.lstrip("<([':,;").removeprefix("mailto:")
    host = _HOST_ENDS.split(host.strip().lstrip(_EDGES), maxsplit=1)[0].strip(_EDGES).rstrip(".")
    return f"{local}@{host}" if local and host else None
