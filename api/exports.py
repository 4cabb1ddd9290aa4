"""Exports: the contract's tables of a snapshot as one Parquet or CSV file. Knows no command and no HTTP."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from graph.atomic import replace_with
from graph.errors import RingleaderError
from graph.schema import CAMPAIGNS, MEMBERS, SCORES
from graph.snapshot import Snapshot

EXPORTS = {"scores": SCORES, "campaigns": CAMPAIGNS, "members": MEMBERS}
ENDINGS = (".parquet", ".csv")
ISO = "%Y-%m-%dT%H:%M:%SZ"


class ExportError(RingleaderError):
    """An export that cannot be written."""


def export(snapshot: Snapshot, name: str, out: Path) -> int:
    """Writes table `name` (a key of EXPORTS) to `out`; returns its rows.

    Columns are the contract's, in its order. In CSV times are ISO 8601 in UTC and null is an empty field.
    The file appears whole or not at all. Raises ExportError for another ending and for a place that refuses it.
    """
    check_target(out)
    wanted = EXPORTS[name]
    table = snapshot.table(name).select(wanted.names).cast(wanted)
    try:
        with replace_with(out) as temporary:
            _write(table, temporary, out.suffix.lower())
    except OSError as error:
        reason = f"cannot be written: {error.strerror or error}"
        raise ExportError(str(out), reason, "Choose a folder with room that this user may write to") from error
    return int(table.num_rows)


def check_target(out: Path) -> None:
    """Says at once what would only show after the work."""
    if out.suffix.lower() not in ENDINGS:
        reason = f"its ending {out.suffix!r} names no format" if out.suffix else "it has no ending to tell the format"
        raise ExportError(str(out), reason, f"End the name in {' or '.join(ENDINGS)}")
    if not out.parent.is_dir():
        raise ExportError(str(out), "its folder does not exist", f"Make {out.parent} first")
    if out.is_dir():
        raise ExportError(str(out), "is a folder", "Name a file")


def _write(table: pa.Table, path: Path, ending: str) -> None:
    if ending == ".parquet":
        pq.write_table(table, path, compression="zstd")
    else:
        pyarrow.csv.write_csv(_with_iso_times(table), path)


def _with_iso_times(table: pa.Table) -> pa.Table:
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            table = table.set_column(index, column.name, pc.strftime(table.column(index), format=ISO))
    return table
