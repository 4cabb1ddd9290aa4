"""Where the parts of a multipart body lie between the lines of its boundary (RFC 2046). Knows no headers."""

import re
from typing import Final

MAX_PARTS: Final = 1000
_DELIMITER: Final = re.compile(rb"(--)?[ \t]*(?:\r?\n|\r|\Z)")
_PREFIX: Final = re.compile(rb"(--)?[^\r\n]*(?:\r?\n|\r|\Z)")


def part_spans(raw: bytes, boundary: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Where the parts lie between the lines of a boundary; the last one ends where the container does.

    A line that only begins with the boundary counts where no line is the boundary itself (RFC 2046, section 5.1.1
    wants that; most mail programs do not, and a boundary inside may begin like the one around it).
    """
    if not boundary:
        return []
    return _spans_between(raw, boundary, start, end, _DELIMITER) or _spans_between(raw, boundary, start, end, _PREFIX)


def _spans_between(raw: bytes, boundary: bytes, start: int, end: int, rest: re.Pattern[bytes]) -> list[tuple[int, int]]:
    """`rest` matches what may follow a boundary up to the end of its line."""
    marker = b"--" + boundary
    spans: list[tuple[int, int]] = []
    begin = -1
    at = raw.find(marker, start, end)
    while at >= 0 and len(spans) < MAX_PARTS:
        after = at + len(marker)
        line = rest.match(raw, after, end) if at == start or raw[at - 1 : at] in (b"\n", b"\r") else None
        if line:
            if begin >= 0:
                spans.append((begin, max(at - 1, begin)))
            if line[1]:
                return spans
            begin = after = line.end()
        at = raw.find(marker, max(after - 1, at + 1), end)
    if begin >= 0 and len(spans) < MAX_PARTS:
        spans.append((begin, end))
    return spans
