"""Times of tables: timestamps, numbers and texts of any usual spelling as UTC. Knows no columns and no files.

Read is what can be read in one way only. A number counts from 1970 in seconds, milliseconds, microseconds or
nanoseconds: those of 1990 to 2099 do not overlap. A text is ISO 8601 (RFC 3339) or near it: a zone may be `UTC` or
`GMT`, with a blank before it; days and months in doubt (`05/01/2026`) are refused.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph import schema

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ISO: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?"
_ZONED: Final = _ISO + r"(Z|[+-]\d\d(:?\d\d)?)$"
_NAIVE: Final = _ISO + "$"
_NUMBER: Final = re.compile(r"\d{9,19}(?:\.\d{1,9})?", re.ASCII)
_NEAR_ISO: Final = re.compile(
    r"(\d{4})([-/])(\d\d)\2(\d\d)[Tt ]\s{0,3}(\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?\s{0,3}"
    r"([AaPp][Mm])?\s{0,3}(?:(?:[Zz]|(?:UTC|GMT)?([+-])(\d\d)(?::?(\d\d))?|UTC|GMT)(?:\[[A-Za-z0-9_/+-]{1,64}\])?)?",
    re.ASCII,
)
_FIRST_SECOND: Final = 631_152_000  # 1990-01-01: below it `202601051000` of milliseconds is no time of mail
_END_SECOND: Final = 4_102_444_800  # 2100-01-01
_PER_SECOND: Final = (1, 10**3, 10**6, 10**9)
_FAR: Final = 10**17  # microseconds: the year 5138, past every tolerance and within every integer
_UNIT_MICROSECONDS: Final = {"s": 10**6, "ms": 10**3, "us": 1}


def from_timestamps(array: pa.Array) -> pa.Array:
    """Timestamps and dates of any unit in microseconds UTC. No zone means UTC; a zone only says how to print it.

    What lies beyond the years that an integer of microseconds holds becomes a time in the far future or past.
    """
    if pa.types.is_date(array.type):
        array = array.cast(pa.timestamp("ms" if pa.types.is_date64(array.type) else "s"))
    unit = array.type.unit
    numbers = array.cast(pa.timestamp(unit)).cast(pa.int64())
    if unit == "ns":
        whole = numbers.fill_null(0).to_numpy(zero_copy_only=False) // 1000  # Arrow would round towards 1970
        return pa.array(whole, mask=numbers.is_null().to_numpy(zero_copy_only=False)).cast(schema.TIME)
    factor = _UNIT_MICROSECONDS[unit]
    bounded = pc.max_element_wise(
        pc.min_element_wise(numbers, _FAR // factor, skip_nulls=False), -_FAR // factor, skip_nulls=False
    )
    return pc.multiply(bounded, factor).cast(schema.TIME)


def from_numbers(array: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Numbers since 1970 as times, and a mask of those that are none (neither null nor NaN, but no time of mail)."""
    values = array.to_numpy(zero_copy_only=False).astype(np.float64)
    exact = pa.types.is_integer(array.type)
    whole = array.cast(pa.int64(), safe=False).fill_null(0).to_numpy(zero_copy_only=False) if exact else None
    micros, known = np.zeros(len(values), np.int64), np.zeros(len(values), bool)
    for scale in _PER_SECOND:
        here = (values >= _FIRST_SECOND * scale) & (values < _END_SECOND * scale)
        known |= here
        if whole is None:
            micros[here] = np.round(values[here] * (10**6 / scale)).astype(np.int64)
        else:
            micros[here] = whole[here] * (10**6 // scale) if scale <= 10**6 else whole[here] // (scale // 10**6)
    missing = np.isnan(values)
    return pa.array(micros, mask=~known).cast(schema.TIME), ~known & ~missing


def from_texts(texts: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Texts as times (none means null), and a mask of those that are no time. Without a zone they are UTC.

    Whole columns in the usual spelling at once, others one by one.
    """
    zoned = pc.match_substring_regex(texts, _ZONED).fill_null(False)
    naive = pc.match_substring_regex(texts, _NAIVE).fill_null(False)
    try:
        with_zone = pc.if_else(zoned, texts, None).cast(schema.TIME)
        without = pc.if_else(naive, texts, None).cast(pa.timestamp("us")).cast(schema.TIME)
        usual = pc.coalesce(with_zone, without)
    except pa.ArrowInvalid:  # the right form but no such day, as February 30
        usual = pa.nulls(len(texts), schema.TIME)
    unreadable = np.zeros(len(texts), bool)
    rest = np.flatnonzero(
        usual.is_null().to_numpy(zero_copy_only=False) & texts.is_valid().to_numpy(zero_copy_only=False)
    )
    if not rest.size:
        return usual, unreadable
    times = usual.cast(pa.int64()).to_pylist()
    for index in rest.tolist():
        times[index] = microseconds_of(texts[index].as_py())
        unreadable[index] = times[index] is None
    return pa.array(times, pa.int64()).cast(schema.TIME), unreadable


def microseconds_of(text: str) -> int | None:
    """Microseconds since 1970 of one text; None where it is no time that can be read in one way only."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _of_number(text)
    near = _NEAR_ISO.fullmatch(text)
    try:
        if near:
            return _micros(_of_parts(*near.groups()))
        if re.match(r"\d{4}-?\d\d-?\d\d|\d{4}-?W\d\d", text, re.ASCII):
            return _micros(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None
    return None


def _of_number(text: str) -> int | None:
    whole, _, fraction = text.partition(".")
    for scale in _PER_SECOND:
        if _FIRST_SECOND * scale <= int(whole) < _END_SECOND * scale:
            part = int((fraction + "0" * 9)[:9])  # billionths of the unit
            return (int(whole) * 10**9 + part) // (scale * 10**3)
    return None


def _of_parts(*parts: str | None) -> datetime:
    year, _, month, day, hour, minute, second, fraction, half, sign, zone_hours, zone_minutes = parts
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError("no hour of a twelve-hour clock")
        hours = hours % 12 + 12 * (half.upper() == "PM")
    micros = int(((fraction or "") + "0" * 6)[:6])
    time = datetime(
        int(year or 0), int(month or 0), int(day or 0), hours, int(minute or 0), int(second or 0), micros, UTC
    )
    offset = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    if offset >= timedelta(days=1):
        raise ValueError("no offset of a zone")
    return time + offset if sign == "-" else time - offset


def _micros(time: datetime) -> int:
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return (time - EPOCH) // timedelta(microseconds=1)
