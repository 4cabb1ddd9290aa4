"""Reports and verdicts as a provider would have had them at the cut, made from the corpus's own labels. No randomness:
whether somebody reports or decides is a keyed hash of what it is about.

Nothing here looks at an event at or after the cut, and nothing that it makes carries a later time.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from graph.addresses import registrable_domain

KEY = b"ringleader sample, labels, 1"

# Shares of what could have been reported or decided. Reports are rarer than spam and sometimes wrong; analysts decide
# on what is reported first and on a sample of the rest.
JUNK_OF_SPAM = 0.35
JUNK_OF_HAM = 0.008
NOT_JUNK_OF_HAM = 0.03
NOT_JUNK_OF_SPAM = 0.004
PHISH_OF_JUNK = 0.1
VERDICTS_OF_SPAMMERS = 0.5
VERDICTS_OF_HAM_SENDERS = 0.35
VERDICTS_OF_DOMAINS = 0.25

DOMAIN_EVENTS = 3  # a domain is decided on when it was linked in that many events, all of one label, of two senders
DOMAIN_SENDERS = 2
REPORT_DELAY = (timedelta(minutes=5), timedelta(days=2))
VERDICT_DELAY = (timedelta(hours=6), timedelta(days=5))
SOURCE = "corpus"

Row = dict[str, Any]


@dataclass(frozen=True)
class Labelled:
    """What the labels are made of: one event and its label."""

    event_id: str
    ts: datetime
    sender: str
    recipients: tuple[str, ...]
    domains: tuple[str, ...]
    malicious: bool


def reports(events: Iterable[Labelled], cut: datetime) -> list[Row]:
    """What recipients pressed before the cut, by time."""
    rows = [row for event in events if event.ts < cut for row in _reports_of(event)]
    return sorted((row for row in rows if _before(row, cut)), key=_by_time)


def verdicts(events: Sequence[Labelled], cut: datetime) -> list[Row]:
    """What analysts decided before the cut on senders and on linked domains, by time.

    Only senders and domains of one label before the cut are decided on; what they do later is left to be found out.
    """
    known = [event for event in events if event.ts < cut]
    rows = _decisions("sender", _grouped(known, lambda event: [event.sender]), _sender_share)
    rows += _decisions("domain", _grouped(known, _sites), _domain_share)
    return sorted((row for row in rows if _before(row, cut)), key=_by_time)


def _reports_of(event: Labelled) -> list[Row]:
    """At most one report an event, by one of its first recipients."""
    junk, not_junk = (JUNK_OF_SPAM, NOT_JUNK_OF_SPAM) if event.malicious else (JUNK_OF_HAM, NOT_JUNK_OF_HAM)
    draw = _uniform("report", event.event_id)
    if draw >= junk + not_junk:
        return []
    kind = "not_junk" if draw >= junk else "phish" if event.malicious and draw < junk * PHISH_OF_JUNK else "junk"
    ts = event.ts + _between(REPORT_DELAY, "report delay", event.event_id)
    return [{"event_id": event.event_id, "reporter": event.recipients[0], "ts": ts, "kind": kind}]


def _grouped(events: Sequence[Labelled], keys: Callable[[Labelled], Iterable[str]]) -> dict[str, list[Labelled]]:
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for event in events:
        for key in keys(event):
            groups[key].append(event)
    return groups


def _sites(event: Labelled) -> set[str]:
    return {site for site in map(registrable_domain, event.domains) if site}


def _decisions(kind: str, groups: dict[str, list[Labelled]], share: Callable[[list[Labelled]], float]) -> list[Row]:
    rows: list[Row] = []
    for key, events in sorted(groups.items()):
        if len({event.malicious for event in events}) > 1 or _uniform(kind, key) >= share(events):
            continue
        ts = min(event.ts for event in events) + _between(VERDICT_DELAY, f"{kind} delay", key)
        verdict = "malicious" if events[0].malicious else "benign"
        rows.append({"kind": kind, "key": key, "verdict": verdict, "ts": ts, "source": SOURCE})
    return rows


def _sender_share(events: list[Labelled]) -> float:
    return VERDICTS_OF_SPAMMERS if events[0].malicious else VERDICTS_OF_HAM_SENDERS


def _domain_share(events: list[Labelled]) -> float:
    wide = len(events) >= DOMAIN_EVENTS and len({event.sender for event in events}) >= DOMAIN_SENDERS
    return VERDICTS_OF_DOMAINS if wide else 0.0


def _before(row: Row, cut: datetime) -> bool:
    ts = row["ts"]
    return isinstance(ts, datetime) and ts < cut


def _by_time(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("ts", *row))


def _uniform(*what: str) -> float:
    """A number in [0, 1) that depends on the key and on `what` alone."""
    digest = hashlib.blake2b("\0".join(what).encode(), key=KEY, digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _between(bounds: tuple[timedelta, timedelta], *what: str) -> timedelta:
    shortest, longest = bounds
    return shortest + timedelta(seconds=round(_uniform(*what) * (longest - shortest).total_seconds()))
