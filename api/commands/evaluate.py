"""`ringleader evaluate`: figures that do not look ahead, beside reference detectors. The work is `api.evaluation`."""

from argparse import ArgumentParser
from pathlib import Path

from api.commands import Call, Outcome
from api.commands.refresh import add_setting

HELP = "time-safe node, campaign and refresh metrics beside the reference detectors, on this home's data or a world"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--world", type=Path, metavar="DIR", help="a world of `ringleader simulate`, or the sample mail"
    )
    add_setting(parser, "--window-days", "refresh.window_days", type=int, metavar="N")
    add_setting(parser, "--seed", "model.seed", type=int, metavar="S")


def run(call: Call) -> Outcome:
    from api.evaluation import evaluate
    from gnn.report import as_json, text

    found, folder = evaluate(call.home, call.settings, call.flags.world, call.stages)
    return Outcome({**as_json(found), "folder": folder}, f"{text(found)}\n\nWritten with its plots to {folder}")
