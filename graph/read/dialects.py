"""Which dialect of CSV a file is written in, told by its header against the columns of the contract. Parses no rows.

The header decides, not a guess over the rows: of comma, semicolon, tab and bar the one is right that splits the first
line into the columns that we look for.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from graph.read.contract import CONTRACTS, plain_name

DELIMITERS: Final = (",", ";", "\t", "|")
_SEP_LINE: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # what Excel reads and writes above the header
_LEAST_NAMES: Final = 3  # columns of one contract by which a text of unknown ending is known for a table
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    `skip` lines (a `sep=` line, blank ones) stand above the header, whose cells are `names`. `is_spaced` where blanks
    follow the delimiter, so that a quote may follow a blank.
    """

    delimiter: str
    names: tuple[str, ...]
    skip: int
    is_spaced: bool


def dialect_of(head: str, wanted: Sequence[str]) -> Dialect:
    """The dialect by the first lines of a file's text. `wanted` are the columns of the contract."""
    skip, header, named = _header(head)
    cells = {delimiter: _cells(header, delimiter) for delimiter in dict.fromkeys((*named, *DELIMITERS))}
    delimiter = max(cells, key=lambda each: _matches(cells[each], wanted))
    return Dialect(delimiter, tuple(cells[delimiter]), skip, _is_spaced(header, delimiter))


def is_table(head: str) -> bool:
    """Whether the first line names columns of one of the contracts: so a text of unknown ending is told for a table."""
    header = _header(head)[1]
    cells = [_cells(header, delimiter) for delimiter in DELIMITERS]
    return any(_matches(each, wanted) >= _LEAST_NAMES for each in cells for wanted in CONTRACTS)


def _header(head: str) -> tuple[int, str, tuple[str, ...]]:
    """How many lines stand above the header, the header, and the delimiter that a `sep=` line names."""
    lines = _LINE_END.split(head.lstrip("\ufeff"))
    named: tuple[str, ...] = ()
    for number, line in enumerate(lines):
        sep = _SEP_LINE.fullmatch(line)
        if sep:
            named = (sep[1],)
        elif line.strip():
            return number, line, named
    return len(lines), "", named


def _cells(header: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([header], delimiter=delimiter, skipinitialspace=True), [])]
    except (csv.Error, TypeError, ValueError):
        return []


def _matches(cells: Iterable[str], wanted: Iterable[str]) -> int:
    return len({plain_name(cell) for cell in cells} & {plain_name(name) for name in wanted})


def _is_spaced(header: str, delimiter: str) -> bool:
    return delimiter != "\t" and f"{delimiter} " in header
