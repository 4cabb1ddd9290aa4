"""When and from where the corpus's collectors accepted a message. Reads trace headers, trusts their own lines only.

A Received line is worth what the host is worth that wrote it. The topmost was written by the collector's machine;
the one below is as good if the line above shows that the message came from another machine of the same collector.
The first line whose peer is a stranger is the edge: its peer is the client, its time is the time of acceptance.
Every line below the edge was in the stranger's hands.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

# Machines that handed mail on inside a collector's own house, found by reading the chains; all others are strangers.
OWN_RELAYS = frozenset(
    {
        "212.17.35.15",  # dogma.slashnull.org, the main collector's mail server
        "193.120.211.219",  # webnote.net, his second
        "213.105.180.140",  # mandark.labs.netnoteinc.com, his company's gateway
        "193.120.149.226",  # mail.netnoteinc.com, his company's mail server
        "205.210.42.30",  # smtp.easydns.com and two more, which received his domain's mail for him
        "205.210.42.50",
        "216.220.40.243",
        "208.200.182.45",  # user2.pro-ns.net, in front of another collector's hq.pro-ns.net
    }
)

# The corpus was collected from June 2001 on and sealed before 2003: a time outside is a broken clock.
OLDEST, NEWEST = datetime(2001, 1, 1, tzinfo=UTC), datetime(2003, 1, 1, tzinfo=UTC)

ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
PEER = re.compile(r"from\s(.*?)(?:\sby\s|$)", re.IGNORECASE)
RETRIEVED = re.compile(r"\bwith (?:POP|IMAP)\S*\b|fetchmail", re.IGNORECASE)


@dataclass(frozen=True)
class Acceptance:
    """`source` is one of edge, other-line, delivery, envelope, date: where `ts` was taken from."""

    ts: datetime
    ip: str | None
    source: str


def acceptance(headers: Message, raw: bytes) -> Acceptance:
    """Time and client address of a message, from the best witness that it carries."""
    lines = [" ".join(str(line).split()) for line in headers.get_all("Received") or []]
    edge, ip = _edge(lines)
    own = lines[: edge + 1]
    witnesses = [("edge", _line_time(lines[edge]) if ip else None)]
    witnesses += [("other-line", _line_time(line)) for line in reversed(own)]
    witnesses += [("delivery", _time(str(headers.get("Delivery-Date", ""))))]
    witnesses += [("envelope", _time(_envelope_time(raw)))]
    witnesses += [("date", _time(str(headers.get("Date", ""))))]
    for source, ts in witnesses:
        if ts is not None and OLDEST <= ts < NEWEST:
            return Acceptance(ts, ip, source)
    raise ValueError("no header tells when the message was accepted")


def _edge(lines: list[str]) -> tuple[int, str | None]:
    """Index of the line that a stranger's message was accepted in, and that stranger's address if there is one."""
    for index, line in enumerate(lines):
        peer = _peer(line)
        if peer is not None and not RETRIEVED.search(line):
            return index, peer
    return len(lines) - 1, None


def _peer(line: str) -> str | None:
    """The address of a line's peer; None where the peer is one of our own machines or a process on one.

    Servers write what the peer claims to be first and what they saw last, so the last address counts.
    """
    said = PEER.match(line)
    found = ADDRESS.findall(said.group(1)) if said else []
    if not found or found[-1] in OWN_RELAYS:
        return None
    try:
        address = ipaddress.IPv4Address(found[-1])
    except ValueError:
        return None
    return str(address) if address.is_global else None


def _line_time(line: str) -> datetime | None:
    return _time(line.rpartition(";")[2]) if ";" in line else None


def _envelope_time(raw: bytes) -> str:
    """The time in the mbox line `From address  Thu Aug 22 14:44:07 2002`, written by the collector's delivery agent."""
    first = raw.split(b"\n", 1)[0].decode("ascii", "replace")
    return first.split(None, 2)[2] if first.startswith("From ") and len(first.split()) > 6 else ""


def _time(text: str) -> datetime | None:
    """A header's time in UTC; a time without a zone (asctime's form) is taken as UTC."""
    try:
        parsed = parsedate_to_datetime(text.strip())
    except (ValueError, IndexError, OverflowError, TypeError):
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
