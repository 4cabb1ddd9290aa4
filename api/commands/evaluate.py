"""`ringleader evaluate`: figures that do not look ahead, beside reference detectors. The work is `api.evaluation`."""

from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path

from api.commands import Call, Outcome
from api.commands.refresh import add_setting

HELP = "time-safe node, campaign and refresh metrics beside the reference detectors, on this home's data or a world"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--world",
        type=Path,
        metavar="DIR",
        action="append",
        default=[],
        help="a world of `ringleader simulate`, or the sample mail; several give a table of means and worst worlds",
    )
    parser.add_argument(
        "--references",
        choices=("quick", "all"),
        default="quick",
        help="quick: rules, clusters and trees; all: end-to-end message passing (PyG) too, which takes minutes",
    )
    parser.add_argument(
        "--without", choices=("reports",), help="judge once more in a world where nobody ever reported anything"
    )
    parser.add_argument(
        "--learning-curve",
        action=BooleanOptionalAction,
        default=True,
        help="judge again with 0, 10, 50 and 200 of the verdicts, drawn at random",
    )
    parser.add_argument(
        "--lead-days",
        type=int,
        default=0,
        metavar="N",
        help="refresh a world on each of its last N days too, and tell how early its campaigns are found",
    )
    add_setting(parser, "--window-days", "refresh.window_days", type=int, metavar="N")
    add_setting(parser, "--seed", "model.seed", type=int, metavar="S")


def run(call: Call) -> Outcome:
    from api.evaluation import EvaluateOptions, evaluate
    from api.evaluation_files import summary, write
    from gnn import together
    from gnn.report import text

    flags = call.flags
    options = EvaluateOptions(flags.references, flags.without == "reports", flags.learning_curve, flags.lead_days)
    found = evaluate(call.home, call.settings, flags.world, options, call.stages)
    folder = write(call.home, found)
    told = text(found[0], full=False) if len(found) == 1 else together.text(found)
    return Outcome(summary(found, folder), f"{told}\n\nWritten with its plots to {folder}")
