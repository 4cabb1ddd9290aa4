"""The rows of a slice with integer codes in place of texts, and the texts behind them. Counts nothing, knows no Ibis.

A text's code is its place in a vocabulary, which grows as files are read, a batch of row groups at a time: memory holds
one batch and each distinct text once. Parquet keeps the texts of a row group as a dictionary and hands it out as one,
so that a text is hashed once in a row group and not once in an event. Codes have no order of their own;
`graph.window.tables` numbers the texts by bytes once the rows are counted.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.lake.dayfiles import damaged
from graph.schema import CHANNELS
from graph.window.clock import Clock
from graph.window.message_ids import MessageIds

CODES = pa.list_(pa.int32())
CODED_EVENTS = pa.schema(
    [
        ("at", pa.int64()),  # microseconds after the window's start
        ("channel", pa.int8()),  # position in CHANNELS
        ("sender", pa.int32()),
        ("recipients", CODES),
        ("sites", CODES),
        ("sender_site", pa.int32()),
        ("ip", pa.int32()),
        ("network", pa.int32()),
        ("fingerprint", pa.int32()),
        ("event", pa.int32()),  # code of the event's id; null where no report is about it
    ]
)
CODED_REPORTS = pa.schema(
    [
        ("event", pa.int32()),
        ("reporter", pa.int32()),
        ("bad", pa.bool_()),
        ("counted", pa.bool_()),  # given in the window; of a report that means several events the first alone
    ]
)
BAD_REPORTS = ("junk", "phish")
BATCH_ROWS = 2_500_000
NO_MESSAGE_IDS = MessageIds()


class Vocabulary:
    """The distinct texts of one kind in the order in which they are first seen. Several threads may ask for codes."""

    def __init__(self) -> None:
        self.texts: pa.Array = pa.array([], pa.string())
        self._lock = Lock()

    def codes(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """The code of each text of a dictionary column (int32), or of each in lists of them; new texts are added."""
        lists = pa.types.is_list(column.type)
        chunks = [chunk.values for chunk in column.chunks] if lists else column.chunks
        with self._lock:
            known = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), self.texts)
            unified = pa.chunked_array([known, *chunks]).unify_dictionaries().chunks
            self.texts = unified[0].dictionary
        codes = [chunk.indices for chunk in unified[1:]]
        if not lists:
            return pa.chunked_array(codes, pa.int32())
        parts = zip(column.chunks, codes, strict=True)
        return pa.chunked_array([pa.ListArray.from_arrays(chunk.offsets, items) for chunk, items in parts], CODES)


@dataclass(frozen=True)
class Vocabularies:
    """The texts of each kind that the rows read so far name."""

    senders: Vocabulary = field(default_factory=Vocabulary)
    recipients: Vocabulary = field(default_factory=Vocabulary)
    domains: Vocabulary = field(default_factory=Vocabulary)  # linked ones and senders' own
    networks: Vocabulary = field(default_factory=Vocabulary)
    fingerprints: Vocabulary = field(default_factory=Vocabulary)
    addresses: Vocabulary = field(default_factory=Vocabulary)
    reporters: Vocabulary = field(default_factory=Vocabulary)
    reported: Vocabulary = field(default_factory=Vocabulary)  # ids of events


def coded_reports(
    files: Sequence[Path], words: Vocabularies, clock: Clock, messages: MessageIds = NO_MESSAGE_IDS
) -> Iterator[pa.Table]:
    """CODED_REPORTS: the reports known at `as_of`, whatever event they are about."""
    for batch in _batches(files, ["event_id", "reporter", "ts", "kind"], ["event_id", "reporter"]):
        times = batch["ts"].cast(pa.int64())
        known = batch.append_column("counted", pc.greater(times, clock.start))
        known = known.filter(pc.less_equal(times, clock.as_of))
        known = _by_message(known, messages) if messages else known
        columns = {
            "event": words.reported.codes(known["event_id"]),
            "reporter": words.reporters.codes(known["reporter"]),
            "bad": pc.is_in(known["kind"], pa.array(BAD_REPORTS)),
            "counted": known["counted"],
        }
        yield pa.table(columns, schema=CODED_REPORTS)


def _by_message(reports: pa.Table, messages: MessageIds) -> pa.Table:
    """The reports with the events that they mean, a row for each."""
    places, events, counted = [], [], []
    asked = zip(reports["event_id"].to_pylist(), reports["reporter"].to_pylist(), strict=True)
    given = reports["counted"].to_pylist()
    for place, (event_id, reporter) in enumerate(asked):
        for at, meant in enumerate(messages.events_of(event_id, reporter)):
            places.append(place)
            events.append(meant)
            counted.append(given[place] and at == 0)
    rows = reports.take(pa.array(places, pa.int64())).drop_columns(["event_id", "counted"])
    ids = pa.chunked_array([pa.array(events, pa.string()).dictionary_encode()])
    return rows.append_column("event_id", ids).append_column("counted", pa.array(counted, pa.bool_()))


def coded_events(files: Sequence[Path], words: Vocabularies, clock: Clock) -> Iterator[pa.Table]:
    """CODED_EVENTS: the events with start < ts <= as_of. `words` knows the events with reports already."""
    vocabulary = {
        "recipients": words.recipients,
        "ip": words.addresses,
        "sender": words.senders,
        "fingerprint": words.fingerprints,
        "network": words.networks,
        "sites": words.domains,
        "sender_site": words.domains,
    }
    others = ["ts", "channel", *(["event_id"] if len(words.reported.texts) else [])]
    lists = {name: f"{name}.list.element" for name in ("recipients", "sites")}
    dictionaries = ["channel", *(lists.get(name, name) for name in vocabulary)]
    with ThreadPoolExecutor() as pool:
        for batch in _batches(files, [*others, *vocabulary], dictionaries):
            rows, at = _inside(batch, clock)
            codes = pool.map(
                lambda name, texts: vocabulary[name].codes(texts), vocabulary, map(rows.column, vocabulary)
            )
            columns = {
                "at": at,
                "channel": _positions(rows["channel"], CHANNELS),
                "event": _reported(rows, words.reported),
                **dict(zip(vocabulary, codes, strict=True)),
            }
            yield pa.table(columns, schema=CODED_EVENTS)


def _inside(rows: pa.Table, clock: Clock) -> tuple[pa.Table, pa.ChunkedArray]:
    """The rows inside the window, and the `at` of each."""
    at = pc.subtract(rows["ts"].cast(pa.int64()), clock.start)
    inside = pc.and_(pc.greater(at, 0), pc.less_equal(at, clock.span))
    return (rows, at) if pc.all(inside).as_py() else (rows.filter(inside), at.filter(inside))


def _positions(column: pa.ChunkedArray, names: Sequence[str]) -> pa.ChunkedArray:
    """The place of each text of a dictionary column among the names (int8)."""
    places = [pc.index_in(part.dictionary, pa.array(names)).take(part.indices) for part in column.chunks]
    return pa.chunked_array(places, pa.int32()).cast(pa.int8())


def _reported(rows: pa.Table, ids: Vocabulary) -> pa.Array | pa.ChunkedArray:
    if not len(ids.texts):
        return pa.nulls(len(rows), pa.int32())
    return pc.index_in(rows["event_id"], ids.texts)


def _batches(files: Sequence[Path], columns: list[str], dictionaries: list[str]) -> Iterator[pa.Table]:
    """The rows of the files, about BATCH_ROWS at a time. Raises LakeError that names a damaged file."""
    held: list[pa.Table] = []
    for file in files:
        for piece in _row_groups(file, columns, dictionaries):
            held.append(piece)
            if sum(map(len, held)) >= BATCH_ROWS:
                yield pa.concat_tables(held)
                held = []
    if held:
        yield pa.concat_tables(held)


def _row_groups(path: Path, columns: list[str], dictionaries: list[str]) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path, read_dictionary=dictionaries, page_checksum_verification=True) as file:
            for number in range(file.num_row_groups):
                yield file.read_row_group(number, columns)
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error
