"""One thing that was tried and how it ended; commands in processes of their own. Knows no part of the harness."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

COMMAND_SECONDS: Final = 120.0  # a command that takes longer on a tiny home hangs
TRACEBACK: Final = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Trial:
    """`what` was tried, `why` it did not survive; empty where it did."""

    what: str
    why: str = ""

    @property
    def survived(self) -> bool:
        return not self.why


@dataclass(frozen=True)
class Part:
    """A kind of trouble: its name, what it tries in words, and its trials of one round, from a seed, in a folder."""

    name: str
    words: str
    round: Callable[[int, Path], Iterator[Trial]]


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status (None: it hung and was killed), and what it printed."""

    status: int | None
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """What `--json` printed, empty where that is no JSON."""
        try:
            summary = json.loads(self.out)
        except ValueError:
            return {}
        return summary if isinstance(summary, dict) else {}

    def fault(self, *allowed: int) -> str:
        """Why this is no clean end with one of these statuses; empty where it is."""
        if self.status is None:
            return f"still ran after {COMMAND_SECONDS:.0f} s"
        if TRACEBACK in self.err:
            return f"ended in a traceback: {self.err.strip().splitlines()[-1]}"
        if self.status not in allowed:
            return f"ended with status {self.status}: {self.err.strip()[-200:]}"
        return ""


def command(home: Path, *arguments: str | Path) -> list[str]:
    """`ringleader --home HOME ARGUMENTS` in this interpreter."""
    return [sys.executable, "-m", "api.cli", "--home", str(home), *map(str, arguments)]


def started(home: Path, *arguments: str | Path, **options: Any) -> "subprocess.Popen[str]":
    """The command in a process of its own, its output kept apart."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command(home, *arguments), text=True, env=os.environ, **{**pipes, **options})


def ended(home: Path, *arguments: str | Path, **options: Any) -> Ended:
    """The command, once it has ended, or after COMMAND_SECONDS, when it is killed."""
    process = started(home, *arguments, **options)
    try:
        out, err = process.communicate(timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return Ended(None, out, err)
    return Ended(process.returncode, out, err)


def balance(summary: dict[str, Any]) -> str:
    """Why the account of an ingest does not add up; empty where events + duplicates + aside + passed over = found."""
    for kind in ("events", "reports", "verdicts"):
        ends = ("new", "known", "expired", "quarantined", "passed_over")
        total = sum(int(summary.get(f"{kind}_{end}", 0)) for end in ends)
        if total != summary.get(f"{kind}_found"):
            return f"{kind}: {total} accounted for of {summary.get(f'{kind}_found')} found"
    return ""
