"""Where one message of an mbox ends and the next begins, whatever program wrote the mailbox."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.read.mbox import mailbox_messages

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
