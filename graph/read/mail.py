"""Rows of the contract from one raw message: the mail, and an event for each invitation in it. Reads no files.

What a message is taken to say:

- *event id*: the Message-ID where it is sane, and always a digest of sender, recipients, date and body. A copy read
  twice is one event; copies for two recipients are two; a Message-ID that a sender uses again hides nothing.
- *time and address*: those of the acceptance, see `graph.read.received`.
- *sender*: the first address in From; in a From that names none by the grammar, one in quotes or in a comment; then
  Sender, Return-Path (or the mbox envelope), Reply-To; then nobody at the address that it was accepted from. What a
  sender leaves out loses no mail; one that tells nothing at all goes to quarantine.
- *recipients*: whom it was delivered to (Delivered-To, X-Original-To, Envelope-To and kin); To, Cc and Bcc where no
  delivery header is left, since their content is the sender's choice; then the `for` of the acceptance; then the
  mailbox that was read, where `ReadOptions.mailbox` names it; then one placeholder for each server that took the mail
  in, `undisclosed@SERVER.invalid`, which stands for the mailbox that was read.
- *domains*: hosts of links in plain and HTML parts, in order of appearance.
- Of a journal or feedback report the message inside is read, see `graph.read.envelopes`.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from graph.addresses import canonical_host, normalise_mailbox
from graph.read.envelopes import Carried, carried_message
from graph.read.fingerprint import fingerprint_of
from graph.read.hosts import distinct_hosts, hosts_of_html, hosts_of_text
from graph.read.invitations import Invitation, invitations_of
from graph.read.message import Parsed, Text, decoded, parse
from graph.read.options import ReadOptions
from graph.read.people import MAX_ADDRESSES, addresses_of, hidden_addresses_of
from graph.read.received import Acceptance, acceptance_of, parse_date

DELIVERED: Final = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to")
ADDRESSED: Final = ("to", "cc", "bcc", "apparently-to", "resent-to", "resent-cc")
# Visible ASCII on both sides of an @. RFC 5322 bounds the line only; no mail program makes longer halves.
_MESSAGE_ID: Final = re.compile(r"<?([!-;=?-~]{3,250}@[!-;=?-~]{1,250})>?")
_ENVELOPE_DATE: Final = re.compile(r"From .*?\s((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s.*)")
_ENVELOPE_SENDER: Final = re.compile(r">?From\s+([^\s@]{1,320}@[^\s@]{1,320})\s")
SENDERS: Final = ("from", "sender", "return-path", "x-envelope-from", "reply-to", "resent-from")
NOBODY: Final = "unknown"  # local part of who names no address at all, at the address that the mail came from
UNDISCLOSED: Final = "undisclosed"
READABLE: Final = frozenset({"plain", "html"})
_QUOTED_FROM: Final = re.compile(rb"\n>+(?=From )")


class MessageError(Exception):
    """A message that yields no event; the text is the reason."""


def message_events(raw: bytes, where: str, options: ReadOptions) -> list[dict[str, Any]]:
    """The events of one raw message, rows of `graph.schema.EVENTS`: the mail first, then its invitations.

    `raw` may begin with an mbox envelope line. `where` names the message in errors. Raises MessageError with the
    reason where there is no usable sender, recipient or time; never anything else, whatever the bytes.
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
    latest = options.now + options.future_tolerance
    return acceptance_of(parsed.values("received"), latest, options.trusted_hops, parsed.value("received-spf"))


def _events(
    parsed: Parsed, acceptance: Acceptance, options: ReadOptions, carried: Carried | None = None
) -> list[dict[str, Any]]:
    latest = options.now + options.future_tolerance
    mail = {
        "event_id": "",
        "ts": _time(parsed, acceptance, latest),
        "channel": "mail",
        "sender": _sender(parsed, acceptance, options),
        "recipients": _recipients(parsed, acceptance, options, carried.recipients if carried else ""),
        "domains": distinct_hosts(_hosts(parsed.texts)),
        "ip": acceptance.ip,
        "fingerprint": fingerprint_of([(text.kind, text.text) for text in parsed.texts if text.kind in READABLE]),
    }
    mail["event_id"] = _event_id(parsed, mail)
    calendars = (text.text for text in parsed.texts if text.kind == "calendar")
    invited = [_invited(found, mail, options) for text in calendars for found in invitations_of(text)]
    return [mail, *_distinct(invited)]


def _sender(parsed: Parsed, acceptance: Acceptance, options: ReadOptions) -> str:
    envelope = _ENVELOPE_SENDER.match(parsed.envelope + " ")
    for name in SENDERS:
        values = parsed.values(name)
        if name == "return-path" and envelope:
            values.append(envelope[1])
        for read in (addresses_of, hidden_addresses_of):
            sender = next(_addresses(values, options, 1, read), None)
            if sender:
                return sender
    if acceptance.ip:
        return f"{NOBODY}@[{acceptance.ip}]"
    raise MessageError("no usable mail address in From, Sender, Return-Path or Reply-To, and no address it came from")


def _recipients(parsed: Parsed, acceptance: Acceptance, options: ReadOptions, journalled: str) -> list[str]:
    sources = [
        [journalled],
        [value for name in DELIVERED for value in parsed.values(name)],
        [value for name in ADDRESSED for value in parsed.values(name)],
        [acceptance.recipient or ""],
        [options.mailbox or ""],
    ]
    for values in sources:
        for read in (addresses_of, hidden_addresses_of):
            recipients = [*_addresses(values, options, MAX_ADDRESSES, read)]
            if recipients:
                return recipients
    server = canonical_host(acceptance.server or "")
    return [f"{UNDISCLOSED}@{server}.invalid" if server else f"{UNDISCLOSED}@mailbox.invalid"]


def _addresses(
    values: Iterable[str], options: ReadOptions, most: int, read: Callable[[str], list[str]] = addresses_of
) -> Iterator[str]:
    """Distinct, normalised, within the bound on length. A header that hides its address in an encoded word is read."""
    seen: set[str] = set()
    for value in values:
        for address in read(value) or read(decoded(value)):
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
        elif text.kind in ("plain", "binary"):
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
