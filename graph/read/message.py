"""The hardened walk of one raw message: headers, texts and calendars out of any bytes. Does not judge what they say.

The standard library parses headers and parameters. The parts are found here, because its parser recurses into every
nesting and reads every line of every attachment. Nothing here raises on hostile input, and every step is bounded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import HeaderParseError, MissingHeaderBodySeparatorDefect
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import Compat32
from functools import cached_property
from typing import Final

from graph.read.boundaries import MAX_PARTS, part_spans
from graph.read.encodings import (
    ENCODINGS,
    decoded_text,
    known_charset,
    looks_encoded,
    transfer_decoded,
    unflowed,
    uu_blocks,
)
from graph.read.letters import text_of
from graph.read.rtf import unpacked_rtf

MAX_HEAD: Final = 4 << 20  # bytes of headers that are looked at
MAX_VALUE: Final = 1 << 18  # characters of one header: some thousand addresses
MAX_PARAMETERS: Final = 4096  # characters of a Content- header; the parser's time grows with the square
MAX_DEPTH: Final = 50
MAX_TEXT: Final = 2 << 20  # bytes of text decoded of one message, all parts together
MAX_ENCODED_WORDS: Final = 1 << 14  # characters of a header that are decoded as RFC 2047

_BLANK_LINE: Final = re.compile(rb"\r?\n[ \t]*\r?\n|\r\r")
_ENVELOPE: Final = re.compile(rb">?From(?![ \t]*:)(?:[ \t][^\r\n]{0,1000})?\r?\n")
_BLANK_BEFORE_COLON: Final = re.compile(rb"^([!-9;-~]+)[ \t]+:", re.MULTILINE)  # RFC 5322, section 4.5
# The headers of a part that has no blank line below them; `https://` at the start of a line is no header.
_LEADING_FIELDS: Final = re.compile(
    rb"(?:[!-9;-~]+[ \t]*:(?![/\\])[^\n]*\n?)(?:(?:[!-9;-~]+[ \t]*:(?![/\\])|[ \t])[^\n]*\n?){0,1000}"
)
_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")
_DECLARED: Final = re.compile(r"charset\s*=\s*[\"']?([^\s\"';]{1,64})", re.IGNORECASE)
_CALENDARS: Final = frozenset({"text/calendar", "text/x-vcalendar", "application/ics", "application/calendar"})
_HTML: Final = frozenset({"text/html", "application/html", "application/xhtml+xml"})
_WRAPPERS: Final = frozenset({"message/rfc822", "message/global", "message/news"})
_REPORTS: Final = "multipart/report"  # bounces and receipts (RFC 6522): what is inside was written by somebody else
_NOTICES: Final = frozenset({"message/delivery-status", "message/disposition-notification"})
_OF_OTHERS: Final = _WRAPPERS | {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
_DIGEST: Final = "multipart/digest"  # of messages, unless a part says otherwise (RFC 2046, section 5.1.5)
_TNEF: Final = "application/ms-tnef"
# What a part without a telling type holds, by the name of its file.
_BY_FILE_NAME: Final = {
    ".ics": "text/calendar",
    ".ical": "text/calendar",
    ".ifb": "text/calendar",
    ".htm": "text/html",
    ".html": "text/html",
    ".xhtml": "text/html",
    ".shtml": "text/html",
    ".eml": "message/rfc822",
    ".vcs": "text/calendar",
    ".txt": "text/plain",
}
# What mail programs and sites write where they do not know what a file holds.
_UNTOLD: Final = frozenset(
    {f"application/{name}" for name in ("octet-stream", "binary", "unknown", "download", "force-download")}
    | {f"application/x-{name}" for name in ("octet-stream", "binary", "unknown", "download", "force-download")}
    | {"application/octetstream", "binary/octet-stream", "text/plain"}
)
_TNEF_NAMES: Final = ("winmail.dat", "win.dat")
# Containers of other programs, whose text stands in the clear among other bytes: Outlook's, and signed mail (RFC 8551).
_BINARIES: Final = frozenset({_TNEF, "application/vnd.ms-tnef", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_ENCODING: Final = re.compile(r"(?:\s|\([^()]{0,100}\)|[\"']){0,10}([\w-]{1,40})")
_BOMS: Final = ((b"\xef\xbb\xbf", ""), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class _AsWritten(Compat32):
    """Header values as they stand, raw UTF-8 included, where the default policy puts a placeholder."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value


_headers = BytesHeaderParser(policy=_AsWritten())


@dataclass(frozen=True)
class Text:
    """One text part: `kind` is plain, html, calendar, or binary for what holds links but no text to be read."""

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
        declared = (known_charset(charset[1]) or "") if charset else ""
        return [_bounded(_letters(str(value), declared)) for value in self.headers.get(name, ())]

    def value(self, name: str) -> str:
        """The first value of a header, or ''."""
        return next(iter(self.values(name)), "")


def parse(raw: bytes) -> Parsed:
    """Walk a raw message, with or without an mbox envelope line or a byte order mark."""
    envelope, raw = _opened(raw)
    headers, start = _head(raw, 0, len(raw))
    named: dict[str, list[str]] = {}
    for name, value in headers.items():
        named.setdefault(name.lower(), []).append(value)
    texts = list(_texts(raw, headers, start))
    names = [name.lower() for name in headers]
    return Parsed(envelope.decode("latin-1").strip(), named, raw[start:], texts, names)


def type_parameter(parsed: Parsed, name: str) -> str:
    """A parameter of a message's own Content-Type, '' where there is none."""
    headers = Message(policy=_AsWritten())
    headers["content-type"] = parsed.value("content-type")[:MAX_PARAMETERS]
    return _parameter(headers, name)


def direct_parts(raw: bytes) -> list[tuple[str, bytes]]:
    """Media type and decoded body of each part of a multipart message; a wrapped message with its headers."""
    _, raw = _opened(raw)
    headers, start = _head(raw, 0, len(raw))
    inner = _inner(_Part(raw, headers, start, len(raw)), whole=True) or []
    return [(part.kind, part.content(MAX_TEXT if part.kind not in _WRAPPERS else len(part.raw))) for part in inner]


def _opened(raw: bytes) -> tuple[bytes, bytes]:
    """The mbox envelope line, and the message behind it without byte order mark, its lines ended by LF or CRLF."""
    envelope, at, raw = b"", 0, _without_mark(raw)
    if b"\n" not in raw:  # as programs on old Macs wrote
        raw = raw.replace(b"\r", b"\n")
    while (line := _ENVELOPE.match(raw, at)) is not None:
        envelope = envelope or line[0]
        at = line.end()
    return envelope, _without_mark(raw[at:]) if at else raw


def _without_mark(raw: bytes) -> bytes:
    """The bytes behind a byte order mark, in UTF-8 where the mark says UTF-16."""
    for mark, charset in _BOMS:
        if raw.startswith(mark):
            content = raw[len(mark) :]
            return content.decode(charset, "replace").encode() if charset else content
    return raw


def _head(raw: bytes, start: int, end: int) -> tuple[Message, int]:
    """The headers at `start` and where the body begins."""
    if raw[start : start + 1] == b"\n" or raw[start : start + 2] == b"\r\n":
        return Message(policy=_AsWritten()), start + 1
    blank = _BLANK_LINE.search(raw, start, end)
    stop, body = (blank.start(), blank.end()) if blank else (end, end)
    head = _BLANK_BEFORE_COLON.sub(rb"\1:", raw[start : min(stop, start + MAX_HEAD)])
    headers = _headers.parsebytes(head)
    if any(isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in headers.defects):
        # A line that is no header ended them early.
        kept = [line for line in head.splitlines(keepends=True) if _FIELD.match(line)]
        headers = _headers.parsebytes(b"".join(kept))
    for name in ("content-type", "content-disposition"):
        value = headers.get(name)
        if value is not None and len(str(value)) > MAX_PARAMETERS:
            headers.replace_header(name, str(value)[:MAX_PARAMETERS])
    return headers, body


@dataclass(frozen=True)
class _Part:
    """One part: its headers, where its body lies in `raw`, how deep, and the encoding of a container around it."""

    raw: bytes
    headers: Message
    start: int
    end: int
    depth: int = 0
    encoding: str = ""

    @cached_property
    def kind(self) -> str:
        """The media type, for an untold one the one that the name of the file says."""
        kind = self.headers.get_content_type()
        name = _file_name(self.headers) if kind in _UNTOLD else ""
        if name in _TNEF_NAMES:
            return _TNEF
        return _BY_FILE_NAME.get("." + name.rpartition(".")[2], kind) if "." in name else kind

    @property
    def own_encoding(self) -> str:
        """quoted-printable, base64, x-uuencode or another word, in lower case, without comments and parameters."""
        word = _ENCODING.match(str(self.headers.get("content-transfer-encoding", ""))[:MAX_PARAMETERS])
        return word[1].lower() if word else ""

    def content(self, most: int) -> bytes:
        """The decoded body of a part, or the beginning of it: about `most` bytes.

        What a container says of its encoding counts only for a part that looks like it, since hardly a mail program
        follows: it must not turn text that the reader sees into something else.
        """
        encoded = self.raw[self.start : min(self.end, self.start + 2 * most)]
        encoding = self.own_encoding
        if not encoding and looks_encoded(encoded, self.encoding):
            encoding = self.encoding
        return transfer_decoded(encoded, encoding)


def _texts(raw: bytes, headers: Message, start: int) -> Iterator[Text]:
    """The text parts, depth first, within the bounds on depth, number and size."""
    waiting = [_Part(raw, headers, start, len(raw))]
    left, parts = MAX_TEXT, 0
    while waiting and left > 0 and parts < MAX_PARTS:
        part = waiting.pop()
        parts += 1
        inner = _inner(part) if part.depth < MAX_DEPTH else None
        if inner is not None:
            waiting.extend(reversed(inner))
            continue
        kind = _text_kind(part.kind)
        if kind is None:
            continue
        content = part.content(left)
        if len(content) > left:  # not in the middle of a link
            content = content[:left].rpartition(b" ")[0]
            left = 0
        left -= len(content)
        yield _text(kind, content, part.headers)
        if kind == "plain" and (attached := uu_blocks(content)):
            yield _text("binary", attached, part.headers)


def _inner(part: _Part, whole: bool = False) -> list[_Part] | None:
    """The parts inside a container with their headers, None for a leaf. `whole`: also what others wrote in reports."""
    if part.kind in _WRAPPERS:
        return [_wrapped(part)]
    if not part.kind.startswith("multipart/"):
        return None
    spans = part_spans(part.raw, _boundary(part.headers), part.start, part.end)
    if not spans:
        return None
    # RFC 2045, section 6.4 forbids to encode a container; of one that says so the parts are encoded.
    encoding = part.own_encoding if part.own_encoding in ENCODINGS else part.encoding
    parts = []
    for begin, stop in spans:
        headers, body = _part_head(part.raw, begin, stop)
        if part.kind == _DIGEST:
            headers.set_default_type("message/rfc822")
        parts.append(_Part(part.raw, headers, min(body, stop), stop, part.depth + 1, encoding))
    reports = part.kind == _REPORTS or any(inside.kind in _NOTICES for inside in parts)
    return [inside for inside in parts if whole or not reports or inside.kind not in _OF_OTHERS]


def _wrapped(part: _Part) -> _Part:
    """The message inside a message, also where it is encoded, which RFC 2046, section 5.2.1 forbids.

    What begins with a header is not in base64, whatever it says: a colon is none of its letters.
    """
    raw, start, end = part.raw, part.start, part.end
    if part.own_encoding == "quoted-printable" or (
        part.own_encoding in ENCODINGS and not _LEADING_FIELDS.match(raw, start, end)
    ):
        raw = _without_mark(part.content(MAX_TEXT))
        start, end = 0, len(raw)
    headers, body = _head(raw, start, end)
    return _Part(raw, headers, body, end, part.depth + 1)


def _part_head(raw: bytes, start: int, end: int) -> tuple[Message, int]:
    """The headers of a part and where its body begins; what is no header belongs to the body."""
    is_blank = raw[start : start + 1] in (b"\n", b"\r")
    fields = None if is_blank else _LEADING_FIELDS.match(raw, start, end)
    if not is_blank and fields is None:
        return Message(policy=_AsWritten()), start
    headers, body = _head(raw, start, end)
    return headers, fields.end() if fields and body >= end else body


def _boundary(headers: Message) -> bytes:
    boundary = _parameter(headers, "boundary")
    try:
        return boundary.encode("ascii", "surrogateescape")  # as the parser took the bytes in
    except UnicodeEncodeError:
        return boundary.encode("latin-1", "replace")


def _text_kind(kind: str) -> str | None:
    """plain, html, calendar or binary; None for what holds no text to read."""
    if kind in _BINARIES:
        return "binary"
    if kind in _CALENDARS:
        return "calendar"
    if kind in _HTML:
        return "html"
    # A container whose parts cannot be found is shown by mail programs as text.
    return "plain" if kind.startswith(("text/", "multipart/")) else None


def _file_name(headers: Message) -> str:
    """The name of a part's file in lower case, '' where there is none or the standard library cannot read it."""
    try:
        return decoded(str(headers.get_filename("") or "")).strip().rstrip(". \"'").lower()
    except (ValueError, LookupError, TypeError, IndexError, AttributeError):
        return ""


def _text(kind: str, content: bytes, headers: Message) -> Text:
    if kind == "binary":  # UTF-16 reads as ASCII once its zero bytes are gone; what is squeezed is expanded
        return Text(kind, (content + unpacked_rtf(content)).replace(b"\x00", b"").decode("latin-1"))
    text = decoded_text(content, _parameter(headers, "charset"))
    if kind == "plain" and _parameter(headers, "format").lower() == "flowed":
        text = unflowed(text, _parameter(headers, "delsp").lower() == "yes")
    return Text(kind, text)


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
    if not text.isascii():  # ids are made of this reading: it stays as it is
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
        return text.decode(known_charset(charset or "ascii") or "utf-8")
    except (UnicodeError, LookupError, ValueError):
        return text_of(text)
