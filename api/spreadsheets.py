"""Text cells that no spreadsheet runs as a formula. Knows no table of ours and no file.

Senders choose their names, and a spreadsheet runs a cell that begins like a formula (OWASP, "CSV Injection"). Such a
cell gets an apostrophe before it. One that begins with apostrophes and goes on like a formula gets one more, so that
whoever reads the file back drops the first apostrophe before `'`, `=`, `+`, `-`, `@`, tab, line feed or carriage
return, and has the text again. Numbers stay numbers.
"""

import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

# What OWASP lists: = + - @ in their usual and full-width shapes, tab, line feed, carriage return.
_START: Final = "=+\\-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}" + (
    "\N{FULLWIDTH COMMERCIAL AT}"
)
_FORMULA: Final = f"^('*[{_START}])"
_ESCAPED: Final = re.compile(f"'(?='*[{_START}])")


def as_text(rows: pa.Table) -> pa.Table:
    """The table with an apostrophe before each text that a spreadsheet would run; other columns as they are."""
    for index, column in enumerate(rows.schema):
        if pa.types.is_string(column.type):
            cells = pc.replace_substring_regex(rows.column(index), _FORMULA, r"'\1", max_replacements=1)
            rows = rows.set_column(index, column, cells)
    return rows


def original(cell: str) -> str:
    """The text that `as_text` was given for this cell."""
    return _ESCAPED.sub("", cell, count=1) if _ESCAPED.match(cell) else cell
