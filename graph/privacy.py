"""Who may read a home: its owner alone. Knows the modes of files and folders, no format and no lock.

A home holds keys, verdicts, and who wrote to whom. New files and folders are made private where they are made
(`graph.atomic`); what an older version or a library made otherwise is closed by `tighten`.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

OTHERS: Final = 0o077  # every right of group and others


def tighten(paths: Iterable[Path]) -> None:
    """Take every right of others away from these files and folders and all below them; links are not followed.

    What cannot be changed (it belongs to somebody else, it has just gone) stays as it is: `open_to_others` tells.
    """
    for path, mode in _modes(paths):
        if mode & OTHERS:
            with suppress(OSError):
                path.chmod(mode & ~OTHERS)


def open_to_others(paths: Iterable[Path]) -> list[Path]:
    """Which of these and of all below them somebody else may read, write or enter."""
    return [path for path, mode in _modes(paths) if mode & OTHERS]


def _modes(paths: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    for path in paths:
        yield from _mode(path)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                yield from _mode(Path(folder, name))


def _mode(path: Path) -> Iterator[tuple[Path, int]]:
    """The permission bits of a file or folder; nothing of a link, a socket, or what is not there."""
    with suppress(OSError):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
            yield path, stat.S_IMODE(mode)
