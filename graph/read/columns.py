"""One coercion for each kind of column: what a column holds as the contract wants it, and what is wrong with it.

Knows no files and no quarantine. Whole columns are checked at once; only values that are out of the ordinary are
looked at one by one.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph import schema
from graph.read.contract import Column
from graph.read.lists import ListError, entries_of_cell, hosts_of_entry, is_listed, mailboxes_of
from graph.read.options import ReadOptions
from graph.read.texts import decoded, fault_of_type, is_plain, is_texty, lists_of, mask_of, strings_of
from graph.read.timestamps import EPOCH, from_numbers, from_texts, from_timestamps

IN_FUTURE: Final = "is in the future"  # how reasons of rows ahead of the clock end
MAY_BE_EMPTY: Final = frozenset({"domains"})
_OCTET: Final = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4: Final = rf"^{_OCTET}(\.{_OCTET}){{3}}$"
# What no plain address, account id or host holds: such an entry is read again with care.
_ODD_MAILBOX: Final = r"""[\s,;|<>"\[\]{}]|@.*@|^'|^mailto:"""
_ODD: Final = {"mailboxes": _ODD_MAILBOX, "hosts": r"[\x00-,/:-@\[-\^`{-\x7f]"}
_CONTROL: Final = r"[\x00-\x1f\x7f]"
_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"  # what a decoder leaves where the bytes were not UTF-8

Faults = list[tuple[np.ndarray, str]]  # masks of rows and the reason, in the order of looking


@dataclass
class Checks:
    """What is wrong with the rows so far."""

    options: ReadOptions
    faults: Faults

    def fault(self, mask: Any, reason: str) -> None:
        rows = mask if isinstance(mask, np.ndarray) else mask_of(mask)
        if rows.any():
            self.faults.append((rows, reason))


def coerced(array: pa.Array, column: Column, checks: Checks) -> pa.Array:
    """The column as the contract wants it; `checks` gets a fault for every row that it cannot serve."""
    return _COERCE[column.kind](array, column, checks)


def _text(array: pa.Array, column: Column, checks: Checks) -> pa.Array:
    texts = strings_of(array, column.name, checks.fault)
    _check_texts(texts, column.name, checks, checks.fault)
    if column.required:
        checks.fault(_missing(texts), f"{column.name} is missing")
        return texts
    return _null_if_empty(texts)


def _mailbox(array: pa.Array, column: Column, checks: Checks) -> pa.Array:
    """One address or account id; of `Name <address>` the address."""
    texts = _text(array, column, checks)
    odd = mask_of(pc.match_substring_regex(texts, _ODD_MAILBOX)) & mask_of(pc.match_substring(texts, "@"))
    if not odd.any():
        return texts
    entries, counts = _reread(texts, odd, np.zeros(len(texts), bool), column, checks.fault)
    checks.fault(counts != 1, f"{column.name} holds several addresses")
    first = np.concatenate(([0], np.cumsum(counts)))[:-1]
    return entries.take(pa.array(np.where(counts > 0, first, 0)))


def _choice(array: pa.Array, column: Column, checks: Checks) -> pa.Array:
    texts = pc.ascii_lower(strings_of(array, column.name, checks.fault))
    checks.fault(_missing(texts), f"{column.name} is missing")
    known = pc.is_in(texts, value_set=pa.array(column.choices))
    checks.fault(pc.invert(known), f"{column.name} is none of {', '.join(column.choices)}")
    return texts


def _ip(array: pa.Array, column: Column, checks: Checks) -> pa.Array:
    texts = _null_if_empty(strings_of(array, column.name, checks.fault))
    unusual = pc.invert(pc.match_substring_regex(texts, _IPV4)).fill_null(False)
    if mask_of(unusual).any():
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


def _texts(array: pa.Array, column: Column, checks: Checks) -> pa.Array:
    """Lists of clean entries. What an entry itself lists (`a@x, b@y`, a URL, `host:port`) is read where it is clear."""
    lists, from_cells = lists_of(array, column.name, checks.fault)
    parents = pc.list_parent_indices(lists).to_numpy()
    lengths = np.asarray(pc.list_value_length(lists).fill_null(0).to_numpy())
    missing = mask_of(lists.is_null())

    def fault(mask: Any, reason: str) -> None:
        entries = mask if isinstance(mask, np.ndarray) else mask_of(mask)
        if entries.any():
            rows = np.zeros(len(lists), bool)
            rows[parents[entries]] = True
            checks.fault(rows, reason)

    entries = strings_of(lists.flatten(), column.name, fault)
    fault(_missing(entries), f"{column.name} has a null or empty entry")
    _check_texts(entries, column.name, checks, fault)
    odd = mask_of(pc.match_substring_regex(entries, _ODD[column.kind]))
    if odd.any():
        odd &= np.asarray(pc.binary_length(entries).fill_null(0).to_numpy()) <= checks.options.max_text_bytes
        entries, counts = _reread(entries, odd, from_cells[parents], column, fault)
        lengths = np.bincount(parents, weights=counts, minlength=len(lists)).astype(np.int64)
    if column.name not in MAY_BE_EMPTY:
        checks.fault(missing, f"{column.name} is missing")
        checks.fault(lengths == 0, f"{column.name} is an empty list")
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), entries)


def _reread(
    entries: pa.Array, odd: np.ndarray, in_cell: np.ndarray, column: Column, fault: Callable[[Any, str], None]
) -> tuple[pa.Array, np.ndarray]:
    """The entries with each odd one read again by `_READ`, and how many each of them became (one where it failed)."""
    counts, replaced = np.ones(len(entries), np.int64), list[str | None]()
    reasons: dict[str, np.ndarray] = {}
    answers: dict[tuple[str, bool], tuple[list[str | None], str | None]] = {}
    places = np.flatnonzero(odd)
    for place, entry in zip(places.tolist(), entries.filter(pa.array(odd)).to_pylist(), strict=True):
        key = (entry, bool(in_cell[place]))
        if key not in answers:
            answers[key] = _read_entry(*key, column.kind)
        values, reason = answers[key]
        if reason:
            reasons.setdefault(reason, np.zeros(len(entries), bool))[place] = True
        counts[place] = len(values)
        replaced += values
    for reason, mask in reasons.items():
        fault(mask, f"{column.name} {reason}")
    spread = entries.take(pa.array(np.repeat(np.arange(len(entries)), counts)))
    return pc.replace_with_mask(spread, pa.array(np.repeat(odd, counts)), pa.array(replaced, pa.string())), counts


def _read_entry(entry: str, in_cell: bool, kind: str) -> tuple[list[str | None], str | None]:
    """What one odd entry holds, or itself and the reason why nobody can say."""
    read = hosts_of_entry if kind == "hosts" else mailboxes_of
    try:
        if is_listed(entry) and kind != "mailbox":
            inner = entries_of_cell(entry) or []
            if not all(inner):
                raise ListError("has a null or empty entry")
            return [value for item in inner if item for value in read(item, in_cell)], None
        return [*read(entry, in_cell)], None
    except ListError as error:
        return [entry], str(error)


def _time(array: pa.Array, column: Column, checks: Checks) -> pa.Array:
    times = _as_times(decoded(array), column, checks)
    latest = checks.options.now + checks.options.future_tolerance
    checks.fault(_late(times, latest), f"{column.name} {IN_FUTURE}")
    checks.fault(pc.less(times, pa.scalar(EPOCH, schema.TIME)).fill_null(False), f"{column.name} is before 1970")
    checks.fault(times.is_null(), f"{column.name} is missing")
    return times


def _late(times: pa.Array, latest: datetime) -> Any:
    return pc.greater(times, pa.scalar(latest, schema.TIME)).fill_null(False)


def _as_times(array: pa.Array, column: Column, checks: Checks) -> pa.Array:
    kind = array.type
    if pa.types.is_null(kind):
        return pa.nulls(len(array), schema.TIME)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return from_timestamps(array)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        times, wrong = from_numbers(array)
        checks.fault(wrong, f"{column.name} is a number, but no time since 1990 in s, ms, µs or ns")
        return times
    if is_texty(kind) or pa.types.is_decimal(kind):
        times, wrong = from_texts(_null_if_empty(strings_of(array, column.name, checks.fault)))
        checks.fault(wrong, f"{column.name} is no ISO 8601 time")
        return times
    fault_of_type(array, column.name, "timestamp (UTC)", checks.fault)
    return pa.nulls(len(array), schema.TIME)


# ---- Strings ------------------------------------------------------------------------------------------------


def _check_texts(texts: pa.Array, name: str, checks: Checks, fault: Callable[[Any, str], None]) -> None:
    bound = checks.options.max_text_bytes
    fault(pc.greater(pc.binary_length(texts), bound), f"{name} is longer than {bound:,} bytes")
    if not is_plain(texts):
        fault(pc.match_substring_regex(texts, _CONTROL), f"{name} holds a control character")
        fault(pc.match_substring(texts, _REPLACED), f"{name} is not UTF-8")


def _missing(texts: pa.Array) -> np.ndarray:
    return mask_of(pc.equal(pc.binary_length(texts).fill_null(0), 0))


def _null_if_empty(texts: pa.Array) -> pa.Array:
    empty = pc.equal(pc.binary_length(texts), 0)
    return pc.if_else(empty, None, texts) if mask_of(empty).any() else texts


_COERCE: Final[dict[str, Callable[[pa.Array, Column, Checks], pa.Array]]] = {
    "text": _text,
    "mailbox": _mailbox,
    "choice": _choice,
    "time": _time,
    "mailboxes": _texts,
    "hosts": _texts,
    "ip": _ip,
}
