"""Dates of headers are read as UTC in whatever spelling; impossible ones are left out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.read.dates import parse_date

LATEST = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Thu, 02 May 2024 12:00:00 +0200 (CEST)", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu May  2 10:00:00 2024", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2024 10:00:60 GMT", datetime(2024, 5, 2, 10, 0, 59, tzinfo=UTC)),
        ("Thu, 2 May 2024 10:00:00 +9999", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2024 12:00:00 +02:00", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2024 12:00:00 GMT+0200", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2024 12:00:00 GMT+02:00 (CEST)", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2024 12:00:00 UTC+2", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2024 04:30:00 UTC-5:30", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2024 06:00:00 EST5EDT", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 1 Feb 2024 05:00:00 EST5EDT", datetime(2024, 2, 1, 10, tzinfo=UTC)),
        ("2 May 2024 10:00:00", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2051 10:00:00 +0000", None),
        ("Thu, 2 May 1951 10:00:00 +0000", None),
        ("Thu, 99 May 2024 10:00:00 +0000", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_dates_are_read_as_utc_and_impossible_ones_left_out(text: str, time: datetime | None) -> None:
    assert parse_date(text, LATEST) == time


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("Thu, 2 May 2024 12:00:00 +2", 10),
        ("Thu, 2 May 2024 12:00:00 UTC +02:00", 10),
        ("Thu, 2 May 2024 12:00:00 +0200GMT", 10),
        ("Thu, 2 May 2024 12:00:00 CEST", 10),
        ("Thu, 2 May 2024 11:00:00 CET", 10),
        ("Thu, 2 May 2024 05:00:00 -0500 EST", 10),
        ("Thu, 2 May 2024 05:00:00 --0500", 10),
        ("Thu, 2 May 2024 05:00:00 EST-0500", 10),
        ("Thu, 2 May 2024 11:00:00 CET-1CEST", 10),
        ("Thu, 2 May 2024 19:00:00 JST", 10),
        ("Thu May 02 2024 12:00:00 GMT+0200 (Central European Summer Time)", 10),
        ("Thu May  2 12:00:00 2024 +0200", 10),
        ("Thu May  2 12:00:00 CEST 2024", 10),
        ("Thu, 02-May-2024 10:00:00 GMT", 10),
        ("Thu, 2 May 2024 10:00:00.123 +0000", 10),
        ("Thu, 2 May 2024 10.00.00 GMT", 10),
        ("Thu, 2 May 2024 01:00:00 PM +0000", 13),
        ("Thu, 2 May 2024 12:00:00 AM", 0),
        ("Do, \N{REPLACEMENT CHARACTER}, 2 May 2024 10:00:00 +0000", 10),
        ("2024-05-02T12:00:00+02:00", 10),
        ("2024-05-02 10:00:00", 10),
        ("Thu, 2 May 2024 10:00:00 XYZ", 10),
    ],
)
def test_what_mail_programs_write_for_a_date_is_read(text: str, hour: int) -> None:
    assert parse_date(text, LATEST) == datetime(2024, 5, 2, hour, tzinfo=UTC)


ZONES = (
    "{0}{1:02d}{2:02d}",
    "{0}{1:02d}:{2:02d}",
    "GMT{0}{1:02d}{2:02d}",
    "UTC{0}{1}:{2:02d}",
    "{0}{1:02d}{2:02d} (x)",
)


@settings(deadline=None, max_examples=200)
@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2024, 5, 30)),
    st.integers(-12 * 60, 14 * 60),
    st.sampled_from(ZONES),
)
def test_a_numeric_zone_means_the_same_in_every_spelling(time: datetime, minutes: int, spelling: str) -> None:
    local = time.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    zone = spelling.format("-" if minutes < 0 else "+", *divmod(abs(minutes), 60))
    day = local.strftime(f"{local.day} %b %Y %H:%M:%S")
    assert parse_date(f"{day} {zone}", LATEST) == local.astimezone(UTC)


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=80) | st.from_regex(r"[0-9 :+A-Za-z,.-]{0,60}", fullmatch=True))
def test_any_text_is_a_date_within_the_bounds_or_none(text: str) -> None:
    time = parse_date(text, LATEST)
    assert time is None or datetime(1982, 8, 13, tzinfo=UTC) <= time <= LATEST
