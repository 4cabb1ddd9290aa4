"""Mutated mails: whatever stands in one, it is an event or a line of quarantine, and stops no other."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from chaos.mutate import mutated
from chaos.trial import Part, Trial
from graph.read import Quarantine, ReadOptions, read_events

MAILS: Final = 400  # of one round
WORDS: Final = (
    b"charset*=utf-8''x%ff", b"charset=idna", b"charset=undefined", b"\0", b"=?x?q?=ff?=", b"boundary=", b"\r", b"\n\n",
    b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Transfer-Encoding: base64\n", b"--b\n", b"(", b"<", b'"',
    b"\xff", b"filename*0*=utf-16''%ff", b"From : ", b"From \n", b"Received: from x (1.2.3.4) by y; ", b"<!--", b"LZFu",
    b"Date: Mon, 99 Foo 0 25:61:61 +99999\n", b"X-MS-Journal-Report:\n", b"report-type=feedback-report", b"%25%33%61",
    b"BEGIN:VEVENT\n", b"ORGANIZER;EMAIL=", b"Content-Type: application/ms-tnef\n", b"\xef\xbb\xbf", b"\xff\xfe",
)  # fmt: skip
SEEDS: Final = (
    b"Received: from mx.send.example (mx.send.example [198.51.100.7]) by mx.home.example; "
    b"Mon, 05 Jan 2026 10:00:00 +0000\n"
    b"From: Ann <ann@send.example>\nTo: bob@home.example\nDate: Mon, 05 Jan 2026 10:00:00 +0000\n"
    b"Message-ID: <1@send.example>\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; "
    b"charset=utf-8\n\nsee https://link.test/x\n--b\nContent-Type: text/html\n\n"
    b"<a href='https://link.test/'>x</a>\n--b--\n",
    b"From: ann@send.example\nTo: bob@home.example\nDate: Mon, 05 Jan 2026 10:00:00 +0000\n"
    b"Content-Type: text/calendar\n\n"
    b"BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:1\nORGANIZER:mailto:ann@send.example\n"
    b"ATTENDEE:mailto:bob@home.example\nEND:VEVENT\nEND:VCALENDAR\n",
    b"From: ann@send.example\nTo: bob@home.example\nDate: Mon, 05 Jan 2026 10:00:00 +0000\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nno\n--b\nContent-Type: "
    b"message/rfc822\n\nFrom: x@y.example\n\nhttps://link.test/\n--b--\n",
)


def trials(seed: int, scratch: Path) -> Iterator[Trial]:
    """A folder of mutated mails, read at once."""
    rng = random.Random(seed)
    folder = scratch / "mails"
    folder.mkdir()
    for number in range(MAILS):
        (folder / f"{number:04}.eml").write_bytes(mutated(rng, SEEDS, WORDS))
    (folder / "box.mbox").write_bytes(b"\n".join(b"From \n" + mutated(rng, SEEDS, WORDS) for _ in range(MAILS)))
    with Quarantine(scratch / "aside.jsonl") as aside:
        try:
            events = sum(batch.num_rows for batch in read_events([folder], ReadOptions(), aside))
        except Exception as error:  # noqa: BLE001 (that is what is looked for)
            yield Trial(f"{2 * MAILS} mails", f"{type(error).__name__}: {error}")
            return
    ends = events + aside.count + aside.passed_over
    yield Trial(f"{aside.found} mails", "" if ends == aside.found else f"{ends} accounted for of {aside.found}")


PART: Final = Part("mails", "mutated mails in a folder and in an mbox", trials)
