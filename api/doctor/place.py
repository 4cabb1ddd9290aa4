"""Checks of a home as a place: its folder, its disk, its lock. Knows no format of what lies in it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from api.doctor.finding import OK, WARN, Finding
from api.settings import Settings
from graph import leftovers, scratch
from graph.home import Home, writer

LOW_DISK_GB = 5.0  # a refresh of a few million events writes less than this


def folder(home: Home, settings: Settings) -> Iterator[Finding]:
    path = home.path.resolve()
    if not path.exists():
        mend = "Any command that stores something makes it; name another with --home or RINGLEADER_HOME"
        yield Finding("home", WARN, f"{path} does not exist yet", mend)
    else:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".doctor."):
            yield Finding("home", OK, f"{path} can be written")
    existing = next(place for place in (path, *path.parents) if place.exists())
    free = shutil.disk_usage(existing).free / 1e9
    mend = "" if free >= LOW_DISK_GB else "Free some space: a refresh that meets a full disk keeps the old snapshot"
    yield Finding("disk", WARN if mend else OK, f"{free:,.1f} GB free", mend)


def lock(home: Home, settings: Settings) -> Iterator[Finding]:
    """Looks at who holds the lock without taking it: a refresh that begins meanwhile must not be refused."""
    if not home.path.exists():
        return
    holder = writer(home)
    if holder is None:
        yield Finding("lock", OK, "nobody is writing")
    else:
        yield Finding("lock", WARN, f"it is being written by {holder}", "Wait until that has ended, or end it")


def privacy(home: Home, settings: Settings) -> Iterator[Finding]:
    paths = home.open_to_others()
    if not home.path.exists():
        return
    if not paths:
        yield Finding("privacy", OK, "nobody but its owner can read the home")
        return
    words = f"others have rights on {paths[0]}" + (f" and {len(paths) - 1:,} more" if len(paths) > 1 else "")
    mend = f"The next ingest or refresh takes them away, or `chmod -R go-rwx {home.path}`"
    if not home.is_only_ours():
        mend += "; the home's own folder holds other things too and is left alone: give the home a folder of its own"
    yield Finding("privacy", WARN, words, mend)


def remains(home: Home, settings: Settings) -> Iterator[Finding]:
    """What killed commands left. In a home that is being written it may be in use, so that is not looked at."""
    paths = scratch.leftovers() + ([] if writer(home) else leftovers.leftovers(home))
    if not paths:
        yield Finding("leftovers", OK, "no killed command left anything behind")
        return
    size = sum(_bytes(path) for path in paths) / 1e6
    words = f"killed commands left {len(paths):,} files or folders ({size:,.1f} MB), such as {paths[0]}"
    yield Finding("leftovers", WARN, words, "The next `ringleader refresh` removes them")


def _bytes(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(file.stat().st_size for file in files if file.exists())
