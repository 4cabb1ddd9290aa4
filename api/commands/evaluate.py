"""`ringleader evaluate`: metrics that do not look ahead, beside the reference detectors. The work is `gnn.evaluate`."""

from argparse import ArgumentParser
from pathlib import Path

from api.commands import Call, Outcome
from api.commands.refresh import add_setting

HELP = "time-safe node, campaign and refresh metrics beside the reference detectors, on this home's data or a world"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--world", type=Path, metavar="DIR", help="a world made by `ringleader simulate`")
    add_setting(parser, "--seed", "model.seed", type=int, metavar="S")


def run(call: Call) -> Outcome:
    from api.evaluation import evaluate
    from gnn.report import as_json, text

    found, folder = evaluate(call.home, call.settings, call.flags.world, call.stages)
    return Outcome({**as_json(found), "folder": folder}, f"{text(found, full=False)}\nWritten to {folder}")
