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
from oxmsg.storage import Storage, Stream

from graph.read import Quarantine, ReadOptions, read_events
from graph.read.foreign import ForeignError, _embedded_texts, to_message
from graph.read.mail import MessageError, message_events

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


HTML = b'<a href="' + LINK + b'">x</a>'
BASE64 = b"Content-Transfer-Encoding: base64"


def domains(content: bytes, kind: bytes = b"text/html", *headers: bytes) -> list[str]:
    domains: list[str] = mail(part(kind, content, *headers))[0]["domains"]
    return domains


@pytest.mark.parametrize(
    "kind",
    [
        b"application/octet-stream; name=page.HTM",
        b'application/octet-stream; name="page.html. "',
        b'application/octet-stream; name="=?utf-8?q?page=2Ehtml?="',
        b"application/octet-stream; name*0=pa; name*1=ge.html",
        b"application/x-download; name=page.html",
        b"binary/octet-stream; name=page.shtml",
        b"text/plain; name=page.html",
        b"application/octet-stream\nContent-Disposition: attachment; filename*=utf-8''p%C3%A4ge.html",
    ],
)
def test_a_page_is_known_by_its_file(kind: bytes) -> None:
    assert domains(base64.b64encode(b"<img src=//evil.test/x>"), kind, BASE64) == ["evil.test"]


@pytest.mark.parametrize("kind", [b"application/octet-stream; name=WINMAIL.DAT", b"application/vnd.ms-tnef"])
def test_outlooks_attachment_is_known_by_its_type_or_its_file(kind: bytes) -> None:
    assert domains(b"\x78\x9f\x3e\x22 https://evil.test/", kind) == ["evil.test"]


def test_a_file_of_another_kind_holds_no_text() -> None:
    assert domains(LINK, b"application/octet-stream; name=photo.jpg") == []


@pytest.mark.parametrize(
    "header",
    [
        BASE64,
        b'Content-Transfer-Encoding: "base64"',
        b"Content-Transfer-Encoding: (as ever) BASE64 (really)",
        b"Content-Transfer-Encoding : base64; x=1",
    ],
)
def test_an_encoding_may_be_written_in_any_way(header: bytes) -> None:
    assert domains(base64.b64encode(HTML), b"text/html", header) == ["evil.test"]


@pytest.mark.parametrize("first", [b"a", b"ab", b"abc"])
def test_what_follows_a_padding_is_read_too(first: bytes) -> None:
    content = base64.encodebytes(first) + b"\n" + base64.encodebytes(HTML)
    assert domains(content, b"text/html", BASE64) == ["evil.test"]


@pytest.mark.parametrize("encoding", [b"base64", b"x-uuencode", b"quoted-printable"])
def test_an_encoding_of_the_container_turns_no_plain_part_into_something_else(encoding: bytes) -> None:
    head = OUTER + b"Content-Transfer-Encoding: " + encoding + b"\n"
    assert mail(part(b"text/plain", b"see " + LINK), head=head)[0]["domains"] == ["evil.test"]


@pytest.mark.parametrize("encoding", [b"base64", b"x-uuencode", b"quoted-printable", b"8bit"])
def test_a_message_inside_that_is_not_encoded_is_read_whatever_it_says(encoding: bytes) -> None:
    assert domains(INNER + LINK, b"message/rfc822", b"Content-Transfer-Encoding: " + encoding) == ["evil.test"]


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (HTML, b"utf-16"),
        (HTML, b"utf-32"),
        (HTML.decode().encode("utf-16"), b"us-ascii"),
        (HTML.decode().encode("utf-16") + b"x", b"utf-16"),
        (HTML.decode().encode("utf-16-le"), b"utf-16-le"),
        (b"+ADw-a href=+ACI-https://evil.test/+ACI-+AD4-", b"utf-7"),
        (HTML + b"\xff", b"utf-8"),
        (HTML, b"rot13"),
    ],
)
def test_a_wrong_charset_hides_no_link(content: bytes, charset: bytes) -> None:
    assert domains(base64.b64encode(content), b"text/html; charset=" + charset, BASE64) == ["evil.test"]


@pytest.mark.parametrize("before", [b"", b"see the file\n\n"])
def test_a_file_in_the_text_itself_is_read(before: bytes) -> None:
    assert domains(before + uuencoded(HTML) + b"\nbye\n", b"text/plain") == ["evil.test"]


def test_the_parts_of_a_digest_are_messages() -> None:
    inner = INNER.replace(b"\n\n", b"\nContent-Type: text/html\n" + BASE64 + b"\n\n") + base64.b64encode(HTML)
    (event,) = mail(b"--sep\n\n" + inner, kind=b"multipart/digest")
    assert event["domains"] == ["evil.test"]


def test_text_that_is_signed_within_other_bytes_is_read() -> None:
    content = base64.encodebytes(b"\x30\x82\x01\x00Content-Type: text/plain\r\n\r\n" + LINK + b"\x00\x31")
    assert domains(content, b"application/pkcs7-mime; name=smime.p7m", BASE64) == ["evil.test"]


# ---- Boundaries


@pytest.mark.parametrize(
    "inside",
    [
        b"--sep--more\nContent-Type: text/html\n\n" + HTML,  # neither the end
        b"--sepia--\n\n" + LINK,
        b"--sep and text\n" + LINK,  # nor the beginning of a part
        b"--sep\nContent-Type: multipart/mixed; boundary=sep--x\n\n--sep--x\n\n" + LINK + b"\n--sep--x--\n",
        b"--sep \t\n\n" + LINK,
        b"--sep\n" + LINK,  # a part without headers or blank line
        b"--sep\nContent-Type: text/html\n" + HTML,
        b"--sep\nContent-Type: text/plain\n continued\n" + LINK + b"\nmore",
    ],
)
def test_no_line_that_looks_like_a_boundary_hides_what_follows(inside: bytes) -> None:
    whole = OUTER + b"Content-Type: multipart/mixed; boundary=sep\n\n--sep\n\nhello\n" + inside + b"\n--sep--\n"
    assert message_events(whole, "test", OPTIONS)[0]["domains"] == ["evil.test"]


@pytest.mark.parametrize("boundary", [b"sep", b'"s p"', "\u00e4".encode(), b"'sep'", b"=_sep"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_parts_are_told_whatever_their_boundary_and_line_ends(boundary: bytes, end: bytes) -> None:
    marker = b"--" + boundary.strip(b'"')
    lines = [OUTER + b"Content-Type: multipart/mixed; boundary=" + boundary, b"", marker]
    lines += [b"Content-Type: text/html", BASE64, b"", base64.b64encode(HTML), marker + b"--", b"", b"https://no.test/"]
    whole = b"\n".join(lines).replace(b"\n", end)
    assert message_events(whole, "test", OPTIONS)[0]["domains"] == ["evil.test"]


def test_a_boundary_that_every_line_carries_on_is_one_nevertheless() -> None:
    body = b"--sepX\nContent-Type: text/html\n" + BASE64 + b"\n\n" + base64.b64encode(HTML) + b"\n--sepX\n"
    whole = OUTER + b"Content-Type: multipart/mixed; boundary=sep\n\n" + body
    assert message_events(whole, "test", OPTIONS)[0]["domains"] == ["evil.test"]


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


@pytest.mark.parametrize(
    "kind", [b"multipart/report", b"multipart/report; report-type=x", b"multipart/mixed; report-type=Feedback-Report"]
)
def test_a_feedback_report_is_known_by_its_type_or_its_part(kind: bytes) -> None:
    assert mail(COMPLAINT, part(b"message/rfc822", INNER + LINK), kind=kind)[0]["sender"] == "spammer@spam.example"


@pytest.mark.parametrize("encode", [bytes, base64.encodebytes])
def test_the_reported_mail_went_to_whom_the_report_says(encode: Any) -> None:
    complaint = COMPLAINT + b"Original-Rcpt-To: <dave@home.example>\nOriginal-Rcpt-To: eve@home.example\n"
    header = b"Content-Transfer-Encoding: " + (b"7bit" if encode is bytes else b"base64")
    (event,) = mail(complaint, part(b"message/rfc822", encode(INNER + LINK), header), kind=b"multipart/report")
    assert event["recipients"] == ["dave@home.example", "eve@home.example"]


def test_a_feedback_report_without_the_mail_charges_nobody() -> None:
    with pytest.raises(MessageError, match="feedback report without the mail"):
        mail(part(b"text/plain", LINK), COMPLAINT, kind=b"multipart/report; report-type=feedback-report")


@pytest.mark.parametrize("kind", [b"multipart/report; report-type=delivery-status", b"multipart/mixed"])
@pytest.mark.parametrize("notice", [b"message/delivery-status", b"message/disposition-notification"])
@pytest.mark.parametrize("inside", [b"message/rfc822", b"text/rfc822-headers"])
def test_a_bounce_or_receipt_charges_nobody_with_what_it_returns(inside: bytes, notice: bytes, kind: bytes) -> None:
    (event,) = mail(
        part(b"text/plain", b"could not be delivered"),
        part(notice, b"Final-Recipient: rfc822; victim@home.example\n"),
        part(inside, INNER + LINK),
        kind=kind,
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


def test_a_journal_report_names_the_sender_of_a_mail_without_one() -> None:
    inner = INNER.replace(b"From: spammer@spam.example\n", b"") + LINK
    head = OUTER + b"X-MS-Journal-Report:\n"
    (event,) = mail(part(b"text/plain", ENVELOPE), part(b"message/rfc822", inner), head=head)
    assert event["sender"] == "spammer@spam.example"


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


def test_an_outlook_file_that_was_never_sent_says_what_outlook_noted() -> None:
    texts = {0x001A: "IPM.Note", 0x5D01: "ann@send.example", 0x0037: "hi", 0x1035: "<1@send.example>", 0x1000: "x"}
    head = to_message(outlook_message({**texts, 0x007D: "To: bob@home.example\r\n"}), "msg").partition(b"\n\n")[0]
    assert head.split(b"\n")[:4] == [
        b"To: bob@home.example",
        b"From: ann@send.example",
        b"Subject: hi",
        b"Message-ID: <1@send.example>",
    ]


def test_a_message_inside_an_outlook_attachment_is_read() -> None:
    streams = (
        Stream("a/__substg1.0_3701000D/__substg1.0_1000001F", "see https://text.test/".encode("utf-16-le")),
        Stream("a/__substg1.0_3701000D/__substg1.0_10130102", HTML),
        Stream("a/__substg1.0_3701000D/__substg1.0_10090102", compressed_rtf.compress(b"{\\rtf1 a a a a a}")),
    )
    attachment = Storage("a", (), (Storage("a/__substg1.0_3701000D", streams, ()),))
    assert [*_embedded_texts(attachment)] == [
        ("plain", "see https://text.test/"),
        ("html", HTML.decode()),
        ("rtf", "{\\rtf1 a a a a a}"),
    ]


def test_an_outlook_file_whose_streams_hold_more_than_the_file_is_not_expanded() -> None:
    raw = outlook_message({0x001A: "IPM.Note", 0x007D: TRANSPORT, 0x1000: "x" * 1500})
    size = struct.pack("<Q", 3000)
    assert raw.count(size) == 1
    with pytest.raises(ForeignError, match="hold more than the file"):
        to_message(raw.replace(size, struct.pack("<Q", 1 << 30)), "msg")


def test_an_apple_file_ends_where_its_byte_count_says() -> None:
    content = OUTER + b"\n" + LINK
    raw = b"%-10d\n" % len(content) + content + b"<?xml?><plist>https://plist.example/</plist>"
    assert message_events(to_message(raw, "emlx"), "test", OPTIONS)[0]["domains"] == ["evil.test"]


def test_an_apple_file_that_is_cut_short_is_set_aside() -> None:
    with pytest.raises(ForeignError, match="cut short"):
        to_message(b"1000\n" + OUTER, "emlx")


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
