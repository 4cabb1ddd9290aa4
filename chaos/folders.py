"""Hostile folders: no regular files, links that lead astray, noise. An ingest must neither hang nor fail."""

import os
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from chaos.mails import SEEDS
from chaos.trial import Part, Trial, balance, ended


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def _dangling(path: Path) -> None:
    path.symlink_to("nothing-there")


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _folder_loop(path: Path) -> None:
    path.symlink_to(path.parent, target_is_directory=True)


def _outside(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _noise(path: Path) -> None:
    path.write_bytes(os.urandom(2000))


def _odd_name(path: Path) -> None:
    Path(os.fsdecode(os.fsencode(path) + b"-\xff\xfe.eml")).write_bytes(SEEDS[0])


def _empty(path: Path) -> None:
    path.touch()


HOSTILE: Final[tuple[Callable[[Path], None], ...]] = (
    _pipe, _socket, _dangling, _loop, _folder_loop, _outside, _device, _noise, _odd_name, _empty,
)  # fmt: skip


def trials(seed: int, scratch: Path) -> Iterator[Trial]:
    """One folder with a good mail and several hostile things, by the command."""
    rng = random.Random(seed)
    folder = scratch / "folder"
    folder.mkdir()
    (folder / "good.eml").write_bytes(SEEDS[0])
    chosen = rng.sample(HOSTILE, rng.randint(3, len(HOSTILE)))
    for number, make in enumerate(chosen):
        make(folder / f"{number}{rng.choice(('', '.eml', '.csv'))}")
    what = "a folder with " + ", ".join(make.__name__.strip("_").replace("_", " ") for make in chosen)
    done = ended(scratch / "home", "ingest", "--json", "--events", folder)
    fault = done.fault(0, 1) or balance(done.summary)
    if not fault and done.summary.get("events_new", 0) < 1:
        fault = "the good mail is not stored"
    yield Trial(what, fault)


PART: Final = Part("folders", "pipes, sockets, devices, links that lead astray, noise", trials)
