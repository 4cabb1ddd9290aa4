"""Text in any Unicode encoding and with any line ends as UTF-8 with `\\n`. Knows nothing of what the text says."""

import codecs
import io
from dataclasses import dataclass
from typing import BinaryIO, Final

_MARKS: Final = (  # the longer ones first: the mark of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE: Final = 256  # bytes that tell UTF-16 without a mark: every other one of ASCII text is nought
_NOUGHTS: Final = 0.8  # share of such bytes


@dataclass(frozen=True)
class Encoding:
    """How a file's text is written: a codec of Python, and whether lines end in CR alone."""

    codec: str
    is_cr_only: bool

    @property
    def is_plain(self) -> bool:
        """Whether the bytes may be read as they are, but for a mark before the first."""
        return self.codec in ("utf-8", "utf-8-sig") and not self.is_cr_only


def encoding_of(head: bytes) -> Encoding:
    """The encoding by the first bytes of a file; UTF-8 where they say nothing else."""
    codec = next((codec for mark, codec in _MARKS if head.startswith(mark)), None) or _by_noughts(head) or "utf-8"
    text = head.decode(codec, "replace")
    return Encoding(codec, "\r" in text and "\n" not in text)


def _by_noughts(head: bytes) -> str | None:
    sample = head[: min(_SAMPLE, len(head) // 2 * 2)]
    if len(sample) < 4:
        return None
    for codec, noughts, letters in (("utf-16-le", sample[1::2], sample[::2]), ("utf-16-be", sample[::2], sample[1::2])):
        if noughts.count(0) >= _NOUGHTS * len(noughts) and not letters.count(0):
            return codec
    return None


class Utf8(io.RawIOBase):
    """A stream as UTF-8; what cannot be decoded becomes U+FFFD, so that a parser can name its row."""

    def __init__(self, stream: BinaryIO, encoding: Encoding) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding.codec)("replace")
        self._is_cr_only = encoding.is_cr_only
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            raw = self._stream.read(len(buffer))
            text = self._decoder.decode(raw, final=not raw)
            if self._is_cr_only:
                text = text.replace("\r", "\n")
            self._left = text.encode("utf-8", "replace")
            if not raw and not self._left:
                return 0
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


def as_utf8(stream: BinaryIO, encoding: Encoding, block_bytes: int) -> BinaryIO:
    """The stream as UTF-8, buffered; itself where it may be read as it is."""
    return stream if encoding.is_plain else io.BufferedReader(Utf8(stream, encoding), block_bytes)
