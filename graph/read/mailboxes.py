"""Raw messages out of files: one in an `.eml` or Maildir file, many in an mbox. Does not know what a message says."""

import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

import pyarrow as pa

from graph import schema
from graph.errors import InputError
from graph.read.foreign import FOREIGN, ForeignError, to_message
from graph.read.mail import MessageError, message_events
from graph.read.options import ReadOptions
from graph.read.quarantine import Quarantine
from graph.read.sources import EXPANSION_ERRORS, Source, damaged, open_expanded

# What may begin a message (RFC 4155, and what Thunderbird, Eudora and others write instead of it). A time of day with a
# blank line above is enough: software that forgets to quote a body line that begins with "From " rarely writes one.
_TIMED: Final = re.compile(rb"From (?![ \t]*:).{0,1000}?\d:\d\d")
# `From `, `From -`, `From ???@???` or an address alone count where a header line follows; other words only where they
# stand under a blank line and the header is one that mail programs write first.
_BARE: Final = re.compile(rb"From[ \t]+(?:-|[^\s:]{0,320}@[^\s:]{0,320}|MAILER-DAEMON)?[ \t]*\r?\n|From[ \t]*\r?\n")
_WORDS: Final = re.compile(rb"From (?![ \t]*:)")
_HEADER: Final = re.compile(rb"[!-9;-~]{1,100}[ \t]*:(?![/\\])|>?From ")
_FIRST_HEADER: Final = re.compile(
    rb"(?:return-path|received|delivered-to|x-[a-z0-9-]{1,60}|from|to|date|subject|message-id|mime-version|status"
    rb"|content-(?:type|length|transfer-encoding)|sender|reply-to|envelope-to|dkim-signature|arc-[a-z-]{1,40}"
    rb"|authentication-results)[ \t]*:",
    re.IGNORECASE,
)
_QUOTED_SEPARATOR: Final = re.compile(rb">+From ")
_LINE_BYTES: Final = 1 << 20  # read at once; a longer line comes in pieces
_EXCERPT_BYTES: Final = 1000


class MailReader:
    """Gathers the events of many small files into batches of `options.batch_rows`."""

    def __init__(self, options: ReadOptions, quarantine: Quarantine, progress: Callable[[int], None]) -> None:
        self._options = options
        self._quarantine = quarantine
        self._progress = progress
        self._events: list[dict[str, Any]] = []

    def read(self, source: Source) -> Iterator[pa.RecordBatch]:
        """Full batches as they fill up; `rest` gives what is left. Raises InputError as `read_events` does.

        In a folder a message file that cannot be read goes to quarantine: other programs move mail while we look.
        """
        try:
            for number, raw in messages_of(source, self._options):
                self._take(source, number, raw)
                if len(self._events) >= self._options.batch_rows:
                    yield self._batch()
        except InputError as error:
            if source.named or source.format == "mbox":
                self._quarantine.refuse(error)
                return
            self._quarantine.count_found(1)
            self._quarantine.add(source.path, 1, error.reason)
        except ForeignError as error:
            self._progress(1)
            self._quarantine.add(source.path, 1, str(error))

    def rest(self) -> Iterator[pa.RecordBatch]:
        """The last batch, if there is anything in it."""
        batch = self._batch()
        if batch.num_rows:
            yield batch

    def _take(self, source: Source, number: int, raw: bytes) -> None:
        self._progress(1)
        try:
            if len(raw) > self._options.max_message_bytes:
                raise MessageError(f"message longer than {self._options.max_message_bytes:,} bytes")
            events = message_events(raw, f"{source.path}:{number}", self._options)
            self._quarantine.count_found(max(len(events), 1))
            self._events.extend(events)
        except MessageError as error:
            self._quarantine.count_found(1)
            excerpt = raw[:_EXCERPT_BYTES].decode("utf-8", "replace")
            self._quarantine.add(source.path, number, str(error), excerpt)

    def _batch(self) -> pa.RecordBatch:
        batch = pa.RecordBatch.from_pylist(self._events, schema=schema.EVENTS)
        self._events = []
        return batch


def messages_of(source: Source, options: ReadOptions) -> Iterator[tuple[int, bytes]]:
    """The messages of a file with their numbers, from 1. One past `max_message_bytes` is cut just behind that.

    Raises InputError where the file cannot be read.
    """
    with open_expanded(source.path, options) as stream:
        try:
            if source.format == "mbox":
                yield from enumerate(_mbox_messages(stream, options.max_message_bytes + 1), 1)
            else:
                raw = stream.read(options.max_message_bytes + 1)
                yield 1, to_message(raw, source.format) if source.format in FOREIGN else raw
        except EXPANSION_ERRORS as error:
            raise damaged(source.path, error) from error


def _mbox_messages(stream: BinaryIO, most: int) -> Iterator[bytes]:
    """Messages with their envelope lines, quoting undone (mboxrd); one message in memory at a time."""
    lines: list[bytes] = []
    size = 0
    after_blank = at_line_start = True
    in_envelope = False  # some programs write two `From ` lines above one message
    line = stream.readline(_LINE_BYTES)
    while line:
        following = stream.readline(_LINE_BYTES)
        separates = at_line_start and line.startswith(b"From") and _begins_message(line, following, after_blank)
        if separates and not in_envelope:
            if any(part.strip() for part in lines):
                yield b"".join(lines)
            lines, size = [], 0
        elif at_line_start and _QUOTED_SEPARATOR.match(line):
            line = line[1:]
        after_blank = at_line_start and not line.strip(b"\r\n")
        at_line_start = line.endswith(b"\n")
        in_envelope = separates
        if size < most:
            lines.append(line[: most - size])
            size += len(lines[-1])
        line = following
    if any(part.strip() for part in lines):
        yield b"".join(lines)


def _begins_message(line: bytes, following: bytes, after_blank: bool) -> bool:
    """Whether a line that starts with `From` is the separator above a message, given the line below it."""
    if _TIMED.match(line):
        return after_blank or bool(_HEADER.match(following))
    if _BARE.match(line):
        return bool(_HEADER.match(following))
    return after_blank and bool(_WORDS.match(line)) and bool(_FIRST_HEADER.match(following))
