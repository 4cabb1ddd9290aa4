"""Rows of the contract from one raw message: the mail, and an event for each invitation in it. Reads no files.

What a message is taken to say:

- *event id*: the Message-ID where it is sane, and always a digest of sender, recipients, date and body. A copy read
  twice is one event; copies for two recipients are two; a Message-ID that a sender uses again hides nothing.
- *address*: that of the acceptance, see `graph.read.received`.
- *time*: that of the acceptance. Without a dated `Received` line it is the mbox envelope's, then those of Delivery-Date
  and X-Received, then Date, then Resent-Date. A message without any usable one goes to quarantine: a guess would put
  it on a day on which it was not sent, beside mail that it has nothing to do with.
- *sender and recipients*: see `graph.read.parties`, which loses no message.
- *domains*: hosts of links in plain and HTML parts, in order of appearance.
- Of a journal or feedback report the message inside is read, see `graph.read.envelopes`.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from graph.read.dates import parse_date
from graph.read.envelopes import Carried, carried_message
from graph.read.fingerprint import fingerprint_of
from graph.read.hosts import distinct_hosts, hosts_of_html, hosts_of_text
from graph.read.invitations import Invitation, invitations_of
from graph.read.message import Parsed, Text, parse
from graph.read.options import ReadOptions
from graph.read.parties import addresses, mailbox, plain_body, recipients_of, sender_of, unknown_sender
from graph.read.people import MAX_ADDRESSES
from graph.read.received import Acceptance, acceptance_of
from graph.read.spf import RESULTS, client_of, clients_above

# Visible ASCII on both sides of an @. RFC 5322 bounds the line only; no mail program makes longer halves.
_MESSAGE_ID: Final = re.compile(r"<?([!-;=?-~]{3,250}@[!-;=?-~]{1,250})>?")
_ENVELOPE_DATE: Final = re.compile(r"From .*?\s((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s.*)")
READABLE: Final = frozenset({"plain", "html"})


class MessageError(Exception):
    """A message that yields no event; the text is the reason."""


def message_events(raw: bytes, where: str, options: ReadOptions) -> list[dict[str, Any]]:
    """The events of one raw message, rows of `graph.schema.EVENTS`: the mail first, then its invitations.

    `raw` may begin with an mbox envelope line. `where` names the message in errors. Raises MessageError with the
    reason where there is no usable time, or neither a sender nor a trace; never anything else, whatever the bytes.
    """
    try:
        return _read(raw, options)
    except MessageError:
        raise
    except Exception as error:
        raise MessageError(f"cannot be read ({type(error).__name__})") from error


def _read(raw: bytes, options: ReadOptions) -> list[dict[str, Any]]:
    parsed = parse(raw)
    acceptance = _acceptance(parsed, options)
    carried = carried_message(raw, parsed, acceptance.stranger)
    if carried is None:
        return _events(parsed, acceptance, options)
    if not carried.raw:
        raise MessageError("feedback report without the mail that it complains about")
    inner = parse(carried.raw)
    trace = _acceptance(inner, options)
    return _events(inner, trace if carried.traced else replace(trace, ip=None), options, carried)


def _acceptance(parsed: Parsed, options: ReadOptions) -> Acceptance:
    results = {name: parsed.values(name) for name in RESULTS}
    return acceptance_of(
        parsed.values("received"),
        options.now + options.future_tolerance,
        options.trusted_hops,
        next((values[0] for values in results.values() if values and client_of(values[0])), ""),
        clients_above(parsed.names, results),
    )


def _events(
    parsed: Parsed, acceptance: Acceptance, options: ReadOptions, carried: Carried | None = None
) -> list[dict[str, Any]]:
    latest = options.now + options.future_tolerance
    sender = _sender(parsed, options)
    accepted_for = acceptance.recipient
    mail = {
        "event_id": "",
        "ts": _time(parsed, acceptance, latest),
        "channel": "mail",
        "sender": sender,
        "recipients": recipients_of(parsed, sender, accepted_for, options, carried.recipients if carried else ""),
        "domains": distinct_hosts(_hosts(parsed.texts)),
        "ip": acceptance.ip,
        "fingerprint": fingerprint_of([(text.kind, text.text) for text in parsed.texts if text.kind in READABLE]),
    }
    mail["event_id"] = _event_id(parsed, mail)
    calendars = (text.text for text in parsed.texts if text.kind == "calendar")
    invited = [_invited(found, mail, options) for text in calendars for found in invitations_of(text)]
    return [mail, *_distinct(invited)]


def _sender(parsed: Parsed, options: ReadOptions) -> str:
    sender = sender_of(parsed, options)
    if sender is None and "received" not in parsed.headers:
        raise MessageError("no usable mail address in From, Sender, Return-Path or Reply-To, and no Received line")
    return sender or unknown_sender(parsed)


def _time(parsed: Parsed, acceptance: Acceptance, latest: datetime) -> datetime:
    moment = acceptance.ts or next((moment for text in _dates(parsed) if (moment := parse_date(text, latest))), None)
    if moment is None:
        raise MessageError("no usable time in Received, the mbox envelope or Date")
    return moment


def _dates(parsed: Parsed) -> Iterator[str]:
    """Texts that may tell when the message came, the most trusted first."""
    envelope = _ENVELOPE_DATE.match(parsed.envelope)
    yield envelope[1] if envelope else ""
    yield from parsed.values("delivery-date")
    yield from (value.rpartition(";")[2] for value in parsed.values("x-received"))
    yield from parsed.values("date")
    yield from parsed.values("resent-date")


def _hosts(texts: Iterable[Text]) -> Iterator[str]:
    for text in texts:
        if text.kind == "html":
            yield from hosts_of_html(text.text)
        elif text.kind in ("plain", "binary"):
            yield from hosts_of_text(text.text)


# ---- Ids ----------------------------------------------------------------------------------------------------


def _event_id(parsed: Parsed, mail: dict[str, Any]) -> str:
    digest = _digest(
        [mail["sender"], *mail["recipients"], parsed.value("date"), parsed.value("subject")], plain_body(parsed)
    )
    found = _MESSAGE_ID.fullmatch(parsed.value("message-id"))
    return f"{found[1]}#{digest}" if found else digest


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
    sender = mailbox(found.sender or "", options) or mail["sender"]
    recipients = [*addresses(found.recipients, options, MAX_ADDRESSES)] or mail["recipients"]
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
