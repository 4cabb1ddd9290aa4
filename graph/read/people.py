"""Mail addresses in header values. Does not normalise them and does not know which header they came from.

Written as one pass over bounded text, because the standard library's parser recurses into comments.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

MAX_ADDRESSES: Final = 1000  # of one message; providers refuse more recipients than that

_COMMENT: Final = re.compile(r"\((?:[^()\\]|\\.){0,4096}\)")
_COMMENT_DEPTH: Final = 4  # nested comments that are taken out; deeper ones stay and harm nothing
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.){0,4096})"(?!\s?@)')
_QUOTED_ADDRESS: Final = re.compile(r"""<\s{0,8}["']{1,3}([^<>"'@]{1,320}@[^<>"'@]{1,255})["']{1,3}\s{0,8}>""")
_ANGLE: Final = re.compile(r"<([^<>]*)>")
# What stands between commas and semicolons; a quoted local part may hold either.
_PIECE: Final = re.compile(r'(?:"(?:[^"\\]|\\.){0,256}"(?=\s?@)|[^,;])+')
_EDGES: Final = "<>()[]\"':,; \t"
_LITERAL: Final = re.compile(r"\[(?:IPv6:)?([0-9a-f.:]{2,45})\]", re.IGNORECASE)  # RFC 5321, 4.1.3
_HOST_END: Final = re.compile(r"""[\s,;:<>()"'\\|/?，；、＜＞]""")  # none of them stands in a host name


def addresses_of(value: str) -> list[str]:
    """The mail addresses of a header value, distinct, in order; what stands in `<>` wins over a name."""
    if "@" not in value:
        return []
    value = _QUOTED.sub(" ", value)
    for _ in range(_COMMENT_DEPTH):
        if "(" not in value:
            break
        value = _COMMENT.sub(" ", value)
    return _distinct(_pieces(value))


def misplaced_addresses_of(value: str) -> list[str]:
    """Those that no mail program should write but some do, for a value in which `addresses_of` sees none.

    In quotes inside `<>`; else in a comment; else in quotes, where no `<>` makes the quoted text a name.
    """
    if "@" not in value:
        return []
    quoted = _distinct(match[1] for match in _QUOTED_ADDRESS.finditer(value))
    if quoted:
        return quoted
    commented = _distinct(_pieces(_QUOTED.sub(" ", value).replace("(", " ").replace(")", " ")))
    return commented or ([] if "<" in value else addresses_in_names(value))


def addresses_in_names(value: str) -> list[str]:
    """Addresses that stand where a person's name does: in quotes, or before an empty `<>`."""
    if "@" not in value:
        return []
    names = [match[1] for match in _QUOTED.finditer(value)]
    return _distinct([*names, _ANGLE.sub(" ", _QUOTED.sub(" ", value))])


def _distinct(pieces: Iterable[str]) -> list[str]:
    addresses = (_address(piece) for piece in pieces)
    return list(dict.fromkeys(address for address in addresses if address))[:MAX_ADDRESSES]


def _pieces(value: str) -> Iterator[str]:
    angles = _ANGLE.findall(value)
    for angle in angles:
        inside = angle.rpartition(":")[2] if angle.startswith("@") else angle
        yield from _PIECE.findall(inside) if inside.count("@") > 1 else (inside,)
    for piece in _PIECE.findall(value):
        # Addresses without `<>` may stand between those with.
        if not angles or ("<" not in piece and ">" not in piece):
            yield piece


def _address(piece: str) -> str | None:
    local, at, host = piece.rpartition("@")
    if not at:
        return None
    local = local.strip()
    if not local.startswith('"'):
        # A colon ends the name of a group ("Team:bob@home.example") or a scheme; no address has one unquoted.
        local = (local.split()[-1] if local else "").rpartition(":")[2]
    local = local.lstrip("<([':,;")
    literal = _LITERAL.match(host.strip())
    host = literal[1] if literal else _HOST_END.split(host.lstrip(_EDGES), maxsplit=1)[0].strip(_EDGES).rstrip(".")
    return f"{local}@{host}" if local and host else None
