"""Which files a path, folder or glob stands for, what format each has, and its bytes, expanded. Parses none of them."""

import glob
import gzip
import io
import os
import re
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import zstandard

from graph.errors import InputError
from graph.read.decoding import encoding_of
from graph.read.dialects import is_table
from graph.read.options import ReadOptions
from graph.read.quarantine import Quarantine

ENDINGS: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".psv": "csv",
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
_MAILDIR: Final = frozenset({"cur", "new"})  # beside them `tmp` holds deliveries that have not finished
HEAD_BYTES: Final = 4096  # enough to tell a format
# `_SUCCESS`, `.part.crc` and the like are other programs' notes; `.Sent` is a Maildir++ folder and is walked.
_NOTES: Final = (".", "_")
_HOME: Final = ("lake", "quarantine", "snapshots")  # what tells a home of ours from other folders
_LINK: Final = "it is a symbolic link (name its target to have it read)"
_KINDS: Final = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISDIR, "a folder"),
)


@dataclass(frozen=True)
class Source:
    """One file to read and its format: `parquet`, `csv`, `jsonl`, `eml`, `mbox`, `msg` or `emlx`.

    `named`: asked for by name.
    """

    path: Path
    format: str
    named: bool = False


def find_sources(
    paths: Sequence[str | Path], formats: frozenset[str], options: ReadOptions, quarantine: Quarantine
) -> Iterator[Source]:
    """The files behind paths, folders (walked) and globs, in a fixed order, each once.

    In folders every other file is passed over by name, and so is what is no regular file: a link, FIFO, socket or
    device. `quarantine.refuse` gets an InputError for a path that is missing or closed to us, a glob or folder without
    a file we can read, and a named file of a format that is not among `formats`.
    """
    search = _Search(formats, options, quarantine)
    seen: set[Path] = set()
    for path in paths:
        for source in search.behind(Path(path)):
            if source.path not in seen:
                seen.add(source.path)
                yield source


@dataclass(frozen=True)
class _Search:
    """What is looked for, and who is told of what is no such file."""

    formats: frozenset[str]
    options: ReadOptions
    quarantine: Quarantine

    def behind(self, path: Path) -> Iterator[Source]:
        """The files behind one path or glob; where there is none the path is refused."""
        refused = len(self.quarantine.errors)
        try:
            places = _places(path)
        except InputError as error:
            self.quarantine.refuse(error, is_file=False)
            return
        matches = 0
        for source in (source for place in places for source in self._at(place)):
            matches += 1
            yield source
        if not matches and len(self.quarantine.errors) == refused:
            reason = "no file in it that can be read"
            self.quarantine.refuse(InputError(str(path), reason, f"Give {_wanted(self.formats)}"), is_file=False)

    def _at(self, place: Path) -> Iterator[Source]:
        if place.is_dir():
            yield from self._walked(place)
            return
        try:
            yield Source(place, self._wanted_format(place), named=True)
        except InputError as error:
            self.quarantine.refuse(error)

    def _wanted_format(self, path: Path) -> str:
        kind = format_of(path, self.options)
        if kind is None or kind not in self.formats:
            raise InputError(str(path), _unread(kind), f"Give {_wanted(self.formats)}")
        return kind

    def _walked(self, folder: Path) -> Iterator[Source]:
        for at, folders, files in os.walk(folder, onerror=lambda error: self._shut(folder, error)):
            here = Path(at)
            for name in sorted(folders):
                reason = _no_folder_of_ours(here / name)
                if reason:
                    folders.remove(name)
                    self.quarantine.pass_over(here / name, reason)
            folders.sort()
            for name in sorted(files):
                yield from self._in_folder(here / name)

    def _shut(self, folder: Path, error: OSError) -> None:
        self.quarantine.refuse(_closed(Path(error.filename or folder), error), is_file=False)

    def _in_folder(self, path: Path) -> Iterator[Source]:
        try:
            reason = _no_file_of_ours(path)
            kind = None if reason else _format_in_folder(path, self.options)
        except InputError as error:
            self.quarantine.refuse(error)
            return
        if kind in self.formats and kind is not None:
            yield Source(path, kind)
        else:
            self.quarantine.pass_over(path, reason or _unread(kind))


def _places(path: Path) -> list[Path]:
    """The path itself, or what its pattern matches. Raises InputError where there is nothing."""
    try:
        if path.exists():
            return [path]
    except OSError as error:
        raise _closed(path, error) from error
    if not glob.has_magic(str(path)):
        raise InputError(str(path), "no such file or folder", "Check the path")
    matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    if not matches:
        raise InputError(str(path), "no file matches", "Check the pattern, and quote it from the shell")
    return [Path(match) for match in matches]


def _no_folder_of_ours(folder: Path) -> str | None:
    """Why a folder inside a folder is not walked: a link may lead anywhere, and a home would be fed with itself."""
    if folder.is_symlink():
        return _LINK
    return "it is a home of ringleader" if all((folder / name).is_dir() for name in _HOME) else None


def _no_file_of_ours(path: Path) -> str | None:
    """Why a file of a folder is left where it is, whatever its format; None where it may be read."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return f"it went away while the folder was read ({(error.strerror or str(error)).lower()})"
    if not stat.S_ISREG(mode):
        return _LINK if stat.S_ISLNK(mode) else f"it is {_kind_of(mode)}, not a regular file"
    if path.parent.name == "tmp" and any((path.parent.parent / name).is_dir() for name in _MAILDIR):
        return "it is an unfinished delivery"
    return "it is a note of another program (its name begins with . or _)" if path.name.startswith(_NOTES) else None


def _kind_of(mode: int) -> str:
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")


def _format_in_folder(path: Path, options: ReadOptions) -> str | None:
    return "eml" if path.parent.name in _MAILDIR and _is_maildir(path.parent.parent) else format_of(path, options)


def _unread(kind: str | None) -> str:
    return f"{kind} is not what is read here" if kind else "its format is not known"


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
    if head.startswith(b"PAR1"):
        return "parquet"
    if _MAILBOX.match(head):
        return "mbox"
    text = head.decode(encoding_of(head).codec, "replace").removeprefix("\ufeff").lstrip()
    if text.startswith("{") or re.match(r"\[\s*(?:\{|$)", text):
        return "jsonl"
    if is_table(text):
        return "csv"
    return "eml" if _HEADER_LINE.match(head.removeprefix(b"\xef\xbb\xbf")) else None


def read_head(path: Path, options: ReadOptions, size: int = HEAD_BYTES) -> bytes:
    """The first bytes of a file, expanded. Raises InputError where it cannot be read."""
    with open_expanded(path, options) as stream:
        try:
            return stream.read(size)
        except EXPANSION_ERRORS as error:
            raise damaged(path, error) from error


def open_regular(path: Path) -> BinaryIO:
    """The bytes of a regular file as they are. Raises InputError for everything else; a FIFO never makes it wait."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _closed(path, error) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        reason = f"it is {_kind_of(mode)}, not a regular file"
        raise InputError(str(path), reason, "Write what comes out of it to a file and give that")
    return os.fdopen(descriptor, "rb")


def open_expanded(path: Path, options: ReadOptions) -> BinaryIO:
    """The bytes of a file, of gzip and zstd (told by their first bytes) the expanded ones, within the bomb bounds.

    Raises InputError where the file cannot be opened; reading may raise `EXPANSION_ERRORS`, or InputError for a bomb.
    """
    file = open_regular(path)
    try:
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


def unforeseen(path: Path, error: Exception) -> InputError:
    """The error for a file on which a parser fails in a way that it does not document."""
    reason = f"it cannot be parsed ({type(error).__name__}: {first_line(error)})"
    return InputError(str(path), reason, "Write the file again, by another program where you can")


def first_line(error: Exception) -> str:
    """What an error says, in one line that every terminal holds: it may quote the bytes of the file."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


def _wanted(formats: Iterable[str]) -> str:
    return "a file, folder or glob of " + ", ".join(sorted(formats))
