"""From a Maildir of raw messages to campaigns, through the command line alone: without a verdict, and with a few."""

import json
import mailbox
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import town
from windows import START, Letter, letter

from api.cli import main
from graph.home import Home
from graph.snapshot import open_current

SPAM, FRIENDS = 12, 60
OFFER = (
    "Our finest watches and pills are half the price until Sunday, click {link} and see what your neighbours bought."
)
CHATTER = (
    "Dear all, report {n}: the garden needs {n} hands on day {day}, bring spade number {n} and the cake of round {day}."
)


def letters() -> list[Letter]:
    """Throw-away senders with one shop, and friends with words of their own who write to and fro for eight days."""
    spam = [
        letter(f"x{n}@cheap{n}.example", f"f{n * 5 % FRIENDS}@home.example", day=n % 4, hour=2, sites=("shop.test",))
        for n in range(SPAM)
    ]
    talk = [
        letter(f"f{n}@home.example", *(f"f{(n + s) % FRIENDS}@home.example" for s in (1, -1)), day=day, hour=7 + n % 12)
        for day in range(8)
        for n in range(day % 2, FRIENDS, 2)
    ]
    return spam + talk


def message(one: Letter, number: int) -> EmailMessage:
    text = EmailMessage()
    text["From"], text["To"] = one.sender, ", ".join(one.to)
    text["Date"] = format_datetime(one.ts)
    text["Message-ID"] = f"<{number}@mail.test>"
    spam = one.sender.startswith("x")
    address = f"198.51.100.{number % 9 + 1}" if spam else f"192.0.2.{number % 200 + 1}"
    text["Received"] = f"from sender ({address}) by mx.home.example with ESMTP; {format_datetime(one.ts)}"
    text["Subject"] = "Sale" if spam else f"Garden {number}"
    link = f"http://www.{one.sites[0]}/{number}" if spam else ""
    text.set_content(OFFER.format(link=link) if spam else CHATTER.format(n=number, day=one.day))
    return text


@pytest.fixture(scope="module")
def maildir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mail") / "Maildir"
    box = mailbox.Maildir(folder)
    for number, one in enumerate(letters()):
        box.add(message(one, number).as_bytes())
    return folder


def ringleader(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Run a command, which must succeed, and return its summary."""
    assert main(["--home", str(home), *words, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def risks(home: Path) -> dict[str, float]:
    rows = open_current(Home(home)).table("scores").to_pylist()
    return {row["key"]: row["risk"] for row in rows if row["kind"] == "sender"}


def test_a_maildir_without_a_single_verdict_is_read_and_scored(
    maildir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    added = ringleader(tmp_path, capsys, "ingest", "--events", str(maildir))
    assert (added["events_new"], added["quarantined"]["rows"]) == (len(letters()), 0)
    assert ringleader(tmp_path, capsys, "ingest", "--events", str(maildir))["events_new"] == 0
    summary = ringleader(tmp_path, capsys, "refresh")
    assert summary["events"] == len(letters())
    assert set(risks(tmp_path)) == {one.sender for one in letters()}
    assert open_current(Home(tmp_path)).lookup("domain", "shop.test") is not None


def test_a_maildir_without_a_single_verdict_yields_the_campaign(
    maildir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ringleader(tmp_path, capsys, "ingest", "--events", str(maildir))
    ringleader(tmp_path, capsys, "refresh")
    members = open_current(Home(tmp_path)).table("members").to_pylist()
    found = {row["key"] for row in members if row["role"] == "sender"}
    assert len(found & {f"x{n}@cheap{n}.example" for n in range(SPAM)}) > SPAM / 2


def test_a_maildir_and_a_handful_of_verdicts_yield_the_campaign(
    maildir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of the spam senders and as many friends are judged; the campaign comes out whole."""
    judged = tmp_path / "verdicts.csv"
    known = [(f"x{n}@cheap{n}.example", "malicious") for n in range(SPAM // 2)]
    known += [(f"f{n}@home.example", "benign") for n in range(SPAM // 2)]
    rows = [f"sender,{key},{word},{START.isoformat()},desk" for key, word in known]
    judged.write_text("\n".join(["kind,key,verdict,ts,source", *rows]) + "\n")
    home = tmp_path / "home"
    ringleader(home, capsys, "ingest", "--events", str(maildir), "--verdicts", str(judged))
    ringleader(home, capsys, "refresh")
    members = open_current(Home(home)).table("members").to_pylist()
    found = {row["key"] for row in members if row["role"] == "sender"}
    assert found == {f"x{n}@cheap{n}.example" for n in range(SPAM)}
    assert "shop.test" in {row["key"] for row in members if row["role"] == "domain"}
    assert town.exports(Home(home), tmp_path / "out")["campaigns.csv"].count(b"\n") == 2
