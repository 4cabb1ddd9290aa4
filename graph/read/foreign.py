"""Messages in other programs' files, as the raw mail that they were: Outlook's `.msg`, Apple Mail's `.emlx`.

Knows the containers, not what the mail says. A `.msg` keeps the headers of a mail that was received, but its bodies and
attachments as properties of their own; they are put together again. One that was never sent has no such headers:
sender, recipients and time are those that Outlook notes.
"""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Final

from oxmsg import Message as OutlookMessage

from graph.read.rtf import expanded_rtf

FOREIGN: Final = frozenset({"msg", "emlx"})
# Properties of [MS-OXPROPS].
_TRANSPORT_HEADERS: Final = 0x007D
_COMPRESSED_RTF: Final = 0x1009
_SENDER_SMTP: Final = 0x5D01
_RECIPIENT_SMTP: Final = 0x39FE
_BYTE_COUNT: Final = re.compile(rb"\s{0,16}(\d{1,12})[ \t]{0,16}\r?\n")
# Headers of the parts as they were sent; those of the parts as they are put together replace them.
_OF_PARTS: Final = re.compile(
    r"^(?:content-[a-z-]+|mime-version)[ \t]*:[^\n]*\n?(?:[ \t][^\n]*\n?)*", re.IGNORECASE | re.MULTILINE
)
_BOUNDARY: Final = "=_ringleader_part"  # stands in no part, since they are in base64
MOST_ATTACHMENTS: Final = 200


class ForeignError(Exception):
    """A file that does not hold what its format promises; the text says what."""


def to_message(raw: bytes, form: str) -> bytes:
    """The raw mail in a file of one of the formats FOREIGN. Raises ForeignError for a damaged one."""
    return _of_apple(raw) if form == "emlx" else _of_outlook(raw)


def _of_apple(raw: bytes) -> bytes:
    """What follows the byte count in the first line, as long as that says; a property list comes after it."""
    count = _BYTE_COUNT.match(raw)
    if count is None:
        raise ForeignError("does not begin with a byte count, as .emlx does")
    return raw[count.end() : count.end() + int(count[1])]


def _of_outlook(raw: bytes) -> bytes:
    try:
        message = OutlookMessage.load(raw)
        head = _head(message)
        return head + _content(message).as_bytes()
    except Exception as error:
        raise ForeignError(f"is no Outlook message that can be read ({type(error).__name__})") from error


def _head(message: OutlookMessage) -> bytes:
    """The headers of a received mail, without those of its parts, or what Outlook noted of another."""
    headers = str(message.properties.str_prop_value(_TRANSPORT_HEADERS) or "").replace("\r\n", "\n")
    headers = _OF_PARTS.sub("", headers).strip("\n")
    if not headers:
        headers = "\n".join(_noted(message))
    return (headers + "\n").encode("utf-8", "replace") if headers else b""


def _noted(message: OutlookMessage) -> Iterator[str]:
    sender = message.properties.str_prop_value(_SENDER_SMTP) or message.sender
    if sender:
        yield f"From: {_line(sender)}"
    people = [formataddr((_line(who.name or ""), _line(_smtp(who)))) for who in message.recipients if _smtp(who)]
    if people:
        yield f"To: {', '.join(people)}"
    if message.sent_date:
        yield f"Date: {format_datetime(message.sent_date)}"
    if message.subject:
        yield f"Subject: {_line(message.subject)}"


def _smtp(recipient: object) -> str:
    properties = recipient.properties  # type: ignore[attr-defined]
    return str(properties.str_prop_value(_RECIPIENT_SMTP) or recipient.email_address or "")  # type: ignore[attr-defined]


def _line(text: str) -> str:
    return " ".join(str(text).split())


def _content(message: OutlookMessage) -> EmailMessage:
    """Bodies and attachments as one multipart."""
    content = EmailMessage()
    content.make_mixed(boundary=_BOUNDARY)  # a fixed one: the same file must give the same event id
    rtf = expanded_rtf(message.properties.binary_prop_value(_COMPRESSED_RTF) or b"").decode("latin-1")
    for text, subtype in ((message.body, "plain"), (message.html_body, "html"), (rtf, "rtf")):
        if text:
            part = EmailMessage()
            part.set_content(text.encode("utf-8", "replace").decode(), subtype=subtype, cte="base64")
            content.attach(part)
    for attachment in message.attachments[:MOST_ATTACHMENTS]:
        name, held = attachment.file_name, attachment.file_bytes
        if name and held:
            part = EmailMessage()
            part.set_content(held, "application", "octet-stream", filename=_line(name))
            content.attach(part)
    return content
