"""A running service over a small town's home: read in a real browser, refreshed by the settings it was started with."""

import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import town
from chromium import Tab, open_tab
from servers import server, until

from api.page import defang
from graph.home import Home
from graph.snapshot import list_manifests, open_current

# Would load a picture from elsewhere and run a script, if the page took a sender's name for markup.
NASTY = "\"><img src='//evil.test/x.png' onerror='fetch(`//evil.test`)'>@b9.example"
GANG_B = {f"x@b{n}.example" for n in range(town.GANG)} | {NASTY}
DAYS = 10


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Gang a wrote in the first four days alone, gang b always; a refresh saw each. Do not write to it."""
    nasty = [replace(one, sender=NASTY) for one in town.gang("b", range(DAYS), size=1)]
    letters = town.people(range(DAYS)) + town.gang("a", range(4)) + town.gang("b", range(DAYS)) + nasty
    home = town.fill(Home(tmp_path_factory.mktemp("service") / "home"), letters, town.verdicts())
    town.refresh(home, town.at(3), days=4)
    town.refresh(home, town.at(DAYS - 1), days=4)
    return home


@pytest.fixture
def home(settled: Home, tmp_path: Path) -> Home:
    shutil.copytree(settled.path, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    folder = tmp_path / "profile"
    folder.mkdir()
    return folder


def campaign_in_state(home: Home, *states: str) -> str:
    (name,) = (row["campaign_id"] for row in open_current(home).campaigns.to_pylist() if row["state"] in states)
    return str(name)


# ---- In a browser -------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_an_investigator_signs_in_reads_both_campaigns_and_signs_out(home: Home, chromium: str, profile: Path) -> None:
    alive, asleep = campaign_in_state(home, "new", "active"), campaign_in_state(home, "dormant")
    with server(home) as running, open_tab(chromium, profile) as tab:
        tab.visit(f"{running.url}/")
        sign_in(tab, running.first_key)
        assert sorted(tab.texts(".campaigns td .state")) == sorted(["dormant", state_of(home, alive)])
        assert len(tab.texts(".campaigns .what a")) == 2

        tab.click(f'.campaigns a[href$="{alive}"]')
        tab.wait_for("document.querySelector('.evidence')")
        check_campaign(tab, home, alive)
        assert set(tab.texts(".members td:nth-child(2)")) >= {defang(key) for key in GANG_B}
        assert shown(tab, ".timeline rect") == len(open_current(home).rows_of("timeline", alive))
        assert shown(tab, ".graph circle.sender") == len(GANG_B)
        assert shown(tab, ".graph line") >= len(GANG_B)
        check_look(tab, running.url)

        tab.click(".crumb a")
        tab.wait_for("document.querySelector('.campaigns')")
        tab.click("input[name=text]")
        tab.write(asleep)
        tab.click(".filters button")
        tab.wait_for("location.search.includes('text=c-')")
        assert len(tab.texts(".campaigns .what a")) == 1

        tab.click(".campaigns .what a")
        tab.wait_for("document.querySelector('.evidence')")
        check_campaign(tab, home, asleep)
        last = [row["last_seen"] for row in open_current(home).rows_of("evidence", asleep).to_pylist()]
        for line, day in zip(tab.texts(".evidence small"), last, strict=True):
            assert f"last seen {day:%Y-%m-%d}" in line
        check_look(tab, running.url)

        for page in ("docs", "", "queue", "together"):
            tab.visit(f"{running.url}/{page}")
            check_width(tab)

        tab.click(".top form button")
        tab.wait_for("document.querySelector('.sign-in')")
        tab.visit(f"{running.url}/campaigns/{alive}")
        assert tab.texts("h1") == ["Sign in"]
        assert tab.faults() == []
        assert {httpx.URL(url).netloc for url in tab.requested()} == {httpx.URL(running.url).netloc}


def sign_in(tab: Tab, key: str) -> None:
    assert tab.texts("h1") == ["Sign in"]
    tab.click("input[name=key]")
    tab.write(key)
    tab.click(".sign-in button")
    tab.wait_for("document.querySelector('.campaigns')")


def state_of(home: Home, campaign: str) -> str:
    row = open_current(home).campaign(campaign)
    assert row is not None
    return str(row["state"])


def check_campaign(tab: Tab, home: Home, campaign: str) -> None:
    """What is told of it is what the snapshot holds, as text."""
    rows = open_current(home).rows_of("evidence", campaign).to_pylist()
    assert rows
    assert tab.texts(".evidence li > span:nth-child(2)") == [defang(row["sentence"]) for row in rows]
    assert campaign in tab.texts("h1 + p, .crumb code")
    assert not tab.see("document.querySelector('main img, main script, main iframe')")


def shown(tab: Tab, selector: str) -> int:
    """How many elements of a picture a person can see."""
    return int(
        tab.see(
            f"[...document.querySelectorAll({selector!r})].filter(e => Math.max(e.getBoundingClientRect().height,"
            " e.getBoundingClientRect().width) > 0).length"
        )
    )


def check_width(tab: Tab) -> None:
    """Nothing is beside the window at a desk or on a phone."""
    for width in (1280, 390):
        tab.resize(width)
        assert tab.see("document.documentElement.scrollWidth") <= width
    tab.resize(1280)


def check_look(tab: Tab, url: str) -> None:
    """Styled, nothing beside the window at a desk or on a phone, and no link that leads elsewhere."""
    assert tab.see("getComputedStyle(document.querySelector('.state')).borderRadius") == "99px"
    check_width(tab)
    links = tab.see("[...document.querySelectorAll('a')].map(a => a.href)")
    assert links
    assert all(link.startswith(f"{url}/") for link in links)


@pytest.mark.browser
def test_a_page_that_broke_its_policy_would_be_found_out(home: Home, chromium: str, profile: Path) -> None:
    """What the test above looks for is there to be seen when it happens."""
    with server(home, "--auth", "off") as running, open_tab(chromium, profile) as tab:
        tab.visit(f"{running.url}/")
        assert tab.faults() == []
        tab.see("document.body.insertAdjacentHTML('beforeend', '<img src=\"//evil.test/x.png\"><p style=\"top:0\">')")
        tab.see("console.error('oh')")
        until(lambda: len(tab.faults()) >= 3)
        told = " ".join(tab.faults())
    assert "evil.test" in told
    assert "style-src" in told
    assert "oh" in told


# ---- Refreshed over HTTP ------------------------------------------------------------------------------------


def test_a_dormant_campaign_is_answered_as_it_was_last_found(home: Home) -> None:
    asleep = campaign_in_state(home, "dormant")
    with server(home, "--auth", "off") as running:
        answer = httpx.get(f"{running.url}/v1/campaigns/{asleep}/evidence").json()
        campaign = httpx.get(f"{running.url}/v1/campaigns/{asleep}").json()
    sentences = [row["sentence"] for row in answer["items"]]
    assert "All 8 senders link to a-shop.example; nobody else does." in sentences
    assert campaign["headline"] == sentences[0]
    assert max(datetime.fromisoformat(row["last_seen"]).date() for row in answer["items"]) == town.at(2).date()
    assert answer["signature"]["sentence"].startswith("Senders that ")
    assert campaign["assessment"]["log_odds"] > 0


@pytest.mark.slow
def test_a_refresh_asked_for_over_http_heeds_the_settings_that_the_server_was_started_with(
    home: Home, tmp_path: Path
) -> None:
    """Started elsewhere, where a folder has a name of ours; the home's own settings do not count beside --config."""
    (home.path / "config.toml").write_text("[refresh]\nwindow_days = 5\n")
    (tmp_path / "three.toml").write_text("[refresh]\nwindow_days = 3\n")
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph" / "__init__.py").write_text("raise SystemExit('not ours')")
    with server(home, "--auth", "off", config=Path("three.toml"), cwd=tmp_path) as running:
        asked = httpx.post(f"{running.url}/v1/refreshes")
        assert asked.status_code == 202
        until(lambda: last_job(running.url)["state"] != "running")
        assert last_job(running.url)["state"] == "done", (home.state / "refresh.log").read_text()
    refresh = list_manifests(home)[0].refresh
    length = datetime.fromisoformat(refresh["as_of"]) - datetime.fromisoformat(refresh["start"])
    assert length == timedelta(days=3)


def last_job(url: str) -> dict[str, Any]:
    return dict(httpx.get(f"{url}/v1/refreshes").json()["requested"][0])
