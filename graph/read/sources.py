"""Which files a path, folder or glob stands for, what format each has, and its bytes, expanded. Parses none of them."""

import glob
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import zstandard

from graph.errors import InputError
from graph.read.options import ReadOptions

ENDINGS: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".eml": "eml",
    ".mbox": "mbox",
    ".mbx": "mbox",
    ".mmdf": "mbox",
    ".msg": "msg",
    ".emlx": "emlx",
}
TABLES: Final = frozenset({"parquet", "csv", "jsonl"})
MAIL: Final = frozenset({"eml", "mbox", "msg", "emlx"})
_SQUEEZED: Final = frozenset({".gz", ".gzip", ".zst", ".zstd"})
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_HEADER_LINE: Final = re.compile(rb"[!-9;-~]+[ \t]*:")  # RFC 5322, 2.2 and 4.5: a name is printable ASCII but the colon
_MAILBOX: Final = re.compile(rb"From(?:[ \t](?![ \t]*:)|\r?\n)|\x01{4}\r?\n")
_MAILDIR: Final = frozenset({"cur", "new"})  # `tmp` holds deliveries that have not finished
_HEAD_BYTES: Final = 4096
# `_SUCCESS`, `.part.crc` and the like are other programs' notes; `.Sent` is a Maildir++ folder and is walked.
_NOTES: Final = (".", "_")


@dataclass(frozen=True)
class Source:
    """One file to read and its format: `parquet`, `csv`, `jsonl`, `eml`, `mbox`, `msg` or `emlx`.

    `named`: asked for by name.
    """

    path: Path
    format: str
    named: bool = False


def find_sources(paths: Sequence[str | Path], formats: frozenset[str], options: ReadOptions) -> Iterator[Source]:
    """The files behind paths, folders (walked) and globs, in a fixed order, each once.

    Raises InputError for a path that is missing or closed to us, a glob or folder without a file we can read, and a
    named file of a format that is not among `formats`. In folders other files are passed over.
    """
    seen: set[Path] = set()
    for path in paths:
        found = 0
        for source in _expanded(Path(path), formats, options):
            found += 1
            if source.path not in seen:
                seen.add(source.path)
                yield source
        if not found:
            raise InputError(str(path), "no file in it that can be read", f"Give {_wanted(formats)}")


def _expanded(path: Path, formats: frozenset[str], options: ReadOptions) -> Iterator[Source]:
    if _exists(path):
        yield from _of_existing(path, formats, options)
    elif glob.has_magic(str(path)):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
        if not matches:
            raise InputError(str(path), "no file matches", "Check the pattern, and quote it from the shell")
        for match in matches:
            yield from _of_existing(Path(match), formats, options)
    else:
        raise InputError(str(path), "no such file or folder", "Check the path")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise _closed(path, error) from error


def _of_existing(path: Path, formats: frozenset[str], options: ReadOptions) -> Iterator[Source]:
    if path.is_dir():
        yield from _walked(path, formats, options)
        return
    found = format_of(path, options)
    if found not in formats:
        reason = f"{found} is not what is read here" if found else "its format is not known"
        raise InputError(str(path), reason, f"Give {_wanted(formats)}")
    yield Source(path, found, named=True)


def _walked(folder: Path, formats: frozenset[str], options: ReadOptions) -> Iterator[Source]:
    def refuse(error: OSError) -> None:
        raise _closed(Path(error.filename or folder), error) from error

    for at, folders, files in os.walk(folder, onerror=refuse):
        here = Path(at)
        is_maildir = bool(_MAILDIR & set(folders))
        folders[:] = sorted(name for name in folders if not (is_maildir and name == "tmp"))
        for name in sorted(files):
            if name.startswith(_NOTES):
                continue
            found = "eml" if here.name in _MAILDIR and _is_maildir(here.parent) else format_of(here / name, options)
            if found in formats:
                yield Source(here / name, found)


def _is_maildir(folder: Path) -> bool:
    return all((folder / name).is_dir() for name in _MAILDIR)


def format_of(path: Path, options: ReadOptions) -> str | None:
    """The format by the ending of the name, or else by the first bytes; None where neither says."""
    endings = [ending.lower() for ending in path.suffixes]
    while endings and endings[-1] in _SQUEEZED:
        endings.pop()
    known = ENDINGS.get(endings[-1]) if endings else None
    return known or _format_of_bytes(read_head(path, options))


def _format_of_bytes(head: bytes) -> str | None:
    head = head.removeprefix(b"\xef\xbb\xbf")
    if head.startswith(b"PAR1"):
        return "parquet"
    if _MAILBOX.match(head):
        return "mbox"
    if head.lstrip().startswith(b"{"):
        return "jsonl"
    return "eml" if _HEADER_LINE.match(head) else None


def read_head(path: Path, options: ReadOptions) -> bytes:
    """The first bytes of a file, expanded. Raises InputError where it cannot be read."""
    with open_expanded(path, options) as stream:
        try:
            return stream.read(_HEAD_BYTES)
        except EXPANSION_ERRORS as error:
            raise damaged(path, error) from error


def open_expanded(path: Path, options: ReadOptions) -> BinaryIO:
    """The bytes of a file, of gzip and zstd (told by their first bytes) the expanded ones, within the bomb bounds.

    Raises InputError where the file cannot be opened; reading may raise `EXPANSION_ERRORS`, or InputError for a bomb.
    """
    try:
        file = path.open("rb")
        magic = file.read(4)
        file.seek(0)
    except OSError as error:
        raise _closed(path, error) from error
    if magic.startswith(_GZIP):
        expanded: BinaryIO = cast("BinaryIO", gzip.GzipFile(fileobj=file))
    elif magic == _ZSTD:
        expanded = cast("BinaryIO", io.BufferedReader(_Zstd(file)))
    else:
        return file
    return io.BufferedReader(_Bounded(expanded, file, path, options), buffer_size=1 << 20)


EXPANSION_ERRORS: Final = (OSError, EOFError, zlib.error, zstandard.ZstdError)


class _Zstd(io.RawIOBase):
    """Expanded zstd frames; unlike the library's reader it raises EOFError where a frame breaks off."""

    # A block of 128 KiB can be written in four bytes, so this much input bounds what is expanded at once.
    _INPUT_BYTES: Final = 1024

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = b""
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._between = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            piece = self._file.read(self._INPUT_BYTES)
            if not piece:
                if self._between:
                    return 0
                raise EOFError("the last zstd frame breaks off")
            self._left = self._expand(piece)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _expand(self, piece: bytes) -> bytes:
        found = []
        while piece:
            found.append(self._frame.decompress(piece))
            self._between = self._frame.eof
            piece = self._frame.unused_data if self._between else b""
            if self._between:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
        return b"".join(found)


class _Bounded(io.RawIOBase):
    """An expanding stream that stops with an InputError when what comes out is too much for what went in."""

    def __init__(self, expanded: BinaryIO, squeezed: BinaryIO, path: Path, options: ReadOptions) -> None:
        self._expanded = expanded
        self._squeezed = squeezed
        self._path = path
        self._options = options
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._expanded.read(len(buffer))
        buffer[: len(piece)] = piece
        self._bytes += len(piece)
        self._check()
        return len(piece)

    def _check(self) -> None:
        options = self._options
        if self._bytes > options.max_expanded_bytes:
            raise self._bomb(f"it expands to more than {options.max_expanded_bytes:,} bytes", "max_expanded_bytes")
        if self._bytes > options.bomb_grace_bytes:
            ratio = self._bytes / max(self._squeezed.tell(), 1)
            if ratio > options.max_expansion_ratio:
                raise self._bomb(f"it expands {ratio:,.0f}-fold, like a bomb", "max_expansion_ratio")

    def _bomb(self, reason: str, setting: str) -> InputError:
        return InputError(str(self._path), reason, f"Expand it yourself, or raise {setting}, if you trust it")

    def close(self) -> None:
        if not self.closed:
            self._expanded.close()
            self._squeezed.close()
        super().close()


def _closed(path: Path, error: OSError) -> InputError:
    reason = (error.strerror or type(error).__name__).lower()
    return InputError(str(path), f"cannot be opened ({reason})", "Check that it exists and may be read")


def damaged(path: Path, error: Exception) -> InputError:
    """The error for a file that breaks off or does not hold what its format promises."""
    return InputError(str(path), f"damaged or cut short ({first_line(error)})", "Get or write the file again")


def first_line(error: Exception) -> str:
    """What an error says, in one line."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def _wanted(formats: Iterable[str]) -> str:
    return "a file, folder or glob of " + ", ".join(sorted(formats))
