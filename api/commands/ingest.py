"""`ringleader ingest`: validates events, reports and verdicts and adds them to the lake. The work is `api.ingest`."""

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from api.commands import Call, Outcome, UsageError, count_words
from api.commands.refresh import add_setting

if TYPE_CHECKING:
    from api.ingest import IngestReport

HELP = "validate events, reports and verdicts and add them to the event lake; running it again changes nothing"
KINDS = {
    "events": "mail (.eml, mbox, Maildir) or tables (Parquet, CSV, JSON Lines): files, folders, globs",
    "reports": "what people reported: tables of event_id, reporter, ts, kind",
    "verdicts": "your own labels: tables of kind, key, verdict, ts, source",
}
REASONS_SHOWN = 5  # the quarantine file holds them all
AHEAD = (
    "Where times ahead of this machine's clock are right, set RINGLEADER_READ_FUTURE_TOLERANCE_HOURS to how far ahead "
    "they may be and ingest again."
)


def add_arguments(parser: ArgumentParser) -> None:
    for kind, help in KINDS.items():
        parser.add_argument(f"--{kind}", nargs="+", action="extend", default=[], metavar="PATH", help=help)
    add_setting(parser, "--largest-drop", "lake.largest_drop", type=float, metavar="SHARE")


def run(call: Call) -> Outcome:
    from api.ingest import run_ingest

    paths = {kind: getattr(call.flags, kind) for kind in KINDS}
    if not any(paths.values()):
        raise UsageError("ingest", "nothing to ingest was named", "Give --events, --reports or --verdicts a path")
    report = run_ingest(call.home, call.settings, paths, call.stages)
    return Outcome(report.summary(), _words(report))


def _words(report: "IngestReport") -> str:
    added = report.added
    lines = [
        f"events:   {added.events_new:,} new, {added.events_known:,} known{_expired(added.events_expired)}",
        f"reports:  {added.reports_new:,} new, {added.reports_known:,} known{_expired(added.reports_expired)}",
        f"verdicts: {added.verdicts_new:,} new, {added.verdicts_known:,} known",
    ]
    if report.quarantine is not None:
        lines.append(f"{count_words(report.quarantined, 'row')} set aside in {report.quarantine}:")
        lines += [f"  {rows:,} × {reason}" for reason, rows in list(report.reasons.items())[:REASONS_SHOWN]]
        more = len(report.reasons) - REASONS_SHOWN
        lines += [f"  and {count_words(more, 'other reason')}"] if more > 0 else []
        lines += [AHEAD] if report.ahead else []
    return "\n".join(lines)


def _expired(rows: int) -> str:
    return f", {rows:,} older than the retention" if rows else ""
