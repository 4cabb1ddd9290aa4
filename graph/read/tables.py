"""Parquet, CSV and JSON, in batches of columns as the file holds them. Does not judge the rows."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from graph.read.contract import LISTS, Contract, match_columns, plain_name
from graph.read.csv_rows import read_csv
from graph.read.json_rows import read_json
from graph.read.options import ReadOptions
from graph.read.quarantine import Quarantine
from graph.read.rows import RawRows
from graph.read.sources import Source, damaged, open_regular

_NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"  # how Hive, Spark and Arrow name the folder of null

Given = Mapping[str, str | None]


def read_table(source: Source, contract: Contract, options: ReadOptions, quarantine: Quarantine) -> Iterator[RawRows]:
    """The rows of one file in batches of at most `options.batch_rows`, memory flat.

    A column that the file lacks may stand in the name of a folder above it (`channel=mail/`, as Hive, Spark and Arrow
    write partitions). A line that is no row at all goes to quarantine here. Raises InputError where the file cannot
    be read.
    """
    given = partition_of(source.path, contract)
    for rows in _read(source, contract, options, quarantine, given):
        yield _with(rows, given)


def _read(
    source: Source, contract: Contract, options: ReadOptions, quarantine: Quarantine, given: Given
) -> Iterator[RawRows]:
    if source.format == "parquet":
        return _read_parquet(source.path, contract, options, quarantine, given)
    if source.format == "csv":
        return read_csv(source.path, contract, options, quarantine, given)
    return read_json(source.path, contract, options, quarantine)


# ---- Partitions ---------------------------------------------------------------------------------------------


def partition_of(path: Path, contract: Contract) -> dict[str, str | None]:
    """The contract's columns that the folders above a file name as `column=value`; the folder nearest to it wins."""
    names = {plain_name(column.name): column.name for column in contract.columns if column.kind not in LISTS}
    values: dict[str, str | None] = {}
    for folder in path.parts[:-1]:
        name, sign, value = folder.partition("=")
        if sign and plain_name(name) in names:
            values[names[plain_name(name)]] = None if value == _NO_VALUE else unquote(value)
    return values


def _with(rows: RawRows, given: Given) -> RawRows:
    """The rows with the columns of their folders, where the file itself says nothing."""
    columns = rows.columns
    for name, value in given.items():
        constant = pa.array([value] * columns.num_rows, pa.string())
        place = columns.schema.get_field_index(name)
        if place < 0:
            columns = columns.append_column(name, constant)
        elif columns.column(place).null_count == columns.num_rows:
            columns = columns.set_column(place, name, constant)
    return RawRows(rows.file, columns, rows.numbers)


# ---- Parquet ------------------------------------------------------------------------------------------------


def _read_parquet(
    path: Path, contract: Contract, options: ReadOptions, quarantine: Quarantine, given: Given
) -> Iterator[RawRows]:
    try:
        with open_regular(path) as stream, pq.ParquetFile(stream) as file:
            names = file.schema_arrow.names
            places = match_columns(names, contract, str(path), given)
            row = 1
            for batch in file.iter_batches(
                batch_size=options.batch_rows, columns=[names[at] for at in places.values()]
            ):
                quarantine.count_found(batch.num_rows)
                arrays = [batch.column(names[at]) for at in places.values()]
                columns = pa.RecordBatch.from_arrays(arrays, names=list(places))
                yield RawRows(str(path), columns, range(row, row + batch.num_rows))
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error
