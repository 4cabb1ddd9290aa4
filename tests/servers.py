"""Real servers for tests: `ringleader serve` in a process of its own, on a free loopback port."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from graph.home import Home

UP_SECONDS = 90  # a busy machine may take its time to import


@dataclass
class Running:
    """A server that answers; `said` is what it printed up to its address."""

    url: str
    said: list[str]
    process: "subprocess.Popen[str]"

    @property
    def first_key(self) -> str:
        """The key that it made at its first start."""
        return next(line for line in self.said if line.startswith("rl_"))


@contextmanager
def server(home: Home, *flags: str, config: Path | None = None, cwd: Path | None = None) -> Iterator[Running]:
    """`ringleader [--config CONFIG] serve FLAGS`, once it answers; ended politely."""
    given = ["--config", str(config)] if config else []
    command = [sys.executable, "-P", "-m", "api.cli", "--home", str(home.path), *given, "serve", "--port", "0", *flags]
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said: list[str] = []
    found = None
    for line in process.stdout:
        said.append(line.strip())
        if found := re.search(r"http://\S+", line):
            break
    try:
        assert found, f"no address in {said}"
        running = Running(found[0].rstrip("/"), said, process)
        until(lambda: _answers(running.url))
        yield running
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def until(true: Callable[[], bool]) -> None:
    """Wait for what must come; the deadline only ends a test that has failed."""
    deadline = time.monotonic() + UP_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez").status_code == 200
    except httpx.TransportError:
        return False
