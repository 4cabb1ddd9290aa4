"""Raw messages out of files: one in an `.eml` or Maildir file, many in an mbox. Does not know what a message says."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pyarrow as pa

from graph import schema
from graph.errors import InputError
from graph.read.foreign import FOREIGN, ForeignError, to_message
from graph.read.mail import MessageError, message_events
from graph.read.mbox import mailbox_messages
from graph.read.options import ReadOptions
from graph.read.quarantine import Quarantine
from graph.read.sources import EXPANSION_ERRORS, Source, damaged, open_expanded

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
            self._quarantine.count_found(1)
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
            for event in events:
                _check_text(event)
        except Exception as error:  # noqa: BLE001 (no message stops the rest)
            reason = str(error) if isinstance(error, MessageError) else f"cannot be read ({type(error).__name__})"
            self._quarantine.count_found(1)
            self._quarantine.add(source.path, number, reason, raw[:_EXCERPT_BYTES].decode("utf-8", "replace"))
        else:
            self._quarantine.count_found(max(len(events), 1))
            self._events.extend(events)

    def _batch(self) -> pa.RecordBatch:
        batch = pa.RecordBatch.from_pylist(self._events, schema=schema.EVENTS)
        self._events = []
        return batch


def _check_text(event: dict[str, Any]) -> None:
    """Raise UnicodeEncodeError for half a surrogate pair, which no batch can hold."""
    "\n".join([event["event_id"], event["sender"], *event["recipients"], *event["domains"]]).encode()


def messages_of(source: Source, options: ReadOptions) -> Iterator[tuple[int, bytes]]:
    """The messages of a file with their numbers, from 1. One past `max_message_bytes` is cut just behind that.

    Raises InputError where the file cannot be read.
    """
    with open_expanded(source.path, options) as stream:
        try:
            if source.format == "mbox":
                yield from enumerate(mailbox_messages(stream, options.max_message_bytes + 1), 1)
            else:
                raw = stream.read(options.max_message_bytes + 1)
                is_whole = len(raw) <= options.max_message_bytes
                yield 1, to_message(raw, source.format) if is_whole and source.format in FOREIGN else raw
        except EXPANSION_ERRORS as error:
            raise damaged(source.path, error) from error
