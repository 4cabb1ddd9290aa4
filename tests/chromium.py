"""A headless Chromium for tests, driven over its own debugging pipe: no port, no driver to install.

`Tab` clicks, types and looks as a person would, and keeps what a person would not see: requests, errors, refusals.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
ANSWER_SECONDS = 60  # a busy machine may take its time
FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # as root, in a container, it has none; it visits our own server only
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other host is ever reached
    "--window-size=1280,900",
)
# Chromium reads commands from descriptor 3 and answers on 4; ours may have any number.
LAUNCH = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(commands, 3); os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
SETTLED = "document.readyState === 'complete'"
PLACE = """(() => {
  const found = document.querySelector(%s);
  if (!found) return null;
  found.scrollIntoView({block: 'center'});
  const box = found.getClientRects()[0];
  return [box.x + box.width / 2, box.y + box.height / 2];
})()"""


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; skips with the reason where there is none, and fails there under CI."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        reason = f"none of {', '.join(NAMES)} is installed"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return found


@dataclass
class Tab:
    """One page of a running browser. Events that came while it waited for something else are in `events`."""

    commands: int
    answers: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol and its result. Fails the test where the browser refuses."""
        answer = self._exchange(method, parameters)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return dict(answer["result"])

    def see(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; None where the page went away meanwhile."""
        answer = self._exchange("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        if "error" in answer:  # the protocol's own: the expression's come as exceptions
            return None
        assert "exceptionDetails" not in answer["result"], answer
        return answer["result"]["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """What a person reads in each element of a CSS selector."""
        return list(self.see(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent.trim())"))

    def wait_for(self, expression: str) -> None:
        """Until an expression holds in a page that has loaded."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self.see(f"{SETTLED} && Boolean({expression})"):
            assert time.monotonic() < deadline, f"{expression} never held on {self.see('location.href')}"
            time.sleep(0.02)

    def visit(self, url: str) -> None:
        """Open a page and wait until it stands, or the one that it leads to."""
        loader = self.ask("Page.navigate", url=url)["loaderId"]
        deadline = time.monotonic() + ANSWER_SECONDS
        while not any(event["params"]["frame"]["loaderId"] == loader for event in self._of("Page.frameNavigated")):
            assert time.monotonic() < deadline, f"{url} was not opened"
            time.sleep(0.02)
        self.wait_for("true")

    def click(self, selector: str) -> None:
        """Click the middle of the first element (of its first line, where it has several), with the mouse."""
        place = self.see(PLACE % json.dumps(selector))
        assert place is not None, f"{selector} is not on {self.see('location.href')}"
        where = {"x": place[0], "y": place[1], "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, **where)

    def write(self, text: str) -> None:
        """Type into what has the focus."""
        self.ask("Input.insertText", text=text)

    def resize(self, width: int) -> None:
        """A window of this width, in CSS pixels."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)

    def requested(self) -> list[str]:
        """Every address that a page wanted, reached or not."""
        return [event["params"]["request"]["url"] for event in self._of("Network.requestWillBeSent")]

    def faults(self) -> list[str]:
        """Exceptions, messages on the console, refusals by the content security policy, answers that were errors."""
        thrown = [json.dumps(event["params"]) for event in self._of("Runtime.exceptionThrown")]
        said = [json.dumps(event["params"]["args"]) for event in self._of("Runtime.consoleAPICalled")]
        entries = [event["params"]["entry"] for event in self._of("Log.entryAdded")]
        logged = [entry["text"] for entry in entries if entry["level"] in ("warning", "error")]
        issues = [event["params"]["issue"]["code"] for event in self._of("Audits.issueAdded")]
        return thrown + said + logged + issues

    def _exchange(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        return answer

    def _of(self, method: str) -> list[dict[str, Any]]:
        self.see("0")  # whatever the browser had to tell has come before this answer
        return [event for event in self.events if event.get("method") == method]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.answers], [], [], ANSWER_SECONDS)
            assert ready, "the browser says nothing"
            more = os.read(self.answers, 1 << 16)
            assert more, "the browser ended"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))


@contextmanager
def open_tab(browser: str, profile: Path) -> Iterator[Tab]:
    """A fresh browser with one empty page, listening; ended when done."""
    to_browser, from_browser = os.pipe(), os.pipe()
    ours = (to_browser[1], from_browser[0])
    theirs = (to_browser[0], from_browser[1])
    launch = [sys.executable, "-c", LAUNCH, *map(str, theirs), browser, *FLAGS, f"--user-data-dir={profile}"]
    with (profile / "log").open("wb") as log:
        process = subprocess.Popen(launch, pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        for descriptor in theirs:
            os.close(descriptor)
        tab = Tab(*ours)
        target = tab.ask("Target.createTarget", url="about:blank")["targetId"]
        tab.session = tab.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for room in ("Page", "Runtime", "Log", "Network", "Audits"):
            tab.ask(f"{room}.enable")
        yield tab
        tab.session = ""
        tab.ask("Browser.close")
    finally:
        process.terminate()
        process.wait()
        for descriptor in ours:
            os.close(descriptor)
