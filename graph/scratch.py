"""Scratch folders in the system's place for temporary files, found and removed when their process was killed.

A folder is locked (flock) as long as its process lives and gets its telling name only once it is, so whoever can lock
one of that name has found a leftover. Knows not what lies in them.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PREFIX: Final = "ringleader-scratch-"
_UNNAMED: Final = ".ringleader-new-"


class Scratch:
    """A folder of this process's own, locked until `close` removes it. Raises OSError where the disk refuses."""

    def __init__(self) -> None:
        fresh = Path(tempfile.mkdtemp(prefix=_UNNAMED))
        self._descriptor: int | None = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self.path = fresh.with_name(PREFIX + fresh.name.removeprefix(_UNNAMED))
        fresh.rename(self.path)

    def close(self) -> None:
        """Remove the folder and all in it; harmless twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A scratch folder for the length of a with-statement."""
    scratch = Scratch()
    try:
        yield scratch.path
    finally:
        scratch.close()


def leftovers() -> list[Path]:
    """Scratch folders of this user that nobody holds."""
    return list(_unheld())


def sweep() -> int:
    """Remove what killed processes left; how many folders that were."""
    count = 0
    for path in _unheld():
        shutil.rmtree(path, ignore_errors=True)
        count += 1
    return count


def _unheld() -> Iterator[Path]:
    """Each leftover, locked until the next is asked for."""
    for path in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # somebody else's, or just gone
            continue
        try:
            if os.fstat(descriptor).st_uid == os.getuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
