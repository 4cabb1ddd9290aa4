"""`ringleader export`: a table of the current snapshot as a file. The work is `api.exports`."""

from argparse import ArgumentParser
from pathlib import Path

from api.commands import Call, Outcome, UsageError, count_words, moment

HELP = "write scores, campaigns, members or evidence of the current snapshot as Parquet or CSV, by the file's ending"
TABLES = ("scores", "campaigns", "members", "evidence")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("table", choices=TABLES, help="which table")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="ends in .parquet or .csv")
    seen = "leave out what was seen only {} this moment (a date alone is its midnight, UTC)"
    parser.add_argument("--from", type=moment, dest="since", metavar="TS", help=seen.format("before"))
    parser.add_argument("--to", type=moment, dest="until", metavar="TS", help=seen.format("after"))


def run(call: Call) -> Outcome:
    from api.exports import Span, check_target, export
    from graph.snapshot import open_current

    name, out, since, until = (getattr(call.flags, flag) for flag in ("table", "out", "since", "until"))
    if since and until and since > until:
        raise UsageError("--from and --to", "--from is later than --to", "Exchange the two")
    check_target(out)
    snapshot = open_current(call.home)
    with call.stages.stage(f"export {name}") as stage:
        stage.rows = rows = export(snapshot, name, out, Span(since, until) if since or until else None)
    summary = {"table": name, "out": out, "rows": rows, "snapshot": snapshot.id, "from": since, "to": until}
    return Outcome(summary, f"{count_words(rows, 'row')} of snapshot {snapshot.id} in {out}")
