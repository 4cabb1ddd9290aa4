"""The trace of a message says when and from where it was accepted; forged and inner hops are not believed."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


# ---- Nobody borrows trust

PICKED_UP_BY_NAME = "from fetchmail.evil.test (unknown [203.0.113.66]) by mx.home.example with ESMTP" + WHEN.format(2)
DOUBTED = (
    "from mx.home.example (mx2.home.example [203.0.113.66] (may be forged)) by store.home.example with ESMTP"
    + WHEN.format(2)
)
NAMELESS = "from x.evil.test by mx.home.example with SMTP" + WHEN.format(2)
UNDER = "from bank.example (bank.example [198.51.100.9]) by x.evil.test with ESMTP" + WHEN.format(1)
OWN_UNDER = "from bank.example (bank.example [198.51.100.9]) by mx.home.example with ESMTP" + WHEN.format(1)


@pytest.mark.parametrize(
    ("lines", "ip"),
    [
        ([PICKED_UP_BY_NAME, UNDER], "203.0.113.66"),
        ([DOUBTED, OWN_UNDER], "203.0.113.66"),
        ([NAMELESS, UNDER], None),
        ([INNER, UNDER], "198.51.100.1"),  # an own relay, but the next line is not by its owner
        ([INNER.replace("(mx.home", "(dsl-7.other"), STRANGER], "198.51.100.1"),  # a reverse name against the greeting
        (
            ["from x (HELO y by mx.home.example) (203.0.113.66) by mx.home.example" + WHEN.format(2), UNDER],
            "203.0.113.66",
        ),
    ],
)
def test_what_a_stranger_chooses_passes_no_line_over(lines: list[str], ip: str | None) -> None:
    assert acceptance_of(lines, LATEST).ip == ip


@pytest.mark.parametrize(
    ("lines", "ip"),
    [
        (["from mx.home.example (mx.home.example [192.0.2.1]) by store.other.test with LMTP", STRANGER], "192.0.2.9"),
        (["from mx.home.example ([fe80::1%6]) by store.home.example with mapi id 1; x", STRANGER], "192.0.2.9"),
        (["from ex1.corp.local by ex2.corp.local with SMTP; x", STRANGER], "192.0.2.9"),
        (["by 2002:a05:6504:16c4:b0:249:1:2 with SMTP id 1; x", STRANGER], "192.0.2.9"),
        (["(qmail 123 invoked by uid 0); x", STRANGER], "192.0.2.9"),
        (["from mail-a.1e100.net (mail-a.1e100.net. [192.0.2.1]) by mx.google.com with ESMTPS; x",
          "from s.send.example (s.send.example [192.0.2.9]) by mail-a.google.com; x"], "192.0.2.9"),
    ],
)  # fmt: skip
def test_lines_of_the_receiving_side_are_passed_over(lines: list[str], ip: str) -> None:
    assert acceptance_of(lines, LATEST).ip == ip


def test_a_hop_between_regions_of_exchange_online_is_its_own() -> None:
    between = "from F1.eurprd01.prod.outlook.com (2603:10a6::9) by A1.prod.outlook.com (2603:10b6::28) with Microsoft"
    assert acceptance_of([between + WHEN.format(1), ACCEPTS], LATEST).ip == "198.51.100.7"
    assert (
        acceptance_of([between.replace("2603:10a6", "2603:1030") + WHEN.format(1), ACCEPTS], LATEST).ip
        == "2603:1030::9"
    )


def test_a_result_above_a_line_names_its_client_whatever_the_names_say() -> None:
    greets = GREETS.replace("203.0.113.66", "2001:db8:10::66")  # a neighbour of the provider
    below = BELOW.replace("203.0.113.66", "2001:db8:10::66")
    assert acceptance_of([greets, below], LATEST).ip == "198.51.100.9"
    assert acceptance_of([greets, below], LATEST, clients=[("2001:db8:10::66",), ()]).ip == "2001:db8:10::66"


def test_a_result_above_a_line_without_an_address_gives_it() -> None:
    assert acceptance_of([NAMELESS, UNDER], LATEST, clients=[("203.0.113.66",)]).ip == "203.0.113.66"


def test_a_result_below_the_acceptance_counts_for_nothing() -> None:
    lines = [STORE, BACK, FRONT, EDGE, FORGED]
    assert acceptance_of(lines, LATEST, clients=[(), (), (), (), ("203.0.113.5",)]).ip == "198.51.100.7"


HOSTS = st.sampled_from(["cloud.example", "outlook.com", "google.com", "home.example"])
LABELS = st.from_regex(r"[A-Z]{2}[0-9]{1,3}", fullmatch=True)
SHAPES = st.sampled_from(
    [
        "from {claimed} ({ip}) by {by} ({by_ip}) with Microsoft SMTP Server; Thu, 2 May 2024 10:00:00 +0000",
        "from {claimed} ([{ip}]) by {by} (Postfix) with ESMTPS id 1; Thu, 2 May 2024 10:00:00 +0000",
        "from {claimed} (unknown [{ip}]) by {by} with SMTP; Thu, 2 May 2024 10:00:00 +0000",
        "from [{ip}] (helo={claimed}) by {by} with esmtp (Exim 4); Thu, 2 May 2024 10:00:00 +0000",
    ]
)
FORGERIES = st.sampled_from(
    [
        "from {claimed} (2603:10b6::1) by {by} (2603:10b6::2) with HTTPS; Thu, 2 May 2024 09:00:00 +0000",
        "from a.cloud.example (198.51.100.9) by {claimed} ({ip}) with SMTP; Thu, 2 May 2024 09:00:00 +0000",
        "from mx.home.example (mx.home.example [198.51.100.9]) by {by} with LMTP; Thu, 2 May 2024 09:00:00 +0000",
        "from pop.evil.test (198.51.100.9) by {claimed} with POP3 (fetchmail); Thu, 2 May 2024 09:00:00 +0000",
        "by {claimed} id 1; Thu, 2 May 2024 09:00:00 +0000",
    ]
)


@settings(deadline=None, max_examples=300)
@given(HOSTS, LABELS, LABELS, SHAPES, st.lists(FORGERIES, max_size=4), st.booleans())
def test_whatever_a_stranger_greets_with_and_writes_below_is_not_believed(
    host: str, label: str, other: str, shape: str, forged: list[str], inner: bool
) -> None:
    words = {"claimed": f"{label}.prod.{host}", "by": f"{other}.mail.{host}", "ip": "203.0.113.66", "by_ip": "10.1.2.3"}
    own = (
        f"from {other}.eop.{host} (2603:10b6::9) by C1.{host} (2603:10b6::28) with SMTP; Thu, 2 May 2024 10:00:05 +0000"
    )
    lines = [own] * inner + [line.format(**words) for line in (shape, *forged)]
    assert acceptance_of(lines, LATEST).ip == "203.0.113.66"


@pytest.mark.parametrize("origin", ["from 192.0.2.9", "from 192.0.2.9 (SquirrelMail authenticated user ann);"])
def test_a_web_client_has_no_name_of_its_own(origin: str) -> None:
    line = f"{origin} by web.home.example with {{}}; Thu, 2 May 2024 10:00:00 +0000"
    assert acceptance_of([line.format("HTTP")], LATEST).ip == "192.0.2.9"
    assert acceptance_of([line.format("SMTP")], LATEST).ip is None  # there it may be what the client greets with


ADDRESSES = st.integers(1, 0xFFFF).map(lambda number: f"2001:db8:{number:x}::{number:x}")
TRANSPORTS = st.sampled_from(["with Microsoft SMTP Server (version=TLS1_2) id 15.20", "with ESMTPS id 1", "with SMTP"])


@settings(deadline=None, max_examples=300)
@given(
    HOSTS,
    st.lists(st.tuples(LABELS, ADDRESSES), min_size=2, max_size=6, unique=True),
    TRANSPORTS,
    st.lists(FORGERIES, max_size=3),
)
def test_through_any_chain_of_a_providers_relays_the_stranger_is_found(
    host: str, relays: list[tuple[str, str]], transport: str, forged: list[str]
) -> None:
    when = "; Thu, 2 May 2024 10:00:00 +0000"
    inside = [
        f"from {old}.prod.{host} ({old_ip}) by {new}.mail.{host} ({new_ip}) {transport}{when}"
        for (new, new_ip), (old, old_ip) in pairwise(relays)
    ]
    edge, edge_ip = relays[-1]
    words = {"claimed": f"{edge}.prod.{host}", "by": f"{edge}.mail.{host}", "ip": "203.0.113.66"}
    entry = f"from x.send.example (192.0.2.9) by {edge}.mail.{host} ({edge_ip}) {transport}{when}"
    lines = [*inside, entry, *(line.format(**words) for line in forged)]
    assert acceptance_of(lines, LATEST).ip == "192.0.2.9"


@pytest.mark.parametrize(
    ("origin", "ip"),
    [
        ("from 192.0.2.9 (EHLO mail.send.example)", "192.0.2.9"),
        ("from 127.0.0.1 (EHLO mail.send.example)", None),
        ("from 203.0.113.5 (mail.send.example [192.0.2.9])", "192.0.2.9"),
        ("from x (mail.send.example [192.0.2.9] (may be forged))", "192.0.2.9"),
        ("from ([192.0.2.9:53798] helo=x.send.example)", "192.0.2.9"),
        ("from x.send.example (192.0.2.9:23198)", "192.0.2.9"),
        ("from ( (mail.send.example [192.0.2.9])", "192.0.2.9"),
    ],
)
def test_the_address_is_found_in_the_layouts_of_other_servers(origin: str, ip: str | None) -> None:
    assert acceptance_of([f"{origin} by 10.253.56.163 with SMTPS; Thu, 2 May 2024 10:00:00 +0000"], LATEST).ip == ip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.text(max_size=200), max_size=6), st.text(max_size=200))
def test_any_text_is_a_trace_that_can_be_walked(lines: list[str], spf: str) -> None:
    read = acceptance_of([f"from {line} by {line}" for line in lines], LATEST, spf=spf)
    assert read.ts is None or read.ts <= LATEST
