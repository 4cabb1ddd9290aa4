"""A raw message, however broken, gives its events or one clear reason why not."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph import schema
from graph.read import Quarantine, ReadOptions, read_events
from graph.read.mail import MessageError, message_events

OPTIONS = ReadOptions(now=datetime(2024, 6, 1, tzinfo=UTC))
TRACE = (
    b"Received: from out.send.example (out.send.example [192.0.2.9]) by mx.home.example\n"
    b"\tfor <bob@home.example>; Thu, 2 May 2024 12:00:00 +0200\n"
)
HEAD = (
    b"From: Alice <Alice@Send.example>\nTo: bob@home.example\n"
    b"Date: Thu, 2 May 2024 09:00:00 +0000\nMessage-ID: <id1@send.example>\n"
)


def mail(headers: bytes = b"", body: bytes = b"hello", head: bytes = TRACE + HEAD) -> dict[str, Any]:
    return message_events(head + headers + b"\n" + body, "test", OPTIONS)[0]


def multipart(*parts: bytes) -> bytes:
    inside = b"".join(b"--sep\n" + part + b"\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=sep\n\nno mail program shows this\n" + inside + b"--sep--\n"


def test_a_plain_message_is_one_row_of_the_contract() -> None:
    row = mail(body=b"see https://www.Shop.example/a?b and http://192.0.2.77:8080/")
    assert row["ts"] == datetime(2024, 5, 2, 10, tzinfo=UTC)
    assert (row["channel"], row["sender"], row["ip"]) == ("mail", "alice@send.example", "192.0.2.9")
    assert row["recipients"] == ["bob@home.example"]
    assert row["domains"] == ["www.shop.example", "192.0.2.77"]
    assert row["event_id"].startswith("id1@send.example#")
    assert pa.RecordBatch.from_pylist([row], schema=schema.EVENTS).num_rows == 1


def test_a_copy_read_from_elsewhere_is_the_same_event() -> None:
    raw = TRACE + HEAD + b"\nhello\n\n>From here on\n"
    copies = [
        raw,
        raw.replace(b"\n", b"\r\n"),
        b"From alice@send.example Thu May  2 10:00:00 2024\n" + raw.replace(b"\n>From", b"\nFrom"),
        raw.replace(b"\nFrom:", b"\nStatus: RO\nX-Mozilla-Status: 1\nFrom:") + b"\n",
    ]
    assert len({message_events(copy, "test", OPTIONS)[0]["event_id"] for copy in copies}) == 1


def test_a_message_id_used_again_hides_no_other_message() -> None:
    ids = [mail(body=body)["event_id"] for body in (b"one", b"two")]
    ids.append(mail(head=TRACE + HEAD.replace(b"bob@", b"carol@"))["event_id"])
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    "line", [b"", b"Message-ID: <>\n", b"Message-ID: <a b@c>\n", b"Message-ID: " + b"a" * 10**6 + b"\n"]
)
def test_without_a_sane_message_id_the_content_alone_tells_messages_apart(line: bytes) -> None:
    head = HEAD.replace(b"Message-ID: <id1@send.example>\n", line)
    ids = {mail(head=TRACE + head, body=body)["event_id"] for body in (b"one", b"two")}
    assert len(ids) == 2
    assert {len(event_id) for event_id in ids} == {32}


@pytest.mark.parametrize("year", [b"2051", b"1024"])
def test_a_message_without_a_usable_time_gives_the_reason(year: bytes) -> None:
    with pytest.raises(MessageError, match="no usable time"):
        mail(head=HEAD.replace(b"2024", year))


def test_a_message_that_names_nobody_and_came_from_nowhere_gives_the_reason() -> None:
    with pytest.raises(MessageError, match="no usable mail address in From, Sender"):
        mail(head=b"To: bob@home.example\nDate: Thu, 2 May 2024 09:00:00 +0000\n")


def test_delivery_headers_say_who_got_it_before_to_does() -> None:
    row = mail(
        b"Delivered-To: carol@home.example\nX-Original-To: <dave@home.example>\nDelivered-To: carol@home.example\n"
    )
    assert row["recipients"] == ["carol@home.example", "dave@home.example"]


def test_without_any_recipient_header_the_trace_says_for_whom() -> None:
    assert mail(head=TRACE + HEAD.replace(b"To: bob", b"X: bob"))["recipients"] == ["bob@home.example"]


def test_the_rule_for_mailboxes_is_a_setting() -> None:
    raw = HEAD.replace(b"Alice@Send.example", b"a.li.ce+x@gmail.com") + b"\n"
    senders = [
        message_events(raw, "test", ReadOptions(now=OPTIONS.now, normalise=rule))[0]["sender"]
        for rule in ("gmail", "off")
    ]
    assert senders == ["alice@gmail.com", "a.li.ce+x@gmail.com"]


@pytest.mark.parametrize(
    ("value", "sender"),
    [
        (b'"Bank, Inc. <safe@bank.example>" <x@send.example>', "x@send.example"),
        (b"=?utf-8?B?c2FmZUBiYW5rLmV4YW1wbGU=?= <x@send.example>", "x@send.example"),
        (b"=?utf-8?Q?Bob_=3Cx=40send.example=3E?=", "x@send.example"),
        (b"x@send.example (Bob (the (nested)) one)", "x@send.example"),
        (b"x@b\xc3\xbccher.example", "x@xn--bcher-kva.example"),
        (b"=?no-such-charset?Q?=FF?= <x@send.example>", "x@send.example"),
        (b"<@relay.example:x@send.example>", "x@send.example"),
        (b"x@send.\x00example", "x@send"),
        (b'"quoted local"@send.example', '"quoted local"@send.example'),
        (b"\n\t<x@send.example>", "x@send.example"),
        (b"(" * 100_000 + b" x@send.example", "x@send.example"),
    ],
)
def test_the_sender_is_found_in_whatever_from_says(value: bytes, sender: str) -> None:
    assert mail(head=TRACE + b"From: " + value + b"\n" + HEAD.partition(b"\n")[2])["sender"] == sender


def test_links_are_read_in_every_text_part_whatever_its_encoding() -> None:
    html = '<a href="https://b&#111;ok.example/">x</a>'.encode("utf-16")
    body = multipart(
        b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nhttp://pl=\nain.example/=20",
        b"Content-Type: text/html; charset=utf-16\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(html),
        b"Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: text/html\n\n<img src=//inner.example/a.gif>",
        b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nhttp://picture.example/",
    )
    assert mail(body, b"")["domains"] == ["plain.example", "book.example", "inner.example"]


@pytest.mark.parametrize(
    "content_type",
    [
        b"text/plain; charset=no-such-charset",
        b"text/plain; charset=us-ascii; charset=utf-16",
        b'text/plain; charset="utf-8',
        b"text/plain; charset=idna",
        b"text/plain; charset=a\x00b",
        b"text/plain; charset*=utf-8''%ff%fe",
        b"nonsense",
        b"multipart/mixed",
        b"multipart/mixed; boundary=never",
        b"text/plain; " + b'a="b;' * 50_000,
    ],
)
def test_a_broken_content_type_hides_no_link(content_type: bytes) -> None:
    assert mail(b"Content-Type: " + content_type + b"\n", b"caf\xe9 http://link.example/")["domains"] == [
        "link.example"
    ]


def test_a_fifty_megabyte_attachment_is_passed_over() -> None:
    attachment = b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n" + b"QUJD" * 19 * 690_000
    assert len(attachment) > 50_000_000
    assert mail(multipart(attachment, b"\nhttp://after.example/"), b"")["domains"] == ["after.example"]


def test_ten_thousand_nested_parts_are_walked_to_a_bounded_depth() -> None:
    nest = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\nhttp://x/\n" % (depth, depth) for depth in range(10_000)
    )
    assert mail(nest, b"")["sender"] == "alice@send.example"


def test_of_ten_thousand_parts_a_bounded_number_is_read() -> None:
    parts = (b"Content-Type: text/plain\n\nhttp://p%d.example/" % number for number in range(10_000))
    assert mail(multipart(*parts), b"")["domains"][:2] == ["p0.example", "p1.example"]


def test_a_megabyte_of_header_does_no_harm() -> None:
    row = mail(b"Subject: " + b"a" * 1_000_000 + b"\nCc: " + b'"' * 1_000_000 + b"\nX-A: " + b"b\n " * 300_000 + b"\n")
    assert row["recipients"] == ["bob@home.example"]


def test_a_line_that_is_no_header_hides_no_header() -> None:
    assert mail(head=b">From x Thu May 2\n" + TRACE + b"garbage without a colon\n" + HEAD)["ip"] == "192.0.2.9"


def test_nul_bytes_do_no_harm() -> None:
    assert mail(b"X-\x00: a\n", b"http://li\x00nk.example/ http://next.example/")["domains"][-1] == "next.example"


FRAGMENTS = st.sampled_from(
    [
        b"From: a@x.example\n", b"To: b@y.example\n", b"Date: Thu, 2 May 2024 10:00:00 +0000\n", b"\n", b"\r\n",
        b"Content-Type: multipart/mixed; boundary=b\n", b"--b\n", b"--b--\n", b"Content-Type: text/html\n",
        b"Content-Transfer-Encoding: base64\n", b"Content-Type: message/rfc822\n", b"=?utf-8?q?=ff?=", b" ",
        b"Content-Type: text/calendar; charset=utf-7\n", b"BEGIN:VEVENT\n", b"ORGANIZER:mailto:o@x.example\n",
        b"(<\"@;",
        b"Received: from x ([192.0.2.1]) by y; Thu, 2 May 2024 10:00:00 +0000\n", b"http://[::1", b"<a href=", b"<!--",
        b"Content-Transfer-Encoding: quoted-printable\n", b"END:VEVENT\n", b"charset*0*=x''%", b"Message-ID: <a@b>\n",
        b"From ",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(FRAGMENTS, st.binary(max_size=20)), max_size=40).map(b"".join))
def test_any_bytes_give_rows_of_the_contract_or_a_reason(raw: bytes) -> None:
    try:
        rows = message_events(raw, "test", OPTIONS)
    except MessageError:
        return
    batch = pa.RecordBatch.from_pylist(rows, schema=schema.EVENTS)
    batch.validate(full=True)
    assert rows == message_events(raw, "test", OPTIONS)
    assert all(row["recipients"] and row["sender"] and row["event_id"] and row["ts"] for row in rows)


INVITATION = (
    b'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:u1\r\nORGANIZER;CN="Olga: chair":MAILTO:Olga@Send.ex\r\n'
    b" ample\r\nATTENDEE;ROLE=REQ-PARTICIPANT;CN=B:mailto:bob@home.example\r\nATTENDEE:mailto:carol@home.example\r\n"
    b"SUMMARY:Prize\\, now\r\nDESCRIPTION:Claim at https://prize.exam\r\n ple/\\nsoon\r\nEND:VEVENT\r\n"
    b"END:VCALENDAR\r\n"
)


def invited(calendar: bytes, head: bytes = TRACE + HEAD) -> list[dict[str, Any]]:
    return message_events(head + multipart(b"\nhi", b"Content-Type: text/calendar\n\n" + calendar), "test", OPTIONS)


def test_an_invitation_is_an_event_of_its_own() -> None:
    message, calendar = invited(INVITATION)
    assert (message["channel"], message["domains"]) == ("mail", [])
    assert (calendar["channel"], calendar["sender"]) == ("calendar", "olga@send.example")
    assert calendar["recipients"] == ["bob@home.example", "carol@home.example"]
    assert calendar["domains"] == ["prize.example"]
    assert (calendar["ts"], calendar["ip"]) == (message["ts"], message["ip"])


def test_the_copies_of_all_attendees_are_one_invitation() -> None:
    other = TRACE + HEAD.replace(b"bob@", b"carol@").replace(b"id1", b"id2")
    (mail1, event1), (mail2, event2) = invited(INVITATION), invited(INVITATION, other)
    assert event1["event_id"] == event2["event_id"]
    assert mail1["event_id"] != mail2["event_id"]


def test_an_answer_goes_from_the_attendee_to_the_organiser() -> None:
    answer = INVITATION.replace(b"METHOD:REQUEST", b"METHOD:REPLY")
    assert (invited(answer)[1]["sender"], invited(answer)[1]["recipients"]) == (
        "bob@home.example",
        ["olga@send.example"],
    )


def test_what_an_invitation_lacks_the_mail_gives() -> None:
    event = invited(b"BEGIN:VEVENT\nUID:u2\nORGANIZER:urn:uuid:1\nEND:VEVENT\n")[1]
    assert (event["sender"], event["recipients"]) == ("alice@send.example", ["bob@home.example"])


def test_an_alarm_inside_an_invitation_invites_nobody() -> None:
    alarm = b"BEGIN:VALARM\r\nATTENDEE:mailto:other@home.example\r\nEND:VALARM\r\nEND:VEVENT"
    assert invited(INVITATION.replace(b"END:VEVENT", alarm))[1]["recipients"] == [
        "bob@home.example",
        "carol@home.example",
    ]


def test_an_mbox_is_split_at_its_envelopes_and_bad_messages_are_set_aside_by_number(tmp_path: Path) -> None:
    box = tmp_path / "box.mbox"
    envelope = b"From a@x.example Thu May 32 10:00:00 2024\n"
    quoted = b"\nsaid\n\n>From here at 10:00\n\nFrom nobody without a time\n\n"
    box.write_bytes(
        envelope
        + HEAD
        + quoted
        + envelope
        + b"Subject: no time\nFrom: x@y.example\n\nx\n\n"
        + envelope
        + HEAD.replace(b"id1", b"id3")
        + b"\n"
    )
    with Quarantine(tmp_path / "q") as quarantine:
        (batch,) = read_events([box], OPTIONS, quarantine)
    assert [event_id.partition("#")[0] for event_id in batch["event_id"].to_pylist()] == [
        "id1@send.example",
        "id3@send.example",
    ]
    line = json.loads((tmp_path / "q").read_text())
    assert (line["file"], line["row"], line["reason"]) == (
        str(box),
        2,
        "no usable time in Received, the mbox envelope or Date",
    )


def test_a_message_past_the_bound_is_set_aside_and_the_next_one_read(tmp_path: Path) -> None:
    envelope = b"From a@x.example Thu May  2 10:00:00 2024\n"
    box = tmp_path / "box"
    box.write_bytes(envelope + HEAD + b"\n" + b"x\n" * 5000 + b"\n" + envelope + HEAD + b"\n")
    options = ReadOptions(now=OPTIONS.now, max_message_bytes=2000)
    with Quarantine(tmp_path / "q") as quarantine:
        (batch,) = read_events([box], options, quarantine)
    assert batch.num_rows == 1
    assert quarantine.reasons == {"message longer than 2,000 bytes": 1}


def test_tables_and_mail_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(HEAD + b"\n")
    (tmp_path / "b.csv").write_text("event_id,ts,channel,sender,recipients,domains\n1,2024-05-01,mail,a,b,\n")
    told: list[int] = []
    with Quarantine(tmp_path / "q") as quarantine:
        batches = list(read_events([tmp_path], OPTIONS, quarantine, told.append))
    assert sum(batch.num_rows for batch in batches) == 2
    assert sum(told) == 2
