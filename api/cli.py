"""`ringleader [--home DIR] COMMAND`: parses, runs one command, prints its answer, turns errors into exit codes.

Knows no command's work: each lives in `api.commands`. Answers go to standard output, all else to standard error.
"""

import argparse
import json
import math
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from api.commands import (
    Call,
    Command,
    Outcome,
    UsageError,
    demo,
    doctor,
    evaluate,
    export,
    ingest,
    keys,
    refresh,
    serve,
    simulate,
    train,
)
from api.progress import StageRecorder, open_display
from api.settings import PRESETS, FlagError, load_settings
from graph.errors import RingleaderError
from graph.home import Home

COMMANDS: dict[str, Command] = {
    "demo": demo,
    "ingest": ingest,
    "refresh": refresh,
    "train": train,
    "evaluate": evaluate,
    "simulate": simulate,
    "export": export,
    "serve": serve,
    "keys": keys,
    "doctor": doctor,
}
DEFAULT_HOME = ".ringleader"
DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code: 0 done, 1 failed, 2 usage, 130 interrupted."""
    flags = parse(argv)
    if argv is None and not sys.warnoptions:  # what libraries say to programmers is nothing that a user can act on
        warnings.simplefilter("ignore")
    try:
        return _run(flags)
    except KeyboardInterrupt:
        print("ringleader: interrupted; what was already stored is whole", file=sys.stderr)
        return INTERRUPTED
    except RingleaderError as error:
        return _tell(error, flags.json)
    except BrokenPipeError:  # the reader of our answer went away: `ringleader keys list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _tell(_disk_error(error, flags.home), flags.json)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The flags of one command. Ends the process with code 2 and a usage line where they make no sense.

    The options of every command are taken out first, so that they may stand before or after the command's name.
    """
    common = _common_parser()
    flags, rest = common.parse_known_args(argv)
    return _parser(common).parse_args(rest, flags)


def _common_parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(prog="ringleader", add_help=False, allow_abbrev=False)
    home = Path(os.environ.get("RINGLEADER_HOME") or DEFAULT_HOME)
    common.add_argument(
        "--home",
        type=Path,
        default=home,
        metavar="DIR",
        help="where everything is kept (RINGLEADER_HOME; ./.ringleader)",
    )
    common.add_argument(
        "--config",
        default=os.environ.get("RINGLEADER_CONFIG"),
        metavar="FILE",
        help=f"settings: a TOML file, or a preset: {', '.join(PRESETS)} (RINGLEADER_CONFIG; HOME/config.toml)",
    )
    common.add_argument("--json", action="store_true", help="print one machine-readable summary, and no progress")
    return common


def _parser(common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ringleader",
        description="Finds coordinated abuse of a mail, calendar and contacts service: campaigns, members, and why.",
        parents=[common],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"ringleader {version('ringleader')}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for name, command in COMMANDS.items():
        help = f"{command.HELP[0].upper()}{command.HELP[1:]}."
        command.add_arguments(commands.add_parser(name, help=command.HELP, description=help, allow_abbrev=False))
    return parser


def _run(flags: argparse.Namespace) -> int:
    # An option named after a setting (its dest holds a dot) overrides that setting.
    overrides = {name: value for name, value in vars(flags).items() if "." in name}
    settings = load_settings(flags.home, flags.config, os.environ, overrides)
    stages = StageRecorder(open_display(flags.json))
    call = Call(Home(flags.home), settings, flags, stages, sys.stdout.isatty() and not flags.json)
    try:
        outcome = COMMANDS[flags.command].run(call)
    finally:
        stages.display.close()
    _print(outcome, flags.json)
    for error in outcome.errors:
        _print_error(error)
    if outcome.then is not None:
        outcome.then()
    return outcome.code


def _print(outcome: Outcome, as_json: bool) -> None:
    answer = _json(_plain(outcome.summary)) if as_json else outcome.text
    if answer:
        encoding = sys.stdout.encoding or "utf-8"
        print(answer.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _json(value: object) -> str:
    """One line of JSON; in ASCII where standard output cannot carry its characters, as those of a file's odd name."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False)
    return text


def _plain(value: object) -> object:
    """The value in JSON's own types: times in ISO 8601, paths as text, and null for a figure that is not defined."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int) else str(value)


def _tell(error: RingleaderError, as_json: bool) -> int:
    _print_error(error)
    if as_json:
        told = {"thing": error.thing, "reason": error.reason, "mend": error.mend}
        print(_json({"error": told}), flush=True)
    return USAGE if isinstance(error, UsageError | FlagError) else FAILED


def _print_error(error: RingleaderError) -> None:
    """The thing and the reason on one line, the mend on the next."""
    print(f"ringleader: {_one_line(error.thing)}: {_one_line(error.reason)}\n  {error.mend}.", file=sys.stderr)


def _one_line(text: str) -> str:
    """Text that may hold a file's odd name, for a terminal: what is not printable is escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def _disk_error(error: OSError, home: Path) -> RingleaderError:
    """What the rooms did not foresee: a full disk, a folder without permission."""
    thing = str(error.filename or home)
    return RingleaderError(
        thing, error.strerror or str(error), "Check its permissions and the free space, then run again"
    )


if __name__ == "__main__":
    sys.exit(main())
