"""What killed writers left in a home: half files and folders under temporary names. Knows names, no content.

Each writer sweeps its own room when it comes again; this sweeps all rooms at the next refresh, and doctor tells.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from graph.atomic import TEMPORARY
from graph.home import Home

STAGING: Final = ".staging"  # of the lake: rows on their way
BUILDING: Final = ".building-"  # of the graph store: folders that a writer works in


def leftovers(home: Home) -> list[Path]:
    """Temporary files and folders of a home. While somebody writes they may be in use: ask when nobody does.

    Those of `state` are not among them: servers make its files without the home's lock.
    """
    rooms = (folder for folder in home.folders if folder != home.state)
    return [path for room in rooms for path in _temporary(room)]


def sweep(home: Home) -> int:
    """Remove them; the caller holds the home's write lock. How many there were."""
    paths = leftovers(home)
    for path in paths:
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
    return len(paths)


def _temporary(folder: Path) -> Iterator[Path]:
    """The topmost temporary entries below a folder."""
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if path.name.endswith(TEMPORARY) or path.name == STAGING or path.name.startswith(BUILDING):
                yield path
            elif path.is_dir() and not path.is_symlink():
                yield from _temporary(path)
