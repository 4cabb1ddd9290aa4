"""Where one message of a mailbox file ends and the next begins. Does not know what a message says.

Mailboxes are mbox of every kind (RFC 4155 and what Thunderbird, Eudora, Takeout and others write instead) and MMDF.
A mailbox is read in blocks: memory holds one message, and time grows with the length of the file.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

BLOCK_BYTES: Final = 1 << 20
_LOOK_BYTES: Final = 1 << 14  # behind a line that may be a separator: itself and the lines that it is judged by
_LINE_BYTES: Final = 1100  # of a separator: two addresses of the longest kind and a date
_HEAD_BYTES: Final = 1 << 16  # of a message, in which Content-Length is looked for
_HEAD_LINES: Final = 8  # below an envelope line in its full form, of which one must be a header
_ENVELOPE_LINES: Final = 4  # above one message, at most
_CONTEXT_BYTES: Final = 4  # before a separator: the end of the line above and the blank line

_FROM: Final = b"\nFrom"
_MMDF: Final = b"\n\x01\x01\x01\x01"
# `From : x` is a header with a blank before its colon (RFC 5322, section 4.5).
_NO_HEADER: Final = rb"From(?![ \t]*:)"
# The full form is a separator below a blank line, one with a weekday and a time where a header line follows.
_FULL: Final = re.compile(
    rb"From[ \t]+[^\s].{0,640}?[ \t](?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ \t]+"
    rb"(?:[A-Z][a-z]{2}[ \t]+\d{1,2}|\d{1,2}[ \t]+[A-Z][a-z]{2})[ \t].{0,60}?\d:\d\d"
)
_DATED: Final = re.compile(_NO_HEADER + rb"[ \t].{0,1000}?\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b.{0,80}?\d:\d\d")
# `From `, `From -`, `From ???@???` or an address alone likewise.
_BARE: Final = re.compile(rb"From[ \t]+(?:-|[^\s:]{0,320}@[^\s:]{0,320}|MAILER-DAEMON)?[ \t]*\r?\n|From[ \t]*\r?\n")
# Other words count only below a blank line and above a header that mail programs write first.
_WORDS: Final = re.compile(_NO_HEADER + rb"[ \t]")
_HEADER: Final = re.compile(rb"[!-9;-~]{1,100}[ \t]*:(?![/\\])|>?From ")
_FIRST_HEADER: Final = re.compile(
    rb"(?:return-path|received|delivered-to|x-[a-z0-9-]{1,60}|from|to|date|subject|message-id|mime-version|status"
    rb"|content-(?:type|length|transfer-encoding)|sender|reply-to|envelope-to|dkim-signature|arc-[a-z-]{1,40}"
    rb"|authentication-results)[ \t]*:",
    re.IGNORECASE,
)
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_CONTENT_LENGTH: Final = re.compile(rb"\ncontent-length[ \t]*:[ \t]*(\d{1,12})[ \t]*\r?\n")
_LINE_ENDS: Final = re.compile(rb"(?:\r?\n){0,2}")
_QUOTED: Final = re.compile(rb"^>(?=>*From )", re.MULTILINE)


def mailbox_messages(stream: BinaryIO, most: int) -> Iterator[bytes]:
    """Messages with their envelope lines, quoting undone (mboxrd). One longer than `most` bytes is cut there."""
    ahead = _Ahead(stream)
    ahead.fill(_LOOK_BYTES)
    if ahead.data.startswith(codecs.BOM_UTF8):
        del ahead.data[: len(codecs.BOM_UTF8)]
    is_mmdf = ahead.data.startswith(_MMDF[1:])
    while ahead.data:
        end = _found(ahead, 0, most, _MMDF, _is_mmdf) if is_mmdf else _message_end(ahead, most)
        message = bytes(ahead.data[: min(end, most)])
        del ahead.data[:end]
        if is_mmdf:
            message = message.lstrip(_MMDF)
        if message.strip():
            yield _QUOTED.sub(b"", message) if b">From " in message else message
        ahead.fill(_LOOK_BYTES)


class _Ahead:
    """The bytes of a stream from the current message on, lines ended by LF and text in UTF-8."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode: Callable[[bytes], bytes] | None = None
        self._ended = False
        self.data = bytearray()

    def fill(self, size: int) -> bool:
        """Whether `size` bytes are there, after reading what is missing."""
        while len(self.data) < size and not self._ended:
            block = self._stream.read(BLOCK_BYTES)
            self._ended = not block
            self._decode = self._decode or _decoder(block)
            self.data += self._decode(block)
        return len(self.data) >= size


def _decoder(first: bytes) -> Callable[[bytes], bytes]:
    """What turns the blocks of a file into ASCII lines ended by LF, judged by the first one."""
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        return lambda block: decoder.decode(block, final=not block).encode("utf-8", "replace")
    if b"\r" in first and b"\n" not in first:  # as programs on old Macs wrote
        return lambda block: block.replace(b"\r", b"\n")
    return bytes


def _message_end(ahead: _Ahead, most: int) -> int:
    """Where the message after this one begins; the end of the file where there is none."""
    start = _envelope_end(ahead)
    end = _found(ahead, start, most, _FROM, _is_separator)
    counted = _counted_end(ahead, start, end, most)
    return _found(ahead, counted - 1, most, _FROM, _is_separator) if counted > end else end


def _found(ahead: _Ahead, at: int, most: int, marker: bytes, accepts: Callable[[bytearray, int], bool]) -> int:
    """The first line from `at` on that begins with `marker` and is accepted. What lies past `most` is dropped."""
    data = ahead.data
    while True:
        place = data.find(marker, at)
        if place >= 0:
            ahead.fill(place + _LOOK_BYTES)
            if accepts(data, place + 1):
                return place + 1
            at = place + 1
            continue
        at = max(at, len(data) - len(marker) + 1)
        if at - _CONTEXT_BYTES > most:
            del data[most : at - _CONTEXT_BYTES]
            at = most + _CONTEXT_BYTES
        if not ahead.fill(len(data) + 1):
            return len(data)


def _envelope_end(ahead: _Ahead) -> int:
    """Where the first line ends, if it is an envelope; some programs write two of them above one message."""
    data, at = ahead.data, 0
    for _ in range(_ENVELOPE_LINES):
        end = data.find(b"\n", at, at + _LINE_BYTES)
        if end < 0 or not data.startswith(_FROM[1:], at) or (at > 0 and not _is_separator(data, at)):
            break
        at = end + 1
        ahead.fill(at + _LOOK_BYTES)
    return at


def _counted_end(ahead: _Ahead, start: int, end: int, most: int) -> int:
    """Where the message ends by its Content-Length; 0 where it has none, or where no message ends at that place.

    Mail programs of System V quote nothing and count instead (mboxcl2). A count that a sender made up, or that was
    right before somebody changed the message, is recognised as Mutt does it: no separator follows.
    """
    data = ahead.data
    blank = _BLANK_LINE.search(data, start, min(end, start + _HEAD_BYTES))
    length = blank and _CONTENT_LENGTH.search(b"\n" + data[start : blank.end()].lower())
    if not blank or not length or not end < blank.end() + int(length[1]) <= most:
        return 0
    counted = blank.end() + int(length[1])
    ahead.fill(counted + _LOOK_BYTES)
    if counted > len(data):
        return 0
    gap = _LINE_ENDS.match(data, counted)
    counted = gap.end() if gap else counted
    if counted == len(data):
        return counted
    return counted if data[counted - 1 : counted] == b"\n" and _is_separator(data, counted) else 0


def _is_mmdf(data: bytearray, at: int) -> bool:
    """Whether the line holds nothing but the four control characters."""
    return data[at + len(_MMDF) - 1 : at + len(_MMDF)].strip(b"\r\n") == b""


def _is_separator(data: bytearray, at: int) -> bool:
    """Whether a line that starts with `From` begins a message, by its form, the line above it and those below."""
    end = data.find(b"\n", at, at + _LINE_BYTES)
    if end < 0 or not data.startswith(_FROM[1:], at):
        return False
    line = bytes(data[at : end + 1])
    above = bytes(data[max(at - 3, 0) : max(at - 1, 0)])
    after_blank = above in (b"", b"\r") or above.endswith((b"\n", b"\n\r"))
    if _BARE.match(line) or _DATED.match(line):
        return bool(_HEADER.match(data, end + 1)) or (after_blank and bool(_FULL.match(line)) and _head_in(data, end))
    return after_blank and bool(_WORDS.match(line)) and bool(_FIRST_HEADER.match(data, end + 1))


def _head_in(data: bytearray, end: int) -> bool:
    """Whether the lines below the one that ends at `end` hold a header, or nothing stands there at all."""
    for count in range(_HEAD_LINES):
        start, end = end + 1, data.find(b"\n", end + 1, end + 1 + _LOOK_BYTES)
        if start >= len(data) or not data[start : end if end >= 0 else None].strip():
            return count == 0
        if _HEADER.match(data, start):
            return True
        if end < 0:
            return False
    return False
