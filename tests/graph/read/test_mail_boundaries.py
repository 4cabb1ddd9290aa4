"""Where one message of an mbox ends and the next begins, whatever program wrote the mailbox."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.read import ReadOptions
from graph.read.mbox import BLOCK_BYTES, mailbox_messages
from graph.read.sources import format_of

MOST = 1 << 20
HEADERS = [b"Return-Path: <a@send.example>", b"X-Mozilla-Status: 0001", b"From: a@send.example", b"Subject : spaced"]
SEPARATORS = [
    b"From ",
    b"From",
    b"From -",
    b"From ???@???",
    b"From a@send.example",
    b"From MAILER-DAEMON",
    b"From - Mon Jan  5 10:00:00 2026",
    b"From a@send.example Mon Jan  5 10:00:00 2026",
    b"From nobody Mon Jan  5 10:00 CET 2026",
]
PROSE = [
    b"From here on it is easy.\nNote: nothing",
    b"From the desk of Ann\nTel: 555",
    b"From: the start",
    b"From : the start",
    b"Fromage at 10:00\nSubject: cheese",
    b"From ann\nhello",
    b"From 10:30 on we meet\nin the hall",
    b"From Mon to Fri at 9:30\n\nwe are closed",
    b"From Mon to Fri at 9:30\nhttps://shop.example/",
    b"From a@send.example Mon Jan  5 10:00:00 2026\nis how a separator looks",
]


def messages(content: bytes) -> list[bytes]:
    return list(mailbox_messages(io.BytesIO(content), MOST))


def message(separator: bytes, header: bytes, number: int, end: bytes = b"\n") -> bytes:
    return end.join([separator, header, b"To: bob@home.example", b"", b"body %d" % number, b""])


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("gap", [b"", b"\n"])
def test_every_separator_that_mail_programs_write_counts(separator: bytes, header: bytes, gap: bytes) -> None:
    whole = [message(separator, header, number) for number in range(3)]
    assert [part.strip() for part in messages(gap.join(whole))] == [part.strip() for part in whole]


@pytest.mark.parametrize("separator", SEPARATORS)
def test_lines_may_end_as_windows_ends_them(separator: bytes) -> None:
    whole = [message(separator, HEADERS[0], number, b"\r\n") for number in range(3)]
    assert len(messages(b"\r\n".join(whole))) == 3


@pytest.mark.parametrize("prose", PROSE)
@pytest.mark.parametrize("blank", [b"", b"\n"])
def test_prose_that_begins_with_from_begins_no_message(prose: bytes, blank: bytes) -> None:
    whole = message(SEPARATORS[-2], HEADERS[0], 1) + blank + prose + b"\n"
    assert messages(whole) == [whole]


def test_quoting_is_undone_and_separates_nothing() -> None:
    (only,) = messages(
        message(SEPARATORS[-2], HEADERS[0], 1) + b"\n>From a@b.example Mon Jan  5 10:00:00 2026\nTo: x\n"
    )
    assert only.endswith(b"\nFrom a@b.example Mon Jan  5 10:00:00 2026\nTo: x\n")


def test_two_envelope_lines_above_one_message_are_one_separator() -> None:
    double = SEPARATORS[-2] + b"\n" + message(SEPARATORS[-1], HEADERS[0], 1)
    assert len(messages(double + b"\n" + double)) == 2


@pytest.mark.parametrize("below", [b"\n", b"\n\nno header at all\n", b"\ngarbage\nFrom: a@send.example\n"])
def test_a_separator_in_its_full_form_counts_though_the_message_is_broken(below: bytes) -> None:
    whole = message(SEPARATORS[-2], HEADERS[0], 1)
    assert len(messages(whole + b"\n" + SEPARATORS[-2] + below)) == 2


# ---- Other ways to say where a message ends

UNQUOTED = b"From x@send.example Mon Jan  5 09:00:00 2026\nSubject: inside\n\nFrom \nDate: x\n"


def counted(body: bytes, length: int, end: bytes = b"\n") -> bytes:
    head = [SEPARATORS[-2], b"From: a@send.example", b"content-length: %d" % length, b"", b""]
    return end.join(head) + body


@pytest.mark.parametrize("gap", [b"", b"\n", b"\n\n", b"\r\n"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_content_length_that_ends_where_a_message_ends_counts(gap: bytes, end: bytes) -> None:
    one = counted(UNQUOTED, len(UNQUOTED), end)
    assert messages(one + gap + one) == [one + gap, one]


@pytest.mark.parametrize("wrong", [-3, 1, 7, 10**6, 10**11])
def test_a_content_length_that_ends_anywhere_else_hides_no_message(wrong: int) -> None:
    one = counted(b"hello\n", max(6 + wrong, 0)) + b"\n"
    assert messages(one * 3) == [one] * 3


def test_a_content_length_past_the_bound_is_not_waited_for() -> None:
    one = counted(b"x" * 2000 + b"\n", 2001)
    assert [len(part) for part in mailbox_messages(io.BytesIO(one * 2), 500)] == [500, 500]


def test_lines_may_end_as_old_macs_ended_them() -> None:
    whole = [message(separator, HEADERS[0], number, b"\r") for number, separator in enumerate(SEPARATORS)]
    assert len(messages(b"\r".join(whole))) == len(whole)


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16"])
def test_a_mailbox_may_begin_with_a_byte_order_mark(charset: str) -> None:
    whole = [message(separator, HEADERS[0], number) for number, separator in enumerate(SEPARATORS)]
    assert messages(b"".join(whole).decode().encode(charset)) == whole


def test_an_mmdf_mailbox_is_cut_at_its_control_characters_alone() -> None:
    inside = [b"Subject: %d\n\nFrom a@send.example Mon Jan  5 10:00:00 2026\nTo: x\n" % number for number in range(3)]
    mark = b"\x01\x01\x01\x01\n"
    assert messages(b"".join(mark + part + mark for part in inside)) == inside


@pytest.mark.parametrize("shift", range(-12, 12, 3))
def test_a_separator_counts_wherever_a_block_of_the_file_ends(shift: int) -> None:
    first = message(SEPARATORS[0], HEADERS[0], 1)
    first += b"x" * (BLOCK_BYTES - len(first) - 40 + shift) + b"\n"
    whole = [first, message(SEPARATORS[-2], HEADERS[0], 2), message(SEPARATORS[0], HEADERS[2], 3)]
    assert list(mailbox_messages(io.BytesIO(b"".join(whole)), 4 * BLOCK_BYTES)) == whole


def test_a_message_past_the_bound_is_cut_and_the_next_one_whole() -> None:
    long = message(SEPARATORS[0], HEADERS[0], 1) + b"From here on\n" * 300_000
    short = message(SEPARATORS[0], HEADERS[0], 2)
    assert [*mailbox_messages(io.BytesIO(long + short), 1000)] == [long[:1000], short]


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"From \nSubject: x\n", "mbox"),
        (b"From\nSubject: x\n", "mbox"),
        (b"From a@send.example Mon Jan  5 10:00:00 2026\n", "mbox"),
        (b"\x01\x01\x01\x01\nSubject: x\n", "mbox"),
        (b"From : a@send.example\n", "eml"),
        (b"\xef\xbb\xbfFrom: a@send.example\n", "eml"),
    ],
)
def test_a_mailbox_without_an_ending_is_known_by_its_first_line(content: bytes, form: str, tmp_path: Path) -> None:
    (tmp_path / "Inbox").write_bytes(content)
    assert format_of(tmp_path / "Inbox", ReadOptions()) == form


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(SEPARATORS), st.sampled_from(HEADERS)), min_size=1, max_size=6),
    st.sampled_from([b"", b"\n", b"\n\n"]),
)
def test_any_mixture_of_programs_gives_each_message_once(parts: list[tuple[bytes, bytes]], gap: bytes) -> None:
    whole = [message(separator, header, number) for number, (separator, header) in enumerate(parts)]
    assert [b"body %d" % number in part for number, part in enumerate(messages(gap.join(whole)))] == [True] * len(parts)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from([b"From ", b"From a@b ", b"x", b"\n", b"\r\n", b">From ", b": ", b"10:00"]), max_size=40)
)
def test_no_byte_of_a_mailbox_is_lost(parts: list[bytes]) -> None:
    content = b"".join(parts)
    kept = b"".join(messages(content))
    assert kept.replace(b">", b"").split() == content.replace(b">", b"").split()
