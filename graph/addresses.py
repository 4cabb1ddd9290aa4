"""Mailboxes, hosts and networks in one spelling each. Does not know where they came from, and never asks the network.

Hosts become lower-case IDNA names; registrable domains follow the public-suffix snapshot that tldextract ships,
private section included, because `a.blogspot.com` and `b.blogspot.com` belong to two people.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Final

import idna
import tldextract

MAX_HOST: Final = 253  # RFC 1035: the longest name that DNS can carry
MAX_HOST_AS_TYPED: Final = 1024  # a name longer than this in Unicode cannot fit MAX_HOST in IDNA either
IPV4_PREFIX: Final = 24
IPV6_PREFIX: Final = 48
RULES: Final = ("off", "gmail")

# Mailboxes that one person holds under many spellings. Dots mean nothing at Gmail alone.
GMAIL: Final = frozenset({"gmail.com", "googlemail.com"})
# Providers that document `name+tag@` as another spelling of `name@`. Elsewhere a plus may be part of a name.
PLUS_TAGS: Final = GMAIL | {
    "fastmail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mac.com",
    "me.com",
    "outlook.com",
    "pm.me",
    "proton.me",
    "protonmail.com",
}

_PLAIN_HOST: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\Z"
)
_IPV4_PART: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
_MAX_IPV4_DIGITS: Final = 16  # of one part: eleven octal digits hold 32 bits, the rest is padding

# `suffix_list_urls=()` and no cache: the snapshot in the package, never a download.
_with_private = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
_icann_only = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=False)


def normalise_mailbox(address: str, rule: str = "gmail") -> str:
    """One spelling of a mail address; an account id (no `@`) is only stripped.

    Both rules lower-case the address and write its domain in IDNA. `gmail` also drops the plus tag at the providers
    in `PLUS_TAGS` and the dots at Gmail, and reads googlemail.com as gmail.com. Raises ValueError for another rule.
    """
    if rule not in RULES:
        raise ValueError(f"unknown rule {rule!r}: use one of {', '.join(RULES)}")
    address = address.strip()
    local, at, host = address.rpartition("@")
    if not at:
        return address
    host = canonical_host(host) or host.strip().lower()
    local = local.strip().lower()
    return f"{_one_local_part(local, host)}@{_one_provider(host)}" if rule == "gmail" else f"{local}@{host}"


def _one_local_part(local: str, host: str) -> str:
    if host not in PLUS_TAGS or local.startswith('"'):
        return local
    name = local.partition("+")[0]
    if host in GMAIL:
        name = name.replace(".", "")
    return name.strip() or local


def _one_provider(host: str) -> str:
    return "gmail.com" if host in GMAIL else host


@lru_cache(maxsize=1 << 16)
def canonical_host(host: str) -> str | None:
    """The host in lower-case IDNA, an IP literal in its usual spelling; None where it is neither.

    Reads IPv4 as browsers do (`0x7f.1`, `3232235777`), because links hide behind those spellings.
    """
    if len(host) > MAX_HOST_AS_TYPED:
        return None
    host = host.strip().lower().removesuffix(".")
    if ":" in host:
        return _ipv6_literal(host)
    if not host.isascii():
        host = _to_idna(host) or ""
    if not _PLAIN_HOST.match(host):
        return None
    if _IPV4_PART.match(host.rpartition(".")[2]):
        return _ipv4_literal(host)
    return host


def _to_idna(host: str) -> str | None:
    """The host in IDNA 2008; where that refuses a label, as of emoji, as browsers write it (UTS 46 and Punycode)."""
    try:
        return idna.encode(host, uts46=True, transitional=False).decode("ascii").removesuffix(".")
    except (idna.IDNAError, UnicodeError, ValueError, IndexError):
        pass
    try:
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
        return ".".join(_ascii_label(label) for label in mapped.split(".")).removesuffix(".")
    except (idna.IDNAError, UnicodeError, ValueError, IndexError):
        return None


def _ascii_label(label: str) -> str:
    return label if label.isascii() else "xn--" + label.encode("punycode").decode("ascii")


def _ipv6_literal(host: str) -> str | None:
    try:
        return str(ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]").partition("%")[0]))
    except ValueError:
        return None


def _ipv4_literal(host: str) -> str | None:
    """An IPv4 address in any spelling of the WHATWG URL standard, section 3.5."""
    parts = host.split(".")
    if len(parts) > 4 or not all(_IPV4_PART.match(part) and len(part) <= _MAX_IPV4_DIGITS for part in parts):
        return None
    try:
        numbers = [_ipv4_number(part) for part in parts]
    except ValueError:
        return None
    if any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        return None
    head = sum(number << (24 - 8 * place) for place, number in enumerate(numbers[:-1]))
    return str(ipaddress.IPv4Address(head + numbers[-1]))


def _ipv4_number(part: str) -> int:
    if part.startswith("0x"):
        return int(part[2:] or "0", 16)
    return int(part, 8) if len(part) > 1 and part.startswith("0") else int(part)


@lru_cache(maxsize=1 << 17)
def registrable_domain(host: str) -> str | None:
    """The domain that somebody registered: `a.b.example.co.uk` gives `example.co.uk`. An IP literal is kept.

    A suffix that no rule knows counts as one label, as the public suffix list says. None for an invalid host, a
    single label and a bare public suffix.
    """
    name = canonical_host(host)
    if name is None or is_ip_literal(name):
        return name
    found = _with_private.extract_str(name)
    if found.is_private and not found.domain:
        found = _icann_only.extract_str(name)
    if not found.domain:
        return None
    if not found.suffix:
        return ".".join(name.split(".")[-2:]) if "." in name else None
    return f"{found.domain}.{found.suffix}"


def has_known_suffix(host: str) -> bool:
    """Whether the host ends in a suffix of the public suffix list."""
    name = canonical_host(host)
    return name is not None and bool(_with_private.extract_str(name).suffix)


def is_ip_literal(host: str) -> bool:
    """Whether a canonical host is an IP address."""
    return ":" in host or host.rpartition(".")[2].isdigit()


@lru_cache(maxsize=1 << 16)
def network_of(ip: str | None) -> str | None:
    """The /24 or /48 of an address in CIDR notation; None where it is none. IPv4 in IPv6 is read as IPv4."""
    address = ip_address(ip) if ip else None
    if address is None:
        return None
    prefix = IPV4_PREFIX if address.version == 4 else IPV6_PREFIX
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


def ip_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that `text` spells, an IPv4-mapped IPv6 address as IPv4; None where it spells none."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
