"""One ingest, from arriving rows to finished days. Knows no lock and no home: the lake that calls it holds both."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from graph.errors import InputError
from graph.lake import dayfiles
from graph.lake.ids import NUMBER, Arrivals, New
from graph.lake.kinds import EVENT, REPORT, VERDICT, Kind
from graph.lake.retention import Retention
from graph.lake.runs import Runs, merged

Batches = Iterable[pa.RecordBatch]
Progress = Callable[[str, int], None]

ID_MEMORY = "1GB"  # for comparing ids: beyond it DuckDB spills to disk


@dataclass(frozen=True)
class IngestSummary:
    """What one ingest changed. An arriving row is new, known, or expired (of a day older than the retention)."""

    events_new: int
    events_known: int
    events_expired: int
    reports_new: int
    reports_known: int
    reports_expired: int
    verdicts_new: int
    verdicts_known: int
    days_written: int  # day files of all three kinds
    days_dropped: int  # day files of events and reports that fell out of the retention


@dataclass(frozen=True)
class _Count:
    new: int
    known: int
    expired: int
    days: int


class Ingest:
    """The rows of one ingest on their way into the lake, by way of `folder`."""

    def __init__(self, lake: Path, folder: Path, retention: Retention, progress: Progress) -> None:
        self._lake = lake
        self._folder = folder
        self._retention = retention
        self._progress = progress
        self._arrivals = Arrivals(folder)

    def run(self, arriving: Mapping[Kind, Batches]) -> IngestSummary:
        """Stage everything, then finish day by day, then drop what is too old. Raises LakeError, with nothing stored,
        where that would be more of the lake than the retention allows."""
        staged = {kind: self._stage(kind, batches) for kind, batches in arriving.items()}
        self._arrivals.close()
        oldest = self._retention.oldest_day(dayfiles.days_of(self._lake, EVENT), staged[EVENT].rows)
        count = {kind: self._finish(kind, runs, oldest if kind.expires else date.min) for kind, runs in staged.items()}
        events, reports, verdicts = (count[kind] for kind in (EVENT, REPORT, VERDICT))
        return IngestSummary(
            events_new=events.new,
            events_known=events.known,
            events_expired=events.expired,
            reports_new=reports.new,
            reports_known=reports.known,
            reports_expired=reports.expired,
            verdicts_new=verdicts.new,
            verdicts_known=verdicts.known,
            days_written=sum(each.days for each in count.values()),
            days_dropped=sum(self._drop(kind, oldest) for kind in staged if kind.expires),
        )

    def _stage(self, kind: Kind, batches: Batches) -> Runs:
        runs, rows = Runs(self._folder, kind), 0
        for batch in _handed(batches):
            accepted = kind.accept(batch)
            if kind.by_id and accepted.num_rows:
                accepted = accepted.append_column(NUMBER, self._arrivals.add(accepted))
            runs.add(accepted)
            rows += accepted.num_rows
            self._progress(f"reading {kind.name}", rows)
        runs.flush()
        return runs

    def _finish(self, kind: Kind, runs: Runs, oldest: date) -> _Count:
        due = {day: rows for day, rows in runs.rows.items() if day >= oldest}
        arrived, expired = sum(due.values()), sum(runs.rows.values()) - sum(due.values())
        new = self._new_events(oldest) if kind.by_id and due else New(frozenset(due))
        gained = written = 0
        for day in sorted(new.days):
            path = dayfiles.day_file(self._lake, kind, day)
            before = dayfiles.stored_rows(path, kind)
            pieces = [*dayfiles.row_groups(path, kind), *runs.pieces(day)]
            rows = dayfiles.write_day(path, kind, merged(pieces, kind, new.only), unless_rows=before)
            gained += rows - before
            written += rows > before
            self._progress(f"writing {kind.name}", gained)
        return _Count(gained, arrived - gained, expired, written)

    def _new_events(self, oldest: date) -> New:
        stored = [dayfiles.day_file(self._lake, EVENT, day) for day in dayfiles.days_of(self._lake, EVENT)]
        for path in stored:
            dayfiles.open_day(path, EVENT).close()
        try:
            return self._arrivals.new(stored, oldest, ID_MEMORY)
        except duckdb.Error:
            for path in stored:
                dayfiles.check_column(path, EVENT, "event_id")
            raise

    def _drop(self, kind: Kind, oldest: date) -> int:
        old = [day for day in dayfiles.days_of(self._lake, kind) if day < oldest]
        for day in old:
            dayfiles.drop_day(dayfiles.day_file(self._lake, kind, day))
        return len(old)


def _handed(batches: Batches) -> Batches:
    """The same batches; a file of the user's that fails under them is not mistaken for one of the lake's."""
    try:
        yield from batches
    except OSError as error:
        name = str(error.filename or "the input")
        raise InputError(name, f"it cannot be read ({error.strerror or error})", "Mend it and ingest again") from error
