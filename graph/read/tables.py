"""Parquet, CSV and JSON Lines, in batches of columns as the file holds them. Does not judge the rows."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from graph import schema
from graph.errors import InputError
from graph.read.options import ReadOptions
from graph.read.quarantine import Quarantine
from graph.read.rows import Contract, RawRows, check_columns
from graph.read.sources import EXPANSION_ERRORS, Source, damaged, first_line, open_expanded, open_regular

_MAX_HEADER_BYTES: Final = 1 << 16  # of the first line of a CSV file


def read_table(source: Source, contract: Contract, options: ReadOptions, quarantine: Quarantine) -> Iterator[RawRows]:
    """The rows of one file in batches of at most `options.batch_rows`, memory flat.

    A line that is no row at all goes to quarantine here. Raises InputError where the file cannot be read.
    """
    if source.format == "parquet":
        return _read_parquet(source.path, contract, options, quarantine)
    if source.format == "csv":
        return _read_csv(source.path, contract, options, quarantine)
    return _read_json_lines(source.path, contract, options, quarantine)


# ---- Parquet ------------------------------------------------------------------------------------------------


def _read_parquet(path: Path, contract: Contract, options: ReadOptions, quarantine: Quarantine) -> Iterator[RawRows]:
    try:
        with open_regular(path) as stream, pq.ParquetFile(stream) as file:
            names = check_columns(file.schema_arrow.names, contract, str(path))
            row = 1
            for batch in file.iter_batches(batch_size=options.batch_rows, columns=names):
                quarantine.count_found(batch.num_rows)
                yield RawRows(str(path), batch, range(row, row + batch.num_rows))
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error


# ---- CSV ----------------------------------------------------------------------------------------------------


def _read_csv(path: Path, contract: Contract, options: ReadOptions, quarantine: Quarantine) -> Iterator[RawRows]:
    header, has_rows = _csv_header(path, options)
    names = check_columns(header, contract, str(path))
    if not has_rows:
        return
    misfits: list[Any] = []  # rows with too few or too many cells, in the order of the file

    def set_aside(row: Any) -> str:
        misfits.append(row)
        return "skip"

    with open_expanded(path, options) as stream:
        try:
            good = told = 0
            for batch in _csv_batches(io.BufferedReader(_Utf8(stream), options.block_bytes), names, options, set_aside):
                told = _tell(misfits, told, path, quarantine)
                numbers = _numbers_around([row.number - 1 for row in misfits], good, batch.num_rows)
                good += batch.num_rows
                quarantine.count_found(batch.num_rows)
                yield from _sliced(RawRows(str(path), batch, numbers), options.batch_rows)
            _tell(misfits, told, path, quarantine)
        except (pa.ArrowException, *EXPANSION_ERRORS) as error:
            raise _csv_error(path, error, options) from error


def _csv_error(path: Path, error: Exception, options: ReadOptions) -> InputError:
    if "straddl" in str(error):
        reason = f"a row is longer than {options.block_bytes:,} bytes"
        return InputError(str(path), reason, "Look for a quote that is never closed, or raise block_bytes")
    return damaged(path, error)


def _csv_header(path: Path, options: ReadOptions) -> tuple[list[str], bool]:
    """The names in the first line, and whether anything follows it."""
    with open_expanded(path, options) as stream:
        try:
            first = stream.readline(_MAX_HEADER_BYTES)
            more = bool(stream.read(1))
        except EXPANSION_ERRORS as error:
            raise damaged(path, error) from error
    return next(csv.reader([first.decode("utf-8-sig", "replace")]), []), more


def _csv_batches(
    stream: BinaryIO, names: list[str], options: ReadOptions, set_aside: Callable[[Any], str]
) -> Iterator[pa.RecordBatch]:
    # One thread, because only then does a misfit know its row number.
    batches: Iterator[pa.RecordBatch] = pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(use_threads=False, block_size=options.block_bytes),
        parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside),
        convert_options=pacsv.ConvertOptions(
            include_columns=names,
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            null_values=[""],
            check_utf8=False,
        ),
    )
    return batches


def _tell(misfits: Sequence[Any], told: int, path: Path, quarantine: Quarantine) -> int:
    for row in misfits[told:]:
        quarantine.count_found(1)
        reason = f"{row.actual_columns} cells where the header has {row.expected_columns}"
        quarantine.add(path, row.number - 1, reason, row.text)
    return len(misfits)


def _numbers_around(misfits: Sequence[int], good: int, count: int) -> Sequence[int]:
    """The row numbers of the next `count` rows after `good` ones, where rows with the numbers `misfits` are no more."""
    if not misfits:
        return range(good + 1, good + count + 1)
    places = np.arange(good + 1, good + count + 1)
    before = np.asarray(misfits) - np.arange(1, len(misfits) + 1)  # good rows before each misfit
    numbers: Sequence[int] = (places + np.searchsorted(before, places, side="left")).tolist()
    return numbers


class _Utf8(io.RawIOBase):
    """A stream whose bytes that are not UTF-8 are replaced by U+FFFD, so that the parser can report their row."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            piece = self._stream.read(len(buffer))
            self._left = self._decoder.decode(piece, final=not piece).encode()
            if not piece and not self._left:
                return 0
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count


# ---- JSON Lines ---------------------------------------------------------------------------------------------

_JSON_TYPES: Final = {"texts": list[str | None] | None}


def _read_json_lines(path: Path, contract: Contract, options: ReadOptions, quarantine: Quarantine) -> Iterator[RawRows]:
    fields = [(column.name, _JSON_TYPES.get(column.kind, str | None), None) for column in contract.columns]
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(msgspec.defstruct(contract.name, fields, gc=False))
    with open_expanded(path, options) as stream:
        try:
            for first, lines in _line_blocks(stream, path, options, quarantine):
                rows = _decode_lines(decoder, lines, first, path, quarantine)
                if rows[0]:
                    yield RawRows(str(path), _columns_of(rows[0], contract), rows[1])
        except EXPANSION_ERRORS as error:
            raise damaged(path, error) from error


def _line_blocks(
    stream: BinaryIO, path: Path, options: ReadOptions, quarantine: Quarantine
) -> Iterator[tuple[int, list[bytes]]]:
    """The number of the first line and lines, at most `batch_rows` or about `block_bytes` of them at a time."""
    number, first, size, lines = 0, 1, 0, list[bytes]()
    while line := stream.readline(options.max_line_bytes):
        number += 1
        if line.strip():
            quarantine.count_found(1)
        if len(line) == options.max_line_bytes and not line.endswith(b"\n"):
            quarantine.add(path, number, f"line longer than {options.max_line_bytes:,} bytes", _text_of(line[:1000]))
            _skip_line(stream, options)
            line = b""
        lines.append(line)
        size += len(line)
        if len(lines) == options.batch_rows or size >= options.block_bytes:
            yield first, lines
            first, size, lines = number + 1, 0, []
    if lines:
        yield first, lines


def _skip_line(stream: BinaryIO, options: ReadOptions) -> None:
    while (rest := stream.readline(options.block_bytes)) and not rest.endswith(b"\n"):
        pass


def _decode_lines(
    decoder: Any, lines: list[bytes], first: int, path: Path, quarantine: Quarantine
) -> tuple[list[Any], Sequence[int]]:
    """The rows of the lines and their numbers. All at once where every line is a row, else line by line."""
    if first == 1:
        lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)
    try:
        rows = decoder.decode_lines(b"".join(lines))
        if len(rows) == len(lines):
            return rows, range(first, first + len(lines))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    rows, numbers = [], []
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        try:
            rows.append(decoder.decode(line))
            numbers.append(number)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            quarantine.add(path, number, _why(error), _text_of(line[:1000]))
    return rows, numbers


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not UTF-8"
    return re.sub(r" \(byte \d+\)", "", first_line(error))


def _text_of(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()


def _columns_of(rows: list[Any], contract: Contract) -> pa.RecordBatch:
    arrays = []
    for column in contract.columns:
        kind = schema.TEXTS if column.kind == "texts" else pa.string()
        arrays.append(pa.array([getattr(row, column.name) for row in rows], kind))
    return pa.RecordBatch.from_arrays(arrays, names=[column.name for column in contract.columns])


def _sliced(rows: RawRows, size: int) -> Iterator[RawRows]:
    for start in range(0, rows.columns.num_rows, size):
        yield RawRows(rows.file, rows.columns.slice(start, size), rows.numbers[start : start + size])
