"""Times of every usual spelling are read as UTC; what could be read in two ways is none."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import schema
from graph.read.timestamps import EPOCH, from_numbers, from_texts, from_timestamps, microseconds_of

TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)


def time_of(text: str) -> datetime | None:
    micros = microseconds_of(text)
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-05 10:00:00 UTC", TEN),
        ("2026-01-05 10:00:00.123456 UTC", TEN + timedelta(microseconds=123456)),
        ("2026-01-05T10:00:00.1234567Z", TEN + timedelta(microseconds=123456)),
        ("2026-01-05T10:00:00.123456789+02:00", TEN + timedelta(hours=-2, microseconds=123456)),
        ("2026-01-05 10:00:00+00", TEN),
        ("2026-01-05T10:00:00Z[UTC]", TEN),
        ("2026-01-05T11:00:00+01:00[Europe/Berlin]", TEN),
        ("2026-01-05t10:00:00z", TEN),
        ("2026-01-05 12:00:00 +0200", TEN),
        ("2026-01-05 12:00:00 GMT+0200", TEN),
        ("2026-01-05 10:00:00 AM", TEN),
        ("2026-01-05 12:30 am", TEN - timedelta(hours=9, minutes=30)),
        ("2026/01/05 10:00", TEN),
        ("1767607200", TEN),
        ("1767607200.5", TEN + timedelta(milliseconds=500)),
        ("1767607200000", TEN),
        ("1767607200000000", TEN),
        ("1767607200000000000", TEN),
        ("20260105", TEN - timedelta(hours=10)),
        ("20260105T100000Z", TEN),
    ],
)
def test_a_time_is_read_in_every_usual_spelling(text, time):
    assert time_of(text) == time


@pytest.mark.parametrize(
    "text",
    [
        "05/01/2026 10:00",
        "2026-01/05 10:00",
        "202601051000",
        "20260105100000",
        "2026-01-05T10:00:00[Europe/Berlin]",
        "2026-01-05 13:00 PM",
        "2026-02-30 10:00:00 UTC",
        "0001-01-01T00:00:00+14:00",
        "2026-01-05 10:00:00+99:00",
        "1767607200e3",
        "yesterday",
        "١٧٦٧٦٠٧٢٠٠",
        "",
    ],
)
def test_what_could_be_read_in_two_ways_or_none_is_no_time(text):
    assert microseconds_of(text) is None


MAIL_TIMES = st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30), timezones=st.just(UTC))
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@settings(max_examples=100)
@given(MAIL_TIMES, ZONES, st.sampled_from(["T", " ", "t"]), st.sampled_from(["", " "]))
def test_a_written_time_comes_back(time, zone, between, blank):
    local = time.astimezone(zone)
    text = f"{local:%Y-%m-%d}{between}{local:%H:%M:%S.%f}{blank}{local:%z}"
    assert time_of(text) == time


@settings(max_examples=60)
@given(st.lists(MAIL_TIMES | st.none(), min_size=1, max_size=5), st.sampled_from([1, 10**3, 10**6, 10**9]))
def test_numbers_of_every_unit_come_back_to_the_unit(times, per_second):
    counts = [None if time is None else (time - EPOCH) // timedelta(microseconds=1) for time in times]
    numbers = [None if count is None else count * per_second // 10**6 for count in counts]
    read, wrong = from_numbers(pa.array(numbers, pa.int64()))
    unit = timedelta(seconds=1) / per_second if per_second < 10**6 else timedelta(microseconds=1)
    for time, back in zip(times, read.to_pylist(), strict=True):
        assert (time is None and back is None) or (time is not None and timedelta(0) <= time - back < unit)
    assert not wrong.any()


def test_numbers_that_are_no_time_of_mail_are_told():
    read, wrong = from_numbers(pa.array([17.0, float("nan"), None, -1.0, float("inf"), 1767607200.25]))
    assert wrong.tolist() == [True, False, False, True, True, False]
    assert read.to_pylist() == [None] * 5 + [TEN + timedelta(milliseconds=250)]
    assert from_numbers(pa.array([2**63 + 5, 1767607200], pa.uint64()))[1].tolist() == [True, False]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("number", [2**63 - 1, -(2**63) + 1, 0, 1, -1])
def test_a_timestamp_of_any_size_stays_on_its_side_of_1970(unit, number):
    (micros,) = from_timestamps(pa.array([number], pa.int64()).cast(pa.timestamp(unit))).cast(pa.int64()).to_pylist()
    assert np.sign(micros) == np.sign(number) or (number == 1 and unit == "ns" and micros == 0)


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_a_date_is_its_midnight(kind):
    assert from_timestamps(pa.array([TEN.date()], kind)).to_pylist() == [TEN.replace(hour=0)]


@settings(max_examples=100)
@given(st.lists(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d( UTC|Z)?"), max_size=5))
def test_any_text_is_a_time_or_told(texts):
    times, wrong = from_texts(pa.array(texts, pa.string()))
    assert times.type == schema.TIME
    assert times.is_null().to_pylist() == wrong.tolist()
