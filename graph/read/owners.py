"""Which hosts and addresses belong to one mail provider. Knows no headers and asks no network.

A provider is told by its registrable domain; the large ones relay under several, which the table below makes one.
"""

import ipaddress
from functools import lru_cache
from typing import Final

from graph.addresses import ip_address, is_ip_literal, registrable_domain

# Domains under which one provider's own servers name themselves in `Received` lines. Domains under which a provider
# names the machines of its customers (cloudapp.azure.com, googleusercontent.com) do not belong here.
_PROVIDERS: Final = {
    "apple": ("apple.com", "icloud.com", "mac.com", "me.com"),
    "fastmail": ("fastmail.com", "messagingengine.com"),
    "gmx": ("gmx.com", "gmx.de", "gmx.net", "web.de"),
    "google": ("1e100.net", "gmail.com", "google.com", "googlemail.com"),
    "mail.ru": ("mail.ru", "smailru.net"),
    "microsoft": (
        "exchangelabs.com",
        "hotmail.com",
        "live.com",
        "microsoft.com",
        "office.com",
        "office365.com",
        "office365.us",
        "outlook.com",
        "outlook.de",
        "phx.gbl",
    ),
    "proton": ("proton.me", "protonmail.ch", "protonmail.com"),
    "yahoo": ("aol.com", "yahoo.com", "yahoo.net", "yahoodns.net"),
    "yandex": ("yandex.com", "yandex.net", "yandex.ru"),
}
_OWNER: Final = {domain: owner for owner, domains in _PROVIDERS.items() for domain in domains}

WRITES_SPF: Final = frozenset({"microsoft", "google"})  # for every mail that comes in from outside

# Blocks inside which Exchange Online hands mail from server to server. A hop between regions shares no allocation, and
# these servers write a claimed name, never a reverse one. 2a01:111:f400 and f403 are published ("Office 365 URLs and IP
# address ranges", ids 9 and 10); the others are of Microsoft's 2603:1000::/24, one a region, as their mail shows.
_RELAYS: Final = {
    "microsoft": tuple(
        ipaddress.ip_network(block)
        for block in (
            "2603:1096::/32",
            "2603:10a6::/32",
            "2603:10b6::/32",
            "2603:10c6::/32",
            "2603:10d6::/32",
            "2a01:111:f400::/48",
            "2a01:111:f403::/48",
        )
    )
}

# Suffixes under which anybody may name a host inside (RFC 6762, appendix G, and ICANN's list of name collisions).
_PRIVATE_SUFFIXES: Final = frozenset(
    {"corp", "dmz", "home", "internal", "intranet", "invalid", "lan", "local", "localdomain", "localhost", "private"}
)

_ALLOCATION: Final = {4: 24, 6: 32}  # a provider's block: a /32 is the least that registries give (RIPE-738, 4.3)


@lru_cache(maxsize=1 << 14)
def owner_of(host: str) -> str | None:
    """Whose host this is: a provider of the table, or the registrable domain; None where the name does not tell."""
    domain = registrable_domain(host)
    if domain is None or is_ip_literal(domain) or domain.rpartition(".")[2] in _PRIVATE_SUFFIXES:
        return None
    return _OWNER.get(domain, domain)


def same_owner(host: str | None, other: str | None) -> bool:
    """Whether both hosts are known to be of one owner."""
    owner = owner_of(host) if host else None
    return owner is not None and other is not None and owner == owner_of(other)


def same_host(host: str | None, other: str | None) -> bool:
    """Whether both names may be of one machine: equal, or equal in their first label and of one owner."""
    if not host or not other:
        return False
    first, second = host.lower().rstrip("."), other.lower().rstrip(".")
    return first == second or (first.partition(".")[0] == second.partition(".")[0] and same_owner(first, second))


def is_relay_of(host: str, ip: str) -> bool:
    """Whether the address lies in a block that the host's owner keeps for its own relays."""
    address = ip_address(ip)
    return address is not None and any(address in block for block in _RELAYS.get(owner_of(host) or "", ()))


def same_allocation(ip: str, other: str) -> bool:
    """Whether two addresses lie in one block of the size that a provider has for itself (/24, or /32 in IPv6)."""
    first, second = ip_address(ip), ip_address(other)
    if first is None or second is None or first.version != second.version:
        return False
    return second in ipaddress.ip_network(f"{first}/{_ALLOCATION[first.version]}", strict=False)
