"""`ringleader ingest`: validates events, reports and verdicts and adds them to the lake. The work is `api.ingest`."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import TYPE_CHECKING

from api.commands import Call, Outcome, UsageError, count_words
from api.commands.refresh import add_setting

if TYPE_CHECKING:
    from api.ingest import Account, IngestReport

HELP = "validate events, reports and verdicts and add them to the event lake; running it again changes nothing"
KINDS = {
    "events": "mail (.eml, mbox, Maildir) or tables (Parquet, CSV, JSON Lines): files, folders, globs",
    "reports": "what people reported: tables of event_id, reporter, ts, kind",
    "verdicts": "your own labels: tables of kind, key, verdict, ts, source",
}
REASONS_SHOWN = 5  # the quarantine file holds them all
FILES_SHOWN = 5  # so too the files passed over
AHEAD = (
    "Where times ahead of this machine's clock are right, set RINGLEADER_READ_FUTURE_TOLERANCE_HOURS to how far ahead "
    "they may be and ingest again."
)


def add_arguments(parser: ArgumentParser) -> None:
    for kind, help in KINDS.items():
        parser.add_argument(f"--{kind}", nargs="+", action="extend", default=[], metavar="PATH", help=help)
    add_setting(parser, "--mailbox", "read.mailbox", type=mailbox, metavar="ADDRESS")
    add_setting(parser, "--largest-drop", "lake.largest_drop", type=float, metavar="SHARE")


def mailbox(text: str) -> str:
    """A mail address typed by a person. For argparse's `type`."""
    local, _, host = text.strip().rpartition("@")
    if not local or not host:
        raise ArgumentTypeError(f"{text!r} is not a mail address such as ann@home.example")
    return text.strip()


def run(call: Call) -> Outcome:
    from api.ingest import PartlyReadError, run_ingest

    paths = {kind: getattr(call.flags, kind) for kind in KINDS}
    if not any(paths.values()):
        raise UsageError("ingest", "nothing to ingest was named", "Give --events, --reports or --verdicts a path")
    try:
        report = run_ingest(call.home, call.settings, paths, call.stages)
    except PartlyReadError as error:
        report = error.report
    return Outcome(report.summary(), _words(report), int(report.failed), errors=tuple(report.errors))


def _words(report: "IngestReport") -> str:
    lines = [f"{kind + ':':9} {_account_words(account)}" for kind, account in report.accounts.items()]
    return "\n".join([*lines, *_set_aside(report), *_passed_over(report), *_nobody(report), *_unreadable(report)])


def _account_words(account: "Account") -> str:
    """`3 new, 1 known, 2 set aside = 6 found`; what is nought is left out but for new and known."""
    rare = {"older than the retention": account.expired, "set aside": account.aside, "passed over": account.passed_over}
    words = [f"{account.new:,} new", f"{account.known:,} known"]
    words += [f"{number:,} {name}" for name, number in rare.items() if number]
    balance = "=" if account.balanced else "≠"  # never seen; were it, a reader has lost something and says so here
    return f"{', '.join(words)} {balance} {account.found:,} found"


def _set_aside(report: "IngestReport") -> list[str]:
    if not report.quarantined:
        return []
    before = f" ({report.before:,} of them set aside before)" if report.before else ""
    where = f" in {report.quarantine}" if report.before < report.quarantined else ""
    lines = [f"{count_words(report.quarantined, 'row')} set aside{where}{before}:"]
    lines += [f"  {rows:,} × {reason}" for reason, rows in list(report.reasons.items())[:REASONS_SHOWN]]
    more = len(report.reasons) - REASONS_SHOWN
    lines += [f"  and {count_words(more, 'other reason')}"] if more > 0 else []
    return lines + ([AHEAD] if report.ahead else [])


def _passed_over(report: "IngestReport") -> list[str]:
    if not report.passed_over:
        return []
    from api.ingest import printable

    lines = [f"{count_words(report.passed_over, 'file')} passed over (HOME/quarantine names them all):"]
    lines += [f"  {printable(file)}: {reason}" for file, reason in report.examples[:FILES_SHOWN]]
    more = report.passed_over - FILES_SHOWN
    return lines + ([f"  and {more:,} more"] if more > 0 else [])


def _nobody(report: "IngestReport") -> list[str]:
    """Verdicts and reports that name nobody are stored; they have no effect until somebody of that name writes."""
    nobody = report.nobody
    if not nobody:
        return []
    counts = [(nobody.verdicts, "verdict key"), (nobody.reports, "reported event id")]
    words = " and ".join(count_words(number, noun) for number, noun in counts if number)
    verb = "names" if nobody.verdicts + nobody.reports == 1 else "name"
    return [f"{words} {verb} nobody in the lake:", *(f"  {key!r}" for key in nobody.examples[:FILES_SHOWN])]


def _unreadable(report: "IngestReport") -> list[str]:
    """How many files could not be read; each is an error of its own on standard error."""
    return [f"{count_words(len(report.errors), 'path')} could not be read; the rest is stored"] if report.errors else []
