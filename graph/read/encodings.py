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
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_MAX_NAME: Final = 64  # characters of a charset's name


def transfer_decoded(content: bytes, encoding: str) -> bytes:
    """The content behind a Content-Transfer-Encoding; as it is where that is none that encodes."""
    if encoding == "quoted-printable":
        return binascii.a2b_qp(content)
    if encoding == "base64":
        return _base64_decoded(content)
    return _uu_decoded(content) if encoding in UU else content


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
    """Whatever base64 holds, broken padding and stray characters and all."""
    letters = _NOT_BASE64.sub(b"", content)
    usable = len(letters) - (1 if len(letters) % 4 == 1 else 0)
    return binascii.a2b_base64(letters[:usable] + b"=" * (-usable % 4))


def decoded_text(content: bytes, charset: str) -> str:
    """The text in the charset that is declared, or else in the one that fits: UTF-8, then Latin-1."""
    for name in (known_charset(charset), "utf-8"):
        try:
            return content.decode(name or "utf-8")
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
