"""Who wrote a message and to whom, read from its headers in a fixed order of trust. Knows neither time nor content.

Whatever a sender leaves out or garbles, the message is not lost, unless it has neither a sender nor a `Received` line:
then it may be no mail at all. The first of these that yields an address counts.

*Sender*: From; From with the address in quotes or in a comment; Sender, likewise; the envelope's sender (Return-Path,
X-Envelope-From and kin, the mbox envelope line); Reply-To; an address in From that stands where a name does. Reply-To
and names come last because nobody checks them and they may name an innocent; still, they say more than nothing.

*Recipients*: whom a journal report names; whom it was delivered to (`DELIVERED`); To, Cc and kin (`ADDRESSED`), which
the sender chose; the `for` of the acceptance; further notes of the delivery (`NOTED`); the mailbox that was read, where
`ReadOptions.mailbox` names it; an address in To that stands where a name does.

*Placeholders*. Where all of that is silent, the recipient is `undisclosed@<digest of the sender>.invalid`, and the
sender `unknown@<digest of the message>.invalid`. One placeholder for all would be a hub that ties strangers together.
So each sender has a recipient of its own, which nobody else writes to, and each message without a sender a sender of
its own; the digest is in the host, so that no domain is shared either. Copies of one message read from two places get
the same placeholders, and therefore stay one event. `.invalid` is of RFC 2606: no mail comes from there.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from graph.addresses import normalise_mailbox
from graph.read.message import Parsed, decoded
from graph.read.options import ReadOptions
from graph.read.people import MAX_ADDRESSES, addresses_in_names, addresses_of, misplaced_addresses_of

DELIVERED: Final = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to")
ADDRESSED: Final = ("to", "cc", "bcc", "apparently-to", "resent-to", "resent-cc")
NOTED: Final = ("x-apparently-to", "x-resolved-to", "x-real-to", "resent-bcc")
ENVELOPE: Final = ("return-path", "x-envelope-from", "envelope-from", "x-envelope-sender", "x-mail-from")
_MBOX_SENDER: Final = re.compile(r">?From\s+<?([^\s<>@]{1,320}@[^\s<>@]{1,255}\.[^\s<>@]{1,64})>?(?:\s|$)")
_QUOTED_FROM: Final = re.compile(rb"\n>+(?=From )")
_DIGEST_BYTES: Final = 10  # 80 bits: among 10^9 placeholders a chance meeting has odds of one in two million

Reading = Callable[[str], list[str]]


def sender_of(parsed: Parsed, options: ReadOptions) -> str | None:
    """The sender's address, normalised; None where no header names one."""
    for values, reading in _sender_sources(parsed):
        for address in addresses(values, options, 1, reading):
            return address
    return None


def unknown_sender(parsed: Parsed) -> str:
    """The placeholder for the sender of this one message."""
    headers = [parsed.value(name) for name in ("message-id", "date", "subject")]
    return f"unknown@{_digest(headers, plain_body(parsed))}.invalid"


def _sender_sources(parsed: Parsed) -> Iterator[tuple[list[str], Reading]]:
    for name in ("from", "sender"):
        yield parsed.readable(name), addresses_of
        yield parsed.readable(name), misplaced_addresses_of
    for name in ENVELOPE:
        yield parsed.readable(name), addresses_of
    mbox = _MBOX_SENDER.match(parsed.envelope)
    yield [mbox[1]] if mbox else [], addresses_of
    yield parsed.readable("reply-to"), addresses_of
    yield parsed.readable("from"), addresses_in_names


def recipients_of(
    parsed: Parsed, sender: str, accepted_for: str | None, options: ReadOptions, journalled: str = ""
) -> list[str]:
    """The recipients' addresses, normalised, at least one; a placeholder of the sender's own where nobody is named.

    `accepted_for` is the recipient that the acceptance's `Received` line names; `journalled` those of a journal report.
    """
    for values, reading in (([journalled], addresses_of), *_recipient_sources(parsed, accepted_for, options)):
        named = [*addresses(values, options, MAX_ADDRESSES, reading)]
        if named:
            return named
    return [f"undisclosed@{_digest([sender])}.invalid"]


def _recipient_sources(
    parsed: Parsed, accepted_for: str | None, options: ReadOptions
) -> Iterator[tuple[list[str], Reading]]:
    addressed = _values(parsed, ADDRESSED)
    yield _values(parsed, DELIVERED), addresses_of
    yield addressed, addresses_of
    yield addressed, misplaced_addresses_of
    yield [accepted_for or ""], addresses_of
    yield _values(parsed, NOTED), addresses_of
    yield [options.mailbox or ""], addresses_of
    yield addressed, addresses_in_names


def _values(parsed: Parsed, names: Iterable[str]) -> list[str]:
    return [value for name in names for value in parsed.readable(name)]


def addresses(values: Iterable[str], options: ReadOptions, most: int, reading: Reading = addresses_of) -> Iterator[str]:
    """Distinct, normalised, within the bound on length. A header that hides its address in an encoded word is read."""
    seen: set[str] = set()
    for value in values:
        for address in reading(value) or reading(decoded(value)):
            usable = mailbox(address, options)
            if usable and usable not in seen:
                seen.add(usable)
                yield usable
                if len(seen) == most:
                    return


def mailbox(address: str, options: ReadOptions) -> str | None:
    """One address, normalised; None past `max_text_bytes`. No verdict can name a U+FFFD, so a `?` stands for it."""
    if len(address) > options.max_text_bytes:
        return None
    address = normalise_mailbox(address.replace("\N{REPLACEMENT CHARACTER}", "?"), options.normalise)
    return address if 0 < len(address.encode("utf-8", "replace")) <= options.max_text_bytes else None


def plain_body(parsed: Parsed) -> bytes:
    """The body without what differs from copy to copy of one message: line ends and the mbox quoting of `From `."""
    body = parsed.body
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b">From " in body:
        body = _QUOTED_FROM.sub(b"\n", body)
    return body.strip()


def _digest(texts: Iterable[str], content: bytes = b"") -> str:
    hashed = hashlib.blake2b(content, digest_size=_DIGEST_BYTES)
    for text in texts:
        hashed.update(b"\x00" + text.encode("utf-8", "surrogatepass"))
    return hashed.hexdigest()
