"""The commands, one module each: `HELP`, `add_arguments(parser)`, `run(call) -> Outcome`. None knows how it is shown.

What a command needs is imported when it runs, so that `ringleader --help` answers at once and `keys` never loads torch.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from api.progress import StageRecorder
from api.settings import Settings
from graph.errors import RingleaderError
from graph.home import Home
from graph.times import utc


class UsageError(RingleaderError):
    """What was typed cannot be meant."""


@dataclass(frozen=True)
class Call:
    """One invocation: where, with which settings and flags, and where progress is told."""

    home: Home
    settings: Settings
    flags: Namespace
    stages: StageRecorder
    on_terminal: bool


@dataclass(frozen=True)
class Outcome:
    """What a command answers: `summary` for `--json`, `text` for people, its exit code.

    `errors` are told on standard error beside it: what failed while the rest was done. `then` goes on after the answer
    was printed and may take for ever: a server.
    """

    summary: Mapping[str, object]
    text: str
    code: int = 0
    errors: tuple[RingleaderError, ...] = ()
    then: Callable[[], None] | None = None


class Command(Protocol):
    """What each module of this package offers."""

    @property
    def HELP(self) -> str: ...  # noqa: N802  a module's constant
    def add_arguments(self, parser: ArgumentParser) -> None: ...
    def run(self, call: Call) -> Outcome: ...


def moment(text: str) -> datetime:
    """A time typed by a person: ISO 8601, UTC where it names no zone. For argparse's `type`."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a time such as 2026-03-01 or 2026-03-01T12:00:00Z") from error
    try:
        return utc(time)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} {error}") from error


def count_words(number: int, noun: str) -> str:
    """`1 event`, `1,200 events`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
