"""Where rows and files that are not read are set aside, and the account of an input. Knows nothing of what is bad.

The account: every row, message and file of an input ends in one of three ways. It is a clean row, it is set aside
(`add`) or it is passed over (`pass_over`). The readers count what they meet (`count_found`) apart from that, so that
clean + set aside + passed over = found can be checked.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

import numpy as np

from graph.errors import InputError, RingleaderError

MAX_EXCERPT: Final = 200  # characters; enough to find the row, too little to copy a mailbox into a log
MAX_EXAMPLES: Final = 10  # files passed over that the summary can name; the quarantine file names them all
MAX_EARLIER: Final = 4_000_000  # lines of earlier ingests that are remembered: eight bytes each
_DIGEST_BYTES: Final = 8  # two of four million lines share a digest with odds of one in two million


class Earlier:
    """The lines that a folder of quarantine files holds, as digests. The newest `MAX_EARLIER` are remembered.

    The folder is read when the first line is looked for. A line of an earlier ingest is not written again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: np.ndarray | None = None

    def holds(self, line: str) -> bool:
        """Whether an earlier ingest wrote this line."""
        if self._digests is None:
            self._digests = np.unique(np.fromiter(self._read(), np.uint64, count=-1))
        digest = np.uint64(_digest(line.encode()))  # as the array's own type: else numpy copies it at every look
        place = int(np.searchsorted(self._digests, digest))
        return place < len(self._digests) and bool(self._digests[place] == digest)

    def _read(self) -> Iterator[int]:
        room = MAX_EARLIER
        for path in sorted(self._folder.glob("*.jsonl"), reverse=True):  # their names begin with their time
            try:
                with path.open("rb") as lines:
                    for line in lines:
                        yield _digest(line.rstrip(b"\n"))
                        room -= 1
                        if not room:
                            return
            except OSError:  # what cannot be read cannot be compared: its rows are written once more
                continue


def _digest(line: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(line, digest_size=_DIGEST_BYTES).digest(), "little")


class Quarantine:
    """A JSON Lines file of `{"file", "row", "reason", "excerpt"}`, made when the first line arrives, and the account.

    `row` is the 1-based number of the data row (or of the message in a mailbox), null for a whole file that is passed
    over. An existing file is appended to, and several objects may share one. A line that `earlier` holds is counted
    and not written again. With `keep_going` a file that cannot be read at all is noted in `errors`; without, its error
    is raised. Raises RingleaderError where the file cannot be written, since a row must not vanish unseen.

    Attributes, all since this object was made: `found` is what the readers met, `count` the rows set aside with their
    `reasons`, `before` those of them that an earlier ingest had set aside, `passed_over` the files not read with
    `pass_reasons` and the first `examples`.
    """

    def __init__(self, path: Path, earlier: Earlier | None = None, keep_going: bool = False) -> None:
        self.path = path
        self.found = 0
        self.count = 0
        self.before = 0
        self.reasons: Counter[str] = Counter()
        self.passed_over = 0
        self.pass_reasons: Counter[str] = Counter()
        self.examples: list[tuple[str, str]] = []
        self.errors: list[InputError] = []
        self._earlier = earlier
        self._keep_going = keep_going
        self._file: TextIO | None = None

    def count_found(self, number: int) -> None:
        """The reader met so many more rows, messages or further events of a message."""
        self.found += number

    def add(self, file: str | Path, row: int | None, reason: str, excerpt: str = "") -> None:
        """Set one row aside. The excerpt is cut to `MAX_EXCERPT` characters."""
        self.count += 1
        self.reasons[reason] += 1
        self.before += not self._write(file, row, reason, excerpt)

    def pass_over(self, file: str | Path, reason: str) -> None:
        """A whole file, or a named part of a message, that is not read: counted as found and as passed over."""
        self.found += 1
        self.passed_over += 1
        self.pass_reasons[reason] += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append((str(file), reason))
        self._write(file, None, f"passed over: {reason}", "")

    def refuse(self, error: InputError, is_file: bool = True) -> None:
        """A path that cannot be read at all. Raises `error`, or with `keep_going` notes it and lets the rest go on.

        The file behind it is passed over; `is_file` is False where there is none, as for a path that is missing.
        """
        if not self._keep_going:
            raise error
        self.errors.append(error)
        if is_file:
            self.pass_over(error.thing, error.reason)

    def close(self) -> None:
        """Write what is buffered and close the file; adding opens it again."""
        file, self._file = self._file, None
        try:
            if file is not None:
                file.close()
        except OSError as error:
            raise self._unwritable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, file: str | Path, row: int | None, reason: str, excerpt: str) -> bool:
        """Whether the line is new to the home; one that is not is left unwritten."""
        line = json.dumps({"file": str(file), "row": row, "reason": reason, "excerpt": shorten(excerpt)})
        if self._earlier is not None and self._earlier.holds(line):
            return False
        try:
            self._opened().write(line + "\n")
        except OSError as error:
            raise self._unwritable(error) from error
        return True

    def _unwritable(self, error: OSError) -> RingleaderError:
        reason = f"rows cannot be set aside ({(error.strerror or str(error)).lower()})"
        return RingleaderError(str(self.path), reason, "Make room, or give a home that may be written")

    def _opened(self) -> TextIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A line at a time, since the quarantines of several kinds of input may share the file.
            self._file = self.path.open("a", encoding="ascii", buffering=1)
        return self._file


def shorten(text: str) -> str:
    """The first `MAX_EXCERPT` characters, and how many more there were."""
    if len(text) <= MAX_EXCERPT:
        return text
    return f"{text[:MAX_EXCERPT]}… ({len(text) - MAX_EXCERPT:,} more characters)"
