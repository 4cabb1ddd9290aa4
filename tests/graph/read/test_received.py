"""The trace of a message says when and from where it was accepted; forged and inner hops are not believed."""

from datetime import UTC, datetime

import pytest

from graph.read.received import acceptance_of, parse_date

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


# ---- A provider's own relays with public addresses

WHEN = "; Thu, 2 May 2024 10:00:0{0} +0000"
EDGE = (
    "from x.send.example (198.51.100.7) by E4FT.mail.protection.cloud.example (2001:db8:20::5) with SMTP"
    + WHEN.format(0)
)
FRONT = (
    "from E4FT.eop.protection.cloud.example (2001:db8:20:cafe::2) by C3.edge.cloud.example (2001:db8:20::9) with SMTP"
    + WHEN.format(1)
)
BACK = "from C3.prod.cloud.example (2001:db8:20::9) by A1.prod.cloud.example (2001:db8:10::1) with SMTP" + WHEN.format(
    2
)
STORE = "from A1.cloud.example (2001:db8:10::1) by B2.cloud.example with HTTPS" + WHEN.format(3)
# Somebody greets as an inner relay and writes the lines below it himself.
GREETS = "from C3.prod.cloud.example (203.0.113.66) by A1.prod.cloud.example (2001:db8:10::1) with SMTP" + WHEN.format(
    2
)
BELOW = "from bank.example (198.51.100.9) by C3.edge.cloud.example (203.0.113.66) with SMTP" + WHEN.format(1)


@pytest.mark.parametrize(
    ("lines", "ip"),
    [
        ([STORE, BACK, FRONT, EDGE], "198.51.100.7"),
        ([BACK, FRONT, EDGE], "198.51.100.7"),
        ([BACK, FRONT, EDGE, FORGED], "198.51.100.7"),
        ([STORE, GREETS, BELOW], "203.0.113.66"),  # the name alone proves nothing
        ([GREETS, BELOW, EDGE], "203.0.113.66"),
        ([GREETS.replace("203.0.113.66", "2001:db9::1"), BELOW], "2001:db9::1"),  # nor an address of another block
        ([BACK, EDGE], "2001:db8:20::9"),  # the line below is not by the host that handed over
        ([STORE.replace("HTTPS", "SMTP"), BACK, FRONT, EDGE], "2001:db8:10::1"),
    ],
)
def test_own_relays_are_passed_over_only_where_they_prove_to_be_own(lines: list[str], ip: str) -> None:
    assert acceptance_of(lines, LATEST).ip == ip


MICROSOFT = (
    "from F1.eop-nam01.prod.protection.outlook.com (2603:10b6::9) by C1.outlook.office365.com (2603:10b6::28) with SMTP"
    + WHEN.format(1)
)
ACCEPTS = (
    "from x.send.example (198.51.100.7) by F1.mail.protection.outlook.com (10.13.177.138) with SMTP" + WHEN.format(0)
)
SPF = "Pass (protection.outlook.com: domain designates 198.51.100.7 as permitted sender) client-ip=198.51.100.7; helo=x"


def test_the_domains_of_one_provider_are_one_owner() -> None:
    assert acceptance_of([MICROSOFT, ACCEPTS], LATEST).ip == "198.51.100.7"


def test_a_provider_that_always_writes_received_spf_names_the_acceptance() -> None:
    unproven = MICROSOFT.replace("F1.", "G9.")  # the line below it is missing
    assert acceptance_of([unproven, ACCEPTS], LATEST).ip == "2603:10b6::9"
    assert acceptance_of([unproven, ACCEPTS], LATEST, spf=SPF).ip == "198.51.100.7"


def test_nobody_else_is_believed_about_spf() -> None:
    forged = SPF.replace("198.51.100.7", "203.0.113.5")
    assert acceptance_of([STRANGER, FORGED], LATEST, spf=forged).ip == "192.0.2.9"
    assert acceptance_of([ACCEPTS, FORGED], LATEST, spf=forged).ip == "198.51.100.7"


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
