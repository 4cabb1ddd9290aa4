"""Raw eight-bit text of headers, which no standard declares a charset for, as Unicode. Knows no message.

The same bytes always give the same text, and never a U+FFFD: no verdict or look-up could name a sender that holds one.
"""

import codecs
from functools import lru_cache
from typing import Final

# A charset in which this reads otherwise is not written on top of ASCII (UTF-16, EBCDIC) or has shifts in ASCII
# letters (UTF-7, HZ). A sender could hide an address from us by declaring it.
_PROBE: Final = "a+AEA-b ~{c~} <d@e.example>"


def text_of(raw: bytes, declared: str = "") -> str:
    """The text in UTF-8 where it is that, else in the charset declared, else in Windows-1252, else in Latin-1."""
    for charset in ("utf-8", declared, "cp1252"):
        try:
            if charset and _on_ascii(charset):
                return raw.decode(charset)
        except (UnicodeError, LookupError, ValueError):
            continue
    return raw.decode("latin-1")


@lru_cache(maxsize=512)
def _on_ascii(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name != "undefined" and _PROBE.encode("ascii").decode(charset) == _PROBE
    except (UnicodeError, LookupError, ValueError):
        return False
