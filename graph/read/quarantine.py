"""Where rows that cannot be read are set aside: one JSON line each. Knows nothing of what makes a row bad."""

import json
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from graph.errors import RingleaderError

MAX_EXCERPT: Final = 200  # characters; enough to find the row, too little to copy a mailbox into a log


class Quarantine:
    """A JSON Lines file of `{"file", "row", "reason", "excerpt"}`, made when the first row arrives.

    `row` is the 1-based number of the data row (or of the message in a mailbox). `count` and `reasons` sum up what
    was added since this object was made; an existing file is appended to. Raises RingleaderError where the file cannot
    be written, since a row must not vanish unseen.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.reasons: Counter[str] = Counter()
        self._file: TextIO | None = None

    def add(self, file: str | Path, row: int | None, reason: str, excerpt: str = "") -> None:
        """Set one row aside. The excerpt is cut to `MAX_EXCERPT` characters."""
        self.count += 1
        self.reasons[reason] += 1
        line = {"file": str(file), "row": row, "reason": reason, "excerpt": shorten(excerpt)}
        try:
            self._opened().write(json.dumps(line) + "\n")
        except OSError as error:
            raise self._unwritable(error) from error

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

    def _unwritable(self, error: OSError) -> RingleaderError:
        reason = f"rows cannot be set aside ({(error.strerror or str(error)).lower()})"
        return RingleaderError(str(self.path), reason, "Make room, or give a home that may be written")

    def _opened(self) -> TextIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a", encoding="ascii")
        return self._file


def shorten(text: str) -> str:
    """The first `MAX_EXCERPT` characters, and how many more there were."""
    if len(text) <= MAX_EXCERPT:
        return text
    return f"{text[:MAX_EXCERPT]}… ({len(text) - MAX_EXCERPT:,} more characters)"
