"""Whether rows keep the contract: columns in, clean columns and quarantine lines out. Knows nothing of file formats.

Whole columns are checked at once; only rows that break a rule are looked at one by one.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph import schema
from graph.errors import InputError
from graph.read.options import ReadOptions
from graph.read.quarantine import Quarantine

IN_FUTURE: Final = "is in the future"  # how reasons of rows ahead of the clock end
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)  # mail is younger; an earlier time is an unset clock
_ISO: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?"
_ZONED: Final = _ISO + r"(Z|[+-]\d\d(:?\d\d)?)$"
_NAIVE: Final = _ISO + "$"
_OCTET: Final = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4: Final = rf"^{_OCTET}(\.{_OCTET}){{3}}$"
_CONTROL: Final = r"[\x00-\x1f\x7f]"
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"  # what a decoder leaves where the bytes were not UTF-8
_EXCERPT_VALUE: Final = 60  # characters of each value in an excerpt


@dataclass(frozen=True)
class Column:
    """One column of the contract. `kind`: text, choice, time, texts or ip."""

    name: str
    kind: str
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contract:
    """The columns of one input and the schema that clean rows have."""

    name: str
    columns: tuple[Column, ...]
    schema: pa.Schema


EVENTS: Final = Contract(
    "events",
    (
        Column("event_id", "text"),
        Column("ts", "time"),
        Column("channel", "choice", choices=schema.CHANNELS),
        Column("sender", "text"),
        Column("recipients", "texts"),
        Column("domains", "texts"),
        Column("ip", "ip", required=False),
        Column("fingerprint", "text", required=False),
    ),
    schema.EVENTS,
)
REPORTS: Final = Contract(
    "reports",
    (
        Column("event_id", "text"),
        Column("reporter", "text"),
        Column("ts", "time"),
        Column("kind", "choice", choices=schema.REPORT_KINDS),
    ),
    schema.REPORTS,
)
VERDICTS: Final = Contract(
    "verdicts",
    (
        Column("kind", "choice", choices=schema.VERDICT_KINDS),
        Column("key", "text"),
        Column("verdict", "choice", choices=schema.VERDICTS),
        Column("ts", "time"),
        Column("source", "text"),
    ),
    schema.VERDICT_ROWS,
)
MAY_BE_EMPTY: Final = frozenset({"domains"})


@dataclass(frozen=True)
class RawRows:
    """Columns as a file gave them, of any type, and the 1-based data row number of each row."""

    file: str
    columns: pa.RecordBatch
    numbers: Sequence[int]


@dataclass
class _Checks:
    """What was found wrong so far: a mask of rows and the reason, in the order of looking."""

    rows: RawRows
    options: ReadOptions
    faults: list[tuple[np.ndarray, str]]

    def fault(self, mask: Any, reason: str) -> None:
        found = mask if isinstance(mask, np.ndarray) else _mask(mask)
        if found.any():
            self.faults.append((found, reason))


def check_columns(names: Sequence[str], contract: Contract, file: str) -> list[str]:
    """The contract's columns that a file has. Raises InputError naming the required ones it lacks."""
    missing = [column.name for column in contract.columns if column.required and column.name not in names]
    if missing:
        reason = f"no column {', '.join(map(repr, missing))} (it has {', '.join(map(repr, names[:20])) or 'none'})"
        raise InputError(file, reason, f"Name the columns of {contract.name} as docs and README say")
    return [column.name for column in contract.columns if column.name in names]


def clean_rows(rows: RawRows, contract: Contract, options: ReadOptions, quarantine: Quarantine) -> pa.RecordBatch:
    """The rows that keep the contract, in its schema; the others go to quarantine with file, number and reason.

    A column is judged by what it holds: where its type cannot hold what the contract asks for, its nulls are nulls and
    every row with a value in it is set aside.
    """
    checks = _Checks(rows, options, [])
    names = rows.columns.schema.names
    arrays: list[pa.Array] = []
    for column in contract.columns:
        if column.name in names:
            arrays.append(_COERCE[column.kind](rows.columns.column(column.name), column, checks))
        else:
            arrays.append(pa.nulls(rows.columns.num_rows, contract.schema.field(column.name).type))
    clean = pa.RecordBatch.from_arrays(arrays, schema=contract.schema)
    return _without_faults(clean, checks, quarantine) if checks.faults else clean


def _without_faults(clean: pa.RecordBatch, checks: _Checks, quarantine: Quarantine) -> pa.RecordBatch:
    bad = np.logical_or.reduce([mask for mask, _ in checks.faults])
    for index in np.flatnonzero(bad).tolist():
        reason = next(reason for mask, reason in checks.faults if mask[index])
        row = checks.rows.columns.slice(index, 1)
        quarantine.add(checks.rows.file, int(checks.rows.numbers[index]), reason, excerpt_of(_plain(row)))
    return clean.filter(pa.array(~bad))


def _plain(row: pa.RecordBatch) -> dict[str, Any]:
    """The values of one row; a time that no calendar of Python holds is told as the number that the file has."""
    values: dict[str, Any] = {}
    for name, column in zip(row.schema.names, row.columns, strict=True):
        try:
            values[name] = column[0].as_py()
        except (OverflowError, ValueError):
            values[name] = str(column.view(pa.int64() if column.type.bit_width == 64 else pa.int32())[0])
    return values


def excerpt_of(row: dict[str, Any]) -> str:
    """A row as short JSON: every value cut, so that one long value hides none of the others."""
    return json.dumps({name: _cut(value) for name, value in row.items() if value is not None}, default=str)


def _cut(value: Any) -> Any:
    if isinstance(value, bytes):
        value = value[: _EXCERPT_VALUE * 4].decode("utf-8", "replace")
    if isinstance(value, list):
        return [_cut(item) for item in value[:2]] + (["…"] if len(value) > 2 else [])
    return value[:_EXCERPT_VALUE] + "…" if isinstance(value, str) and len(value) > _EXCERPT_VALUE else value


# ---- One coercion for each kind of column -------------------------------------------------------------------


def _text(array: pa.Array, column: Column, checks: _Checks) -> pa.Array:
    texts = _as_strings(array, column, checks, checks.fault)
    _check_texts(texts, column.name, checks, checks.fault)
    if column.required:
        checks.fault(_missing(texts), f"{column.name} is missing")
        return texts
    return _null_if_empty(texts)


def _choice(array: pa.Array, column: Column, checks: _Checks) -> pa.Array:
    texts = _as_strings(array, column, checks, checks.fault)
    checks.fault(_missing(texts), f"{column.name} is missing")
    known = pc.is_in(texts, value_set=pa.array(column.choices))
    checks.fault(pc.invert(known), f"{column.name} is none of {', '.join(column.choices)}")
    return texts


def _ip(array: pa.Array, column: Column, checks: _Checks) -> pa.Array:
    texts = _null_if_empty(_as_strings(array, column, checks, checks.fault))
    unusual = pc.invert(pc.match_substring_regex(texts, _IPV4)).fill_null(False)
    if _mask(unusual).any():
        values = pc.unique(texts.filter(unusual)).to_pylist()
        wrong = pa.array([value for value in values if not _is_ip(value)], pa.string())
        checks.fault(pc.is_in(texts, value_set=wrong), f"{column.name} is no IPv4 or IPv6 address")
    return texts


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _texts(array: pa.Array, column: Column, checks: _Checks) -> pa.Array:
    lists = _as_lists(array, column, checks)
    empty = pc.equal(pc.list_value_length(lists), 0).fill_null(True)
    if column.name not in MAY_BE_EMPTY:
        checks.fault(lists.is_null(), f"{column.name} is missing")
        checks.fault(empty, f"{column.name} is an empty list")
    parents = pc.list_parent_indices(lists)
    values = lists.flatten()

    def fault(mask: Any, reason: str) -> None:
        entries = mask if isinstance(mask, np.ndarray) else _mask(mask)
        if entries.any():
            rows = np.zeros(len(lists), bool)
            rows[parents.to_numpy()[entries]] = True
            checks.fault(rows, reason)

    entries = _as_strings(values, column, checks, fault)
    fault(_missing(entries), f"{column.name} has a null or empty entry")
    _check_texts(entries, column.name, checks, fault)
    offsets = np.concatenate(([0], np.cumsum(_lengths(lists)))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), entries)


def _lengths(lists: pa.Array) -> np.ndarray:
    return np.asarray(pc.list_value_length(lists).fill_null(0).to_numpy())


def _as_lists(array: pa.Array, column: Column, checks: _Checks) -> pa.Array:
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), schema.TEXTS)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return array
    if _is_texty(array.type):
        return split_list(_as_strings(array, column, checks, checks.fault))
    if pa.types.is_nested(array.type) and hasattr(array.type, "value_type"):
        return array.cast(pa.list_(array.type.value_type))
    _fault_of_type(array, column, checks.fault)
    return pa.nulls(len(array), schema.TEXTS)


def _fault_of_type(array: pa.Array, column: Column, fault: Callable[[Any, str], None]) -> None:
    wanted = {"time": "timestamp (UTC)", "texts": "list of string"}.get(column.kind, "string")
    fault(array.is_valid(), f"{column.name} holds {array.type}, not {wanted}")


def split_list(texts: pa.Array) -> pa.Array:
    """Lists of the `;`-separated pieces of texts; blank pieces are dropped, a null text stays null."""
    tidy = pc.replace_substring_regex(texts, r"\s*;[;\s]*", ";")
    tidy = pc.utf8_trim(tidy, characters="; \t\r\n")
    pieces = pc.split_pattern(tidy, ";")
    return pc.if_else(pc.equal(tidy, ""), pa.scalar([], schema.TEXTS), pieces)


def _time(array: pa.Array, column: Column, checks: _Checks) -> pa.Array:
    times = _as_times(array, column, checks)
    latest = checks.options.now + checks.options.future_tolerance
    checks.fault(_late(times, latest), f"{column.name} {IN_FUTURE}")
    checks.fault(pc.less(times, pa.scalar(EARLIEST, schema.TIME)).fill_null(False), f"{column.name} is before 1970")
    checks.fault(times.is_null(), f"{column.name} is missing")
    return times


def _late(times: pa.Array, latest: datetime) -> Any:
    return pc.greater(times, pa.scalar(latest, schema.TIME)).fill_null(False)


def _as_times(array: pa.Array, column: Column, checks: _Checks) -> pa.Array:
    kind = array.type
    if pa.types.is_null(kind):
        return pa.nulls(len(array), schema.TIME)
    if pa.types.is_timestamp(kind):
        # No zone means UTC; a zone only says how to print it.
        return array.cast(pa.timestamp(kind.unit)).cast(pa.timestamp("us"), safe=False).cast(schema.TIME)
    if _is_texty(kind):
        return _parsed_times(_as_strings(array, column, checks, checks.fault), column, checks)
    _fault_of_type(array, column, checks.fault)
    return pa.nulls(len(array), schema.TIME)


def _parsed_times(texts: pa.Array, column: Column, checks: _Checks) -> pa.Array:
    """ISO 8601, with or without a zone (none means UTC); whole columns in the usual spelling, others one by one."""
    texts = _null_if_empty(texts)
    zoned = pc.match_substring_regex(texts, _ZONED).fill_null(False)
    naive = pc.match_substring_regex(texts, _NAIVE).fill_null(False)
    try:
        with_zone = pc.if_else(zoned, texts, None).cast(schema.TIME)
        without = pc.if_else(naive, texts, None).cast(pa.timestamp("us")).cast(schema.TIME)
        usual = pc.coalesce(with_zone, without)
    except pa.ArrowInvalid:  # the right form but no such day, as February 30
        usual = pa.nulls(len(texts), schema.TIME)
    rest = np.flatnonzero(_mask(usual.is_null()) & _mask(texts.is_valid()))
    if not rest.size:
        return usual
    times = usual.cast(pa.int64()).to_pylist()
    unreadable = np.zeros(len(texts), bool)
    for index in rest.tolist():
        times[index] = _parse_one(texts[index].as_py())
        unreadable[index] = times[index] is None
    checks.fault(unreadable, f"{column.name} is no ISO 8601 time")
    return pa.array(times, pa.int64()).cast(schema.TIME)


def _parse_one(text: str) -> int | None:
    if not re.match(r"\d{4}-?\d\d-?\d\d|\d{4}-?W\d\d", text, re.ASCII):
        return None
    try:
        time = datetime.fromisoformat(text.strip())
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        return (time - EARLIEST) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


# ---- Strings ------------------------------------------------------------------------------------------------


def _is_texty(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_texty(kind.value_type)
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    return any(test(kind) for test in (*tests, *binary))


def _as_strings(array: pa.Array, column: Column, checks: _Checks, fault: Callable[[Any, str], None]) -> pa.Array:
    """The column as trimmed, valid UTF-8; a row whose text is not UTF-8 becomes null and a fault."""
    if not _is_texty(array.type):
        _fault_of_type(array, column, fault)
        return pa.nulls(len(array), pa.string())
    raw = array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array
    raw = raw.cast(pa.binary()) if not pa.types.is_null(raw.type) else pa.nulls(len(raw), pa.binary())
    if _is_plain(raw):
        return raw.cast(pa.string())
    try:
        texts = raw.cast(pa.string())
    except pa.ArrowInvalid:
        texts, wrong = _decoded_one_by_one(raw)
        fault(wrong, f"{column.name} is not UTF-8")
    return pc.utf8_trim_whitespace(texts)


def _is_plain(raw: pa.Array) -> bool:
    """Whether the bytes are visible ASCII throughout: then there is nothing to decode, trim or refuse."""
    if not len(raw) or raw.buffers()[2] is None:
        return True
    offsets = np.frombuffer(raw.buffers()[1], np.int32)[raw.offset : raw.offset + len(raw) + 1]
    data = np.frombuffer(raw.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    return data.size == 0 or bool(data.min() > 0x20 and data.max() < 0x7F)


def _decoded_one_by_one(raw: pa.Array) -> tuple[pa.Array, np.ndarray]:
    texts: list[str | None] = []
    wrong = np.zeros(len(raw), bool)
    for index, value in enumerate(raw.to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(None)
            wrong[index] = True
    return pa.array(texts, pa.string()), wrong


def _check_texts(texts: pa.Array, name: str, checks: _Checks, fault: Callable[[Any, str], None]) -> None:
    bound = checks.options.max_text_bytes
    fault(pc.greater(pc.binary_length(texts), bound), f"{name} is longer than {bound:,} bytes")
    if not _is_plain(texts):
        fault(pc.match_substring_regex(texts, _CONTROL), f"{name} holds a control character")
        fault(pc.match_substring(texts, _REPLACED), f"{name} is not UTF-8")


def _missing(texts: pa.Array) -> np.ndarray:
    return _mask(pc.equal(pc.binary_length(texts).fill_null(0), 0))


def _null_if_empty(texts: pa.Array) -> pa.Array:
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, None, texts) if _mask(empty).any() else texts


def _mask(booleans: Any) -> np.ndarray:
    return np.asarray(booleans.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


_COERCE: Final[dict[str, Callable[[pa.Array, Column, _Checks], pa.Array]]] = {
    "text": _text,
    "choice": _choice,
    "time": _time,
    "texts": _texts,
    "ip": _ip,
}
