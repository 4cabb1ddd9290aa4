"""One `Received` line: who handed a message to whom, how and when. Does not know which lines are to be believed."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from graph.addresses import ip_address
from graph.read.dates import parse_date

MAX_LINE: Final = 4096  # characters of one line that are looked at

_IP: Final = r"(?:IPv6:)?([0-9a-f.:]{2,45})"
_PORT: Final = re.compile(r"(?<=\d):\d{1,5}\Z")  # of the client, as some servers write it behind the address
_BRACKETED: Final = re.compile(rf"\[{_IP}(?:%[^\]]{{0,32}})?\]", re.IGNORECASE)
_IN_COMMENT: Final = re.compile(rf"[(\s@\[]{_IP}(?=[)\s\]%])", re.IGNORECASE)
_COMMENT: Final = re.compile(r"\(([^()]{0,1024})\)")
_NESTED: Final = 3  # comments inside comments
_CLAIMED: Final = re.compile(r"^\s*from\s+([^\s;()\[\]]{1,255})", re.IGNORECASE)
_BARE: Final = re.compile(rf"\s*from\s+{_IP}\s*\(\s*\)", re.IGNORECASE)  # Yahoo; the greeting is taken out
_WEB: Final = re.compile(rf"\s*from\s+{_IP}(?=[\s(;]|$)", re.IGNORECASE)  # webmail: a browser says no name of its own
_BY: Final = re.compile(r"(?:^|\s)by\s+([^\s;()]{1,255})", re.IGNORECASE)
_BEHIND: Final = re.compile(r"\s*\(([^()]{0,64})\)")
_WITH: Final = re.compile(r"\s(?:with|via)\s+([a-z0-9_-]{1,32})", re.IGNORECASE)
_GREETING: Final = re.compile(r"\b(?:helo|ehlo)[ =][^\s()]{1,255}", re.IGNORECASE)
_FOR: Final = re.compile(r"\sfor\s+<?([^\s<>;]{1,320}@[^\s<>;]{1,255})>?", re.IGNORECASE)
_NAME: Final = re.compile(r"^\s*([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)", re.IGNORECASE)
# Sendmail writes it where the reverse name does not lead back to the address.
_DOUBTED: Final = re.compile(r"\(may be forged\)", re.IGNORECASE)
_FETCHERS: Final = ("fetchmail", "getmail")
# Protocols of programs that fetch mail from a mailbox, and those by which servers of one owner deliver to a store:
# LMTP is not for use between strangers (RFC 2033, 5); Exchange moves accepted mail by HTTPS and MAPI.
_FETCHED: Final = ("pop", "imap")
_DELIVERED: Final = ("lmtp", "utf8lmtp")
_STORED: Final = ("https", "mapi")


@dataclass(frozen=True)
class Hop:
    """One `Received` line. Names and addresses are those of `from` unless they begin with `by`.

    `claimed` is the name that the client gave itself, `reverse` the one that the server looked up. `ip` and `by_ip`
    are of the public internet, else None. `inside`: an address was written, and it is none of the public internet.
    """

    claimed: str | None
    reverse: str | None
    ip: str | None
    inside: bool
    by: str | None
    by_ip: str | None
    protocol: str
    pick_up: bool
    recipient: str | None
    ts: datetime | None

    @property
    def delivery(self) -> bool:
        """Whether the line tells of a delivery to a store, which no stranger can make."""
        return self.protocol.startswith(_DELIVERED)

    @property
    def stored(self) -> bool:
        """Whether the line tells of a move between stores; a client of a mailbox may write by the same protocol."""
        return self.protocol.startswith(_STORED)


def read_hop(line: str, latest: datetime) -> Hop:
    """One `Received` line, whichever server wrote it (Postfix, Sendmail, Exim, qmail, Exchange and their kin)."""
    line = line[:MAX_LINE]
    plain = _without_comments(line)  # of equal length; what clients say of themselves stands in comments
    end = plain.rfind(";")
    end = end if end >= 0 else len(line)
    by = _BY.search(plain, 0, end)
    start = by.start() if by else end
    claimed = _CLAIMED.match(plain, 0, start)
    protocol = _WITH.search(plain, by.end(), end) if by else None
    recipient = _FOR.search(plain, start, end)
    word = protocol[1].lower() if protocol else ""
    ip, reverse, inside = _origin(_GREETING.sub(" ", line[:start]), web=word.startswith("http"))
    return Hop(
        claimed=claimed[1] if claimed and "." in claimed[1] and not ip_address(claimed[1]) else None,
        reverse=reverse,
        ip=ip,
        inside=inside,
        by=by[1] if by else None,
        by_ip=_by_ip(line, by.end()) if by else None,
        protocol=word,
        pick_up=word.startswith((*_FETCHED, *_FETCHERS)) or bool(by and _fetched(line[by.end() : end])),
        recipient=recipient[1] if recipient else None,
        ts=parse_date(line[end + 1 :], latest),
    )


def _without_comments(line: str) -> str:
    for _ in range(_NESTED):
        if "(" not in line:
            break
        line = _COMMENT.sub(lambda comment: " " * len(comment[0]), line)
    return line


def _fetched(text: str) -> bool:
    return any(comment.strip().lower().startswith(_FETCHERS) for comment in _COMMENT.findall(text))


def _by_ip(line: str, end: int) -> str | None:
    """The address in the comment behind the server's own name."""
    comment = _BEHIND.match(line, end)
    match = _IN_COMMENT.search(f" {comment[1]} ") if comment else None
    return public_ip(match[1]) if match else None


def _origin(origin: str, web: bool) -> tuple[str | None, str | None, bool]:
    """The public address in a `from` clause, its reverse name, and whether the address is an inside one.

    What stands in the comment the relay saw itself; what stands before it the stranger said.
    """
    believed = _DOUBTED.sub(" ", origin)
    for comment in reversed(_COMMENT.findall(believed)):
        match = _BRACKETED.search(comment) or _IN_COMMENT.search(f" {comment} ")
        ip = public_ip(match[1]) if match else None
        if ip:
            name = _NAME.match(comment) if believed == origin else None
            return ip, name[1] if name and not ip_address(name[1]) else None, False
        if match and ip_address(match[1]):
            return None, None, True
    # Outside of comments; bare where a comment holds the greeting; else in a comment that holds another one.
    plain = _without_comments(believed)
    bare = (_WEB if web else _BARE).match(believed)
    match = _BRACKETED.search(plain) or bare or _BRACKETED.search(believed)
    ip = public_ip(match[1]) if match else None
    return ip, None, match is not None and ip is None and ip_address(match[1]) is not None


@lru_cache(maxsize=1 << 14)
def public_ip(text: str) -> str | None:
    """The address where it is one of the public internet, in its usual spelling; else None. IPv4 may have a port."""
    address = ip_address(text if "." not in text else _PORT.sub("", text))
    if address is None or address.is_multicast or not (address.is_global or _is_documentation(address)):
        return None
    return str(address)


# Set aside by RFC 5737 and RFC 3849 for examples. No real mail comes from there, and ours are written on them.
_DOCUMENTATION: Final = tuple(
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


def _is_documentation(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in _DOCUMENTATION)
