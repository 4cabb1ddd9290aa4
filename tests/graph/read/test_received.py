"""The trace of a message says when and from where it was accepted; forged and inner hops are not believed."""

from datetime import UTC, datetime

import pytest

from graph.read.dates import parse_date
from graph.read.received import acceptance_of

LATEST = datetime(2024, 6, 1, tzinfo=UTC)
STRANGER = (
    "from x.send.example (x.send.example [192.0.2.9]) by mx.home.example with ESMTP; Thu, 2 May 2024 10:00:00 +0000"
)
FORGED = "from bank.example (bank.example [203.0.113.5]) by x.send.example; Wed, 1 May 2024 10:00:00 +0000"
INNER = "from mx.home.example (mx.home.example [198.51.100.1]) by store.home.example; Thu, 2 May 2024 10:00:05 +0000"
LOOPBACK = "from localhost (localhost [127.0.0.1]) by store.home.example; Thu, 2 May 2024 10:00:06 +0000"
PRIVATE = "from mx (mx [10.0.0.2]) by store; Thu, 2 May 2024 10:00:06 +0000"
PICK_UP = "from mail.home.example [198.51.100.7] by laptop with POP3 (fetchmail-6.4); Fri, 3 May 2024 10:00:00 +0000"


@pytest.mark.parametrize(
    "lines",
    [
        [STRANGER, FORGED],
        [INNER, STRANGER, FORGED],
        [LOOPBACK, INNER, STRANGER, FORGED],
        [PRIVATE, STRANGER, FORGED],
        [PICK_UP, STRANGER, FORGED],
        ["by store.home.example (Postfix, from userid 500) id 1; Thu, 2 May 2024 10:00:06 +0000", STRANGER, FORGED],
    ],
)
def test_the_first_stranger_from_the_top_is_the_acceptance(lines: list[str]) -> None:
    found = acceptance_of(lines, LATEST)
    assert found.ip == "192.0.2.9"
    assert found.ts == datetime(2024, 5, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("origin", "ip"),
    [
        ("from helo.example (rdns.example [192.0.2.9])", "192.0.2.9"),
        ("from [192.0.2.9] (helo=203.0.113.5)", "192.0.2.9"),
        ("from rdns.example ([192.0.2.9]:4242 helo=[203.0.113.5])", "192.0.2.9"),
        ("from unknown (HELO [203.0.113.5]) (192.0.2.9)", "192.0.2.9"),
        ("from unknown (HELO x) (user@192.0.2.9)", "192.0.2.9"),
        ("from [203.0.113.5] (rdns.example [192.0.2.9])", "192.0.2.9"),
        ("from x.example ([IPv6:2001:db8::9])", "2001:db8::9"),
        ("from x.example (x.example [::ffff:192.0.2.9])", "192.0.2.9"),
        ("from x.example (192.0.2.9)", "192.0.2.9"),
        ("from x.example", None),
        ("from x.example ([999.1.2.3])", None),
        ("from [203.0.113.5] (localhost [127.0.0.1])", None),
    ],
)
def test_the_address_is_the_one_the_relay_saw_not_the_one_it_was_told(origin: str, ip: str | None) -> None:
    assert acceptance_of([f"{origin} by mx.home.example; Thu, 2 May 2024 10:00:00 +0000"], LATEST).ip == ip


def test_a_customer_of_the_same_provider_is_found_where_no_stranger_is() -> None:
    assert acceptance_of([INNER], LATEST).ip == "198.51.100.1"


def test_trusted_hops_are_passed_over() -> None:
    assert acceptance_of([STRANGER, FORGED], LATEST, trusted_hops=1).ip == "203.0.113.5"


@pytest.mark.parametrize("date", ["Thu, 2 May 2019 10:00:00 +0000", "Thu, 2 May 2024 23:00:00 +0000", "soon"])
def test_a_clock_that_the_newest_line_contradicts_is_not_believed(date: str) -> None:
    found = acceptance_of([LOOPBACK, STRANGER.rpartition(";")[0] + "; " + date], LATEST)
    assert found.ts == datetime(2024, 5, 2, 10, 0, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Thu, 02 May 2024 12:00:00 +0200 (CEST)", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu May  2 10:00:00 2024", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2024 10:00:60 GMT", datetime(2024, 5, 2, 10, 0, 59, tzinfo=UTC)),
        ("Thu, 2 May 2024 10:00:00 +9999", datetime(2024, 5, 2, 10, tzinfo=UTC)),
        ("Thu, 2 May 2051 10:00:00 +0000", None),
        ("Thu, 2 May 1951 10:00:00 +0000", None),
        ("Thu, 99 May 2024 10:00:00 +0000", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_dates_are_read_as_utc_and_impossible_ones_left_out(text: str, time: datetime | None) -> None:
    assert parse_date(text, LATEST) == time
