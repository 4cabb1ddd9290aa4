"""Which moments this house holds, and any moment as UTC. Knows no row, no request and no file."""

from datetime import UTC, datetime
from typing import Final

EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)  # mail is younger; an earlier time is an unset clock
LATEST: Final = datetime.max.replace(tzinfo=UTC)  # what Python, JSON and Arrow can all say


def utc(moment: datetime) -> datetime:
    """The moment in UTC; one that names no zone is taken for UTC.

    Raises ValueError where it lies outside EARLIEST to LATEST: `0001-01-01T00:00:00+14:00` names a moment in year 0,
    which nothing here can write down.
    """
    try:
        in_utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        in_utc = None
    if in_utc is None or not EARLIEST <= in_utc <= LATEST:
        raise ValueError(f"lies outside {EARLIEST.year} to {LATEST.year}")
    return in_utc
