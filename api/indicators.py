"""What the key of a member is to other systems: an address, a network, a host, a mailbox, an account.

Knows the words of STIX 2.1 and MISP for these, no document and no campaign.
"""

import ipaddress
from dataclasses import dataclass

from graph.addresses import ip_address


@dataclass(frozen=True)
class Indicator:
    """A key in the words of two standards.

    `path` is the STIX object path (STIX 2.1, section 6), `operator` compares it with `value`; `misp` and `category`
    are MISP's type and category, `detects` whether the value alone is fit to be looked for in traffic.
    """

    path: str
    operator: str
    misp: str
    category: str
    value: str
    detects: bool = True

    @property
    def pattern(self) -> str:
        """The STIX pattern (section 9) that matches it."""
        text = self.value.replace("\\", "\\\\").replace("'", "\\'")
        return f"[{self.path} {self.operator} '{text}']"


def indicator_of(kind: str, key: str) -> Indicator:
    """What `key`, a node of this kind (`sender`, `domain`, `network`), is; an IP literal is an address of its version.

    A sender that is no mail address is an account: its id may look like anything, an IP address included.
    """
    if kind == "sender":
        return _sender(key)
    if kind == "network" or "/" in key:
        return _network(key) or _host(key)
    return _address(key) or _host(key)


def _sender(key: str) -> Indicator:
    local, _, host = key.rpartition("@")
    if local and host:
        return Indicator("email-addr:value", "=", "email-src", "Payload delivery", key)
    return Indicator("user-account:user_id", "=", "text", "Payload delivery", key, detects=False)


def _host(key: str) -> Indicator:
    return Indicator("domain-name:value", "=", "domain", "Network activity", key)


def _address(key: str) -> Indicator | None:
    """A host of links, so for MISP the destination of traffic."""
    address = ip_address(key.removeprefix("[").removesuffix("]"))
    if address is None:
        return None
    return Indicator(f"ipv{address.version}-addr:value", "=", "ip-dst", "Network activity", str(address))


def _network(key: str) -> Indicator | None:
    """A network that mail was accepted from, so for MISP the source of traffic."""
    try:
        network = ipaddress.ip_network(key.strip(), strict=False)
    except ValueError:
        return None
    value, path = str(network), f"ipv{network.version}-addr:value"
    return Indicator(path, "ISSUBSET", "ip-src", "Network activity", value)
