"""When and from which address the provider accepted a message, read from its trace headers. Knows nothing of bodies.

The rule. Every relay writes its `Received` line on top, so lines are trusted from the top down, and the first one in
which a stranger hands the message over is the last that can be believed: it is the *acceptance*. Passed over on the
way are the `trusted_hops` newest lines, lines without an address, pick-ups by fetchmail and the like (their address is
the mailbox server's), addresses that are not public (loopback, private, link-local, shared), and relays whose reverse
name has the registrable domain of the host that writes the line (own relays). Where all public lines were own relays,
the oldest of them is the acceptance.

The time is that of the acceptance, unless the topmost dated line contradicts it (`MAX_TRANSIT`, `MAX_SKEW`): then the
topmost line's. Without a usable line it is the mbox envelope's, then the Date header's, which the sender chose.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from functools import lru_cache
from typing import Final

from graph.addresses import ip_address, registrable_domain

MAX_TRANSIT: Final = timedelta(days=7)  # from acceptance to mailbox: mail servers give up after five days or less
MAX_SKEW: Final = timedelta(hours=1)  # by which an earlier relay's clock may be ahead of the last one's
OLDEST: Final = datetime(1982, 8, 13, tzinfo=UTC)  # RFC 822; an earlier date was made up or never set
MAX_LINES: Final = 100  # RFC 5321 asks relays to see a loop by then
MAX_LINE: Final = 4096  # characters of one line that are looked at

_IP: Final = r"(?:IPv6:)?([0-9a-f.:]{2,45})"
_BRACKETED: Final = re.compile(rf"\[{_IP}\]", re.IGNORECASE)
_IN_COMMENT: Final = re.compile(rf"[(\s@\[]{_IP}(?=[)\s\]])", re.IGNORECASE)
_COMMENT: Final = re.compile(r"\(([^()]{0,1024})\)")
_BY: Final = re.compile(r"(?:^|\s)by\s+([^\s;()]{1,255})", re.IGNORECASE)
_GREETING: Final = re.compile(r"\b(?:helo|ehlo)[ =][^\s()]{1,255}", re.IGNORECASE)
_FOR: Final = re.compile(r"\sfor\s+<?([^\s<>;]{1,320}@[^\s<>;]{1,255})>?", re.IGNORECASE)
_PICK_UP: Final = re.compile(r"fetchmail|getmail|with (?:POP|IMAP)", re.IGNORECASE)
_NAME: Final = re.compile(r"^\s*([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)", re.IGNORECASE)


@dataclass(frozen=True)
class Hop:
    """One `Received` line: the address that handed over, whether it was an own relay, for whom, and when."""

    ip: str | None
    own_relay: bool
    pick_up: bool
    recipient: str | None
    ts: datetime | None


@dataclass(frozen=True)
class Acceptance:
    """When, from where and for whom a message was accepted, as far as its trace tells."""

    ts: datetime | None
    ip: str | None
    recipient: str | None


def acceptance_of(lines: Sequence[str], latest: datetime, trusted_hops: int = 0) -> Acceptance:
    """Read the `Received` lines, newest first. A time after `latest` is taken for a broken clock and left out."""
    newest: datetime | None = None
    recipient: str | None = None
    entry: Hop | None = None
    for line in lines[trusted_hops:MAX_LINES]:
        hop = read_hop(line, latest)
        newest = newest or hop.ts
        recipient = recipient or hop.recipient
        if hop.ip and not hop.pick_up:
            entry = hop
            if not hop.own_relay:
                break
    if entry is None:
        return Acceptance(newest, None, recipient)
    return Acceptance(_believed(entry.ts, newest), entry.ip, entry.recipient or recipient)


def _believed(accepted: datetime | None, newest: datetime | None) -> datetime | None:
    if accepted is None or newest is None:
        return newest
    return accepted if newest - MAX_TRANSIT <= accepted <= newest + MAX_SKEW else newest


def read_hop(line: str, latest: datetime) -> Hop:
    """One `Received` line, whichever server wrote it (Postfix, Sendmail, Exim, qmail, Exchange and their kin)."""
    line = line[:MAX_LINE]
    trace, _, date = line.rpartition(";")
    by = _BY.search(trace or line)
    origin = _GREETING.sub(" ", (trace or line)[: by.start()] if by else trace)
    ip, name = _origin(origin)
    recipient = _FOR.search(trace)
    return Hop(
        ip=ip,
        own_relay=bool(by and name and _same_owner(name, by[1])),
        pick_up=bool(_PICK_UP.search(trace)),
        recipient=recipient[1] if recipient else None,
        ts=parse_date(date, latest),
    )


def _origin(origin: str) -> tuple[str | None, str | None]:
    """The public address in a `from` clause and its reverse name. What stands in the comment the relay saw itself;
    what stands before it the stranger said."""
    for comment in reversed(_COMMENT.findall(origin)):
        found = _BRACKETED.search(comment) or _IN_COMMENT.search(f" {comment} ")
        ip = found and public_ip(found[1])
        if ip:
            name = _NAME.match(comment)
            return ip, name[1] if name and not ip_address(name[1]) else None
        if found and ip_address(found[1]):
            return None, None
    found = _BRACKETED.search(_COMMENT.sub(" ", origin))
    return (public_ip(found[1]) if found else None), None


@lru_cache(maxsize=1 << 14)
def public_ip(text: str) -> str | None:
    """The address where it is one of the public internet, in its usual spelling; else None."""
    address = ip_address(text)
    if address is None or address.is_multicast or not (address.is_global or _is_documentation(address)):
        return None
    return str(address)


# Set aside by RFC 5737 and RFC 3849 for examples. No real mail comes from there, and ours are written on them.
_DOCUMENTATION: Final = tuple(
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


def _is_documentation(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in _DOCUMENTATION)


def _same_owner(name: str, by: str) -> bool:
    domain = registrable_domain(name)
    return domain is not None and domain == registrable_domain(by)


def parse_date(text: str, latest: datetime) -> datetime | None:
    """An RFC 5322 or asctime date in UTC; None where it is none, or one that cannot be. No zone means UTC."""
    try:
        fields = parsedate_tz(text[:200])
        if fields is None:
            return None
        year, month, day, hour, minute, second = fields[:6]
        offset = timedelta(seconds=fields[9] or 0)
        zone = timezone(offset) if abs(offset) < timedelta(days=1) else UTC
        found = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return found if OLDEST <= found <= latest else None
