"""Real servers on real sockets: the first key, several workers, and no request dropped while snapshots change."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import factories
import httpx
import pytest

from api.auth import KeyStore
from api.server import ServerError, check_exposure, make_first_key
from graph.home import Home
from graph.snapshot import publish

ROOT = Path(__file__).parents[2]
UP_SECONDS = 90  # a busy machine may take its time to import
STARTER = """
import sys
from pathlib import Path
from api.server import serve
from api.settings import ServeSettings, Settings
from graph.home import Home
serve(Home(Path(sys.argv[1])), Settings(serve=ServeSettings(port=0, auth=sys.argv[2], workers=int(sys.argv[3]))))
"""


@dataclass
class Running:
    url: str
    said: list[str]
    process: "subprocess.Popen[str]"


@contextmanager
def server(home: Home, auth: str = "keys", workers: int = 1) -> Iterator[Running]:
    """A server in a process of its own, once it is ready or has said why not; ended politely."""
    command = [sys.executable, "-c", STARTER, str(home.path), auth, str(workers)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line.strip())
        if found := re.search(r"http://\S+", line):
            break
    running = Running(found[0].rstrip("/") if found else "", said, process)
    try:
        _wait(running.url)
        yield running
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def _wait(url: str) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/livez")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not come up")


def test_no_request_is_dropped_and_each_answer_is_of_one_snapshot_while_five_are_published(home: Home) -> None:
    shifts = [number / 1000 for number in range(6)]
    risks = {publish(home, factories.publication(), keep=2).id: 0.97}
    answers: list[tuple[str, set[float]]] = []
    faults: list[str] = []
    done = threading.Event()
    many = {"nodes": [{"kind": "sender", "key": key} for key in factories.BAD]}

    def hammer(url: str) -> None:
        with httpx.Client(base_url=url) as client:
            while not done.is_set():
                answer = client.post("/v1/lookup", json=many)
                if answer.status_code != 200:
                    faults.append(answer.text)
                    continue
                body = answer.json()
                answers.append((body["snapshot"], {node["risk"] for node in body["results"]}))

    with server(home, auth="off") as running:
        threads = [threading.Thread(target=hammer, args=(running.url,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for shift in shifts[1:]:
            snapshot = publish(home, factories.publication(shift=shift), keep=2)
            risks[snapshot.id] = 0.97 - shift
            _until(lambda wanted=snapshot.id: bool(answers) and answers[-1][0] == wanted)  # type: ignore[misc]
        done.set()
        for thread in threads:
            thread.join()
    assert not faults
    assert {snapshot for snapshot, _ in answers} == set(risks)
    assert all(found == {risks[snapshot]} for snapshot, found in answers)


def _until(true: object) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_first_start_prints_a_key_that_is_good_and_later_ones_do_not(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    with server(home) as running:
        key = next(line for line in running.said if line.startswith("rl_"))
        path = f"{running.url}/v1/nodes/sender/invite%2F2@cal.example"
        assert httpx.get(path).status_code == 401
        answer = httpx.get(path, headers={"Authorization": f"Bearer {key}"})
        assert answer.json()["key"] == "invite/2@cal.example"
        assert "server" not in answer.headers
    said: list[str] = []
    make_first_key(home, said.append)
    assert said == []


def test_several_workers_answer_and_count_together(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    with server(home, auth="off", workers=2) as running:
        for _ in range(20):  # a new connection each, so that both workers get some
            assert httpx.get(f"{running.url}/v1/nodes/domain/cal.example").status_code == 200
        text = httpx.get(f"{running.url}/metrics").text
    assert 'ringleader_requests_total{method="GET",route="/v1/nodes/{kind}/{key}",status="200"} 20.0' in text


def test_a_port_in_use_is_an_error_that_names_it(home: Home) -> None:
    from api.server import _bind

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ServerError, match="in use"):
        _bind("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_auth_may_be_off_on_loopback(host: str) -> None:
    check_exposure(host, "off")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_auth_may_not_be_off_where_others_can_reach_it(host: str) -> None:
    with pytest.raises(ServerError, match="auth off"):
        check_exposure(host, "off")
    check_exposure(host, "keys")


def test_the_first_key_has_every_scope(home: Home) -> None:
    said: list[str] = []
    make_first_key(home, said.append)
    key = said[0].splitlines()[-1]
    caller = KeyStore(home).identify(key)
    assert caller is not None
    assert len(caller.scopes) == 4


def test_servers_never_import_torch() -> None:
    script = "import sys, api.server, api.app; sys.exit('torch' in sys.modules or 'gnn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
