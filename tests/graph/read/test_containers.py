"""Mail inside mail, and mail inside other programs' files: the right sender is charged, and nothing in it is missed."""

import base64
import binascii
import quopri
import struct
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import compressed_rtf
import pytest
from outlook import outlook_message

from graph.read import Quarantine, ReadOptions, read_events
from graph.read.foreign import ForeignError, to_message
from graph.read.mail import message_events

OPTIONS = ReadOptions(now=datetime(2026, 6, 1, tzinfo=UTC))
LINK = b"https://evil.test/x"
OUTER = b"From: ann@send.example\nTo: bob@home.example\nDate: Mon, 05 Jan 2026 10:00:00 +0000\nMIME-Version: 1.0\n"
INNER = (
    b"Received: from mx.spam.example (mx.spam.example [203.0.113.9]) by mx.home.example; Sun, 04 Jan 2026 09:00:00"
    b" +0000\nFrom: spammer@spam.example\nTo: victim@home.example\nDate: Sun, 04 Jan 2026 09:00:00 +0000\n\n"
)
INVITATION = (
    b"BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nORGANIZER:mailto:boss@send.example\n"
    b"ATTENDEE:mailto:bob@home.example\nDESCRIPTION:" + LINK + b"\nEND:VEVENT\nEND:VCALENDAR\n"
)


def part(kind: bytes, content: bytes, *headers: bytes) -> bytes:
    return b"--sep\nContent-Type: " + kind + b"\n" + b"".join(header + b"\n" for header in headers) + b"\n" + content


def mail(*parts: bytes, head: bytes = OUTER, kind: bytes = b"multipart/mixed") -> list[dict[str, Any]]:
    whole = head + b"Content-Type: " + kind + b"; boundary=sep\n\n" + b"\n".join(parts) + b"\n--sep--\n"
    return message_events(whole, "test", OPTIONS)


def uuencoded(content: bytes) -> bytes:
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    return b"begin 644 x\n" + b"".join(lines) + b"`\nend\n"


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        (b"base64", base64.encodebytes),
        (b"quoted-printable", quopri.encodestring),
        (b"Quoted-Printable; x=1", quopri.encodestring),
        (b"x-uuencode", uuencoded),
        (b"7bit", bytes),
    ],
)
@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"message/rfc822", INNER + LINK),
        (b"text/html", b'<a href="' + LINK + b'">x</a>'),
        (b"application/octet-stream; name=page.html", b'<a href="' + LINK + b'">x</a>'),
        (b"application/octet-stream; name=mail.eml", INNER + LINK),
        (b"application/ms-tnef; name=winmail.dat", b"\x78\x9f\x3e\x22\x00\x00" + LINK.decode().encode("utf-16-le")),
    ],
)
def test_a_link_is_found_whatever_part_and_encoding_hold_it(
    kind: bytes, content: bytes, encoding: bytes, encode: Any
) -> None:
    (event,) = mail(part(kind, encode(content), b"Content-Transfer-Encoding: " + encoding))
    assert (event["sender"], event["domains"]) == ("ann@send.example", ["evil.test"])


def test_the_parts_of_an_encoded_container_are_encoded() -> None:
    body = quopri.encodestring(b"see https://a-very-long-name-of-a-host.that-wraps.at-the-end.of-the-line.evil.test/x")
    head = OUTER + b"Content-Transfer-Encoding: quoted-printable\n"
    (event,) = mail(part(b"text/plain", body), head=head)
    assert event["domains"] == ["a-very-long-name-of-a-host.that-wraps.at-the-end.of-the-line.evil.test"]


@pytest.mark.parametrize(
    "kind",
    [
        b"text/calendar",
        b'application/octet-stream; name="Invite.ICS"',
        b"application/octet-stream; name*=utf-8''invite.ics",
    ],
)
def test_an_invitation_is_known_by_its_type_or_its_file(kind: bytes) -> None:
    events = mail(part(b"text/plain", b"You are invited"), part(kind, INVITATION))
    assert [(event["channel"], event["sender"]) for event in events] == [
        ("mail", "ann@send.example"),
        ("calendar", "boss@send.example"),
    ]
    assert events[1]["domains"] == ["evil.test"]


def test_compressed_text_in_outlooks_attachment_is_expanded() -> None:
    stream = compressed_rtf.compress(b"{\\rtf1 go to https://rtf.evil.test/ now and again and again}")
    (event,) = mail(
        part(
            b"application/ms-tnef",
            base64.encodebytes(b"\x78\x9f\x3e\x22" + stream),
            b"Content-Transfer-Encoding: base64",
        )
    )
    assert event["domains"] == ["rtf.evil.test"]


# ---- Reports about mail

COMPLAINT = part(b"message/feedback-report", b"Feedback-Type: abuse\nUser-Agent: x\nVersion: 1\n")


def test_a_feedback_report_charges_the_reported_mail_and_never_the_reporter() -> None:
    note = part(b"text/plain", b"somebody complained about https://reporter.example/")
    (event,) = mail(
        note,
        COMPLAINT,
        part(b"message/rfc822", INNER + LINK),
        kind=b"multipart/report; report-type=feedback-report",
    )
    assert (event["sender"], event["recipients"]) == ("spammer@spam.example", ["victim@home.example"])
    assert (event["domains"], event["ip"]) == (["evil.test"], None)  # the trace inside is the reporter's word


@pytest.mark.parametrize("inside", [b"message/rfc822", b"text/rfc822-headers"])
def test_a_bounce_charges_nobody_with_what_it_returns(inside: bytes) -> None:
    (event,) = mail(
        part(b"text/plain", b"could not be delivered"),
        part(inside, INNER + LINK),
        kind=b"multipart/report; report-type=delivery-status",
    )
    assert (event["sender"], event["domains"]) == ("ann@send.example", [])


ENVELOPE = (
    b"Sender: spammer@spam.example\r\nTo: bob@home.example\r\n"
    b"Bcc: Carol <carol@home.example>, Expanded: all@home.example\r\n"
)
DATE = b"; Mon, 05 Jan 2026 10:00:09 +0000\n"
OWN = b"Received: from mx.home.example (mx.home.example [192.0.2.10]) by journal.home.example" + DATE
STRANGER = b"Received: from x.evil.example (x.evil.example [198.51.100.66]) by mx.home.example" + DATE


def journal(trace: bytes) -> dict[str, Any]:
    head = trace + OUTER + b"X-MS-Journal-Report:\n"
    return mail(part(b"text/plain", ENVELOPE), part(b"message/rfc822", INNER + LINK), head=head)[0]


@pytest.mark.parametrize("trace", [b"", OWN])
def test_a_journal_report_is_the_mail_that_it_records_with_all_its_recipients(trace: bytes) -> None:
    event = journal(trace)
    assert (event["sender"], event["ip"], event["domains"]) == ("spammer@spam.example", "203.0.113.9", ["evil.test"])
    assert sorted(event["recipients"]) == ["bob@home.example", "carol@home.example"]


def test_a_journal_report_that_a_stranger_hands_over_is_his_own_mail() -> None:
    event = journal(STRANGER)
    assert (event["sender"], event["ip"]) == ("ann@send.example", "198.51.100.66")


# ---- Other programs' files

TRANSPORT = (
    "From: ann@send.example\r\nTo: bob@home.example\r\nDate: Mon, 05 Jan 2026 10:00:00 +0000\r\n"
    "Content-Type:\r\n text/x\r\n"
)


@pytest.mark.parametrize(
    ("texts", "binaries"),
    [
        ({0x1000: f"see {LINK.decode()}"}, {}),
        ({}, {0x1013: b"<a href='" + LINK + b"'>x</a>"}),
        ({}, {0x1009: compressed_rtf.compress(b"{\\rtf1 go to " + LINK + b" at once}")}),
    ],
)
def test_an_outlook_file_is_read_as_the_mail_it_was(texts: dict[int, str], binaries: dict[int, bytes]) -> None:
    raw = outlook_message({0x001A: "IPM.Note", 0x007D: TRANSPORT, **texts}, binaries)
    first, second = (message_events(to_message(raw, "msg"), "test", OPTIONS) for _ in range(2))
    assert first == second
    assert (first[0]["sender"], first[0]["recipients"]) == ("ann@send.example", ["bob@home.example"])
    assert (first[0]["domains"], first[0]["ts"]) == (["evil.test"], datetime(2026, 1, 5, 10, tzinfo=UTC))


def test_an_apple_file_ends_where_its_byte_count_says() -> None:
    content = OUTER + b"\n" + LINK
    raw = b"%-10d\n" % len(content) + content + b"<?xml?><plist>https://plist.example/</plist>"
    assert message_events(to_message(raw, "emlx"), "test", OPTIONS)[0]["domains"] == ["evil.test"]


@pytest.mark.parametrize("form", ["msg", "emlx"])
@pytest.mark.parametrize("raw", [b"", b"no such thing", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)])
def test_a_damaged_file_says_what_it_lacks(form: str, raw: bytes) -> None:
    with pytest.raises(ForeignError, match=r"byte count|no Outlook message"):
        to_message(raw, form)


def test_no_cut_outlook_file_raises_anything_else() -> None:
    raw = outlook_message({0x001A: "IPM.Note", 0x007D: TRANSPORT, 0x1000: "x"})
    for at in range(0, len(raw), 97):
        for broken in (raw[:at], raw[:at] + struct.pack("<Q", 2**63 - 1) + raw[at + 8 :]):
            try:
                to_message(broken, "msg")
            except ForeignError:
                continue


def test_a_message_read_from_a_folder_of_such_files_is_an_event(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Date"] = (
        "a@send.example",
        "b@home.example",
        "Mon, 05 Jan 2026 10:00:00 +0000",
    )
    message.set_content("hello")
    content = message.as_bytes()
    (tmp_path / "1.emlx").write_bytes(b"%d\n" % len(content) + content)
    (tmp_path / "2.msg").write_bytes(outlook_message({0x001A: "IPM.Note", 0x007D: TRANSPORT, 0x1000: "hi"}))
    (tmp_path / "3.msg").write_bytes(b"\xd0\xcf\x11\xe0")
    with Quarantine(tmp_path / "q.jsonl.none") as quarantine:
        rows = [row for batch in read_events([tmp_path], OPTIONS, quarantine) for row in batch.to_pylist()]
    assert {row["sender"] for row in rows} == {"a@send.example", "ann@send.example"}
    assert dict(quarantine.reasons) == {"is no Outlook message that can be read (ValueError)": 1}
