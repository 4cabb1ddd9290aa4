"""JSON as rows: JSON Lines, arrays of objects, and objects written over many lines. Does not judge the values.

JSON Lines whose values have the contract's types are decoded whole; every other row is read on its own, its values
judged by what they hold. Memory stays flat: an array is read an element at a time.
"""

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import msgspec
import pyarrow as pa

from graph import schema
from graph.errors import InputError
from graph.read.contract import LISTS, Column, Contract, match_columns, plain_name
from graph.read.decoding import as_utf8, encoding_of
from graph.read.lists import ListError, entries_of_cell
from graph.read.options import MIB, ReadOptions
from graph.read.quarantine import Quarantine
from graph.read.rows import RawRows
from graph.read.sources import EXPANSION_ERRORS, damaged, first_line, open_expanded, read_head

Row = dict[str, Any]
_Item = TypeVar("_Item")

_BROKEN: Final = (msgspec.MsgspecError, ValueError, RecursionError)
_BLANK: Final = re.compile(r"[\s,]*")
# Not one object a line: an array, an object over many lines, or an object that wraps a list of objects.
_NAME: Final = r'\s*"[^"]{0,200}"\s*:\s*'
_PLAIN: Final = r'(?:"[^"]{0,500}"|\d{1,20}|null)\s*,'
_VALUES: Final = re.compile(rf"\s*(?:\[|\{{[ \t\r]*\n|\{{(?:{_NAME}{_PLAIN}){{0,8}}{_NAME}\[\s*\{{)")


class _RowError(ValueError):
    """A value that a column cannot hold; the text is the reason."""


def read_json(path: Path, contract: Contract, options: ReadOptions, quarantine: Quarantine) -> Iterator[RawRows]:
    """The rows of a JSON file in batches. Raises InputError where it cannot be read, or breaks off."""
    head = read_head(path, options)
    encoding = encoding_of(head)
    reader = _Reader(path, contract, options, quarantine)
    with open_expanded(path, options) as stream:
        try:
            text = as_utf8(stream, encoding, options.block_bytes)
            shown = head.decode(encoding.codec, "replace").removeprefix("\ufeff")
            yield from reader.values(text) if _VALUES.match(shown) else reader.lines(text)
        except EXPANSION_ERRORS as error:
            raise damaged(path, error) from error


class _Reader:
    """One file on its way into columns."""

    def __init__(self, path: Path, contract: Contract, options: ReadOptions, quarantine: Quarantine) -> None:
        self._path = path
        self._contract = contract
        self._options = options
        self._quarantine = quarantine
        kinds: dict[str, Any] = dict.fromkeys(LISTS, list[str | None] | None)
        fields = [(column.name, kinds.get(column.kind, str | None), None) for column in contract.columns]
        self._strict: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct(contract.name, fields, gc=False)
        )
        self._plain_names = {plain_name(column.name): column.name for column in contract.columns}

    # ---- one object a line ----

    def lines(self, stream: BinaryIO) -> Iterator[RawRows]:
        """The rows of JSON Lines; a line that is none is set aside."""
        for first, lines in self._blocks(stream):
            self._quarantine.count_found(sum(not line.isspace() for line in lines if line))
            rows, numbers = self._decoded(lines, first)
            if rows:
                yield RawRows(str(self._path), self._columns(rows), numbers)

    def _blocks(self, stream: BinaryIO) -> Iterator[tuple[int, list[bytes]]]:
        """The number of the first line and lines, at most `batch_rows` or about `block_bytes` of them at a time."""
        most, failures = self._options.max_line_bytes, list[Exception]()
        first, size, lines = 1, 0, list[bytes]()
        for number, line in enumerate(_until_failure(iter(lambda: stream.readline(most), b""), failures), 1):
            if len(line) == most and not line.endswith(b"\n"):
                self._quarantine.count_found(1)
                self._aside(number, f"line longer than {most:,} bytes", line)
                self._skip_line(stream)
                lines.append(b"")
            else:
                lines.append(line)
                size += len(line)
            if len(lines) == self._options.batch_rows or size >= self._options.block_bytes:
                yield first, lines
                first, size, lines = number + 1, 0, []
        if lines:
            yield first, lines
        if failures:
            raise failures[0]

    def _skip_line(self, stream: BinaryIO) -> None:
        while (rest := stream.readline(self._options.block_bytes)) and not rest.endswith(b"\n"):
            pass

    def _decoded(self, lines: list[bytes], first: int) -> tuple[list[Any], Sequence[int]]:
        """The rows of the lines and their numbers. All at once where every line is a row, else line by line."""
        if first == 1:
            lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")
        try:
            rows = self._strict.decode_lines(b"".join(lines))
            if len(rows) == len(lines) and self._is_exact(lines[0]) and all(self._is_named(row) for row in rows):
                return rows, range(first, first + len(lines))
        except _BROKEN:
            pass
        rows, numbers = [], []
        for number, line in enumerate(lines, first):
            if not line.strip():
                continue
            try:
                rows.append(self._row(json.loads(line.decode())))
                numbers.append(number)
            except _RowError as error:
                self._aside(number, str(error), line)
            except _BROKEN as error:
                self._aside(number, _why(error), line)
        return rows, numbers

    def _is_exact(self, line: bytes) -> bool:
        """Whether the first object names its columns as the contract does, and not in another spelling."""
        names = {column.name for column in self._contract.columns}
        return all(name in names or plain_name(name) not in self._plain_names for name in json.loads(line))

    def _is_named(self, row: Any) -> bool:
        """Whether the first column is there: where it is not, this row may spell its name in another way."""
        return getattr(row, self._contract.columns[0].name) is not None

    # ---- values over many lines, arrays ----

    def values(self, stream: BinaryIO) -> Iterator[RawRows]:
        """The rows of arrays of objects, or of objects one after another, wherever their lines end."""
        rows, numbers, size, failures = list[Any](), list[int](), 0, list[Exception]()
        for number, (value, length) in enumerate(_until_failure(self._elements(stream), failures), 1):
            self._quarantine.count_found(1)
            size += length
            try:
                rows.append(self._row(value))
                numbers.append(number)
            except _RowError as error:
                self._aside(number, str(error), json.dumps(value)[:1000].encode())
            if len(rows) == self._options.batch_rows or (rows and size >= self._options.block_bytes):
                yield RawRows(str(self._path), self._columns(rows), numbers)
                rows, numbers, size = [], [], 0
        if rows:
            yield RawRows(str(self._path), self._columns(rows), numbers)
        if failures:
            raise failures[0]

    def _elements(self, stream: BinaryIO) -> Iterator[tuple[Any, int]]:
        for value, length in _values_of(stream, self._path, self._options):
            wrapped = self._wrapped(value)
            yield from [(value, length)] if wrapped is None else ((each, length // len(wrapped)) for each in wrapped)

    def _wrapped(self, value: Any) -> list[Any] | None:
        """The one list of objects in an object that holds nothing of the contract, as `{"value": [{…}, {…}]}`."""
        if not isinstance(value, dict) or any(plain_name(name) in self._plain_names for name in value):
            return None
        lists = [each for each in value.values() if isinstance(each, list) and each and isinstance(each[0], dict)]
        return lists[0] if len(lists) == 1 else None

    # ---- one row ----

    def _row(self, value: Any) -> Row:
        """The columns of one object, each a text, a list of texts or None. Raises _RowError."""
        if not isinstance(value, dict):
            raise _RowError(f"Expected `object`, got `{_kind(value)}`")
        try:
            places = match_columns(list(value), self._contract, "", given=self._plain_names.values())
        except InputError as error:
            raise _RowError(error.reason) from error
        values = list(value.values())
        names = {column.name: column for column in self._contract.columns}
        return {name: _coerced(values[place], names[name]) for name, place in places.items()}

    def _columns(self, rows: list[Any]) -> pa.RecordBatch:
        arrays = []
        for column in self._contract.columns:
            kind = schema.TEXTS if column.kind in LISTS else pa.string()
            arrays.append(pa.array([_get(row, column.name) for row in rows], kind))
        return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in self._contract.columns])

    def _aside(self, number: int, reason: str, line: bytes) -> None:
        self._quarantine.add(self._path, number, reason, line[:1000].decode("utf-8", "replace").strip())


def _until_failure(items: Iterator[_Item], failures: list[Exception]) -> Iterator[_Item]:
    """The items up to where the file breaks off; the error joins `failures`, to be raised when they are read."""
    try:
        yield from items
    except (InputError, *EXPANSION_ERRORS) as error:
        failures.append(error)


def _get(row: Any, name: str) -> Any:
    return row.get(name) if isinstance(row, dict) else getattr(row, name)


def _coerced(value: Any, column: Column) -> Any:
    if value is None or value != value:  # NaN is not equal to itself
        return None
    if column.kind not in LISTS:
        return _text(value, column)
    if isinstance(value, str):
        return _cell(_text(value, column), column)
    values = value if isinstance(value, list) else [value]
    return [None if item is None or item != item else _text(item, column) for item in values]


def _cell(value: str, column: Column) -> list[str | None] | None:
    try:
        return entries_of_cell(value)
    except ListError as error:
        raise _RowError(f"{column.name} {error}") from error


def _text(value: Any, column: Column) -> str:
    if isinstance(value, float) and value.is_integer() and column.kind != "time":
        value = int(value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, str) or whole or (column.kind == "time" and isinstance(value, float)):
        text = str(value)
        if text.isascii() or _is_unicode(text):
            return text
        raise _RowError(f"{column.name} is not UTF-8")
    raise _RowError(f"{column.name} holds `{_kind(value)}`, not a string")


def _is_unicode(text: str) -> bool:
    """Whether no half of a surrogate pair stands alone, as `\\ud800` of JSON may."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "is not UTF-8"
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return f"is no JSON ({_without_place(error)})"


def _without_place(error: Exception) -> str:
    """What a parser says without where in the text: the same fault in two rows has one reason."""
    return re.sub(r"(: line \d+ column .*| \(byte \d+\))$", "", first_line(error))


# ---- Values out of a stream ---------------------------------------------------------------------------------


def _values_of(stream: BinaryIO, path: Path, options: ReadOptions) -> Iterator[tuple[Any, int]]:
    """The values of a stream, those of an array one by one, each with its length in characters.

    A value is parsed again each time twice as much text is at hand, so that the work stays in proportion. Raises
    InputError where the text is no JSON, or a value is longer than `max_line_bytes`.
    """
    text, at, in_array, number = "", 0, False, 0
    decoder, letters = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8-sig")("replace")
    at_end = False
    while True:
        at = _blank_end(text, at)
        if at < len(text) and text[at] in "[]" and in_array == (text[at] == "]"):
            in_array, at = not in_array, at + 1
            continue
        try:
            value, end = decoder.raw_decode(text, at)
            if end == len(text) and not at_end and not isinstance(value, dict | list):
                raise json.JSONDecodeError("a number may go on", text, at)
            number += 1
            yield value, end - at
            at = end
            continue
        except (ValueError, RecursionError) as error:
            rest = len(text) - at
            if at_end and (rest or in_array):
                raise _broken(path, number, error) from error
            if rest > options.max_line_bytes or isinstance(error, RecursionError):
                raise _broken(path, number, error) from error
        if at_end:
            return
        more = stream.read(max(MIB, rest))
        at_end = not more
        text, at = text[at:] + letters.decode(more, final=at_end), 0


def _blank_end(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _broken(path: Path, number: int, error: Exception) -> InputError:
    why = "it is nested too deeply" if isinstance(error, RecursionError) else _without_place(error)
    reason = f"no JSON behind value {number:,} ({why})"
    return InputError(str(path), reason, "Get or write the file again; what stands before that place is read")
