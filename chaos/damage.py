"""Damaged files, pointers that name nothing, full disks: told with the mend, and nothing else is lost."""

import random
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from chaos import tiny
from chaos.trial import Part, Trial, ended

COMMANDS: Final = (("doctor",), ("export", "scores", "--out", "scores.csv"), ("refresh",))
FULL_BYTES: Final = 64 << 10  # files may not grow beyond it: a disk that is full


def trials(seed: int, scratch: Path) -> Iterator[Trial]:
    """One damage to a home, and then every command; then a full disk."""
    rng = random.Random(seed)
    home = tiny.home(scratch)
    what = rng.choice(DAMAGES)(rng, home)
    for arguments in COMMANDS:
        out = [scratch / part if part.endswith(".csv") else part for part in arguments]
        yield Trial(f"{what}, then {arguments[0]}", ended(home, *out).fault(0, 1))
    yield _full_disk(scratch / "full")


def _full_disk(scratch: Path) -> Trial:
    scratch.mkdir()
    home = tiny.home(scratch)
    before = tiny.content(home, "lake")
    more = tiny.events(scratch.parent.parent, tiny.ROWS)
    done = ended(home, "ingest", "--events", more, preexec_fn=_no_room)
    lost = [name for name, content in before.items() if tiny.content(home, "lake").get(name) != content]
    again = ended(home, "ingest", "--events", more).fault(0)
    return Trial(
        "ingest on a full disk", done.fault(0, 1) or (f"days changed: {lost}" if lost and done.status else again)
    )


def _no_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_BYTES, FULL_BYTES))


def _some(rng: random.Random, home: Path, pattern: str) -> Path:
    return rng.choice(sorted(path for path in home.glob(pattern) if path.is_file() and path.stat().st_size))


def _flipped(rng: random.Random, home: Path) -> str:
    path = _some(rng, home, rng.choice(("snapshots/*/*", "models/*/*", "lake/*/*/*.parquet")))
    content = bytearray(path.read_bytes())
    for _ in range(8):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return f"{path.parent.parent.name}: bits of {path.name} flipped"


def _cut(rng: random.Random, home: Path) -> str:
    path = _some(rng, home, rng.choice(("snapshots/*/*", "models/*/*", "lake/*/*/*.parquet", "store/*")))
    path.write_bytes(path.read_bytes()[: rng.randrange(path.stat().st_size)])
    return f"{path.name} cut short"


def _pointer(rng: random.Random, home: Path) -> str:
    path = home / rng.choice(("snapshots/CURRENT", "models/CHAMPION", "store/CURRENT"))
    content = rng.choice((b"\xff\xfe", b"", b"../..", b"x" * 5000, b"nothing\n", b"\0"))
    path.write_bytes(content)
    return f"{path.name} holds {content[:8]!r}"


def _gone(rng: random.Random, home: Path) -> str:
    path = home / rng.choice(("snapshots/CURRENT", "models/CHAMPION", "store/CURRENT"))
    path.unlink(missing_ok=True)
    return f"{path.name} of {path.parent.name} is gone"


DAMAGES: Final[tuple[Callable[[random.Random, Path], str], ...]] = (_flipped, _cut, _pointer, _gone)
PART: Final = Part("damage", "flipped, cut and missing files, bad pointers, a full disk", trials)
