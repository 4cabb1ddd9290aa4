"""No mail, however damaged, stops the rest: thousands of mutated ones each give events or one reason."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pytest

from graph import schema
from graph.read import Quarantine, ReadOptions, mailboxes, read_events
from graph.read.mail import MessageError, message_events

CASES = Path(__file__).parents[2] / "cases"
OPTIONS = ReadOptions(now=datetime(2026, 6, 1, tzinfo=UTC))
MUTANTS: Final = 500  # a seed
# What has broken mail parsers: ours, the standard library's and those of neighbours.
TOKENS: Final = [
    b"; charset*=utf-8''x%ff", b"; charset*=utf-8''%ff%fe", b"; charset*0*=x''%", b"; charset=a\x00b",
    *(b"; charset=" + name for name in (b"idna", b"punycode", b"undefined", b"rot13", b"zip", b"utf-7", b"utf-16")),
    *(b"=?" + name + b"?q?=ff+2AA-?=" for name in (b"idna", b"punycode", b"undefined", b"a\x00b", b"utf-7", b"utf-8")),
    b"=?utf-8?b?a?=", b"; name*=utf-8''%ff.ics", b"; boundary*=x'y'%ff%00", b"; filename*0=a; filename*2=b",
    b"\x00", b"\xff", b"\r", b"\n", b"\n\n", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"+2AA-", b"@", b"<", b'"',
    b"Content-Transfer-Encoding: x-uuencode\n", b"Content-Type: application/octet-stream; name=x.eml\n",
    b"Content-Type: multipart/report; report-type=feedback-report; boundary=b\n", b"X-MS-Journal-Report:\n",
    b"Content-Type: application/ms-tnef\n", b"https://xn--\xff.test/", b"https://xn--a.test/", b"http://[::1",
    b"Received: from x ([192.0.2.1]) by y; Mon, 99999999999999999999 Jan 2026 10:00:00 +99999999\n",
    b"Date: Mon, 05 Jan 99999999999 10:00:00 +0000\n", b"BEGIN:VEVENT\n", b"END:VEVENT\n", b"ORGANIZER;EMAIL=x@y:urn\n",
]  # fmt: skip


def mails() -> list[bytes]:
    contents = (path.read_bytes() for path in sorted(CASES.rglob("*")) if path.is_file())
    return [content for content in contents if b"From" in content[:4000]]


def mutated(raw: bytes, others: list[bytes], chance: random.Random) -> bytes:
    content = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        at = chance.randrange(len(content) + 1)
        change = chance.randrange(5)
        if change == 0:
            content[at : at + 1] = bytes([chance.randrange(256)])
        elif change == 1:
            content[at:at] = chance.choice(TOKENS)
        elif change == 2:
            del content[at : at + chance.randrange(1, 30)]
        elif change == 3:
            ends = [place for place, byte in enumerate(content) if byte == 10] or [0]
            at = chance.choice(ends)
            content[at:at] = chance.choice(TOKENS)
        else:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            content[at:at] = other[start : start + chance.randrange(80)]
    return bytes(content)


@pytest.mark.parametrize("seed", range(10))
def test_a_mutated_mail_gives_events_or_a_reason_that_was_foreseen(seed: int) -> None:
    originals, chance = mails(), random.Random(seed)
    assert len(originals) > 30
    events, reasons = 0, dict[str, bytes]()
    for _ in range(MUTANTS):
        raw = mutated(chance.choice(originals), originals, chance)
        try:
            rows = message_events(raw, "test", OPTIONS)
        except MessageError as error:
            reasons[str(error)] = raw
            continue
        pa.RecordBatch.from_pylist(rows, schema=schema.EVENTS).validate(full=True)
        events += len(rows)
    assert events > MUTANTS / 2
    # A fault that was caught at the last moment names its exception.
    assert not {reason: raw for reason, raw in reasons.items() if reason.startswith("cannot be read")}


def mailbox(folder: Path) -> Path:
    names = [b"first", b"second", b"third"]
    head = b"To: bob@home.example\nDate: Mon, 05 Jan 2026 10:00:00 +0000\n\nhello\n\n"
    (folder / "box.mbox").write_bytes(b"".join(b"From \nFrom: %b@send.example\n" % name + head for name in names))
    return folder / "box.mbox"


@pytest.mark.parametrize("failure", [ZeroDivisionError("no"), RecursionError(), MemoryError(), "surrogate"])
def test_whatever_the_reader_throws_on_a_message_is_that_messages_line(
    failure: Exception | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_on_second(raw: bytes, where: str, options: ReadOptions) -> list[dict[str, Any]]:
        rows = message_events(raw, where, options)
        if b"second" not in raw:
            return rows
        if isinstance(failure, Exception):
            raise failure
        return [{**rows[0], "domains": ["\ud800.example"]}]

    monkeypatch.setattr(mailboxes, "message_events", fail_on_second)
    with Quarantine(tmp_path / "quarantine.jsonl") as quarantine:
        senders = [*_senders(mailbox(tmp_path), quarantine)]
    assert senders == ["first@send.example", "third@send.example"]
    kind = type(failure).__name__ if isinstance(failure, Exception) else "UnicodeEncodeError"
    assert dict(quarantine.reasons) == {f"cannot be read ({kind})": 1}


def _senders(path: Path, quarantine: Quarantine) -> Iterator[str]:
    for batch in read_events([path], OPTIONS, quarantine):
        yield from batch["sender"].to_pylist()
