"""`ringleader refresh`: the whole line once, lake to published snapshot. The line itself is `api.refresh`."""

from argparse import SUPPRESS, ArgumentParser
from dataclasses import asdict
from typing import Any

from api.commands import Call, Outcome, UsageError, moment
from api.settings import known_settings
from graph.errors import StoreError

HELP = "lake to graph store to scores to campaigns to a published snapshot; trains first where no model exists"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--as-of", type=moment, metavar="TS", help="end of the window (default: the newest event)")
    add_setting(parser, "--window-days", "refresh.window_days", metavar="N", type=int)
    add_setting(parser, "--engine", "refresh.engine")
    add_setting(parser, "--store", "refresh.store", metavar="URL")


def add_setting(parser: ArgumentParser, option: str, name: str, **how: Any) -> None:
    """An option that overrides the setting `name` ("section.key") and is described by it."""
    rule = known_settings()[name]
    parser.add_argument(option, dest=name, default=SUPPRESS, choices=rule.choices or None, help=rule.help, **how)


def run(call: Call) -> Outcome:
    if "refresh.store" in vars(call.flags):
        _check_address(call)
    from api.refresh import run_refresh
    from api.stages import RefreshOptions

    options = RefreshOptions.of(call.settings, call.flags.as_of)
    summary = run_refresh(call.home, options, call.stages)
    facts = {**asdict(summary), "drift": summary.drift.described(), "stages": call.stages.rows()}
    return Outcome(facts, f"{call.stages.table()}\n\n{summary}")


def _check_address(call: Call) -> None:
    """Refuses a typed address that names no store before anything heavy is loaded; nothing is contacted."""
    from graph.store import open_store

    try:
        open_store(call.settings.refresh.store, call.home).close()
    except StoreError as error:
        raise UsageError(f"--store: {error.thing}", error.reason, error.mend) from error
