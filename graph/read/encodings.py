"""Bytes of a mail part into text: transfer encodings, charsets, flowed lines. Knows no headers and no parts.

Nothing here raises, whatever the bytes; what cannot be decoded is read as Latin-1.
"""

import binascii
import codecs
import re
from contextlib import suppress
from functools import lru_cache
from typing import Final

UU: Final = frozenset({"uuencode", "x-uuencode", "x-uue", "uue"})
ENCODINGS: Final = UU | {"quoted-printable", "base64"}
# Codecs that Python would take for a charset and no mail program does; some need quadratic time.
_NO_CHARSET: Final = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=]+")
_PADDING: Final = re.compile(rb"=+")
_MOST_SEGMENTS: Final = 1000  # of padded base64, one after another
_NOT_BASE64_LINES: Final = re.compile(rb"[^A-Za-z0-9+/=\s]")
_QUOTED_BYTE: Final = re.compile(rb"=(?:[0-9A-Fa-f]{2}|[ \t]{0,80}\r?\n)")
_UU_BLOCK: Final = re.compile(rb"^begin [0-7]{3,4} [^\n]{1,200}\n(?:[ -`]{1,62}\r?\n){1,65536}?end\b", re.MULTILINE)
_MAX_NAME: Final = 64  # characters of a charset's name


def transfer_decoded(content: bytes, encoding: str) -> bytes:
    """The content behind a Content-Transfer-Encoding; as it is where that is none that encodes."""
    if encoding == "quoted-printable":
        return binascii.a2b_qp(content)
    if encoding == "base64":
        return _base64_decoded(content)
    return _uu_decoded(content) if encoding in UU else content


def looks_encoded(content: bytes, encoding: str) -> bool:
    """Whether some bytes can be in one of ENCODINGS and are not plain text as well."""
    if encoding == "quoted-printable":
        return _QUOTED_BYTE.search(content) is not None
    if encoding == "base64":
        return _NOT_BASE64_LINES.search(content) is None
    return encoding in UU and content.lstrip().startswith(b"begin ")


def uu_blocks(content: bytes) -> bytes:
    """What stands in a text as uuencoded files, from `begin 644 name` to `end`, one after another."""
    if b"begin " not in content:
        return b""
    return b"\n".join(_uu_decoded(block[0]) for block in _UU_BLOCK.finditer(content))


def _uu_decoded(content: bytes) -> bytes:
    """Whatever uuencoded lines hold; lines that are none are passed over."""
    decoded = []
    for line in content.splitlines():
        if not line or line.startswith((b"begin ", b"end")):
            continue
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:  # a wrong length that many encoders write: take what its first letter says
            count = (((line[0] - 32) & 63) * 4 + 5) // 3
            with suppress(binascii.Error):
                decoded.append(binascii.a2b_uu(line[:count]))
    return b"".join(decoded)


def _base64_decoded(content: bytes) -> bytes:
    """Whatever base64 holds, stray characters, broken padding and all; behind a padding another text may begin."""
    letters = _NOT_BASE64.sub(b"", content)
    segments = _PADDING.split(letters, _MOST_SEGMENTS)
    return b"".join(_base64_segment(segment) for segment in segments)


def _base64_segment(letters: bytes) -> bytes:
    letters = letters.replace(b"=", b"")
    usable = len(letters) - (1 if len(letters) % 4 == 1 else 0)
    return binascii.a2b_base64(letters[:usable] + b"=" * (-usable % 4))


def decoded_text(content: bytes, charset: str) -> str:
    """The text in the charset that is declared, or else in the one that fits: UTF-8, then Latin-1.

    A byte order mark goes before what is declared, as in browsers. Text with a link in it has zero bytes in UTF-16 and
    UTF-32; what has none is declared wrongly.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        charset = "utf-16"
    for name in (known_charset(charset), "utf-8"):
        is_wide = (name or "").startswith(("utf-16", "utf-32"))
        if is_wide and b"\x00" not in content:
            continue
        try:
            return content.decode(name or "utf-8", "replace" if is_wide else "strict")
        except (UnicodeError, LookupError, ValueError):
            continue
    return content.decode("latin-1")


@lru_cache(maxsize=512)
def known_charset(name: str) -> str | None:
    """The codec of a charset's name, None where there is none that mail is written in."""
    try:
        known = codecs.lookup(name[:_MAX_NAME].strip().strip("\"'"))
    except (LookupError, ValueError, UnicodeError):
        return None
    return None if known.name.replace("-", "_") in _NO_CHARSET else known.name


def unflowed(text: str, delete_space: bool) -> str:
    """Flowed lines (RFC 3676, section 4) as the paragraphs that they were; `delete_space` is DelSp=yes."""
    lines: list[str] = []
    open_line = ""
    for line in text.splitlines():
        if line.startswith(">"):
            lines.extend(part for part in (open_line, line) if part)
            open_line = ""
            continue
        line = line.removeprefix(" ") if line.startswith((" ", "> ")) else line
        if line.endswith(" ") and line != "-- ":
            open_line += line[:-1] if delete_space else line
            continue
        lines.append(open_line + line)
        open_line = ""
    return "\n".join([*lines, open_line] if open_line else lines)
