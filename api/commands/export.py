"""`ringleader export`: scores, campaigns or members of the current snapshot as a file. The work is `api.exports`."""

from argparse import ArgumentParser
from pathlib import Path

from api.commands import Call, Outcome, count_words

HELP = "write scores, campaigns or members of the current snapshot as Parquet or CSV, by the file's ending"
TABLES = ("scores", "campaigns", "members")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("table", choices=TABLES, help="which table")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="ends in .parquet or .csv")


def run(call: Call) -> Outcome:
    from api.exports import check_target, export
    from graph.snapshot import open_current

    name, out = call.flags.table, call.flags.out
    check_target(out)
    snapshot = open_current(call.home)
    with call.stages.stage(f"export {name}") as stage:
        stage.rows = rows = export(snapshot, name, out)
    summary = {"table": name, "out": out, "rows": rows, "snapshot": snapshot.id}
    return Outcome(summary, f"{count_words(rows, 'row')} of snapshot {snapshot.id} in {out}")
