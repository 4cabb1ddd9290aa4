"""`python -m chaos`: rounds of every part, progress while they run, a table at the end, status 1 where one failed."""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chaos import cursors, damage, folders, kills, mails, tables
from chaos.trial import Part, Trial

PARTS: Final = {part.name: part for part in (m.PART for m in (mails, tables, folders, cursors, kills, damage))}


@dataclass
class Tally:
    """What became of one part."""

    tried: int = 0
    seconds: float = 0.0
    failed: list[tuple[int, Trial]] = field(default_factory=list)


def run(parts: Sequence[Part], rounds: int, seconds: float, seed: int) -> dict[str, Tally]:
    """So many rounds of each part, fewer where the time is up; the first is always whole."""
    tallies = {part.name: Tally() for part in parts}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        for number in range(rounds):
            if number and time.monotonic() - began > seconds:
                break
            for part in parts:
                _round(part, seed + number, Path(folder), tallies[part.name])
    return tallies


def _round(part: Part, seed: int, folder: Path, tally: Tally) -> None:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder, prefix=f"{part.name}-") as scratch:
        for trial in part.round(seed, Path(scratch)):
            tally.tried += 1
            if not trial.survived:
                tally.failed.append((seed, trial))
                print(f"FAILED {part.name}, seed {seed}: {trial.what}: {trial.why}", file=sys.stderr, flush=True)
    tally.seconds += time.monotonic() - began
    print(
        f"{part.name}, seed {seed}: {tally.tried - len(tally.failed)} of {tally.tried} survived",
        file=sys.stderr,
        flush=True,
    )


def table(tallies: dict[str, Tally]) -> str:
    """Tried and survived by part, and how to repeat what failed."""
    lines = [f"{'part':9} {'tried':>6} {'survived':>9} {'seconds':>8}  what"]
    for name, tally in tallies.items():
        survived = tally.tried - len(tally.failed)
        lines.append(f"{name:9} {tally.tried:>6,} {survived:>9,} {tally.seconds:>8.1f}  {PARTS[name].words}")
    for name, tally in tallies.items():
        for seed, trial in tally.failed:
            lines += [f"failed: {trial.what}: {trial.why}", f"  python -m chaos --only {name} --seed {seed} --rounds 1"]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of every part (default: 5)")
    parser.add_argument("--seconds", type=float, default=600.0, help="begin no further round after so long")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next ones count up from it")
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), default=sorted(PARTS), help="parts to run")
    flags = parser.parse_args(arguments)
    tallies = run([PARTS[name] for name in flags.only], flags.rounds, flags.seconds, flags.seed)
    print(table(tallies))
    return int(any(tally.failed for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
