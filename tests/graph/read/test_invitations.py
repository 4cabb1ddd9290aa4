"""Who invites whom is read from a calendar, however its program writes addresses."""

import pytest

from graph.read.invitations import Invitation, invitations_of


def invitation(*lines: str, end: str = "\r\n") -> Invitation:
    (only,) = invitations_of(end.join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"]))
    return only


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (":mailto:ann@send.example", "ann@send.example"),
        (":MAILTO:ann@send.example?subject=x", "ann@send.example"),
        (":mailto:ann%40send.example", "ann@send.example"),
        (":ann@send.example", "ann@send.example"),
        (";EMAIL=ann@send.example:urn:uuid:0f8f", "ann@send.example"),
        (';EMAIL="ann@send.example":urn:uuid:0f8f', "ann@send.example"),
        (";email=mailto:ann@send.example", "ann@send.example"),
        (";CN=Ann;EMAIL=ann@send.example;ROLE=CHAIR:/principals/users/ann/", "ann@send.example"),
        (";EMAIL=ann@send.example:https://dav.example/principals/ann", "ann@send.example"),
        (";EMAIL=ann@send.example:invalid:nomail", "ann@send.example"),
        (";EMAIL=other@send.example:mailto:ann@send.example", "ann@send.example"),  # where an answer goes
        (";CN=Ann;SENT-BY=mailto:desk@send.example:mailto:ann@send.example", "ann@send.example"),
        (';CN="x;EMAIL=victim@home.example":urn:uuid:0f8f', None),  # a name is no parameter
        (";CN=Ann:urn:uuid:0f8f", None),
        (";EMAIL=nobody:urn:uuid:0f8f", None),
    ],
)
@pytest.mark.parametrize("name", ["ORGANIZER", "ATTENDEE"])
def test_an_address_is_the_value_or_else_its_email(name: str, line: str, address: str | None) -> None:
    read = invitation(name + line)
    assert (read.organiser if name == "ORGANIZER" else next(iter(read.attendees), None)) == address


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_lines_may_be_folded_and_ended_in_any_way(end: str) -> None:
    lines = [f"ORGANIZER:mailto:ann@se{end} nd.example", f"DESCRIPTION:see https://pri{end}\tze.evil.test/"]
    read = invitation(*lines, end=end)
    assert (read.organiser, read.text) == ("ann@send.example", "see https://prize.evil.test/")


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x0b", "\x0c", "\x85", "\x1c"])
def test_no_letter_but_a_line_end_ends_a_line(separator: str) -> None:
    assert "https://evil.test/" in invitation(f"DESCRIPTION:hello{separator}https://evil.test/").text
