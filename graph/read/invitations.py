"""Calendar invitations (iCalendar, RFC 5545) in text: who invites whom, to what. Does not know the mail around them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

MAX_INVITATIONS: Final = 50  # of one message; a feed of more is a published calendar
MAX_ATTENDEES: Final = 1000
_FOLD: Final = re.compile(r"\r?\n[ \t]|\r[ \t]")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")  # and no other letter: a description may hold a line separator
_LINE: Final = re.compile(r"([A-Za-z-]{1,64})((?:;(?:[^\":;]|\"[^\"]{0,1024}\"){0,2048}){0,32}):(.*)", re.DOTALL)
_PARAMETER: Final = re.compile(r";([A-Za-z-]{1,64})=(?:\"([^\"]{0,1024})\"|([^\";:]{0,1024}))")
_ESCAPE: Final = re.compile(r"\\([\\;,nN])")
# From an attendee to the organiser, the other way round than all other methods (RFC 5546, 3.2).
_ANSWERS: Final = frozenset({"REPLY", "COUNTER", "REFRESH"})
_IDENTITY: Final = ("UID", "SEQUENCE", "RECURRENCE-ID")
_CONTENT: Final = ("SUMMARY", "LOCATION", "DESCRIPTION", "URL", "ATTACH", "CONFERENCE", "X-ALT-DESC")


@dataclass
class Invitation:
    """One VEVENT: addresses as written, and the text that its reader sees. `identity` tells revisions apart."""

    method: str
    organiser: str | None = None
    attendees: list[str] = field(default_factory=list)
    identity: dict[str, str] = field(default_factory=dict)
    content: list[str] = field(default_factory=list)

    @property
    def sender(self) -> str | None:
        """Who writes: the organiser, or the attendee of an answer."""
        return next(iter(self.attendees), None) if self.method in _ANSWERS else self.organiser

    @property
    def recipients(self) -> list[str]:
        """To whom: the attendees but the organiser, or the organiser of an answer."""
        if self.method in _ANSWERS:
            return [self.organiser] if self.organiser else []
        return [attendee for attendee in self.attendees if attendee.lower() != (self.organiser or "").lower()]

    @property
    def text(self) -> str:
        """Summary, place, description and links, a line each."""
        return "\n".join(self.content)


def invitations_of(text: str) -> list[Invitation]:
    """The VEVENTs of a calendar, in order; broken lines are passed over."""
    found: list[Invitation] = []
    method = ""
    current: Invitation | None = None
    nested = 0  # a VALARM inside has a description and attendees of its own
    for name, parameters, value in _lines(text):
        if name == "METHOD":
            method = value.strip().upper()
        elif name == "BEGIN" and current is not None:
            nested += 1
        elif name == "BEGIN" and value.strip().upper() == "VEVENT":
            current = Invitation(method)
        elif name == "END" and nested:
            nested -= 1
        elif name == "END" and current is not None:
            found.append(current)
            current = None
            if len(found) == MAX_INVITATIONS:
                break
        elif current is not None and not nested:
            _note(current, name, parameters, value)
    return found


def _note(invitation: Invitation, name: str, parameters: str, value: str) -> None:
    if name == "ORGANIZER":
        invitation.organiser = invitation.organiser or _person(parameters, value)
    elif name == "ATTENDEE":
        attendee = _person(parameters, value)
        if attendee and len(invitation.attendees) < MAX_ATTENDEES and attendee not in invitation.attendees:
            invitation.attendees.append(attendee)
    elif name in _IDENTITY:
        invitation.identity[name] = value.strip()
    elif name in _CONTENT:
        invitation.content.append(_ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value))


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, parameters and value of each line."""
    for line in _LINE_END.split(_FOLD.sub("", text)):
        found = _LINE.match(line)
        if found:
            yield found[1].upper(), found[2], found[3]


def _person(parameters: str, value: str) -> str | None:
    """The mailbox that a property names: its value, or where that is a urn or a path its EMAIL (RFC 7986, 6.2).

    A program that forgets the quotes around SENT-BY="mailto:…" cuts the value short: the last address is the value.
    """
    return _mailbox(value) or _mailbox(value[value.lower().rfind("mailto:") :]) or _email(parameters)


def _email(parameters: str) -> str | None:
    named = (match for match in _PARAMETER.finditer(parameters) if match[1].upper() == "EMAIL")
    return next((address for match in named if (address := _mailbox(match[2] or match[3] or ""))), None)


def _mailbox(value: str) -> str | None:
    scheme, colon, rest = value.strip().partition(":")
    address = unquote(rest if colon and scheme.lower() == "mailto" else value).strip().partition("?")[0]
    return address if "@" in address and ":" not in address and not re.search(r"\s", address) else None
