"""Whether rows keep the contract: columns in, clean columns and quarantine lines out. Knows nothing of file formats."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from graph.read.columns import IN_FUTURE, Checks, Faults, coerced
from graph.read.contract import EVENTS, REPORTS, VERDICTS, Contract, check_columns
from graph.read.options import ReadOptions
from graph.read.quarantine import Quarantine
from graph.read.sources import first_line
from graph.read.texts import is_texty

__all__ = ["EVENTS", "IN_FUTURE", "REPORTS", "VERDICTS", "Contract", "RawRows", "check_columns", "clean_rows"]

_EXCERPT_VALUE: Final = 60  # characters of each value in an excerpt


@dataclass(frozen=True)
class RawRows:
    """Columns as a file gave them, of any type, and the 1-based data row number of each row."""

    file: str
    columns: pa.RecordBatch
    numbers: Sequence[int]


def clean_rows(rows: RawRows, contract: Contract, options: ReadOptions, quarantine: Quarantine) -> pa.RecordBatch:
    """The rows that keep the contract, in its schema; the others go to quarantine with file, number and reason.

    A column is judged by what it holds: where its type cannot hold what the contract asks for, its nulls are nulls and
    every row with a value in it is set aside. So is a row on which Arrow fails in a way that nobody foresaw.
    """
    try:
        clean, faults = _checked(rows, contract, options)
    except Exception as error:  # noqa: BLE001  one hostile row must not end the others: halve until it stands alone
        if len(rows.numbers) == 1:
            quarantine.add(
                rows.file, int(rows.numbers[0]), f"cannot be read ({type(error).__name__}: {first_line(error)})"
            )
            return pa.RecordBatch.from_pylist([], schema=contract.schema)
        halves = (clean_rows(half, contract, options, quarantine) for half in _halves(rows))
        return pa.concat_batches(list(halves))
    return _without_faults(clean, faults, rows, quarantine) if faults else clean


def _halves(rows: RawRows) -> list[RawRows]:
    middle = len(rows.numbers) // 2
    return [
        RawRows(rows.file, rows.columns.slice(0, middle), rows.numbers[:middle]),
        RawRows(rows.file, rows.columns.slice(middle), rows.numbers[middle:]),
    ]


def _checked(rows: RawRows, contract: Contract, options: ReadOptions) -> tuple[pa.RecordBatch, Faults]:
    checks = Checks(options, [])
    names = rows.columns.schema.names
    arrays: list[pa.Array] = []
    for column in contract.columns:
        if column.name in names:
            arrays.append(coerced(rows.columns.column(column.name), column, checks))
        else:
            arrays.append(pa.nulls(rows.columns.num_rows, contract.schema.field(column.name).type))
    return pa.RecordBatch.from_arrays(arrays, schema=contract.schema), checks.faults


def _without_faults(clean: pa.RecordBatch, faults: Faults, rows: RawRows, quarantine: Quarantine) -> pa.RecordBatch:
    bad = np.logical_or.reduce([mask for mask, _ in faults])
    for index in np.flatnonzero(bad).tolist():
        reason = next(reason for mask, reason in faults if mask[index])
        excerpt = excerpt_of(_plain(rows.columns.slice(index, 1)))
        quarantine.add(rows.file, int(rows.numbers[index]), reason, excerpt)
    return clean.filter(pa.array(~bad))


def _plain(row: pa.RecordBatch) -> dict[str, Any]:
    """The values of one row; a value that Python cannot hold is told as Arrow prints it or as the number behind it."""
    return {name: _value(column) for name, column in zip(row.schema.names, row.columns, strict=True)}


def _value(column: pa.Array) -> Any:
    try:
        return column[0].as_py()
    except Exception:  # noqa: BLE001  bytes that are no UTF-8, times of no calendar, zones that nobody knows
        pass
    try:
        if is_texty(column.type):
            return column.cast(pa.binary())[0].as_py()
        return str(column.view(pa.int64() if column.type.bit_width == 64 else pa.int32())[0])
    except Exception:  # noqa: BLE001  an excerpt helps; a row must be set aside without it too
        return f"({column.type})"


def excerpt_of(row: dict[str, Any]) -> str:
    """A row as short JSON: every value cut, so that one long value hides none of the others."""
    return json.dumps({name: _cut(value) for name, value in row.items() if value is not None}, default=str)


def _cut(value: Any) -> Any:
    if isinstance(value, bytes):
        value = value[: _EXCERPT_VALUE * 4].decode("utf-8", "replace")
    if isinstance(value, list):
        return [_cut(item) for item in value[:2]] + (["…"] if len(value) > 2 else [])
    return value[:_EXCERPT_VALUE] + "…" if isinstance(value, str) and len(value) > _EXCERPT_VALUE else value
