"""Which arriving events are new: the first of each id that no day of the lake holds. Knows ids and days only.

The ids that arrive are put aside in a file, each with the number of its row; DuckDB then compares them, exactly, with
the id columns of the day files, within a memory limit and spilling beside that file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from graph.lake.runs import day_numbers, day_of, number_of

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

NUMBER = "number"  # the column that carries an arriving event's number through the runs
ARRIVALS = pa.schema([("event_id", pa.string()), (NUMBER, pa.int64()), ("day", pa.int32())])

# The first of each id within the arrival, and of those the ones that no day file holds.
FIRST = """
FROM (
    SELECT event_id, min(number) AS number, arg_min(day, number) AS day
    FROM read_parquet($arrivals) WHERE day >= $since GROUP BY event_id
) AS first
"""
NOT_STORED = """
ANTI JOIN (SELECT event_id FROM read_parquet($stored, hive_partitioning = false)) AS stored USING (event_id)
"""


@dataclass(frozen=True)
class New:
    """The days that gain rows, and for each arriving row whether it is new (bool; None: no row carries a number)."""

    days: frozenset[date]
    mask: Mask | None = None

    def only(self, rows: pa.Table) -> pa.Table:
        """Of rows that carry their number the new ones, without it; other rows as they are."""
        if self.mask is None or NUMBER not in rows.column_names:
            return rows
        new = pa.array(self.mask[rows[NUMBER].to_numpy()])
        return rows.drop_columns(NUMBER).filter(new)


class Arrivals:
    """The ids of one ingest, in order of arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "ids.parquet"
        self._writer = pq.ParquetWriter(self._path, ARRIVALS, compression="lz4", write_statistics=False)
        self.rows = 0

    def add(self, rows: pa.RecordBatch) -> pa.Array:
        """Note the ids of these rows; returns their row numbers (int64)."""
        numbers = pa.array(np.arange(self.rows, self.rows + rows.num_rows))
        days = pa.array(day_numbers(rows["ts"]), pa.int32())
        self._writer.write_batch(pa.RecordBatch.from_arrays([rows["event_id"], numbers, days], schema=ARRIVALS))
        self.rows += rows.num_rows
        return numbers

    def close(self) -> None:
        """Finish the file; `new` may be asked from here on."""
        self._writer.close()

    def new(self, stored: Sequence[Path], since: date, memory: str) -> New:
        """The arriving rows of `since` or later whose id neither an earlier one nor a stored day holds."""
        parameters: dict[str, object] = {"arrivals": str(self._path), "since": number_of(since)}
        if stored:
            parameters["stored"] = [str(path) for path in stored]
        mask = np.zeros(self.rows, dtype=bool)
        days: set[int] = set()
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "temp_directory": str(self._folder),
            "preserve_insertion_order": False,
        }
        with duckdb.connect(config=settings) as connection:
            for batch in connection.sql(FIRST + NOT_STORED if stored else FIRST, params=parameters).to_arrow_reader():
                mask[batch[NUMBER].to_numpy()] = True
                days.update(batch["day"].unique().to_pylist())
        return New(frozenset(map(day_of, days)), mask)
