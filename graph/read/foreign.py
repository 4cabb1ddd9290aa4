"""Messages in other programs' files, as the raw mail that they were: Outlook's `.msg`, Apple Mail's `.emlx`.

Knows the containers, not what the mail says. A `.msg` keeps the headers of a mail that was received, but its bodies and
attachments as properties of their own; they are put together again. One that was never sent has no such headers:
sender, recipients and time are those that Outlook notes.
"""

import io
import re
from collections.abc import Iterable, Iterator
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Final

from olefile import OleFileIO, isOleFile  # type: ignore[import-untyped]
from oxmsg import Message as OutlookMessage
from oxmsg.storage import Storage

from graph.read.rtf import expanded_rtf

FOREIGN: Final = frozenset({"msg", "emlx"})
# Properties of [MS-OXPROPS].
_TRANSPORT_HEADERS: Final = 0x007D
_COMPRESSED_RTF: Final = 0x1009
_MESSAGE_ID: Final = 0x1035
_DELIVERY_TIME: Final = 0x0E06
_SENDER_SMTP: Final = 0x5D01
_RECIPIENT_SMTP: Final = 0x39FE
# A message inside a message is a storage in its attachment ([MS-OXMSG], 2.2.2.1), its bodies are streams in that.
_EMBEDDED: Final = "__substg1.0_3701000D"
_BODIES: Final = {
    "__substg1.0_1000001F": ("plain", "utf-16-le"),
    "__substg1.0_1000001E": ("plain", "latin-1"),
    "__substg1.0_10130102": ("html", "utf-8"),
    "__substg1.0_1013001F": ("html", "utf-16-le"),
}
_RTF_BODY: Final = "__substg1.0_10090102"
_BYTE_COUNT: Final = re.compile(rb"\s{0,16}(\d{1,12})[ \t]{0,16}\r?\n")
# Headers of the parts as they were sent; those of the parts as they are put together replace them.
_OF_PARTS: Final = re.compile(
    r"^(?:content-[a-z-]+|mime-version)[ \t]*:[^\n]*\n?(?:[ \t][^\n]*\n?)*", re.IGNORECASE | re.MULTILINE
)
_BOUNDARY: Final = "=_ringleader_part"  # stands in no part, since they are in base64
MOST_ATTACHMENTS: Final = 200
# A compound file may name one run of sectors in any number of streams, and its reader looks for each stream by name.
MOST_ENTRIES: Final = 10_000
MOST_SIBLINGS: Final = 1000  # recipients, attachments and properties of a message


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
    message = raw[count.end() : count.end() + int(count[1])]
    if len(message) < int(count[1]):
        raise ForeignError("is cut short: its first line counts more bytes than it has")
    return message


def _of_outlook(raw: bytes) -> bytes:
    try:
        storage = _storage(raw)
        message = OutlookMessage(storage)
        return _head(message) + _content(message, storage).as_bytes()
    except ForeignError:
        raise
    except Exception as error:
        raise ForeignError(f"is no Outlook message that can be read ({type(error).__name__})") from error


def _storage(raw: bytes) -> Storage:
    """What a compound file holds, where that is no more than the file. Raises ForeignError, or what its reader does."""
    if not isOleFile(data=raw):
        raise ValueError("no compound file")
    with OleFileIO(io.BytesIO(raw)) as file:
        entries = [entry for entry in file.direntries if entry is not None]
        if sum(entry.size for entry in entries if not entry.kids) > len(raw):
            raise ForeignError("is no Outlook message that can be read (its streams hold more than the file)")
        if len(entries) > MOST_ENTRIES or max(len(entry.kids) for entry in entries) > MOST_SIBLINGS:
            raise ForeignError("is no Outlook message that can be read (too many entries)")
        return Storage.from_ole(file)


def _head(message: OutlookMessage) -> bytes:
    """The headers of a received mail, without those of its parts; what they lack as Outlook noted it."""
    headers = str(message.properties.str_prop_value(_TRANSPORT_HEADERS) or "").replace("\r\n", "\n")
    lines = [_OF_PARTS.sub("", headers).strip("\n")]
    names = {line.partition(":")[0].strip().lower() for line in lines[0].split("\n")}
    lines += [f"{name}: {value}" for name, value in _noted(message) if name.lower() not in names]
    head = "\n".join(line for line in lines if line)
    return (head + "\n").encode("utf-8", "replace") if head else b""


def _noted(message: OutlookMessage) -> Iterator[tuple[str, str]]:
    text = message.properties.str_prop_value
    sender = text(_SENDER_SMTP) or message.sender
    if sender:
        yield "From", _line(sender)
    people = [formataddr((_line(who.name or ""), _line(_smtp(who)))) for who in message.recipients if _smtp(who)]
    if people:
        yield "To", ", ".join(people)
    sent = message.sent_date or message.properties.date_prop_value(_DELIVERY_TIME)
    if sent:
        yield "Date", format_datetime(sent)
    for name, value in (("Subject", message.subject), ("Message-ID", text(_MESSAGE_ID))):
        if value:
            yield name, _line(value)


def _smtp(recipient: object) -> str:
    properties = recipient.properties  # type: ignore[attr-defined]
    return str(properties.str_prop_value(_RECIPIENT_SMTP) or recipient.email_address or "")  # type: ignore[attr-defined]


def _line(text: str) -> str:
    return " ".join(str(text).split())


def _content(message: OutlookMessage, storage: Storage) -> EmailMessage:
    """Bodies and attachments as one multipart."""
    content = EmailMessage()
    content.make_mixed(boundary=_BOUNDARY)  # a fixed one: the same file must give the same event id
    rtf = expanded_rtf(message.properties.binary_prop_value(_COMPRESSED_RTF) or b"").decode("latin-1")
    _attach_texts(content, (("plain", message.body), ("html", message.html_body), ("rtf", rtf)))
    for attachment in [*message.attachments][:MOST_ATTACHMENTS]:
        name, held = attachment.file_name, attachment.file_bytes
        if name and held:
            part = EmailMessage()
            part.set_content(held, "application", "octet-stream", filename=_line(name))
            content.attach(part)
    for inner in [*storage.iter_attachment_storages()][:MOST_ATTACHMENTS]:
        _attach_texts(content, _embedded_texts(inner))
    return content


def _attach_texts(content: EmailMessage, texts: Iterable[tuple[str, str | None]]) -> None:
    for subtype, text in texts:
        if text:
            part = EmailMessage()
            part.set_content(text.encode("utf-8", "replace").decode(), subtype=subtype, cte="base64")
            content.attach(part)


def _embedded_texts(storage: Storage) -> Iterator[tuple[str, str]]:
    """The bodies of the messages inside an attachment, at any depth."""
    for inner in storage.storages:
        if inner.name == _EMBEDDED:
            for stream in inner.streams:
                if stream.name in _BODIES:
                    subtype, charset = _BODIES[stream.name]
                    yield subtype, stream.bytes_.decode(charset, "replace")
                elif stream.name == _RTF_BODY:
                    yield "rtf", expanded_rtf(stream.bytes_).decode("latin-1")
        yield from _embedded_texts(inner)
