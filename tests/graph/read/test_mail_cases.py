"""The mails of tests/cases, made after public bug reports, are read as their READMEs call right."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graph.read import Quarantine, ReadOptions, read_events

CASES = Path(__file__).parents[2] / "cases"
AT_EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)
BOB, CAROL = "bob@home.example", "carol@home.example"


def rows(name: str, tmp_path: Path) -> list[dict[str, Any]]:
    with Quarantine(tmp_path / "quarantine.jsonl") as quarantine:
        options = ReadOptions(now=datetime(2026, 6, 1, tzinfo=UTC))
        found = [row for batch in read_events([CASES / name], options, quarantine) for row in batch.to_pylist()]
    assert quarantine.count == 0
    return found


@pytest.mark.parametrize(
    ("name", "channel", "wanted"),
    [
        ("03-bom/from-first.eml", "mail", {"sender": "ann@send.example", "domains": ["l.example"]}),
        ("04-exchange-online/a.eml", "mail", {"ip": "198.51.100.7", "ts": AT_EIGHT.replace(hour=10, second=1)}),
        ("04-exchange-online/b.eml", "mail", {"ip": "203.0.113.99", "ts": AT_EIGHT.replace(hour=10, second=1)}),
        ("06-group-no-space/a.eml", "mail", {"recipients": [BOB, CAROL]}),
        (
            "07-wrapped-links/a.eml",
            "mail",
            {
                "domains": [
                    "nam02.safelinks.cloudmail.example",
                    "shop.evil.test",
                    "urldefense.proof.example",
                    "second.test",
                    "search.example",
                    "third.test",
                    "r.example",
                    "fourth.test",
                    "fifth.test",
                ]
            },
        ),
        ("08-mso-comment/a.eml", "mail", {"domains": ["outlook-only.test", "everyone.example"]}),
        ("09-emoji-host/a.eml", "mail", {"domains": ["xn--53h.test", "xn--i-7iq.test"]}),
        ("10-userinfo-comma/a.eml", "mail", {"domains": ["evil.test", "evil2.test"]}),
        ("10-userinfo-comma/b-html.eml", "mail", {"domains": ["evil.test", "evil2.test"]}),
        (
            "23-journal/a.eml",
            "mail",
            {"sender": "seller@send.example", "recipients": [BOB, CAROL], "ip": "203.0.113.44"},
        ),
        ("25-tnef/a.eml", "mail", {"domains": ["tnef.evil.test"]}),
        (
            "26-ics-octet-stream/a.eml",
            "calendar",
            {"sender": "boss@send.example", "recipients": [BOB], "domains": ["prize.evil.test"]},
        ),
        ("27-calendar-email-param/urn.eml", "calendar", {"sender": "ann@send.example", "recipients": [BOB, CAROL]}),
        ("27-calendar-email-param/unquoted-sent-by.eml", "calendar", {"sender": "ann@send.example"}),
        ("27-calendar-email-param/folded.eml", "calendar", {"sender": "ann@send.example", "recipients": [BOB]}),
        (
            "31-format-flowed/a.eml",
            "mail",
            {"domains": ["very-long-name.with-many-labels.of-a-host-that.wraps.evil.test"]},
        ),
        (
            "33-names/a.eml",
            "mail",
            {"sender": "comma.name@send.example", "recipients": ["tan@home.example", "john.doe@home.example"]},
        ),
        ("33-names/b.eml", "mail", {"sender": "x@evil.test", "recipients": ["jd@home.example", "al@home.example"]}),
        ("38-date-zones/1.eml", "mail", {"ts": AT_EIGHT}),
        ("38-date-zones/2.eml", "mail", {"ts": AT_EIGHT}),
        ("38-date-zones/3.eml", "mail", {"ts": AT_EIGHT}),
        ("38-date-zones/4.eml", "mail", {"ts": AT_EIGHT}),
        ("38-date-zones/6.eml", "mail", {"ts": AT_EIGHT}),
        ("38-date-zones/7.eml", "mail", {"ts": AT_EIGHT.replace(hour=9)}),
        ("39-encoding-evasion/base64-footer.eml", "mail", {"domains": ["b64.evil.test"]}),
        ("39-encoding-evasion/qp-on-container.eml", "mail", {"domains": ["mu0lpxr8ctu55.evil.test"]}),
        ("39-encoding-evasion/qp-with-param.eml", "mail", {"domains": ["mu0lpxr8ctu55.evil.test"]}),
        ("39-encoding-evasion/rfc2231.eml", "mail", {"domains": ["r2231.evil.test"]}),
        ("39-encoding-evasion/utf16.eml", "mail", {"domains": ["u16.evil.test"]}),
        ("39-encoding-evasion/utf7.eml", "mail", {"domains": ["u7.evil.test"]}),
        ("41-base64-rfc822/a.eml", "mail", {"domains": ["inner.evil.test"]}),
        ("41-base64-rfc822/b-7bit.eml", "mail", {"domains": ["inner7.evil.test"]}),
        ("50-real/01style.eml", "mail", {"domains": ["evil.example"]}),
        ("50-real/02script.eml", "mail", {"domains": ["evil.example"]}),
        ("50-real/03comment.eml", "mail", {"domains": ["evil.example"]}),
        ("50-real/10fromquoted.eml", "mail", {"sender": "info@brand.example"}),
        ("50-real/11fromcomment.eml", "mail", {"sender": "info@brand.example"}),
        ("50-real/12fromempty.eml", "mail", {"sender": "bounce@brand.example"}),
        ("50-real/16fromnone.eml", "mail", {"sender": "bounce@brand.example"}),
        ("50-real/20undisclosed.eml", "mail", {"sender": "a@sender.example", "ip": "198.51.100.7"}),
        ("50-real/21quotedto.eml", "mail", {"recipients": ["user@example.org"]}),
        ("50-real/30m365.eml", "mail", {"ip": "198.51.100.7"}),
    ],
)
def test_a_case_is_read_as_its_readme_says(name: str, channel: str, wanted: dict[str, Any], tmp_path: Path) -> None:
    (row,) = [row for row in rows(name, tmp_path) if row["channel"] == channel]
    assert {key: row[key] for key in wanted} == wanted


@pytest.mark.parametrize("name", ["01-bare-from/Inbox", "05-takeout/All.mbox"])
def test_every_message_of_a_mailbox_is_an_event_with_its_own_link(name: str, tmp_path: Path) -> None:
    found = [(row["sender"], row["domains"]) for row in rows(name, tmp_path)]
    assert found == [(f"a{number}@send{number}.example", [f"link{number}.example"]) for number in (1, 2, 3)]


def test_a_patch_that_quotes_its_first_line_is_part_of_its_mail(tmp_path: Path) -> None:
    assert len(rows("35-git-patch/quoted.mbox", tmp_path)) == 2


def test_a_message_id_that_two_mails_use_hides_neither(tmp_path: Path) -> None:
    assert len({row["event_id"] for row in rows("37-reused-message-id/*.eml", tmp_path)}) == 2


@pytest.mark.parametrize(
    ("name", "sender", "recipients"),
    [
        ("cancel", "ann@send.example", [BOB]),
        ("reply", BOB, ["ann@send.example"]),
        # Where an answer goes counts; the EMAIL beside a mailto is what its writer would like to be called.
        ("apple", "2_ge3dknzwg@imip.cloud.example", [BOB]),
    ],
)
def test_an_invitation_goes_from_whom_its_method_says(
    name: str, sender: str, recipients: list[str], tmp_path: Path
) -> None:
    (event,) = [row for row in rows(f"27-calendar-email-param/{name}.eml", tmp_path) if row["channel"] == "calendar"]
    assert (event["sender"], event["recipients"]) == (sender, recipients)


@pytest.mark.parametrize(
    ("name", "ids", "unread"),
    [("28-msg-skipped/inbox", ["msgok"], "two.msg"), ("36-maildir", ["md1", "md2", "md3", "md4"], "empty")],
)
def test_a_file_of_a_folder_that_holds_no_mail_is_named(name: str, ids: list[str], unread: str, tmp_path: Path) -> None:
    with Quarantine(tmp_path / "quarantine.jsonl") as quarantine:
        options = ReadOptions(now=datetime(2026, 6, 1, tzinfo=UTC))
        batches = [*read_events([CASES / name], options, quarantine)]
    event_ids = sorted(event_id for batch in batches for event_id in batch["event_id"].to_pylist())
    assert [event_id.partition("@")[0] for event_id in event_ids] == [f"case-{name}" for name in ids]
    lines = map(json.loads, (tmp_path / "quarantine.jsonl").read_text().splitlines())
    assert unread in {Path(line["file"]).name for line in lines}
    assert quarantine.found == len(ids) + quarantine.count + quarantine.passed_over
