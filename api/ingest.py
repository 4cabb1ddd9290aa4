"""Ingest: files of the user into the lake, what cannot be read into quarantine. Knows no format and no lake file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from api.progress import Stage, StageRecorder
from api.settings import ReadSettings, Settings
from graph.home import Home
from graph.lake import IngestSummary, Lake
from graph.read import IN_FUTURE, Quarantine, ReadOptions, read_events, read_reports, read_verdicts

READERS = {"events": read_events, "reports": read_reports, "verdicts": read_verdicts}


@dataclass(frozen=True)
class IngestReport:
    """What one ingest did; `quarantine` names the file that holds the rows set aside, None where all were good."""

    added: IngestSummary
    quarantined: int
    reasons: Mapping[str, int]  # the most frequent first
    quarantine: Path | None

    @property
    def ahead(self) -> bool:
        """Whether rows were set aside because they are ahead of the clock."""
        return any(reason.endswith(IN_FUTURE) for reason in self.reasons)

    def summary(self) -> dict[str, object]:
        aside = {"rows": self.quarantined, "reasons": dict(self.reasons), "file": self.quarantine}
        return {**asdict(self.added), "quarantined": aside}


def run_ingest(
    home: Home, settings: Settings, paths: Mapping[str, Sequence[str | Path]], stages: StageRecorder
) -> IngestReport:
    """Reads `paths` (of "events", "reports", "verdicts"), checks every row and adds the good ones to the lake.

    Running it again changes nothing. Raises InputError for a file that cannot be read at all, BusyError where another
    process writes, LakeError where the disk refuses; what was stored before is whole either way.
    """
    home.ensure()
    lake = Lake(home.path, settings.lake.retention_days or None, settings.lake.largest_drop)
    options = read_options(settings.read)
    with Quarantine(_quarantine_file(home)) as quarantine, stages.stage("ingest") as stage:
        batches: dict[str, Iterable[pa.RecordBatch]] = {
            kind: READERS[kind](files, options, quarantine) for kind, files in paths.items() if files
        }
        added = lake.ingest(**batches, progress=partial(_show, stage))
        stage.rows = added.events_new + added.reports_new + added.verdicts_new
    reasons = dict(quarantine.reasons.most_common())
    return IngestReport(added, quarantine.count, reasons, quarantine.path if quarantine.count else None)


def read_options(read: ReadSettings) -> ReadOptions:
    """The readers' options as this installation sets them."""
    values: dict[str, Any] = asdict(read)
    return ReadOptions(future_tolerance=timedelta(hours=values.pop("future_tolerance_hours")), **values)


def _quarantine_file(home: Home) -> Path:
    return home.quarantine / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.jsonl"


def _show(stage: Stage, doing: str, rows: int) -> None:
    stage.progress(rows, doing=doing)
