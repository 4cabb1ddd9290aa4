"""Rows of the contract from one raw message: the mail, and an event for each invitation in it. Reads no files.

What a message is taken to say:

- *event id*: the Message-ID where it is sane, and always a digest of sender, recipients, date and body. A copy read
  twice is one event; copies for two recipients are two; a Message-ID that a sender uses again hides nothing.
- *time and address*: those of the acceptance, see `graph.read.received`.
- *sender*: the first address in From. A message without one goes to quarantine.
- *recipients*: whom it was delivered to (Delivered-To, X-Original-To, Envelope-To and kin, else the `for` of the
  acceptance when To and its kin name nobody). To, Cc and Bcc count where no delivery header is left, since their
  content is the sender's choice.
- *domains*: hosts of links in plain and HTML parts, in order of appearance.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from graph.addresses import normalise_mailbox
from graph.read.dates import parse_date
from graph.read.fingerprint import fingerprint_of
from graph.read.hosts import distinct_hosts, hosts_of_html, hosts_of_text
from graph.read.invitations import Invitation, invitations_of
from graph.read.message import Parsed, Text, decoded, parse
from graph.read.options import ReadOptions
from graph.read.people import MAX_ADDRESSES, addresses_of
from graph.read.received import Acceptance, acceptance_of
from graph.read.spf import RESULTS, clients_above

DELIVERED: Final = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to")
ADDRESSED: Final = ("to", "cc", "bcc", "apparently-to", "resent-to", "resent-cc")
# Visible ASCII on both sides of an @. RFC 5322 bounds the line only; no mail program makes longer halves.
_MESSAGE_ID: Final = re.compile(r"<?([!-;=?-~]{3,250}@[!-;=?-~]{1,250})>?")
_ENVELOPE_DATE: Final = re.compile(r"From .*?\s((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s.*)")
_QUOTED_FROM: Final = re.compile(rb"\n>+(?=From )")


class MessageError(Exception):
    """A message that yields no event; the text is the reason."""


def message_events(raw: bytes, where: str, options: ReadOptions) -> list[dict[str, Any]]:
    """The events of one raw message, rows of `graph.schema.EVENTS`: the mail first, then its invitations.

    `raw` may begin with an mbox envelope line. `where` names the message in errors. Raises MessageError with the
    reason where there is no usable sender, recipient or time; never anything else, whatever the bytes.
    """
    try:
        return _events(parse(raw), options)
    except (RecursionError, MemoryError) as error:
        raise MessageError(f"cannot be walked ({type(error).__name__})") from error


def _events(parsed: Parsed, options: ReadOptions) -> list[dict[str, Any]]:
    latest = options.now + options.future_tolerance
    clients = clients_above(parsed.names, {name: parsed.values(name) for name in RESULTS})
    acceptance = acceptance_of(parsed.values("received"), latest, options.trusted_hops, clients)
    sender = _sender(parsed, options)
    mail = {
        "event_id": "",
        "ts": _time(parsed, acceptance, latest),
        "channel": "mail",
        "sender": sender,
        "recipients": _recipients(parsed, acceptance, options),
        "domains": distinct_hosts(_hosts(parsed.texts)),
        "ip": acceptance.ip,
        "fingerprint": fingerprint_of([(text.kind, text.text) for text in parsed.texts if text.kind != "calendar"]),
    }
    mail["event_id"] = _event_id(parsed, mail)
    calendars = (text.text for text in parsed.texts if text.kind == "calendar")
    invited = [_invited(found, mail, options) for text in calendars for found in invitations_of(text)]
    return [mail, *_distinct(invited)]


def _sender(parsed: Parsed, options: ReadOptions) -> str:
    values = parsed.values("from")
    if not values:
        raise MessageError("no From header")
    found = [*_addresses(values, options, 1)]
    if not found:
        raise MessageError("no usable mail address in From")
    return found[0]


def _recipients(parsed: Parsed, acceptance: Acceptance, options: ReadOptions) -> list[str]:
    for names in (DELIVERED, ADDRESSED):
        values = [value for name in names for value in parsed.values(name)]
        found = [*_addresses(values, options, MAX_ADDRESSES)]
        if found:
            return found
    found = [*_addresses([acceptance.recipient or ""], options, 1)]
    if not found:
        raise MessageError("no recipient in Delivered-To, To, Cc, Bcc or Received")
    return found


def _addresses(values: Iterable[str], options: ReadOptions, most: int) -> Iterator[str]:
    """Distinct, normalised, within the bound on length. A header that hides its address in an encoded word is read."""
    seen: set[str] = set()
    for value in values:
        for address in addresses_of(value) or addresses_of(decoded(value)):
            found = _mailbox(address, options)
            if found and found not in seen:
                seen.add(found)
                yield found
                if len(seen) == most:
                    return


def _mailbox(address: str, options: ReadOptions) -> str | None:
    found = normalise_mailbox(address, options.normalise) if len(address) <= options.max_text_bytes else ""
    return found if 0 < len(found.encode("utf-8", "replace")) <= options.max_text_bytes else None


def _time(parsed: Parsed, acceptance: Acceptance, latest: datetime) -> datetime:
    envelope = _ENVELOPE_DATE.match(parsed.envelope)
    found = (
        acceptance.ts
        or (parse_date(envelope[1], latest) if envelope else None)
        or parse_date(parsed.value("date"), latest)
    )
    if found is None:
        raise MessageError("no usable time in Received, the mbox envelope or Date")
    return found


def _hosts(texts: Iterable[Text]) -> Iterator[str]:
    for text in texts:
        if text.kind == "html":
            yield from hosts_of_html(text.text)
        elif text.kind == "plain":
            yield from hosts_of_text(text.text)


# ---- Ids ----------------------------------------------------------------------------------------------------


def _event_id(parsed: Parsed, mail: dict[str, Any]) -> str:
    digest = _digest(
        [mail["sender"], *mail["recipients"], parsed.value("date"), parsed.value("subject")], _body(parsed)
    )
    found = _MESSAGE_ID.fullmatch(parsed.value("message-id"))
    return f"{found[1]}#{digest}" if found else digest


def _body(parsed: Parsed) -> bytes:
    """The body without what differs from copy to copy of one message: line ends and the mbox quoting of `From `."""
    body = parsed.body
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b">From " in body:
        body = _QUOTED_FROM.sub(b"\n", body)
    return body.strip()


def _digest(texts: Iterable[str], content: bytes = b"") -> str:
    """128 bits in hex: a chance collision among 10^12 events has odds of one in 10^14."""
    hashed = hashlib.blake2b(digest_size=16)
    for text in texts:
        hashed.update(text.encode("utf-8", "surrogatepass") + b"\x00")
    hashed.update(content)
    return hashed.hexdigest()


# ---- Invitations --------------------------------------------------------------------------------------------


def _invited(found: Invitation, mail: dict[str, Any], options: ReadOptions) -> dict[str, Any]:
    """The calendar event of an invitation. Every attendee's copy gives the same one; what it lacks the mail gives."""
    sender = _mailbox(found.sender or "", options) or mail["sender"]
    recipients = [*_addresses(found.recipients, options, MAX_ADDRESSES)] or mail["recipients"]
    identity = [f"{name}={value}" for name, value in sorted(found.identity.items())]
    return {
        **mail,
        "event_id": "calendar#" + _digest([found.method, *identity, sender, *sorted(recipients), found.text]),
        "channel": "calendar",
        "sender": sender,
        "recipients": recipients,
        "domains": distinct_hosts(hosts_of_html(found.text)),
        "fingerprint": fingerprint_of([("plain", found.text)]),
    }


def _distinct(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({event["event_id"]: event for event in events}.values())
