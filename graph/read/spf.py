"""The clients that a message's SPF results name (RFC 7208, 9.1; RFC 8601). Does not know whose results they are.

Where a result stands matters more than what it says: a server puts it above its own `Received` line, so what stands
above a line that can be believed was put there by that server or a later one.
"""

import re
from collections.abc import Sequence
from typing import Final

from graph.read.hops import public_ip

RESULTS: Final = ("received-spf", "authentication-results")
_MAX_VALUE: Final = 4096  # characters of one header that are looked at
_IP: Final = r"([0-9a-f.:]{2,45})"
_COMMENT: Final = re.compile(r"\([^()]{0,1024}\)")
_QUOTED: Final = re.compile(r'"[^"]{0,1024}"')
_FIELD: Final = re.compile(rf"[\s;](?:client-ip|smtp\.remote-ip|policy\.iprev)=(?:IPv6:)?{_IP}", re.IGNORECASE)
_EXCHANGE: Final = re.compile(rf"\bspf=[a-z]{{1,20}} \(sender IP is {_IP}\)", re.IGNORECASE)
# The sentence of RFC 7208, 9.1 and its kin; the address stands behind the domain, which the client chose.
_SENTENCE: Final = re.compile(rf"\b(?:designates?|use of) {_IP} as permitted sender", re.IGNORECASE)


def clients_above(names: Sequence[str], results: dict[str, list[str]]) -> list[tuple[str, ...]]:
    """For each `Received` line, newest first, the public addresses named in SPF results above it, nearest last.

    `names` are the message's header names in order and in lower case, `results` the values of each name.
    """
    waiting = {name: iter(results.get(name, ())) for name in RESULTS}
    clients: list[str] = []
    above: list[tuple[str, ...]] = []
    for name in names:
        if name == "received":
            above.append(tuple(clients))
        elif name in RESULTS:
            client = client_of(next(waiting[name], ""))
            clients += [client] if client and client not in clients else []
    return above


def client_of(value: str) -> str | None:
    """The public address that one SPF result is about; None where it names none."""
    value = " " + value[:_MAX_VALUE]
    if exchange := _EXCHANGE.search(value):
        return public_ip(exchange[1])
    field = _FIELD.search(_COMMENT.sub(" ", _QUOTED.sub(" ", value)))
    if field:
        return public_ip(field[1])
    sentences = _SENTENCE.findall(value)
    return public_ip(sentences[-1]) if sentences else None
