"""Ingest: files of the user into the lake, what cannot be read into quarantine. Knows no format and no lake file."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from api.progress import Stage, StageRecorder
from api.settings import ReadSettings, Settings
from graph.errors import InputError
from graph.home import Home
from graph.lake import IngestSummary, Lake
from graph.lake.unmatched import NOBODY, Unmatched, unmatched
from graph.read import IN_FUTURE, Earlier, Quarantine, ReadOptions, read_events, read_reports, read_verdicts

READERS = {"events": read_events, "reports": read_reports, "verdicts": read_verdicts}
_MOST_LOOKED_UP: Final = 1_000_000  # reported events of one ingest that are looked for in the lake
_NAMED_FILES: Final = 10  # files passed over that the summary names; the quarantine file names them all


@dataclass(frozen=True)
class Account:
    """What became of everything that one kind of input held: `new + known + expired + aside + passed_over = found`.

    All but `found` are counted where they end: new, known and expired rows in the lake, the others in quarantine.
    `found` is what the readers met: rows of tables, messages and their invitations, and files that were not read.
    """

    found: int
    new: int
    known: int
    expired: int
    aside: int
    passed_over: int

    @property
    def balanced(self) -> bool:
        """Whether nothing that went in is unaccounted for."""
        return self.found == self.new + self.known + self.expired + self.aside + self.passed_over

    @property
    def all_aside(self) -> bool:
        """Whether there were rows and not one of them was clean."""
        return self.aside > 0 and not self.new + self.known + self.expired


@dataclass(frozen=True)
class IngestReport:
    """What one ingest did; `quarantine` names the file that holds what was set aside, None where nothing was written.

    `before` counts the rows set aside that an earlier ingest had set aside already: they are not written again.
    `examples` are the first files passed over, each with the reason. `errors` are the files that could not be read.
    """

    added: IngestSummary
    accounts: Mapping[str, Account]
    reasons: Mapping[str, int]  # why rows were set aside, the most frequent first
    before: int
    pass_reasons: Mapping[str, int]  # why files were passed over, the most frequent first
    examples: Sequence[tuple[str, str]]
    errors: Sequence[InputError]
    quarantine: Path | None
    nobody: Unmatched = NOBODY  # who is named in vain by the verdicts and reports of this ingest

    @property
    def ahead(self) -> bool:
        """Whether rows were set aside because they are ahead of the clock."""
        return any(reason.endswith(IN_FUTURE) for reason in self.reasons)

    @property
    def quarantined(self) -> int:
        """Rows and messages set aside, of every kind of input."""
        return sum(account.aside for account in self.accounts.values())

    @property
    def passed_over(self) -> int:
        """Files, and named parts of messages, that were not read."""
        return sum(account.passed_over for account in self.accounts.values())

    @property
    def failed(self) -> bool:
        """Whether a file could not be read at all, or every row of a kind of input was set aside."""
        return bool(self.errors) or any(account.all_aside for account in self.accounts.values())

    def summary(self) -> dict[str, object]:
        aside = {
            "rows": self.quarantined,
            "reasons": dict(self.reasons),
            "file": self.quarantine,
            "before": self.before,
        }
        counts: dict[str, object] = {}
        for kind, account in self.accounts.items():
            counts |= {
                f"{kind}_found": account.found,
                f"{kind}_quarantined": account.aside,
                f"{kind}_passed_over": account.passed_over,
            }
        errors = [{"thing": printable(each.thing), "reason": each.reason, "mend": each.mend} for each in self.errors]
        return {
            **asdict(self.added),
            **counts,
            "found": sum(account.found for account in self.accounts.values()),
            "passed_over": self.passed_over,
            "passed_over_reasons": dict(self.pass_reasons),
            "passed_over_first": [{"file": printable(file), "reason": reason} for file, reason in self.examples],
            "quarantined": aside,
            "unmatched": asdict(self.nobody),
            **({"error": errors[0], "errors": errors} if errors else {}),
        }


class PartlyReadError(InputError):
    """Files of an ingest could not be read; the rest is stored, and `report` tells of it."""

    def __init__(self, report: IngestReport) -> None:
        first = report.errors[0]
        super().__init__(first.thing, first.reason, first.mend)
        self.report = report


def run_ingest(
    home: Home, settings: Settings, paths: Mapping[str, Sequence[str | Path]], stages: StageRecorder
) -> IngestReport:
    """Reads `paths` (of "events", "reports", "verdicts"), checks every row and adds the good ones to the lake.

    Running it again changes nothing. A file that cannot be read at all stops no other: what could be read is stored,
    and PartlyReadError, an InputError, names it at the end. Raises BusyError where another process writes, LakeError
    where the disk refuses; what was stored before is whole either way.
    """
    home.ensure()
    lake = Lake(home.path, settings.lake.retention_days or None, settings.lake.largest_drop)
    options = read_options(settings.read)
    file, earlier = _quarantine_file(home), Earlier(home.quarantine)
    with ExitStack() as stack, stages.stage("ingest") as stage:
        aside = {kind: stack.enter_context(Quarantine(file, earlier, keep_going=True)) for kind in READERS}
        batches: dict[str, Iterable[pa.RecordBatch]] = {
            kind: READERS[kind](files, options, aside[kind]) for kind, files in paths.items() if files
        }
        named = Named()
        batches = {kind: named.noting(kind, rows) for kind, rows in batches.items()}
        added = lake.ingest(**batches, progress=partial(_show, stage))
        stage.rows = added.events_new + added.reports_new + added.verdicts_new
        nobody = unmatched(home.lake, named.verdicts, named.reports)
    report = replace(_report(added, aside, file), nobody=nobody)
    if report.errors:
        raise PartlyReadError(report)
    return report


class Named:
    """Whom verdicts and reports on their way into the lake name."""

    def __init__(self) -> None:
        self.verdicts: set[tuple[str, str]] = set()
        self.reports: set[str] = set()

    def noting(self, kind: str, batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        """The same batches; what they name is noted as they pass."""
        for batch in batches:
            if kind == "verdicts":
                self.verdicts.update(zip(batch["kind"].to_pylist(), batch["key"].to_pylist(), strict=True))
            elif kind == "reports" and len(self.reports) < _MOST_LOOKED_UP:
                self.reports.update(batch["event_id"].unique().to_pylist())
            yield batch


def _report(added: IngestSummary, aside: Mapping[str, Quarantine], file: Path) -> IngestReport:
    reasons = sum((each.reasons for each in aside.values()), Counter[str]())
    pass_reasons = sum((each.pass_reasons for each in aside.values()), Counter[str]())
    return IngestReport(
        added,
        {kind: _account(kind, added, each) for kind, each in aside.items()},
        dict(reasons.most_common()),
        sum(each.before for each in aside.values()),
        dict(pass_reasons.most_common()),
        [example for each in aside.values() for example in each.examples][:_NAMED_FILES],
        [error for each in aside.values() for error in each.errors],
        file if file.exists() else None,
    )


def _account(kind: str, added: IngestSummary, aside: Quarantine) -> Account:
    """The account of one kind; verdicts never expire, so the lake has no such count of them."""
    counts = asdict(added)
    new, known, expired = (counts.get(f"{kind}_{end}", 0) for end in ("new", "known", "expired"))
    return Account(aside.found, new, known, expired, aside.count, aside.passed_over)


def printable(name: str) -> str:
    """A file's name as text that every terminal and every JSON holds: a hostile one may hold anything but `/`."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in name)


def read_options(read: ReadSettings) -> ReadOptions:
    """The readers' options as this installation sets them."""
    values: dict[str, Any] = asdict(read)
    return ReadOptions(future_tolerance=timedelta(hours=values.pop("future_tolerance_hours")), **values)


def _quarantine_file(home: Home) -> Path:
    return home.quarantine / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.jsonl"


def _show(stage: Stage, doing: str, rows: int) -> None:
    stage.progress(rows, doing=doing)
