"""Checks of a home as a place: its folder, its disk, its lock. Knows no format of what lies in it."""

import shutil
import tempfile
from collections.abc import Iterator

from api.doctor.finding import OK, WARN, Finding
from api.settings import Settings
from graph.errors import BusyError
from graph.home import Home, write_lock

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
    if not home.path.exists():
        return
    try:
        with write_lock(home):
            yield Finding("lock", OK, "nobody is writing")
    except BusyError as error:
        yield Finding("lock", WARN, error.reason, error.mend)
