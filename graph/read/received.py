"""When and from which address the provider accepted a message, read from its trace headers. Knows nothing of bodies.

The rule. Every relay writes its `Received` line on top, so lines are trusted from the top down, and the first one in
which a stranger hands the message over is the last that can be believed: it is the *acceptance*. Passed over on the
way are the `trusted_hops` newest lines, lines without an address, pick-ups by fetchmail and the like (their address is
the mailbox server's), addresses that are not public (loopback, private, link-local, shared), and own relays. Where all
public lines were own relays, the oldest of them is the acceptance.

A host that hands over is an own relay of the host that writes the line where its reverse name has the same owner; or
where the name that it gives has, the next line was written by a host of that very name, and one thing proves it that
no stranger can bring about: its address lies in the provider's own block (the one of the writer's address, /32 of IPv6
or /24 of IPv4), or the line was written by a protocol inside a provider (HTTPS, MAPI, LMTP). A name alone proves
nothing: anybody may greet with it, and write the lines below. Some providers are known to write `Received-SPF` for
every mail from outside (`WRITES_SPF`); there the topmost one names the acceptance.

The time is that of the acceptance, unless the topmost dated line contradicts it (`MAX_TRANSIT`, `MAX_SKEW`): then the
topmost line's. Without a usable line it is the mbox envelope's, then the Date header's, which the sender chose.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_tz
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

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
_BY_ADDRESS: Final = re.compile(rf"(?:^|\s)by\s+[^\s;()]{{1,255}}\s{{0,8}}\(\[?{_IP}\]?\)", re.IGNORECASE)
_FROM: Final = re.compile(r"^\s*from\s+([^\s;()\[\]]{1,255})", re.IGNORECASE)
_INSIDE: Final = re.compile(r"\bwith\s+(?:HTTPS|MAPI|LMTPS?A?)\b|\bvia\s+Mailbox\s+Transport\b", re.IGNORECASE)
_CLIENT_IP: Final = re.compile(rf"\bclient-ip=\[?{_IP}", re.IGNORECASE)
# Domains of one provider's own relays.
_OWNERS: Final = {
    **dict.fromkeys(("outlook.com", "office365.com", "hotmail.com", "microsoft.com", "exchangelabs.com"), "Microsoft"),
    **dict.fromkeys(("google.com", "gmail.com", "googlemail.com", "1e100.net"), "Google"),
    **dict.fromkeys(("yahoo.com", "yahoodns.net", "yahoo.net", "aol.com"), "Yahoo"),
    **dict.fromkeys(("icloud.com", "apple.com", "me.com"), "Apple"),
}
WRITES_SPF: Final = frozenset({"Microsoft", "Google"})  # for every mail that comes in from outside
OWN_BLOCK: Final = {4: 24, 6: 32}  # bits that two relays of one provider share
_PICK_UP: Final = re.compile(r"fetchmail|getmail|with (?:POP|IMAP)", re.IGNORECASE)
_NAME: Final = re.compile(r"^\s*([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)", re.IGNORECASE)


@dataclass(frozen=True)
class Hop:
    """One `Received` line: the address that handed over, what it called itself, who wrote the line, for whom, when.

    `own_relay`: its reverse name has the owner of the writer. `inside`: by a protocol that no stranger speaks.
    """

    ip: str | None
    name: str | None
    own_relay: bool
    inside: bool
    pick_up: bool
    by: str | None
    by_ip: str | None
    recipient: str | None
    ts: datetime | None


@dataclass(frozen=True)
class Acceptance:
    """When, from where, for whom and by which server a message was accepted, as far as its trace tells.

    `stranger`: whether somebody from outside handed it over.
    """

    ts: datetime | None
    ip: str | None
    recipient: str | None
    server: str | None = None
    stranger: bool = False


def acceptance_of(lines: Sequence[str], latest: datetime, trusted_hops: int = 0, spf: str = "") -> Acceptance:
    """Read the `Received` lines, newest first, and the topmost `Received-SPF`.

    A time after `latest` is taken for a broken clock and left out.
    """
    hops = [read_hop(line, latest) for line in lines[trusted_hops:MAX_LINES]]
    client = _client_of(spf, hops)
    newest = next((hop.ts for hop in hops if hop.ts), None)
    recipient = next((hop.recipient for hop in hops if hop.recipient), None)
    server = next((hop.by for hop in hops if hop.by), None)
    entry, stranger = _entry(hops, client)
    if entry is None:
        return Acceptance(newest, None, recipient, server)
    return Acceptance(_believed(entry.ts, newest), entry.ip, entry.recipient or recipient, server, stranger)


def _entry(hops: Sequence[Hop], client: str | None) -> tuple[Hop | None, bool]:
    """The line of the acceptance, and whether it was a stranger who handed over."""
    entry: Hop | None = None
    for at, hop in enumerate(hops):
        if not hop.ip or hop.pick_up:
            continue
        entry = hop
        below = hops[at + 1] if at + 1 < len(hops) else None
        if client and hop.ip != client and _same_owner(hop.name, hop.by):
            continue
        if not hop.own_relay and not _proven_own(hop, below):
            return entry, True
    return entry, False


def _proven_own(hop: Hop, below: Hop | None) -> bool:
    """Whether the host that handed over is the writer's own, by more than its word; `below` is the next older line."""
    if below is None or not _same_owner(hop.name, hop.by) or not _same_owner(below.by, hop.by):
        return False
    return _label(hop.name) == _label(below.by) and (hop.inside or _same_block(hop.ip, hop.by_ip))


def _label(host: str | None) -> str:
    """The host's own name: providers give one host several domains."""
    return (host or "").partition(".")[0].lower()


def _same_block(ip: str | None, other: str | None) -> bool:
    one, two = (ip_address(text) if text else None for text in (ip, other))
    if one is None or two is None or one.version != two.version:
        return False
    shift = one.max_prefixlen - OWN_BLOCK[one.version]
    return int(one) >> shift == int(two) >> shift


def _client_of(spf: str, hops: Sequence[Hop]) -> str | None:
    """The address that the provider's own `Received-SPF` names; None where the provider is not known to write one."""
    owner = next((_owner(hop.by) for hop in hops if hop.by), None)
    client = _CLIENT_IP.search(spf[:MAX_LINE]) if owner in WRITES_SPF else None
    ip = public_ip(client[1]) if client else None
    return ip if any(hop.ip == ip for hop in hops) else None


def _believed(accepted: datetime | None, newest: datetime | None) -> datetime | None:
    if accepted is None or newest is None:
        return newest
    return accepted if newest - MAX_TRANSIT <= accepted <= newest + MAX_SKEW else newest


def read_hop(line: str, latest: datetime) -> Hop:
    """One `Received` line, whichever server wrote it (Postfix, Sendmail, Exim, qmail, Exchange and their kin)."""
    line = line[:MAX_LINE]
    trace, _, date = line.rpartition(";")
    by, by_ip, greeted = (pattern.search(trace or line) for pattern in (_BY, _BY_ADDRESS, _FROM))
    origin = _GREETING.sub(" ", (trace or line)[: by.start()] if by else trace)
    ip, name = _origin(origin)
    recipient = _FOR.search(trace)
    return Hop(
        ip=ip,
        name=greeted[1] if greeted else None,
        own_relay=bool(by and name and _same_owner(name, by[1])),
        inside=bool(_INSIDE.search(trace)),
        pick_up=bool(_PICK_UP.search(trace)),
        by=by[1] if by else None,
        by_ip=by_ip[1] if by_ip else None,
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


def _same_owner(name: str | None, by: str | None) -> bool:
    owner = _owner(name)
    return owner is not None and owner == _owner(by)


def _owner(host: str | None) -> str | None:
    """Whose host it is: a provider of several domains, or else the registrable domain; None for an address."""
    domain = registrable_domain(host) if host and not ip_address(host) else None
    return _OWNERS.get(domain, domain) if domain else None


# Zones that RFC 5322 does not know and mail programs write: `+02:00`, `GMT+0200`, `UTC+2`, and those of System V.
_ZONE: Final = re.compile(r"(?<=[\d\s])(?:GMT|UTC|UT|Z)?([+-])(\d{1,2}):?(\d{2})?(?=\s*(?:\(|$))", re.IGNORECASE)
_SYSTEM_V_ZONE: Final = re.compile(r"\s(EST5EDT|CST6CDT|MST7MDT|PST8PDT)\s*$", re.IGNORECASE)
MAX_DATE: Final = 200  # characters of a date that are looked at


def parse_date(text: str, latest: datetime) -> datetime | None:
    """An RFC 5322 or asctime date in UTC; None where it is none, or one that cannot be. No zone means UTC."""
    text, named = _with_plain_zone(text[:MAX_DATE].strip())
    try:
        fields = parsedate_tz(text)
        if fields is None:
            return None
        year, month, day, hour, minute, second = fields[:6]
        offset = timedelta(seconds=fields[9] or 0)
        zone = named or (timezone(offset) if abs(offset) < timedelta(days=1) else UTC)
        found = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return found if OLDEST <= found <= latest else None


def _with_plain_zone(text: str) -> tuple[str, tzinfo | None]:
    """The date with its zone as RFC 5322 writes it, or without it and the zone that has summer time."""
    system_v = _SYSTEM_V_ZONE.search(text)
    if system_v:
        return text[: system_v.start()], ZoneInfo(system_v[1].upper())
    return _ZONE.sub(lambda zone: f"{zone[1]}{int(zone[2]):02d}{zone[3] or '00'}", text), None
