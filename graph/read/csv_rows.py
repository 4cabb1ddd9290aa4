"""CSV of any dialect as rows of text. Does not judge the values.

Arrow parses what separates its cells in the usual way; the `csv` of the standard library what has blanks behind the
delimiters, since only there may a quote follow a blank.
"""

import csv
import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from graph.errors import InputError
from graph.read.contract import Contract, match_columns
from graph.read.decoding import Utf8, encoding_of
from graph.read.dialects import Dialect, dialect_of
from graph.read.options import ReadOptions
from graph.read.quarantine import Quarantine
from graph.read.rows import RawRows
from graph.read.sources import EXPANSION_ERRORS, damaged, open_expanded, read_head

_MAX_HEADER_BYTES: Final = 1 << 16  # of the lines up to the header


def read_csv(
    path: Path, contract: Contract, options: ReadOptions, quarantine: Quarantine, given: Collection[str] = ()
) -> Iterator[RawRows]:
    """The rows of a CSV file in batches; those with too few or too many cells are set aside.

    `given` columns need not be there. Raises InputError where the file cannot be read.
    """
    head = read_head(path, options, _MAX_HEADER_BYTES)
    encoding = encoding_of(head)
    dialect = dialect_of(head.decode(encoding.codec, "replace"), [column.name for column in contract.columns])
    reader = _Reader(path, dialect, match_columns(dialect.names, contract, str(path), given), options, quarantine)
    with open_expanded(path, options) as stream:
        try:
            text = io.BufferedReader(Utf8(stream, encoding), options.block_bytes)
            if _skip(text, dialect.skip + 1):
                for rows in reader.spaced(text) if dialect.is_spaced else reader.usual(text):
                    yield from _sliced(rows, options.batch_rows)
        except (pa.ArrowException, csv.Error, *EXPANSION_ERRORS) as error:
            raise _csv_error(path, error, options) from error


def _skip(text: "io.BufferedReader[Utf8]", lines: int) -> bool:
    """Read past the header; whether anything follows it."""
    for _ in range(lines):
        text.readline()
    while text.peek(1)[:1] in (b"\n", b"\r"):
        text.read(1)
    return bool(text.peek(1))


class _Reader:
    """One file behind its header. `places` are the contract's columns among its cells."""

    def __init__(
        self,
        path: Path,
        dialect: Dialect,
        places: Mapping[str, int],
        options: ReadOptions,
        quarantine: Quarantine,
    ) -> None:
        self._path = path
        self._dialect = dialect
        self._places = places
        self._options = options
        self._quarantine = quarantine
        names = dict(zip(places.values(), places, strict=True))
        self._names = [names.get(place, f"_{place}") for place in range(len(dialect.names))]

    def usual(self, text: BinaryIO) -> Iterator[RawRows]:
        """The rows as Arrow parses them."""
        misfits: list[Any] = []  # rows with too few or too many cells, in the order of the file

        def set_aside(row: Any) -> str:
            misfits.append(row)
            return "skip"

        good = done = 0
        for batch in self._batches(text, set_aside):
            done = self._tell(misfits, done)
            numbers = _numbers_around([row.number for row in misfits], good, batch.num_rows)
            good += batch.num_rows
            self._quarantine.count_found(batch.num_rows)
            yield RawRows(str(self._path), batch, numbers)
        self._tell(misfits, done)

    def _batches(self, text: BinaryIO, set_aside: Callable[[Any], str]) -> Iterator[pa.RecordBatch]:
        # One thread, because only then does a misfit know its row number.
        batches: Iterator[pa.RecordBatch] = pacsv.open_csv(
            text,
            read_options=pacsv.ReadOptions(
                use_threads=False, block_size=self._options.block_bytes, column_names=self._names
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=self._dialect.delimiter, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=pacsv.ConvertOptions(
                include_columns=list(self._places),
                column_types=dict.fromkeys(self._places, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,
            ),
        )
        return batches

    def _tell(self, misfits: Sequence[Any], done: int) -> int:
        for row in misfits[done:]:
            self._misfit(row.number, row.actual_columns, row.text)
        return len(misfits)

    def _misfit(self, number: int, cells: int, text: str) -> None:
        self._quarantine.count_found(1)
        reason = f"{cells} cells where the header has {len(self._names)}"
        self._quarantine.add(self._path, number, reason, text)

    def spaced(self, text: BinaryIO) -> Iterator[RawRows]:
        """The rows where blanks follow the delimiters."""
        decoded = io.TextIOWrapper(text, "utf-8", "replace", newline="")
        rows = csv.reader(decoded, delimiter=self._dialect.delimiter, skipinitialspace=True)
        numbered = enumerate((row for row in self._sound(rows) if row), 1)
        while batch := list(islice(numbered, self._options.batch_rows)):
            fitting = [(number, row) for number, row in batch if len(row) == len(self._names)]
            for number, row in batch:
                if len(row) != len(self._names):
                    self._misfit(number, len(row), self._dialect.delimiter.join(row))
            self._quarantine.count_found(len(fitting))
            columns = {name: [row[place] or None for _, row in fitting] for name, place in self._places.items()}
            arrays = [pa.array(values, pa.string()) for values in columns.values()]
            numbers = [number for number, _ in fitting]
            yield RawRows(str(self._path), pa.RecordBatch.from_arrays(arrays, names=list(columns)), numbers)

    def _sound(self, rows: Iterator[list[str]]) -> Iterator[list[str]]:
        """The rows that can be parsed; another becomes a row of one cell, which says why and fits no header."""
        while True:
            try:
                yield next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield [str(error)]


def _csv_error(path: Path, error: Exception, options: ReadOptions) -> InputError:
    if "straddl" in str(error):
        reason = f"a row is longer than {options.block_bytes:,} bytes"
        return InputError(str(path), reason, "Look for a quote that is never closed, or raise block_bytes")
    return damaged(path, error)


def _numbers_around(misfits: Sequence[int], good: int, count: int) -> Sequence[int]:
    """The row numbers of the next `count` rows after `good` ones, where rows with the numbers `misfits` are no more."""
    if not misfits:
        return range(good + 1, good + count + 1)
    places = np.arange(good + 1, good + count + 1)
    before = np.asarray(misfits) - np.arange(1, len(misfits) + 1)  # good rows before each misfit
    numbers: Sequence[int] = (places + np.searchsorted(before, places, side="left")).tolist()
    return numbers


def _sliced(rows: RawRows, size: int) -> Iterator[RawRows]:
    for start in range(0, rows.columns.num_rows, size):
        yield RawRows(rows.file, rows.columns.slice(start, size), rows.numbers[start : start + size])
