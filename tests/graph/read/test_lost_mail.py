"""No mail is lost because its sender left something out or wrote it oddly."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        (b"Return-Path: <>\n", "unknown@[198.51.100.7]"),
        (b"", "unknown@[198.51.100.7]"),
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
        (b"To: undisclosed-recipients:;\n", ["undisclosed@mx.home.example.invalid"]),
        (b"To: undisclosed-recipients:;\nBcc: bob@home.example\n", ["bob@home.example"]),
        (b"", ["undisclosed@mx.home.example.invalid"]),
    ],
)
def test_the_recipients_are_those_of_the_first_header_that_names_any(headers: bytes, recipients: list[str]) -> None:
    assert event(FROM + headers)["recipients"] == recipients


def test_the_mailbox_that_was_read_stands_in_for_recipients_that_nobody_named() -> None:
    named = ReadOptions(now=OPTIONS.now, mailbox="Bob@Home.example")
    assert event(FROM + b"To: undisclosed-recipients:;\n", named)["recipients"] == ["bob@home.example"]
    assert event(FROM + b"To: carol@home.example\n", named)["recipients"] == ["carol@home.example"]


def test_mail_without_a_trace_shares_one_placeholder() -> None:
    raw = FROM + b"Date: Mon, 05 Jan 2026 10:00:00 +0000\n\nx"
    assert message_events(raw, "test", OPTIONS)[0]["recipients"] == ["undisclosed@mailbox.invalid"]


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
