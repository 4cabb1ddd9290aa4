"""Files that are old or new, never half: temporary name, fsync, rename, fsync of the folder. Knows no format.

A temporary file is called `.<name>.<pid>.tmp` (the thread's id is in it too where threads may race) and lies beside
its target, so that the rename stays within one file system and whoever cleans up can tell it from real content by its
name alone.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = ".tmp"
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700  # of a home: keys, verdicts and correspondences are its owner's alone
LONGEST_NAME = 255  # bytes that the usual file systems allow


@contextmanager
def replace_with(path: Path, mode: int | None = PRIVATE_FILE) -> Iterator[Path]:
    """Yield a temporary path to write; on a clean exit it becomes `path`, on an error `path` stays as it was.

    It gets the permissions `mode`, whatever the umask is; None leaves them as the umask has them.
    A caller that removes the temporary file before leaving gives up the replacement: `path` stays as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield temporary
        if temporary.exists():
            if mode is not None:
                temporary.chmod(mode)
            sync_file(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def create_with(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write; on a clean exit it becomes `path` unless another was there first, which stays.

    Several threads and processes may create the same file at a time: whoever opens it sees one of theirs, whole.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{TEMPORARY}")
    try:
        yield temporary
        temporary.chmod(PRIVATE_FILE)
        sync_file(temporary)
        with suppress(FileExistsError):
            os.link(temporary, path)
        sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Put `data` at `path`, durably and all at once."""
    with replace_with(path) as temporary:
        temporary.write_bytes(data)


def point_to(pointer: Path, name: str) -> None:
    """Make the pointer file say `name`; readers see the old name or the new one."""
    write_bytes(pointer, f"{name}\n".encode())


def read_pointer(pointer: Path) -> str | None:
    """What the pointer file says, or None where there is none or it is empty. Raises OSError, UnicodeDecodeError."""
    try:
        return pointer.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def is_name(text: str) -> bool:
    """Whether the text can be the name of an entry beside its pointer, and leads nowhere else."""
    plain = text.isprintable() and text == Path(text).name and text not in ("", ".", "..")
    return plain and len(text.encode(errors="replace")) <= LONGEST_NAME


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents, each entered durably into its own parent and for its owner alone."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(PRIVATE_FOLDER, exist_ok=True)
    sync_folder(folder.parent)


def is_temporary(path: Path) -> bool:
    """Whether `path` is what a killed `replace_with` left behind."""
    return path.name.startswith(".") and path.name.endswith(TEMPORARY)


def sync_file(path: Path) -> None:
    """Ask the disk to keep the file's content (fsync works on any descriptor of the file)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Ask the disk to keep the folder's entries: a rename is not durable before."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
