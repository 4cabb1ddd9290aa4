"""Events, reports and verdicts from files to clean batches. Knows nothing of the lake that takes them.

`read_events` takes tables and raw mail, the other two tables only. All stream: memory stays flat.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from graph.errors import InputError, RingleaderError
from graph.read.mailboxes import MailReader
from graph.read.options import ReadOptions
from graph.read.quarantine import Earlier, Quarantine
from graph.read.rows import EVENTS, IN_FUTURE, REPORTS, VERDICTS, Contract, clean_rows
from graph.read.sources import MAIL, TABLES, Source, find_sources, unforeseen
from graph.read.tables import read_table

__all__ = ["IN_FUTURE", "Earlier", "Quarantine", "ReadOptions", "read_events", "read_reports", "read_verdicts"]

Paths = Sequence[str | Path]
Progress = Callable[[int], None]


def _silent(rows: int) -> None:
    """No progress wanted."""


def read_events(
    paths: Paths, options: ReadOptions, quarantine: Quarantine, progress: Progress = _silent
) -> Iterator[pa.RecordBatch]:
    """Batches of clean events (`graph.schema.EVENTS`) from tables and raw mail: files, folders or globs.

    Bad rows go to `quarantine` and never stop the rest. `progress` is told the number of rows or messages read since
    the last time. Raises InputError for what cannot be read at all, unless `quarantine` keeps going.
    """
    mail = MailReader(options, quarantine, progress)
    for source in find_sources(paths, TABLES | MAIL, options, quarantine):
        is_mail = source.format in MAIL
        batches = mail.read(source) if is_mail else _clean(source, EVENTS, options, quarantine, progress)
        yield from _apart(source, batches, quarantine)
    yield from mail.rest()


def read_reports(
    paths: Paths, options: ReadOptions, quarantine: Quarantine, progress: Progress = _silent
) -> Iterator[pa.RecordBatch]:
    """Batches of clean reports (`graph.schema.REPORTS`) from tables; otherwise like `read_events`."""
    for source in find_sources(paths, TABLES, options, quarantine):
        yield from _apart(source, _clean(source, REPORTS, options, quarantine, progress), quarantine)


def read_verdicts(
    paths: Paths, options: ReadOptions, quarantine: Quarantine, progress: Progress = _silent
) -> Iterator[pa.RecordBatch]:
    """Batches of clean verdicts (`graph.schema.VERDICT_ROWS`) from tables; otherwise like `read_events`."""
    for source in find_sources(paths, TABLES, options, quarantine):
        yield from _apart(source, _clean(source, VERDICTS, options, quarantine, progress), quarantine)


def _clean(
    source: Source, contract: Contract, options: ReadOptions, quarantine: Quarantine, progress: Progress
) -> Iterator[pa.RecordBatch]:
    for rows in read_table(source, contract, options, quarantine):
        clean = clean_rows(rows, contract, options, quarantine)
        progress(rows.columns.num_rows)
        if clean.num_rows:
            yield clean


def _apart(source: Source, batches: Iterator[pa.RecordBatch], quarantine: Quarantine) -> Iterator[pa.RecordBatch]:
    """The batches of one file; what its parser throws is an error of this file and ends no other."""
    try:
        yield from batches
    except InputError as error:
        quarantine.refuse(error)
    except RingleaderError:
        raise
    except Exception as error:  # noqa: BLE001  parsers throw what they do not document
        quarantine.refuse(unforeseen(source.path, error))
