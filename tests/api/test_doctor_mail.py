"""Doctor tells where nearly all mail shares one relay's network, and what lies in quarantine and why."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from api import cli
from api.commands.ingest import mailbox
from api.doctor import OK, WARN, Finding
from api.doctor.mail import quarantine, relays
from api.ingest import read_options
from api.settings import ReadSettings, Settings
from graph.errors import InputError
from graph.home import Home
from graph.lake import Lake
from graph.read import Quarantine, ReadOptions, read_events

OPTIONS = ReadOptions(now=datetime(2026, 6, 1, tzinfo=UTC))


def only(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


def take_in(home: Home, folder: Path, addresses: list[str]) -> None:
    """A home with a mail from each address, each of another sender."""
    folder.mkdir()
    for place, address in enumerate(addresses):
        raw = (
            f"Received: from x.example ([{address}]) by mx.home.example; Mon, 05 Jan 2026 10:00:00 +0000\n"
            f"From: s{place % 7}@send{place % 7}.example\nTo: bob@home.example\nSubject: {place}\n\nhi\n"
        )
        (folder / f"{place}.eml").write_text(raw)
    with Quarantine(home.quarantine / "q.jsonl") as aside:
        Lake(home.path).ingest(events=read_events([folder], OPTIONS, aside))


def test_nine_of_ten_mails_of_one_network_are_told_with_the_setting_that_mends_it(home: Home, tmp_path: Path) -> None:
    take_in(home, tmp_path / "mail", [f"192.0.2.{place}" for place in range(1, 19)] + ["198.51.100.1", "203.0.113.1"])
    finding = only(relays(home, Settings()))
    assert finding.state == WARN
    assert "90% of 20 mails come from one network, 192.0.2.0/24" in finding.words
    assert "trusted_hops" in finding.mend


@pytest.mark.parametrize(
    "addresses",
    [
        [f"192.0.2.{place}" for place in range(1, 18)] + ["198.51.100.1", "198.51.100.2", "203.0.113.1"],
        ["192.0.2.1"] * 9,
    ],
)
def test_mail_of_several_networks_and_a_handful_of_mails_are_well(
    home: Home, tmp_path: Path, addresses: list[str]
) -> None:
    take_in(home, tmp_path / "mail", addresses)
    assert only(relays(home, Settings())).state == OK


def test_one_sender_in_one_network_is_well(home: Home, tmp_path: Path) -> None:
    take_in(home, tmp_path / "mail", ["192.0.2.1", *[f"10.0.0.{place}" for place in range(1, 7)]] * 10)
    assert only(relays(home, Settings())).state == OK


def test_an_empty_home_and_a_damaged_day_say_nothing_of_relays(home: Home) -> None:
    assert not list(relays(home, Settings()))
    day = home.lake / "events" / "day=2026-01-05"
    day.mkdir(parents=True)
    (day / "events.parquet").write_bytes(b"no")
    assert not list(relays(home, Settings()))


def test_the_quarantine_is_told_with_its_commonest_reasons_and_the_mend(home: Home) -> None:
    with Quarantine(home.quarantine / "a.jsonl") as aside:
        for number in range(3):
            aside.add("box", number, "ts is in the future")
        aside.add("box", 4, "sender is missing")
    finding = only(quarantine(home, Settings()))
    assert finding.state == WARN
    assert "4 rows set aside in 1 file" in finding.words
    assert "3 × ts is in the future, 1 × sender is missing" in finding.words
    assert "RINGLEADER_READ_FUTURE_TOLERANCE_HOURS" in finding.mend


def test_an_empty_quarantine_is_well(home: Home) -> None:
    assert only(quarantine(home, Settings())).state == OK


@pytest.mark.parametrize("line", [b"no json", b"[]", b'{"reason": 3}', b"\xff" * 9000, b"[" * 9000, b"{}"])
def test_lines_that_nobody_of_us_wrote_are_no_rows(home: Home, line: bytes) -> None:
    home.quarantine.mkdir(parents=True, exist_ok=True)
    (home.quarantine / "a.jsonl").write_bytes(line + b"\n" + json.dumps({"reason": "x"}).encode() + b"\n")
    assert only(quarantine(home, Settings())).words.startswith("1 row set aside")


def test_doctor_says_both(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    take_in(home, tmp_path / "mail", [f"192.0.2.{place}" for place in range(1, 21)])
    cli.main(["--home", str(home.path), "doctor", "--json"])
    report = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert (report["relays"]["state"], report["quarantine"]["state"]) == (WARN, OK)


def test_the_mailbox_that_was_read_is_named_on_the_command_line(home: Home, tmp_path: Path) -> None:
    raw = "From: a@send.example\nTo: undisclosed-recipients:;\nDate: Mon, 05 Jan 2026 10:00:00 +0000\n\nhi\n"
    (tmp_path / "a.eml").write_text(raw)
    ingest = ["--home", str(home.path), "ingest", "--events", str(tmp_path / "a.eml"), "--mailbox", "Bob@Home.example"]
    assert cli.main([*ingest, "--json"]) == 0
    (day,) = Lake(home.path).slice(None, 1).events
    assert pq.read_table(day)["recipients"].to_pylist() == [["bob@home.example"]]


def test_a_mailbox_that_is_no_address_is_refused() -> None:
    assert read_options(ReadSettings(mailbox="bob@home.example")).mailbox == "bob@home.example"
    assert mailbox(" bob@home.example ") == "bob@home.example"
    with pytest.raises(InputError, match="no mail address"):
        read_options(ReadSettings(mailbox="bob"))
