"""`ringleader train`: fits a challenger and promotes it where it beats the champion. The work is `api.training`."""

from argparse import ArgumentParser
from dataclasses import asdict

from api.commands import Call, Outcome, moment
from api.commands.refresh import add_setting

HELP = "fit a challenger on what was known at --as-of; promote it only where it beats the champion on later days"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--as-of", type=moment, metavar="TS", help="learn from verdicts and reports up to here")
    parser.add_argument("--force", action="store_true", help="promote it even where it is no better")
    add_setting(parser, "--seed", "model.seed", type=int, metavar="S")
    add_setting(parser, "--window-days", "refresh.window_days", type=int, metavar="N")


def run(call: Call) -> Outcome:
    from api.stages import RefreshOptions
    from api.training import run_training

    options = RefreshOptions.of(call.settings, call.flags.as_of)
    summary = run_training(call.home, options, call.flags.force, call.stages)
    return Outcome({**asdict(summary), "stages": call.stages.rows()}, str(summary))
