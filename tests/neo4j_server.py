"""A Neo4j for tests: the one that NEO4J_URI names, else one that configs/neo4j/run.sh starts once for the session."""

import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from neo4j import GraphDatabase

RUN = Path(__file__).parents[1] / "configs" / "neo4j" / "run.sh"
QUICK_START = "-XX:TieredStopAtLevel=1"  # nearly half the processor time for a server that lives for a minute
START_SECONDS = 240  # the first start on a bare machine fetches 100 MB and compiles the launcher on a shared core


@dataclass(frozen=True)
class Server:
    """A running server: the store's URL for it, and its password."""

    url: str
    password: str

    def run(self, text: str, **parameters: object) -> list[dict[str, object]]:
        """Rows of one query, past the store."""
        user, _, place = self.url.removeprefix("neo4j://").rpartition("@")
        with (
            GraphDatabase.driver(f"bolt://{place}", auth=(user, self.password)) as driver,
            driver.session() as session,
        ):
            return session.run(text, parameters).data()

    def wipe(self) -> None:
        """Take away every node and relationship; constraints stay, for dropping them costs seconds of planning anew."""
        self.run("MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 1000 ROWS")

    def forget_schema(self) -> None:
        """Take away every constraint and index as well."""
        for row in self.run("SHOW CONSTRAINTS YIELD name"):
            self.run(f"DROP CONSTRAINT {row['name']}")
        for row in self.run("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"):
            self.run(f"DROP INDEX {row['name']}")


@pytest.fixture(scope="session")
def neo4j_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for the session; skips with the reason where none can be had, and fails there under CI."""
    if os.environ.get("NEO4J_URI"):
        yield _given(os.environ["NEO4J_URI"])
        return
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    if missing:
        reason = f"no NEO4J_URI, and {' and '.join(missing)} not installed"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    yield from _started(tmp_path_factory.mktemp("neo4j"))


def _given(uri: str) -> Server:
    scheme, _, place = uri.partition("://")
    if "@" not in place:
        place = f"{os.environ.get('NEO4J_USER', 'neo4j')}@{place}"
    return Server(f"{scheme}://{place}".replace("bolt://", "neo4j://"), os.environ.get("NEO4J_PASSWORD", ""))


def _started(home: Path) -> Iterator[Server]:
    port, password = free_port(), secrets.token_hex(16)
    settings = {"NEO4J_URI": "", "NEO4J_HOME": str(home), "NEO4J_PORT": str(port), "NEO4J_PASSWORD": password}
    settings["JDK_JAVA_OPTIONS"] = QUICK_START
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(["sh", str(RUN)], env=os.environ | settings, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait(process, log)
        yield Server(f"neo4j://neo4j@127.0.0.1:{port}", password)
    finally:
        process.terminate()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while b"ready: " not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"Neo4j did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.2)


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
