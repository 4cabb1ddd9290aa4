"""Messages that carry another message as evidence: journal reports and feedback reports. Reads no headers of people.

- An Exchange *journal report* copies a mail for the record. The mail inside is the event; whom it went to stands in the
  report's first part, blind copies among them. It is believed only where no stranger handed the report over, so that
  nobody can report mail that was never sent.
- A *feedback report* (ARF, RFC 5965) complains about a mail. The mail inside is the event, never that of whoever
  complains; its trace is the reporter's word, so no address is taken from it.
"""

import re
from dataclasses import dataclass
from typing import Final

from graph.read.message import Parsed, direct_parts, type_parameter

_JOURNAL: Final = "x-ms-journal-report"
_WRAPPED: Final = frozenset({"message/rfc822", "message/global", "text/rfc822-headers"})
_ENVELOPE_LINE: Final = re.compile(
    r"^(sender|on-behalf-of|recipient|to|cc|bcc):[ \t]*([^\r\n]{0,1000})\r?$", re.IGNORECASE | re.MULTILINE
)
_EXPANDED: Final = re.compile(r",[ \t]*(?:expanded|forwarded):.*", re.IGNORECASE)
MAX_RECIPIENTS: Final = 1000
MOST_PARTS: Final = 8  # of a report that are looked at


@dataclass(frozen=True)
class Carried:
    """The message inside: `raw`, whom it went to where the report says so, whether its trace may be believed."""

    raw: bytes
    recipients: str
    traced: bool


def carried_message(raw: bytes, parsed: Parsed, stranger: bool) -> Carried | None:
    """The message that a report is about; None where this is no report, or one that a stranger made up.

    `stranger`: whether somebody from outside handed the report over.
    """
    journal = _JOURNAL in parsed.headers
    feedback = type_parameter(parsed, "report-type").lower() == "feedback-report"
    if not feedback and (not journal or stranger):
        return None
    parts = direct_parts(raw)[:MOST_PARTS]
    inside = next((content for kind, content in parts if kind in _WRAPPED), None)
    if inside is None:
        return None
    if feedback:
        return Carried(inside, "", traced=False)
    lines = next((content.decode("utf-8", "replace") for kind, content in parts if kind == "text/plain"), "")
    return Carried(inside, _recipients(lines), traced=True)


def _recipients(envelope: str) -> str:
    """Everybody whom the lines of a journal report name as a recipient, as one header value."""
    named = [(name.lower(), value) for name, value in _ENVELOPE_LINE.findall(envelope)]
    addresses = [_EXPANDED.sub("", value) for name, value in named if name not in ("sender", "on-behalf-of")]
    return ", ".join(addresses[:MAX_RECIPIENTS])
