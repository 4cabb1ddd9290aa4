"""Risk of a sender not seen before, from what its event shares with the graph of the snapshot. No model runs here.

Shared artefacts are taken as independent witnesses: 1 - (1 - prior) * prod(1 - trust * risk), a noisy-or (Pearl 1988,
section 4.3.2). An approximation until the next refresh scores the sender itself; each answer names what it rests on.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

from api.shapes import EventIn
from graph.addresses import network_of, registrable_domain
from graph.keys import canonical_key
from graph.snapshot import Snapshot

# How far an artefact's risk is its user's: a link or a text is chosen by the sender, a network or a mail
# provider is shared with strangers.
TRUST = {"domain": 0.9, "fingerprint": 0.9, "address": 0.5, "network": 0.5}


def score_event(snapshot: Snapshot, event: EventIn) -> dict[str, Any]:
    """event_id, sender, known, risk, and the basis: what is known of the sender or of what its event carries."""
    sender = event.sender.strip()
    known = snapshot.lookup("sender", sender)
    if known is not None:
        return _answer(event, True, known["risk"], [known])
    witnesses = [(TRUST[role], found) for role, kind, key in _artefacts(event) if (found := snapshot.lookup(kind, key))]
    clean = prod(1 - trust * found["risk"] for trust, found in witnesses)
    return _answer(event, False, 1 - (1 - snapshot.prior) * clean, [found for _, found in witnesses])


def _artefacts(event: EventIn) -> Iterator[tuple[str, str, str]]:
    """(role, kind, key) of everything that the event shares or may share with others, each once."""
    domains = {site for host in event.domains or [] if (site := site_of(host))}
    sender = canonical_key("sender", event.sender)
    address = registrable_domain(sender.rpartition("@")[2]) if "@" in sender else None
    yield from (("domain", "domain", site) for site in sorted(domains))
    if address and address not in domains:
        yield "address", "domain", address
    if network := network_of(event.ip):
        yield "network", "network", network
    if event.fingerprint:
        yield "fingerprint", "fingerprint", event.fingerprint


def site_of(host: str) -> str | None:
    """The registrable domain of a host in whatever spelling."""
    return registrable_domain(canonical_key("domain", host))


def _answer(event: EventIn, known: bool, risk: float, basis: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("kind", "key", "risk", "campaign_id")
    facts = [{name: found[name] for name in names} for found in basis]
    return {"event_id": event.event_id, "sender": event.sender, "known": known, "risk": risk, "basis": facts}
