"""Commands killed with -9 at random moments: what was live stays live, and the next run ends where a calm one would."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chaos import tiny
from chaos.trial import Part, Trial, ended, started

MOST_SECONDS: Final = 8.0  # after which a kill comes at the latest: longer than a tiny command takes


def trials(seed: int, scratch: Path) -> Iterator[Trial]:
    """An ingest and a refresh, each killed once."""
    rng = random.Random(seed)
    yield _ingest(rng, scratch / "ingest")
    yield _refresh(rng, scratch / "refresh")


def _ingest(rng: random.Random, scratch: Path) -> Trial:
    scratch.mkdir()
    more = tiny.events(scratch.parent.parent, tiny.ROWS)
    home = tiny.home(scratch, refreshed=False)
    calm = scratch / "calm"
    shutil.copytree(home, calm)
    before = tiny.content(home, "lake")
    after = _killed(rng, home, 2.0, "ingest", "--events", more)
    lake = tiny.content(home, "lake")
    torn = [name for name in before if name not in lake]
    faults = [ended(each, "ingest", "--events", more).fault(0) for each in (home, calm)]
    same = tiny.content(home, "lake") == tiny.content(calm, "lake")
    reason = f"days are gone: {torn}" if torn else next(filter(None, faults), "")
    return Trial(f"ingest killed {after}", reason or ("" if same else "a rerun left other bytes than a calm run"))


def _refresh(rng: random.Random, scratch: Path) -> Trial:
    scratch.mkdir()
    home = tiny.home(scratch)
    live = (home / "snapshots" / "CURRENT").read_text()
    more = ended(home, "ingest", "--events", tiny.events(scratch.parent.parent, tiny.ROWS)).fault(0)
    after = _killed(rng, home, MOST_SECONDS, "refresh")
    named = (home / "snapshots" / "CURRENT").read_text()
    broken = more or _export(home, scratch / "scores.csv")
    again = ended(home, "refresh").fault(0)
    left = [path.name for path in (home / "snapshots").iterdir() if path.name.startswith(".")]
    reason = broken or again or (f"left behind: {left}" if left else "")
    return Trial(f"refresh killed {after}, {'before' if named == live else 'after'} it published", reason)


def _export(home: Path, out: Path) -> str:
    """Why what is live cannot be read to its end."""
    return ended(home, "export", "scores", "--out", out).fault(0)


def _killed(rng: random.Random, home: Path, most: float, *arguments: str | Path) -> str:
    """Starts a command and kills it at a random moment; says when."""
    seconds = rng.uniform(0.0, most)
    process = started(home, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return f"after {seconds:.2f} s"
    return "too late"


PART: Final = Part("kills", "ingest and refresh killed at random moments", trials)
