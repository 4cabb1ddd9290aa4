"""The hardened walk of one raw message: headers, texts and calendars out of any bytes. Does not judge what they say.

The standard library parses headers and parameters. The parts are found here, because its parser recurses into every
nesting and reads every line of every attachment. Nothing here raises on hostile input, and every step is bounded.
"""

import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import Compat32
from functools import lru_cache
from typing import Final

from graph.read.letters import text_of

MAX_HEAD: Final = 4 << 20  # bytes of headers that are looked at
MAX_VALUE: Final = 1 << 18  # characters of one header: some thousand addresses
MAX_PARAMETERS: Final = 4096  # characters of a Content- header; the parser's time grows with the square
MAX_PARTS: Final = 1000
MAX_DEPTH: Final = 50
MAX_TEXT: Final = 2 << 20  # bytes of text decoded of one message, all parts together
MAX_ENCODED_WORDS: Final = 1 << 14  # characters of a header that are decoded as RFC 2047

_BLANK_LINE: Final = re.compile(rb"\r?\n[ \t]*\r?\n|\r\r")
_ENVELOPE: Final = re.compile(rb"\A>?From [^\r\n]{0,1000}\r?\n")
_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")
_DECLARED: Final = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]{1,64})", re.IGNORECASE)
# Codecs that Python would take for a charset and no mail program does; some need quadratic time.
_NO_CHARSET: Final = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_CALENDARS: Final = frozenset({"text/calendar", "application/ics"})
_WRAPPERS: Final = frozenset({"message/rfc822", "message/global", "message/news"})


class _AsWritten(Compat32):
    """Header values as they stand, raw UTF-8 included, where the default policy puts a placeholder."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value


_headers = BytesHeaderParser(policy=_AsWritten())


@dataclass(frozen=True)
class Text:
    """One text part: `kind` is plain, html or calendar."""

    kind: str
    text: str


@dataclass(frozen=True)
class Parsed:
    """What the walk found: the mbox envelope line if there was one, the headers, and the texts in order.

    `names` are the header names in the order of the message, in lower case, one for each value.
    """

    envelope: str
    headers: dict[str, list[str]]
    body: bytes
    texts: list[Text]
    names: list[str] = field(default_factory=list)

    def values(self, name: str) -> list[str]:
        """All values of a header (its name in lower case), unfolded and bounded, control characters as blanks."""
        return [_value(value) for value in self.headers.get(name, ())]

    def readable(self, name: str) -> list[str]:
        """As `values`, with raw eight-bit letters read in UTF-8, the charset of the message or Windows-1252."""
        charset = _DECLARED.search(self.value("content-type"))
        declared = (_charset(charset[1]) or "") if charset else ""
        return [_bounded(_letters(str(value), declared)) for value in self.headers.get(name, ())]

    def value(self, name: str) -> str:
        """The first value of a header, or ''."""
        return next(iter(self.values(name)), "")


def parse(raw: bytes) -> Parsed:
    """Walk a raw message, with or without an mbox envelope line."""
    envelope = b""
    while (found := _ENVELOPE.match(raw)) is not None:
        envelope = envelope or found[0]
        raw = raw[found.end() :]
    headers, start = _head(raw, 0, len(raw))
    named: dict[str, list[str]] = {}
    for name, value in headers.items():
        named.setdefault(name.lower(), []).append(value)
    texts = list(_texts(raw, headers, start))
    names = [name.lower() for name in headers]
    return Parsed(envelope.decode("latin-1").strip(), named, raw[start:], texts, names)


def _head(raw: bytes, start: int, end: int) -> tuple[Message, int]:
    """The headers at `start` and where the body begins."""
    if raw[start : start + 1] == b"\n" or raw[start : start + 2] == b"\r\n":
        return Message(policy=_AsWritten()), start + 1
    blank = _BLANK_LINE.search(raw, start, end)
    stop, body = (blank.start(), blank.end()) if blank else (end, end)
    head = raw[start : min(stop, start + MAX_HEAD)]
    headers = _headers.parsebytes(head)
    if headers.get_payload():  # a line that is no header ended them early
        kept = [line for line in head.splitlines(keepends=True) if _FIELD.match(line)]
        headers = _headers.parsebytes(b"".join(kept))
    for name in ("content-type", "content-disposition"):
        value = headers.get(name)
        if value is not None and len(str(value)) > MAX_PARAMETERS:
            headers.replace_header(name, str(value)[:MAX_PARAMETERS])
    return headers, body


def _texts(raw: bytes, headers: Message, start: int) -> Iterator[Text]:
    """The text parts, depth first, within the bounds on depth, number and size."""
    waiting = [(headers, start, len(raw), 0)]
    left, parts = MAX_TEXT, 0
    while waiting and left > 0 and parts < MAX_PARTS:
        headers, start, end, depth = waiting.pop()
        parts += 1
        inner = _inner(raw, headers, start, end) if depth < MAX_DEPTH else None
        if inner is not None:
            waiting.extend((*part, depth + 1) for part in reversed(inner))
            continue
        kind = _kind(headers)
        if kind is None:
            continue
        encoded = raw[start : min(end, start + 2 * left)]
        content = _transfer_decoded(encoded, headers)
        if len(content) > left:  # not in the middle of a link
            content = content[:left].rpartition(b" ")[0]
            left = 0
        left -= len(content)
        yield Text(kind, _to_text(content, headers))


def _inner(raw: bytes, headers: Message, start: int, end: int) -> list[tuple[Message, int, int]] | None:
    """The parts inside a container with their headers, None for a leaf."""
    kind = headers.get_content_type()
    if kind in _WRAPPERS:
        inside, body = _head(raw, start, end)
        return [(inside, body, end)]
    if not kind.startswith("multipart/"):
        return None
    boundary = _parameter(headers, "boundary")
    spans = _spans(raw, boundary.encode("latin-1", "replace"), start, end) if boundary else []
    if not spans:
        return None
    parts = []
    for begin, stop in spans:
        inside, body = _head(raw, begin, stop)
        parts.append((inside, min(body, stop), stop))
    return parts


def _spans(raw: bytes, boundary: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Where the parts lie between the lines of a boundary; the last one ends where the container does."""
    marker = b"--" + boundary
    spans: list[tuple[int, int]] = []
    begin = -1
    at = raw.find(marker, start, end)
    while at >= 0 and len(spans) < MAX_PARTS:
        after = at + len(marker)
        if (at == start or raw[at - 1 : at] in (b"\n", b"\r")) and raw[after : after + 1] in _AFTER_BOUNDARY:
            if begin >= 0:
                spans.append((begin, max(at - 1, begin)))
            if raw[after : after + 2] == b"--":
                return spans
            line_end = raw.find(b"\n", after, end)
            begin = line_end + 1 if line_end >= 0 else end
        at = raw.find(marker, after, end)
    if begin >= 0 and len(spans) < MAX_PARTS:
        spans.append((begin, end))
    return spans


_AFTER_BOUNDARY: Final = (b"", b"\r", b"\n", b"-", b" ", b"\t")


def _kind(headers: Message) -> str | None:
    """plain, html or calendar; None for what holds no text to read."""
    kind = headers.get_content_type()
    if kind in _CALENDARS:
        return "calendar"
    if kind == "text/html" or kind == "application/xhtml+xml":
        return "html"
    # A container whose parts cannot be found is shown by mail programs as text.
    return "plain" if kind.startswith(("text/", "multipart/")) else None


def _transfer_decoded(content: bytes, headers: Message) -> bytes:
    encoding = str(headers.get("content-transfer-encoding", ""))[:100].strip().lower()
    if encoding == "quoted-printable":
        return binascii.a2b_qp(content)
    if encoding == "base64":
        return _base64_decoded(content)
    return content


def _base64_decoded(content: bytes) -> bytes:
    """Whatever base64 holds, broken padding and stray characters and all."""
    letters = _NOT_BASE64.sub(b"", content)
    usable = len(letters) - (1 if len(letters) % 4 == 1 else 0)
    return binascii.a2b_base64(letters[:usable] + b"=" * (-usable % 4))


_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")


def _to_text(content: bytes, headers: Message) -> str:
    """The text in the charset that is declared, or else in the one that fits: UTF-8, then Latin-1."""
    for charset in (_charset(_parameter(headers, "charset")[:64]), "utf-8"):
        try:
            return content.decode(charset or "utf-8")
        except (UnicodeError, LookupError, ValueError):
            continue
    return content.decode("latin-1")


@lru_cache(maxsize=512)
def _charset(name: str) -> str | None:
    try:
        known = codecs.lookup(name.strip().strip("\"'"))
    except (LookupError, ValueError, UnicodeError):
        return None
    return None if known.name.replace("-", "_") in _NO_CHARSET else known.name


def _parameter(headers: Message, name: str) -> str:
    """A parameter of Content-Type, '' where there is none or the standard library cannot read it."""
    try:
        value = headers.get_param(name, "")
    except (ValueError, LookupError, TypeError, IndexError, AttributeError):
        return ""
    if isinstance(value, tuple):  # RFC 2231: charset, language, value
        value = value[2]
    return str(value or "").rstrip()


def _value(value: object) -> str:
    text = str(value)[:MAX_VALUE]
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _bounded(text)


def _letters(value: str, declared: str) -> str:
    return value if value.isascii() else text_of(value.encode("utf-8", "surrogateescape"), declared)


def _bounded(text: str) -> str:
    return _CONTROLS.sub(" ", text[:MAX_VALUE]).strip()


def decoded(value: str) -> str:
    """A header value with its RFC 2047 words decoded, as far as they can be."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value[:MAX_ENCODED_WORDS])
    except (HeaderParseError, ValueError, LookupError):
        return value
    return _CONTROLS.sub(" ", "".join(_piece(text, charset) for text, charset in pieces)).strip()


def _piece(text: bytes | str, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode(_charset((charset or "ascii")[:64]) or "utf-8")
    except (UnicodeError, LookupError, ValueError):
        return text_of(text)
