"""Messages that carry another message as evidence: journal reports and feedback reports. Reads no headers of people.

- An Exchange *journal report* copies a mail for the record. The mail inside is the event; whom it went to stands in the
  report's first part, blind copies among them. It is believed only where no stranger handed the report over, so that
  nobody can report mail that was never sent.
- A *feedback report* (ARF, RFC 5965) complains about a mail. The mail inside is the event, never that of whoever
  complains; its trace is the reporter's word, so no address is taken from it. A report without the mail gives no event.
  That somebody complained is no event either: what a provider knows of it belongs into the table of reports.
- *Bounces* and *receipts* (other kinds of `multipart/report`) are mail of whoever sends them, but what they return was
  written by somebody else, often in the name of a third: `graph.read.message` leaves it out, and neither is charged.
"""

import re
from dataclasses import dataclass
from typing import Final

from graph.read.message import Parsed, direct_parts, type_parameter

_JOURNAL: Final = "x-ms-journal-report"
_FEEDBACK: Final = "message/feedback-report"
_WRAPPED: Final = frozenset({"message/rfc822", "message/global", "text/rfc822-headers"})
_ENVELOPE_LINE: Final = re.compile(
    r"^(sender|on-behalf-of|recipient|to|cc|bcc):[ \t]*([^\r\n]{0,1000})\r?$", re.IGNORECASE | re.MULTILINE
)
_ORIGINAL_RECIPIENT: Final = re.compile(
    r"^original-rcpt-to[ \t]*:[ \t]*(?:rfc822;)?([^\r\n]{0,1000})", re.IGNORECASE | re.MULTILINE
)
_EXPANDED: Final = re.compile(r",[ \t]*(?:expanded|forwarded):.*", re.IGNORECASE)
MAX_RECIPIENTS: Final = 1000
MOST_PARTS: Final = 8  # of a report that are looked at


@dataclass(frozen=True)
class Carried:
    """The message inside: `raw`, whom it went to where the report says so, whether its trace may be believed.

    `raw` is empty where a feedback report brings no message.
    """

    raw: bytes
    recipients: str
    traced: bool


def carried_message(raw: bytes, parsed: Parsed, stranger: bool) -> Carried | None:
    """The message that a report is about; None where this is no report, or one that a stranger made up.

    `stranger`: whether somebody from outside handed the report over.
    """
    journal = _JOURNAL in parsed.headers and not stranger
    if not journal and not _may_be_report(parsed):
        return None
    report_type = type_parameter(parsed, "report-type").lower()
    parts = direct_parts(raw)[:MOST_PARTS]
    inside = next((content for kind, content in parts if kind in _WRAPPED), b"")
    if any(kind == _FEEDBACK for kind, _ in parts) or report_type == "feedback-report":
        return Carried(inside, _original_recipients(_text_of(parts, _FEEDBACK)), traced=False)
    if not journal or not inside:
        return None
    envelope = _text_of(parts, "text/plain")
    return Carried(_returning(envelope) + inside, _recipients(envelope), traced=True)


def _may_be_report(parsed: Parsed) -> bool:
    """Whether Content-Type names a report, as `multipart/report` or by its parameter."""
    return "report" in parsed.value("content-type").lower()


def _text_of(parts: list[tuple[str, bytes]], wanted: str) -> str:
    return next((content.decode("utf-8", "replace") for kind, content in parts if kind == wanted), "")


def _original_recipients(fields: str) -> str:
    return ", ".join(_ORIGINAL_RECIPIENT.findall(fields)[:MAX_RECIPIENTS])


def _returning(envelope: str) -> bytes:
    """The sender of a journal report's envelope as the header that a mail without From is read by."""
    sender = next((value for name, value in _ENVELOPE_LINE.findall(envelope) if name.lower() == "sender"), "")
    return f"Return-Path: <{sender.strip(' <>')}>\n".encode() if "@" in sender else b""


def _recipients(envelope: str) -> str:
    """Everybody whom the lines of a journal report name as a recipient, as one header value."""
    named = [(name.lower(), value) for name, value in _ENVELOPE_LINE.findall(envelope)]
    addresses = [_EXPANDED.sub("", value) for name, value in named if name not in ("sender", "on-behalf-of")]
    return ", ".join(addresses[:MAX_RECIPIENTS])
