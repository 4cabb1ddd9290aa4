"""The look-up file of a snapshot: node -> ready-made JSON fields, in LMDB. Knows no HTTP and no risk model.

A value is the inside of a JSON object without its braces, so that a server answers by joining bytes: nothing is
decoded, computed or encoded on the way out.
"""

import hashlib
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, islice
from math import fsum
from operator import itemgetter
from pathlib import Path

import lmdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from graph.keys import aliases
from graph.schema import BASE, REST

NODE_KINDS = ("sender", "domain")  # those that a refresh scores
ARTEFACT_KINDS = ("network", "fingerprint")  # those that lend a risk to senders not seen before
MAX_KEY_BYTES = 511  # LMDB's limit, compiled in
_HASHED = b"\x01"  # stands where the NUL of a plain key stands, so that a digest never equals a key
_MAP_SIZE = 1 << 30  # of address space, to begin with
_BATCH = 10_000
_JOINED = ("key", "risk", "decision", "campaign_id", "first_seen", "last_seen", "events")
_CLOSE_SECONDS = 5.0  # far more than LMDB needs to close a file
_open: "weakref.WeakValueDictionary[str, LookupIndex]" = weakref.WeakValueDictionary()
_opening = threading.Lock()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Reason(msgspec.Struct):
    relation: str
    artefact: str | None
    contribution: float
    peers: int | None
    examples: list[str] | None
    needed: bool | None
    sentence: str


class Explanation(msgspec.Struct):
    """What a node's log-odds are made of: `base`, its reasons, and `rest`; None where it was not explained.

    `removable`: whether the node would be under the line without the reasons marked `needed`.
    """

    reasons: list[Reason]
    log_odds: float | None = None
    base: float | None = None
    sum_of_reasons: float | None = None
    rest: float | None = None
    removable: bool | None = None


_UNEXPLAINED = Explanation([])
_NO_MORE: tuple[None, Explanation] = (None, _UNEXPLAINED)


class NodeFields(msgspec.Struct):
    """What is answered about a known node, before snapshot, model and as_of are added."""

    kind: str
    key: str
    found: bool
    risk: float
    decision: str
    campaign_id: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    events: int | None
    log_odds: float | None
    base: float | None
    sum_of_reasons: float | None
    rest: float | None
    removable: bool | None
    reasons: list[Reason]


def index_key(kind: str, key: str) -> bytes:
    """The LMDB key of a node: `kind NUL key`, or a digest in its place where that is longer than LMDB takes."""
    text = key.encode("utf-8", "surrogatepass")
    plain = kind.encode() + b"\0" + text
    if len(plain) <= MAX_KEY_BYTES:
        return plain
    return kind.encode() + _HASHED + hashlib.sha256(text).digest()


def write_index(path: Path, scores: pa.Table, reasons: pa.Table, seen: dict[str, pa.Table], lent: pa.Table) -> int:
    """Write the look-up file; returns the number of nodes and artefacts in it.

    A node whose key is not canonical is found by its canonical spelling too, unless that is another node's key.
    `scores` are DECIDED_SCORES and `reasons` REASONS of `graph.schema`; `seen[kind]` has key, events, first_seen and
    last_seen of a kind's nodes; `lent` has kind, key, risk and campaign_id of artefacts. Entries stream through, a
    batch at a time. The caller makes the bytes durable. Raises lmdb.Error or OSError where the disk refuses.
    """
    second = _second_names(scores, seen)
    count = -len(second)  # each is an entry more, and no node more
    with lmdb.open(str(path), subdir=False, map_size=_MAP_SIZE, sync=False, lock=False, mode=0o600) as environment:
        for batch in _batches(chain(_artefacts(lent), _nodes(scores, reasons, seen, second))):
            _put(environment, batch)
            count += len(batch)
        environment.sync(True)
    return count


def _put(environment: lmdb.Environment, batch: list[tuple[bytes, bytes]]) -> None:
    """Put a batch, in a larger map where this one is full. The map is address space; the file holds what was put."""
    while True:
        try:
            with environment.begin(write=True) as transaction, transaction.cursor() as cursor:
                cursor.putmulti(batch)
        except lmdb.MapFullError:
            environment.set_mapsize(2 * environment.info()["map_size"])
        else:
            return


class LookupIndex:
    """A read-only look-up file, mapped; it goes on answering after its name is removed. Made by `open_index`."""

    def __init__(self, path: Path) -> None:
        self._environment = lmdb.open(
            str(path), subdir=False, readonly=True, lock=False, create=False, max_spare_txns=8, readahead=False
        )

    def get(self, kind: str, key: str) -> bytes | None:
        """The JSON fields of one node, without braces."""
        with self._environment.begin() as transaction:
            value: bytes | None = transaction.get(index_key(kind, key))
        return value

    def get_many(self, nodes: Iterable[tuple[str, str]]) -> list[bytes | None]:
        """The same for many, in the order asked."""
        with self._environment.begin() as transaction:
            return [transaction.get(index_key(kind, key)) for kind, key in nodes]


def open_index(path: Path) -> LookupIndex:
    """Map a look-up file. LMDB refuses to open one file twice in a process, so those who ask again share it.

    Where the last one is being let go at this moment, it is forgotten here before LMDB has closed it: then we wait.
    """
    name = str(path.resolve())
    deadline = time.monotonic() + _CLOSE_SECONDS
    while True:
        with _opening:
            if (index := _open.get(name)) is not None:
                return index
            try:
                index = _open[name] = LookupIndex(path)
            except lmdb.Error as error:
                if "already open" not in str(error) or time.monotonic() > deadline:
                    raise
            else:
                return index
        time.sleep(0.001)


def _second_names(scores: pa.Table, seen: dict[str, pa.Table]) -> dict[tuple[str, str], str]:
    """(kind, key) of nodes that are found by another spelling too -> that spelling; the first of several has it."""
    names: dict[tuple[str, str], str] = {}
    for kind, nodes in seen.items():
        scored = scores.filter(pc.equal(scores["kind"], kind))["key"]
        others = aliases(kind, scored)
        spelled = pa.array(list(others), pa.string())
        taken = set(spelled.filter(pc.is_in(spelled, value_set=nodes["key"].combine_chunks())).to_pylist())
        names |= {(kind, keys[0]): spelling for spelling, keys in others.items() if spelling not in taken}
    return names


def _nodes(
    scores: pa.Table, reasons: pa.Table, seen: dict[str, pa.Table], second: dict[tuple[str, str], str]
) -> Iterator[tuple[bytes, bytes]]:
    encode = msgspec.json.Encoder().encode
    for kind in sorted(NODE_KINDS):
        mine = scores.filter(pc.equal(scores["kind"], kind)).sort_by("key")
        why = _explanations(reasons.filter(pc.equal(reasons["kind"], kind)))
        told, found = next(why, _NO_MORE)
        for key, risk, decision, campaign, first, last, events in _joined(mine, seen[kind]):
            while told is not None and told < key:  # a reason for a node without a score
                told, found = next(why, _NO_MORE)
            mine = found if told == key else _UNEXPLAINED
            parts = (mine.log_odds, mine.base, mine.sum_of_reasons, mine.rest, mine.removable, mine.reasons)
            node = NodeFields(kind, key, True, risk, decision, campaign, first, last, events, *parts)
            fields = encode(node)[1:-1]
            yield index_key(kind, key), fields
            if (kind, key) in second:
                yield index_key(kind, second[kind, key]), fields


def _artefacts(lent: pa.Table) -> Iterator[tuple[bytes, bytes]]:
    encode = msgspec.json.Encoder().encode
    for row in lent.to_pylist():
        yield index_key(row["kind"], row["key"]), encode(row)[1:-1]


def _joined(scores: pa.Table, seen: pa.Table) -> Iterator[tuple[str, float, str, str | None, datetime, datetime, int]]:
    rows = pc.index_in(scores["key"], value_set=seen["key"].combine_chunks())
    facts = seen.select(["first_seen", "last_seen", "events"]).take(rows)
    told = scores.select(["key", "risk", "decision", "campaign_id"])
    for batch in pa.table([*told.columns, *facts.columns], names=_JOINED).to_batches(_BATCH):
        yield from zip(*(_values(column) for column in batch.columns), strict=True)


def _values(column: pa.Array) -> list[object]:
    """Python values; times by way of integers, several times faster than Arrow's own conversion."""
    if not pa.types.is_timestamp(column.type):
        values: list[object] = column.to_pylist()
        return values
    micros = column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    return [None if value is None else _EPOCH + timedelta(microseconds=value) for value in micros]


def _explanations(reasons: pa.Table) -> Iterator[tuple[str | None, Explanation]]:
    """(key, its explanation) of one kind, by key: the order of text in Arrow and in Python is the same."""
    ordered = reasons.sort_by([("key", "ascending"), ("rank", "ascending")])
    columns = ordered.select(["key", *Reason.__struct_fields__])
    rows = chain.from_iterable(
        zip(*(column.to_pylist() for column in batch.columns), strict=True) for batch in columns.to_batches(_BATCH)
    )
    for key, group in groupby(rows, key=itemgetter(0)):
        yield key, _explanation([Reason(*row[1:]) for row in group])


def _explanation(parts: list[Reason]) -> Explanation:
    """The parts of a node, `base` and `rest` apart from those that are listed."""
    apart = {part.relation: part.contribution for part in parts if part.relation in (BASE, REST)}
    listed = [part for part in parts if part.relation not in apart]
    if not apart:
        return Explanation(listed)
    total, removable = fsum(part.contribution for part in listed), any(part.needed for part in listed)
    base, rest = apart[BASE], apart[REST]
    return Explanation(listed, base + total + rest, base, total, rest, removable)


def _batches(items: Iterable[tuple[bytes, bytes]]) -> Iterator[list[tuple[bytes, bytes]]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
