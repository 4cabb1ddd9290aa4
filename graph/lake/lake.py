"""The lake as others see it: rows go in, slices come out. Knows neither files of the user nor the graph.

An ingest holds the home's write lock. It puts the arriving rows aside in sorted runs, learns which of them are new,
and then finishes day by day: each day file that gains rows is rewritten whole beside the old one and renamed over it.
A kill leaves every day old or new, and the same input again leads to the same bytes.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from graph.atomic import make_folder
from graph.errors import LakeError
from graph.home import Home, write_lock
from graph.lake import dayfiles
from graph.lake.ingest import Batches, Ingest, IngestSummary, Progress
from graph.lake.kinds import EVENT, KINDS, REPORT, VERDICT, Kind
from graph.lake.retention import LARGEST_DROP, Retention
from graph.leftovers import STAGING
from graph.values import Slice


def quiet(stage: str, rows: int) -> None:
    """The progress callback of those who do not want one."""


class Lake:
    """Day-partitioned events, reports and verdicts under a home.

    `retention_days` keeps that many calendar days (UTC) of events and reports, the day of the newest event that is
    not ahead of the clock included; None keeps all. Verdicts stay. An ingest after which more than the share
    `largest_drop` of the days would go is refused.
    """

    def __init__(self, home: Path, retention_days: int | None = None, largest_drop: float = LARGEST_DROP) -> None:
        self._home = Home(Path(home))
        self._path = self._home.lake
        self._retention = Retention(retention_days, largest_drop)

    def ingest(
        self,
        *,
        events: Batches | None = None,
        reports: Batches | None = None,
        verdicts: Batches | None = None,
        progress: Progress = quiet,
    ) -> IngestSummary:
        """Add rows (schemas EVENTS, REPORTS, VERDICT_ROWS); what is known already changes nothing.

        `progress` hears of `reading KIND` and `writing KIND` with the rows so far. Raises BusyError where another
        process writes, LakeError where a stored day is damaged, the disk refuses or the retention would drop too much
        of the lake; days stay whole either way.
        """
        with write_lock(self._home), self._told(), self._staging() as folder:
            return Ingest(self._path, folder, self._retention, progress).run(
                {EVENT: events or (), REPORT: reports or (), VERDICT: verdicts or ()}
            )

    def span(self) -> tuple[datetime, datetime] | None:
        """First and last `ts` of the events, None where there are none."""
        days = dayfiles.days_of(self._path, EVENT)
        if not days:
            return None
        first, last = (dayfiles.bounds(self._file(EVENT, day), EVENT) for day in (days[0], days[-1]))
        return _utc(first[0]), _utc(last[1])

    def slice(self, as_of: datetime | None, days: int) -> Slice:
        """The window of `days` days that ends at `as_of`. Naive times are UTC.

        None: at the last event that is not on a day ahead of the clock, so that one wrong date empties no window.

        Raises LakeError where the lake holds no events of those days.
        """
        span = self.span()
        if span is None:
            raise LakeError(str(self._path), "the lake holds no events yet", "Add some with `ringleader ingest`")
        end = _utc(as_of) if as_of else self._newest()
        start = end - timedelta(days=days)
        events = self._files(EVENT, start.date(), end.date())
        if not events:
            held = f"it holds {span[0].isoformat()} to {span[1].isoformat()}"
            reason = f"no events between {start.isoformat()} and {end.isoformat()}; {held}"
            raise LakeError(str(self._path), reason, "Choose another end or a longer window")
        reports, verdicts = (self._files(kind, date.min, end.date()) for kind in (REPORT, VERDICT))
        fingerprint = self._fingerprint(start, end, {EVENT: events, REPORT: reports, VERDICT: verdicts})
        distinct = all(dayfiles.is_current(path, EVENT) for path in events)
        return Slice(start, end, events, reports, verdicts, fingerprint, distinct_recipients=distinct)

    def _newest(self) -> datetime:
        """The last event of the newest day that is not ahead of the clock, or of all where every day is."""
        days = dayfiles.days_of(self._path, EVENT)
        past = [day for day in days if day <= datetime.now(UTC).date()]
        return _utc(dayfiles.bounds(self._file(EVENT, (past or days)[-1]), EVENT)[1])

    def _file(self, kind: Kind, day: date) -> Path:
        return dayfiles.day_file(self._path, kind, day)

    def _files(self, kind: Kind, first: date, last: date) -> tuple[Path, ...]:
        return tuple(self._file(kind, day) for day in dayfiles.days_of(self._path, kind) if first <= day <= last)

    def _fingerprint(self, start: datetime, end: datetime, files: dict[Kind, tuple[Path, ...]]) -> str:
        digests = [
            (path.relative_to(self._path).as_posix(), dayfiles.digest(path, kind))
            for kind, paths in files.items()
            for path in paths
        ]
        return hashlib.sha256(json.dumps([start.isoformat(), end.isoformat(), digests]).encode()).hexdigest()

    @contextmanager
    def _staging(self) -> Iterator[Path]:
        """A folder for rows on their way, gone afterwards; what killed writers left is removed first."""
        staging = self._path / STAGING
        shutil.rmtree(staging, ignore_errors=True)
        for kind in KINDS:
            dayfiles.sweep(self._path, kind)
        make_folder(staging)
        try:
            yield Path(tempfile.mkdtemp(dir=staging))
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the disk says into a LakeError."""
        try:
            yield
        except OSError as error:
            where = str(error.filename or self._path)
            raise _refused(where, error.strerror or str(error)) from error
        except duckdb.Error as error:
            raise _refused(str(self._path), str(error)) from error


def _refused(where: str, reason: str) -> LakeError:
    mend = "Free space or give write permission there and run the same ingest again; stored days are untouched"
    return LakeError(where, f"the lake could not be written ({' '.join(reason.split())})", mend)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
