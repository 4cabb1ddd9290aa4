"""A moment is UTC and within bounds, or refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.times import EARLIEST, LATEST, utc

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(timezones=ZONES | st.none()))
def test_every_moment_is_utc_within_bounds_or_refused(moment: datetime) -> None:
    try:
        found = utc(moment)
    except ValueError:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        assert aware < EARLIEST or aware > LATEST
    else:
        assert found.tzinfo is UTC
        assert EARLIEST <= found <= LATEST
        assert found == (moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "0001-01-01", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"]
)
def test_a_moment_that_nothing_here_can_write_down_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="1970 to 9999"):
        utc(datetime.fromisoformat(text))
