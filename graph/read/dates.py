"""Dates of mail headers, in whatever spelling mail programs give them, as UTC. Knows no headers."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

OLDEST: Final = datetime(1982, 8, 13, tzinfo=UTC)  # RFC 822; an earlier date was made up or never set
_MAX_TEXT: Final = 200  # characters that are looked at

_TIME_OF_DAY: Final = re.compile(r"\d{1,2}[:.]\d\d(?:[:.]\d\d)?")
_HALF_DAY: Final = re.compile(r"\s*([ap])\.?m\b", re.IGNORECASE)
# +0200, +02:00, +2, GMT+0200, UTC +2, and what some programs write for -0500: --0500, EST-0500.
_NUMERIC: Final = re.compile(r"(?:(?<![a-z0-9])[a-z]{1,5}\s?)?(?<!\d)([+-])[+-]?(\d{1,2}):?(\d\d)?(?![\d:])", re.I)
_POSIX: Final = re.compile(r"\s*([a-z]{3,5})([+-]?)(\d{1,2})(?::(\d\d))?([a-z]{3,5})\b", re.IGNORECASE)
_NAMED: Final = re.compile(r"\s*([a-z]{1,5})\b", re.IGNORECASE)
_FRACTION: Final = re.compile(r"(:\d\d)\.\d{1,9}")
_ISO: Final = re.compile(r"\s*(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)\s*(Z|[+-]\d\d:?\d\d)?", re.I)
_DAY_FIRST: Final = re.compile(r"\d{1,2}[\s.-]{1,3}[a-z]{3}[\s.,-]{1,3}\d{4}[\s,]{1,3}\d{1,2}:\d\d.*", re.I | re.DOTALL)

# Hours east of UTC. RFC 5322 gives those of North America; of the others only those that mean one thing.
_HOURS: Final = {
    "ut": 0.0,
    "utc": 0.0,
    "gmt": 0.0,
    "z": 0.0,
    "wet": 0.0,
    "west": 1.0,
    "bst": 1.0,
    "cet": 1.0,
    "met": 1.0,
    "mez": 1.0,
    "cest": 2.0,
    "mest": 2.0,
    "mesz": 2.0,
    "eet": 2.0,
    "eest": 3.0,
    "msk": 3.0,
    "sast": 2.0,
    "hkt": 8.0,
    "sgt": 8.0,
    "jst": 9.0,
    "kst": 9.0,
    "aest": 10.0,
    "aedt": 11.0,
    "nzst": 12.0,
    "nzdt": 13.0,
    "hst": -10.0,
    "akst": -9.0,
    "akdt": -8.0,
    "pst": -8.0,
    "pdt": -7.0,
    "mst": -7.0,
    "mdt": -6.0,
    "cst": -6.0,
    "cdt": -5.0,
    "est": -5.0,
    "edt": -4.0,
    "ast": -4.0,
    "adt": -3.0,
    "brt": -3.0,
}
_SUMMER_TIMES: Final = frozenset({"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT"})  # zones that the tz database names so


def parse_date(text: str, latest: datetime) -> datetime | None:
    """An RFC 5322, asctime or ISO 8601 date in UTC; None where it is none, or one that cannot be.

    A date before `OLDEST` or after `latest` cannot be. No zone, and one that nobody knows, means UTC.
    """
    text = _FRACTION.sub(r"\1", text[:_MAX_TEXT])
    try:
        moment = _iso(text) or _as_written(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return moment if moment is not None and OLDEST <= moment <= latest else None


def _iso(text: str) -> datetime | None:
    match = _ISO.match(text)
    if match is None:
        return None
    moment = datetime.fromisoformat(match[1] + (match[2] or "Z").upper())
    return moment.astimezone(UTC)


def _as_written(text: str) -> datetime | None:
    fields = parsedate_tz(text)
    if fields is None:  # something stands before the day
        inner = _DAY_FIRST.search(text)
        fields = parsedate_tz(inner[0]) if inner else None
    if fields is None:
        return None
    clock = _TIME_OF_DAY.search(text)
    zone = text[clock.end() :] if clock else ""
    year, month, day, hour, minute, second = fields[:6]
    local = datetime(year, month, day, _hour(hour, zone), minute, min(second, 59), tzinfo=UTC)
    return local - _offset(zone, local, fields[9] or 0)


def _hour(hour: int, zone: str) -> int:
    half = _HALF_DAY.match(zone)
    if half is None or hour > 12:
        return hour
    return hour % 12 + (12 if half[1] in "pP" else 0)


def _offset(zone: str, local: datetime, seconds: int) -> timedelta:
    """How far east of UTC the clock was. `zone` is what follows the time of day, `seconds` the parser's reading."""
    zone = _HALF_DAY.sub("", zone, count=1) if _HALF_DAY.match(zone) else zone
    zone = zone.partition("(")[0]
    posix, numeric, named = _POSIX.match(zone), _NUMERIC.search(zone), _NAMED.match(zone)
    offset = timedelta(seconds=seconds)
    if posix:
        offset = _posix(posix, local)
    elif numeric:
        size = timedelta(hours=int(numeric[2]), minutes=int(numeric[3] or 0))
        offset = -size if numeric[1] == "-" else size
    elif named and named[1].lower() in _HOURS:
        offset = timedelta(hours=_HOURS[named[1].lower()])
    return offset if abs(offset) < timedelta(days=1) else timedelta(0)


def _posix(match: re.Match[str], local: datetime) -> timedelta:
    """`EST5EDT`: hours west of UTC (POSIX.1-2017, 8.3). Summer time where the tz database has the zone, else none."""
    name = match[0].strip().upper()
    if name in _SUMMER_TIMES:
        try:
            return local.replace(tzinfo=ZoneInfo(name)).utcoffset() or timedelta(0)
        except (ZoneInfoNotFoundError, OSError):
            pass
    west = timedelta(hours=int(match[3]), minutes=int(match[4] or 0))
    return west if match[2] == "-" else -west
