"""No mail is lost because its sender left something out or wrote it oddly."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.addresses import registrable_domain
from graph.read import ReadOptions
from graph.read.mail import MessageError, message_events

OPTIONS = ReadOptions(now=datetime(2026, 6, 1, tzinfo=UTC))
TRACE = (
    b"Received: from x.send.example (x.send.example [198.51.100.7]) by mx.home.example;"
    b" Mon, 05 Jan 2026 10:00:00 +0000\n"
)
TO = b"To: bob@home.example\n"
FROM = b"From: ann@send.example\n"


def event(headers: bytes, options: ReadOptions = OPTIONS) -> dict[str, Any]:
    return message_events(TRACE + headers + b"\nhello", "test", options)[0]


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        (b'From: "Brand" <"info@brand.example">\n', "info@brand.example"),
        (b"From: Brand,(<info@brand.example>)\n", "info@brand.example"),
        (b"From: (info@brand.example)\n", "info@brand.example"),
        (b'From: "info@brand.example"\n', "info@brand.example"),
        (b"From: =?utf-8?q?=3Cinfo=40brand.example=3E?=\n", "info@brand.example"),
        (b"From : info@brand.example\n", "info@brand.example"),
        (b"From\t: info@brand.example\n", "info@brand.example"),
        (b"From: info@brand.example,\n", "info@brand.example"),
        (b"From: <info@brand.example,other@brand.example>\n", "info@brand.example"),
        (b"From: ann,info@brand.example\n", "info@brand.example"),
        (b"From: <@relay.example:info@brand.example>\n", "info@brand.example"),
        (b"From: Brand info@brand.example>\n", "info@brand.example"),
        (b"From: nobody\nSender: <info@brand.example>\n", "info@brand.example"),
        (b"Sender: info@brand.example\nReturn-Path: <bounce@brand.example>\n", "info@brand.example"),
        (b'From: "Brand" <>\nReturn-Path: <bounce@brand.example>\n', "bounce@brand.example"),
        (b'From: "ceo@bank.example" <>\nReturn-Path: <bounce@brand.example>\n', "bounce@brand.example"),
        (b"Return-Path: <bounce@brand.example>\n", "bounce@brand.example"),
        (b"From:\nReply-To: info@brand.example\n", "info@brand.example"),
        (b"From: Ann\nReply-To: info@brand.example\nReturn-Path: <bounce@brand.example>\n", "bounce@brand.example"),
        (b"From: Ann\nX-Envelope-From: <bounce@brand.example>\nReturn-Path: <>\n", "bounce@brand.example"),
        (b'From: "ceo@bank.example" <>\nReply-To: info@brand.example\n', "info@brand.example"),
        (b'From: "ceo@bank.example" <>\n', "ceo@bank.example"),
        (b'From: "bob@home.example" (<info@brand.example>)\n', "info@brand.example"),
        (b"From: Brand <'info@brand.example'>\n", "info@brand.example"),
        (b'From: <""info@brand.example"">\n', "info@brand.example"),
        (b"From: smtp:info@brand.example\n", "info@brand.example"),
        (b"From: info@brand.example,Bank\n", "info@brand.example"),
        (b"From: info@brand.example;\n", "info@brand.example"),
        (b"From: mailto:info@brand.example?subject=hi\n", "info@brand.example"),
        ("From: info@brand.example\N{FULLWIDTH COMMA}Bank\n".encode(), "info@brand.example"),
        (b"From: info@[192.0.2.7]\n", "info@192.0.2.7"),
        (b"From: info@[IPv6:2001:db8::7]\n", "info@2001:db8::7"),
        (b"Content-Type: text/plain; charset=koi8-r\nFrom: \xc9\xd7\xc1\xce@send.example\n", "иван@send.example"),
        (b"Content-Type: text/plain; charset=utf-16\nFrom: \xfcnal@send.example\n", "ünal@send.example"),
        (b"From: =?utf-8?Q?=FCnal=40send.example?=\n", "ünal@send.example"),
        (b"From: \xef\xbf\xbdnal@send.example\n", "?nal@send.example"),
        ("From: ann@süd.example\n".encode(), "ann@xn--sd-xka.example"),
        ("From: Ünal@send.example\n".encode(), "ünal@send.example"),
        ("From: Ünal@send.example\n".encode("latin-1"), "ünal@send.example"),
        ("From: Günther <günther@send.example>\n".encode("cp1252"), "günther@send.example"),
    ],
)
def test_the_sender_is_whoever_the_first_usable_header_names(headers: bytes, sender: str) -> None:
    assert event(headers + TO)["sender"] == sender


def test_an_mbox_envelope_names_the_sender_where_no_header_does() -> None:
    raw = b"From bounce@brand.example Mon Jan  5 10:00:00 2026\n" + TRACE + TO + b"\nhello"
    assert message_events(raw, "test", OPTIONS)[0]["sender"] == "bounce@brand.example"


@pytest.mark.parametrize(
    ("headers", "recipients"),
    [
        (b"To: Team:bob@home.example,carol@home.example;\n", ["bob@home.example", "carol@home.example"]),
        (b"To: Team: bob@home.example, C <carol@home.example>;\n", ["carol@home.example", "bob@home.example"]),
        (b'To: <"bob@home.example">\n', ["bob@home.example"]),
        (b'To: "bob@home.example" <>\n', ["bob@home.example"]),
        (b"To: <bob@home.example,carol@home.example>\n", ["bob@home.example", "carol@home.example"]),
        (b"To: you\nX-Apparently-To: bob@home.example; Mon, 05 Jan 2026 10:00:00 +0000\n", ["bob@home.example"]),
        (b"To: undisclosed-recipients:;\nBcc: bob@home.example\n", ["bob@home.example"]),
    ],
)
def test_the_recipients_are_those_of_the_first_header_that_names_any(headers: bytes, recipients: list[str]) -> None:
    assert event(FROM + headers)["recipients"] == recipients


def test_the_mailbox_that_was_read_stands_in_for_recipients_that_nobody_named() -> None:
    named = ReadOptions(now=OPTIONS.now, mailbox="Bob@Home.example")
    assert event(FROM + b"To: undisclosed-recipients:;\n", named)["recipients"] == ["bob@home.example"]
    assert event(FROM + b"To: carol@home.example\n", named)["recipients"] == ["carol@home.example"]


NOBODY = ("", "To: undisclosed-recipients:;\n", "To: Undisclosed recipients:;\n", "To: [to]\n", "To: <>\n", "Bcc:\n")


@pytest.mark.parametrize("to", NOBODY)
def test_a_recipient_whom_nobody_names_is_the_senders_own_and_ties_it_to_nobody(to: str) -> None:
    ann, other = (event(sender + to.encode())["recipients"] for sender in (FROM, b"From: dan@other.example\n"))
    assert ann == event(FROM + b"Subject: another\n")["recipients"]
    assert ann != other
    assert len({registrable_domain(address.rpartition("@")[2]) for address in (*ann, *other)}) == 2
    assert all(address.startswith("undisclosed@") and address.endswith(".invalid") for address in (*ann, *other))


def test_a_sender_whom_nothing_names_is_the_messages_own() -> None:
    nameless = (b"Return-Path: <>\n", b"From: Ann\n", b'From: "Brand" <>\n', b"From: <@r.example>\n")
    senders = [event(headers + TO + b"Subject: %d\n" % place)["sender"] for place, headers in enumerate(nameless)]
    assert len({registrable_domain(sender.rpartition("@")[2]) for sender in senders}) == len(nameless)
    assert all(sender.startswith("unknown@") and sender.endswith(".invalid") for sender in senders)


def test_a_copy_without_sender_or_recipient_read_from_elsewhere_is_the_same_event() -> None:
    raw = TRACE + b"From: Ann\nSubject: x\n\nhello\n\n>From here\n"
    copies = (raw, raw.replace(b"\n", b"\r\n"), b"From - Mon Jan  5 10:00:00 2026\n" + raw + b"\n")
    assert len({message_events(copy, "test", OPTIONS)[0]["event_id"] for copy in copies}) == 1


def test_the_numbered_envelopes_of_takeout_name_no_sender() -> None:
    raw = b"From 1712345678901234567@xxx Mon Jan  5 10:00:00 2026\n" + TRACE + TO + b"\nhello"
    assert message_events(raw, "test", OPTIONS)[0]["sender"].endswith(".invalid")


def test_letters_of_other_headers_leave_the_id_as_it_was() -> None:
    ids = {event(FROM + TO + b"Subject: " + subject + b"\n")["event_id"] for subject in (b"caf\xe9", b"caf\xe8")}
    assert ids == {"f14ce7dfa660681a4f3a07f50fd89f93"}  # as in the version before letters were read


@pytest.mark.parametrize(
    ("headers", "hour"),
    [
        (b"Delivery-Date: Mon, 05 Jan 2026 11:00:00 +0000\nDate: Mon, 05 Jan 2026 09:00:00 +0000\n", 11),
        (b"X-Received: by 2002:a05:: with SMTP id 1; Mon, 05 Jan 2026 11:00:00 +0000\nDate: yesterday\n", 11),
        (b"Date: yesterday\nDate: Mon, 05 Jan 2026 09:00:00 +0000\n", 9),
        (b"Date: Mon, 05 Jan 2099 09:00:00 +0000\nResent-Date: Mon, 05 Jan 2026 12:00:00 +0000\n", 12),
    ],
)
def test_without_a_trace_the_next_header_that_tells_a_time_counts(headers: bytes, hour: int) -> None:
    row = message_events(FROM + TO + headers + b"\nhello", "test", OPTIONS)[0]
    assert row["ts"] == datetime(2026, 1, 5, hour, tzinfo=UTC)


ADDRESS = "info@brand.example"
WRAPPED = st.sampled_from(
    ['<"{}">', "<'{}'>", "({})", "(<{}>)", '"{}"', "<{}>", "{}", "<{}", "{}>", "<mailto:{}>", "<<{}>>"]
)
NAMES = st.sampled_from(
    ["", "Brand", '"Brand, Inc."', "Brand,", "Brand (x)", "=?utf-8?Q?Br=C3=A4nd?=", "Team:", "[Brand]"]
)
ENDS = st.sampled_from(["", ",", ";", " ", " (Brand)", ", Bank", "\t"])


@settings(deadline=None, max_examples=300)
@given(NAMES, WRAPPED, ENDS)
def test_an_address_is_found_however_its_sender_wraps_it(name: str, wrapped: str, end: str) -> None:
    value = f"{name} {wrapped.format(ADDRESS)}{end}".encode()
    assert event(b"From: " + value + b"\n" + TO)["sender"] == ADDRESS


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_whatever_the_headers_say_a_traced_mail_becomes_an_event(sender: bytes, recipient: bytes) -> None:
    clean = [value.replace(b"\n", b"").replace(b"\r", b"") for value in (sender, recipient)]
    row = event(b"From: " + clean[0] + b"\nTo: " + clean[1] + b"\n")
    assert row["sender"]
    assert row["recipients"]
    assert "\N{REPLACEMENT CHARACTER}" not in row["sender"]
    assert not set(row["sender"].rpartition("@")[2]) & set(",; ")


@pytest.mark.parametrize(
    "charset",
    [
        "utf-8''x%ff",
        "idna",
        "punycode",
        "undefined",
        "unicode_escape",
        "utf\x00-8",
        "hex",
        "rot13",
        "x" * 5000,
        "ütf",
        "",
    ],
)
@pytest.mark.parametrize("star", ["", "*", "*0*"])
def test_no_charset_stops_a_mail(charset: str, star: str) -> None:
    kind = f"Content-Type: text/plain; charset{star}={charset}\n".encode("utf-8", "replace")
    row = event(FROM + TO + kind + b"Subject: =?" + charset.encode("utf-8", "replace")[:50] + b"?b?eA==?=\n")
    assert row["sender"] == "ann@send.example"


def test_whatever_the_reader_throws_is_the_reason_of_this_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("graph.read.mail.fingerprint_of", broken)
    with pytest.raises(MessageError, match=r"cannot be read \(ZeroDivisionError\)"):
        event(FROM + TO)
