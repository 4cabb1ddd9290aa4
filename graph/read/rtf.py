"""Compressed RTF inside Outlook's formats (MS-OXRTFCP), expanded. Knows neither TNEF nor Outlook's messages."""

import struct
from collections.abc import Iterator
from typing import Final

import compressed_rtf

_MAGIC: Final = b"LZFu"
_MAGIC_AT: Final = 8  # after the compressed and the raw size
_HEADER_BYTES: Final = 16
MOST_STREAMS: Final = 4  # of one container: Outlook writes one
MAX_RTF: Final = 1 << 20  # bytes of one stream; it expands eight and a half times at most


def unpacked_rtf(content: bytes) -> bytes:
    """The text of every compressed RTF stream in some bytes, one after another; nothing for a damaged one."""
    return b"\n".join(expanded_rtf(content[at:]) for at in _streams(content))


def _streams(content: bytes) -> Iterator[int]:
    """Where compressed streams begin, at most MOST_STREAMS of them."""
    at = content.find(_MAGIC)
    for _ in range(MOST_STREAMS):
        if at < 0:
            return
        if at >= _MAGIC_AT:
            yield at - _MAGIC_AT
        at = content.find(_MAGIC, at + 1)


def expanded_rtf(stream: bytes) -> bytes:
    """The text of one compressed stream; nothing for a damaged one."""
    if len(stream) < _HEADER_BYTES:
        return b""
    size = min(struct.unpack_from("<I", stream)[0] + 4, MAX_RTF)
    try:
        return bytes(compressed_rtf.decompress(stream[:size]))
    except Exception:  # noqa: BLE001 (a damaged stream holds nothing)
        return b""
