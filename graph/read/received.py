"""When and from which address the provider accepted a message, read from its trace headers. Knows nothing of bodies.

The rule. Every relay writes its `Received` line on top, so lines are believed from the top down, and the first in which
a stranger hands the message over is the last that can be believed: it is the *acceptance*. The `trusted_hops` newest
lines are skipped. A line is passed over where it

1. tells of a pick-up (fetchmail and its like, by POP or IMAP): its address is the mailbox server's;
2. tells of a delivery by LMTP;
3. names an address inside (loopback, private, link-local, shared), or names no address and no stranger;
4. names a public address that proves to be the receiving side's own, and the next line goes on where this one came
   from. Proof is a reverse name of the owner of the writing server (`by`), unless doubted (`may be forged`); the next
   line must then be written by that owner. A name that the client gives itself is no proof, since strangers choose it.
   It counts only where the next line is written by just that host and, beside, the address lies in a block of the
   provider's relays (`graph.read.owners`) or in one allocation with an address that the believed lines give their own
   servers, or the line tells of a move between stores (HTTPS, MAPI).

An SPF result above a believed line was put there by the receiving side. The line that handed over from the address
which it names is the acceptance, whatever the names say; and where the stranger's line holds no address, the result
gives it. Results below the acceptance are the stranger's and count for nothing. Providers that write one for
every mail from outside (`graph.read.owners.WRITES_SPF`) name their acceptance by the topmost one, wherever it stands:
there, servers that name themselves as the provider's are passed over until the line of that address.

Where all public lines were passed over, the oldest of them is the acceptance: a customer of the same provider. Where
a stranger's line holds no address and no result gives one, the address is unknown.

What this cannot see. A server that hides its clients behind one inside address (a proxy) believes what they wrote. So
does one to whose own network somebody belongs who forges: a customer with a reverse name under its domain, or a
neighbour at its hoster who greets with its name; SPF results, where they are written, stop both. `trusted_hops` tells
how many relays are one's own where names cannot.

The time is that of the acceptance, unless the topmost dated line contradicts it (`MAX_TRANSIT`, `MAX_SKEW`): then the
topmost line's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from graph.read.hops import Hop, read_hop
from graph.read.owners import WRITES_SPF, is_relay_of, owner_of, same_allocation, same_host, same_owner
from graph.read.spf import client_of

MAX_TRANSIT: Final = timedelta(days=7)  # from acceptance to mailbox: mail servers give up after five days or less
MAX_SKEW: Final = timedelta(hours=1)  # by which an earlier relay's clock may be ahead of the last one's
MAX_LINES: Final = 100  # RFC 5321 asks relays to see a loop by then


@dataclass(frozen=True)
class Acceptance:
    """When, from where and for whom a message was accepted, as far as its trace tells.

    `stranger`: whether somebody from outside handed it over.
    """

    ts: datetime | None
    ip: str | None
    recipient: str | None
    stranger: bool = False


def acceptance_of(
    lines: Sequence[str],
    latest: datetime,
    trusted_hops: int = 0,
    spf: str = "",
    clients: Sequence[tuple[str, ...]] = (),
) -> Acceptance:
    """Read the `Received` lines, newest first. A time after `latest` is taken for a broken clock and left out.

    `spf` is the topmost SPF result, wherever it stands; `clients` are the addresses that SPF results above each line
    name, nearest last (`graph.read.spf`).
    """
    walk = _Walk(_spf_client(lines, trusted_hops, latest, spf))
    hops = (read_hop(line, latest) for line in lines[trusted_hops:MAX_LINES])
    for place, (hop, below) in enumerate(_with_next(hops), trusted_hops):
        if walk.ends_at(hop, below, clients[place] if place < len(clients) else ()):
            break
    ts = _believed(walk.entry.ts, walk.newest) if walk.entry else walk.newest
    recipient = (walk.entry and walk.entry.recipient) or walk.recipient
    return Acceptance(ts, walk.ip, recipient, walk.stranger)


@dataclass
class _Walk:
    """What the lines have told so far. `client`: whom a provider that always writes SPF results names."""

    client: str | None
    newest: datetime | None = None
    recipient: str | None = None
    entry: Hop | None = None
    ip: str | None = None
    stranger: bool = False
    own_addresses: list[str] = field(default_factory=list)

    def ends_at(self, hop: Hop, below: Hop | None, named: Sequence[str]) -> bool:
        """Take in one line; whether it is the last that can be believed. `named`: by SPF results above it."""
        self.newest = self.newest or hop.ts
        self.recipient = self.recipient or hop.recipient
        self.own_addresses += [hop.by_ip] if hop.by_ip else []
        if hop.pick_up or not (hop.ip or _is_stranger(hop)):
            return False
        self.entry, self.ip = hop, hop.ip or next(reversed(named), None)
        if hop.ip and hop.ip not in named:
            skipped = self.client is not None and hop.ip != self.client and same_owner(hop.claimed, hop.by)
            self.stranger = not (skipped or _is_own(hop, hop.ip, below, self.own_addresses))
        else:
            self.stranger = True
        return self.stranger


def _spf_client(lines: Sequence[str], trusted_hops: int, latest: datetime, spf: str) -> str | None:
    """The client in a provider's own SPF result; None where it is not known to write one, or no line has it."""
    client = client_of(spf) if spf else None
    if client is None:
        return None
    hops = [read_hop(line, latest) for line in lines[trusted_hops:MAX_LINES]]
    owner = next((owner_of(hop.by) for hop in hops if hop.by), None)
    return client if owner in WRITES_SPF and any(hop.ip == client for hop in hops) else None


def _with_next(hops: Iterable[Hop]) -> Iterator[tuple[Hop, Hop | None]]:
    """Each hop with the one below it; None below the last."""
    last: Hop | None = None
    for hop in hops:
        if last is not None:
            yield last, hop
        last = hop
    if last is not None:
        yield last, None


def _is_stranger(hop: Hop) -> bool:
    """Whether a line without any address names a client of another owner than the server's."""
    if hop.inside or hop.delivery or hop.stored or not hop.claimed or not hop.by:
        return False
    client, server = owner_of(hop.claimed), owner_of(hop.by)
    return client is not None and server is not None and client != server


def _is_own(hop: Hop, ip: str, below: Hop | None, own_addresses: Iterable[str]) -> bool:
    """Whether the address that handed over proves to be a relay of the receiving side (point 4 of the rule)."""
    if hop.delivery:
        return True
    if same_owner(hop.reverse, hop.by):
        return below is None or _goes_on(hop, below)
    if hop.reverse or below is None or not (same_owner(hop.claimed, hop.by) and same_host(hop.claimed, below.by)):
        return False
    own_block = is_relay_of(hop.by or "", ip) or any(same_allocation(ip, own) for own in own_addresses)
    return hop.stored or own_block


def _goes_on(hop: Hop, below: Hop) -> bool:
    """Whether the next line may be the own relay's; a bare host name and a missing one do not speak against it."""
    if below.by is None or owner_of(below.by) is None:
        return True
    return same_owner(below.by, hop.by) or same_host(below.by, hop.claimed)


def _believed(accepted: datetime | None, newest: datetime | None) -> datetime | None:
    if accepted is None or newest is None:
        return newest
    return accepted if newest - MAX_TRANSIT <= accepted <= newest + MAX_SKEW else newest
