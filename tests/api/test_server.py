"""Real servers on real sockets: the first key, several workers, and no request dropped while snapshots change."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import factories
import httpx
import psutil
import pytest
from servers import server, until

from api.auth import KeyStore
from api.server import ServerError, check_exposure, make_first_key
from graph.home import Home
from graph.snapshot import publish
from graph.verdicts import VerdictLedger

ROOT = Path(__file__).parents[2]


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

    with server(home, "--auth", "off") as running:
        threads = [threading.Thread(target=hammer, args=(running.url,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for shift in shifts[1:]:
            snapshot = publish(home, factories.publication(shift=shift), keep=2)
            risks[snapshot.id] = 0.97 - shift
            until(lambda wanted=snapshot.id: bool(answers) and answers[-1][0] == wanted)  # type: ignore[misc]
        done.set()
        for thread in threads:
            thread.join()
    assert not faults
    assert {snapshot for snapshot, _ in answers} == set(risks)
    assert all(found == {risks[snapshot]} for snapshot, found in answers)


def test_pages_and_parts_of_a_campaign_are_whole_while_the_snapshot_behind_them_is_swapped_and_removed(
    home: Home,
) -> None:
    """Only one snapshot is kept: each publication removes the files that requests under way are read from."""
    whole = {
        "/v1/campaigns?limit=200": lambda body: len(body["items"]) == body["total"] == 3,
        "/v1/campaigns/c-links/members": lambda body: len(body["items"]) == 9,
        "/v1/campaigns/c-links/evidence": lambda body: [row["rank"] for row in body["items"]] == [1, 2, 3],
        "/v1/campaigns/c-links/graph": lambda body: len(body["edges"]) == 13,
    }
    publish(home, factories.publication(), keep=1)
    seen: dict[str, set[str]] = {path: set() for path in whole}
    faults: list[str] = []
    done = threading.Event()

    def hammer(url: str, path: str) -> None:
        with httpx.Client(base_url=url) as client:
            while not done.is_set():
                answer, page = client.get(path), client.get("/campaigns/c-links")
                if answer.status_code != 200 or not whole[path](answer.json()):
                    faults.append(answer.text)
                if page.status_code != 200 or not page.text.rstrip().endswith("</html>"):
                    faults.append(page.text)
                seen[path].add(answer.json().get("snapshot"))

    with server(home, "--auth", "off") as running:
        threads = [threading.Thread(target=hammer, args=(running.url, path)) for path in whole]
        for thread in threads:
            thread.start()
        for number in range(1, 4):
            newest = publish(home, factories.publication(shift=number / 1000), keep=1).id
            until(lambda wanted=newest: all(wanted in found for found in seen.values()) or bool(faults))  # type: ignore[misc]
        done.set()
        for thread in threads:
            thread.join()
    assert not faults
    assert all(len(found) >= 4 for found in seen.values())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_told_to_end_finishes_the_request_under_way_and_takes_no_other(home: Home, workers: int) -> None:
    """Half of a request has come when the signal does; the rest follows once the server is known to be ending."""
    publish(home, factories.publication(), keep=1)
    body = b'{"nodes": [{"kind": "domain", "key": "cal.example"}]}'
    head = b"POST /v1/lookup HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    with server(home, "--auth", "off", "--workers", str(workers)) as running:
        answering = _workers(running.process.pid)
        assert len(answering) == workers
        address = httpx.URL(running.url)
        with socket.create_connection((address.host, address.port or 0)) as half:
            half.sendall(head + body[:10])
            until(lambda: any(_holds(process, half.getsockname()) for process in answering))
            running.process.send_signal(signal.SIGTERM)
            until(lambda: not _reachable(address))
            time.sleep(0.5)  # by now an impatient one has hung up
            half.sendall(body[10:])
            answer = b"".join(iter(lambda: half.recv(1 << 16), b""))
        running.process.wait(30)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"found":true' in answer
    assert not _reachable(address)


def test_a_killed_worker_is_replaced_its_gauges_go_and_look_ups_go_on(home: Home) -> None:
    """Whoever reads a mapped file that was truncated is killed by the system (SIGBUS); one worker is all there is."""
    damaged = publish(home, factories.publication(), keep=2)
    with server(home, "--auth", "off") as running:
        first = _workers(running.process.pid)
        assert len(first) == 1
        path = f"{running.url}/v1/nodes/domain/cal.example"
        assert httpx.get(path).json()["snapshot"] == damaged.id
        os.truncate(damaged.folder / "lookups.lmdb", 0)
        with pytest.raises(httpx.TransportError):
            httpx.get(path)
        newer = publish(home, factories.publication(shift=0.001), keep=2)
        until(lambda: _snapshot_at(path) == newer.id)
        assert _workers(running.process.pid) != first
        text = httpx.get(f"{running.url}/metrics").text
    told = re.findall(r"^ringleader_snapshot_published_seconds (.+)$", text, re.MULTILINE)
    assert [float(seconds) for seconds in told] == [newer.manifest.published_at.timestamp()]


def test_a_worker_ends_with_its_supervisor_and_frees_the_port(home: Home) -> None:
    with server(home, "--auth", "off") as running:
        worker = _workers(running.process.pid)[0]
        running.process.kill()
        until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
        assert not _reachable(httpx.URL(running.url))


def test_a_moved_home_takes_no_verdict_until_it_is_back_and_no_new_one_is_made(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    verdict = {"kind": "sender", "key": "x@example.com", "verdict": "benign"}
    away = home.path.with_name("away")
    with server(home, "--auth", "off") as running:
        home.path.rename(away)
        answers = [httpx.post(f"{running.url}/v1/verdicts", json=verdict)]
        _workers(running.process.pid)[0].kill()
        until(lambda: _answers_again(running.url))
        answers.append(httpx.post(f"{running.url}/v1/verdicts", json=verdict))
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "HOME-MOVED")] * 2
        assert not home.path.exists()
        away.rename(home.path)
        assert httpx.post(f"{running.url}/v1/verdicts", json=verdict).status_code == 201
    assert len(VerdictLedger(home).list(10)) == 1


def _snapshot_at(path: str) -> str | None:
    with suppress(httpx.TransportError):
        return str(httpx.get(path).json().get("snapshot"))
    return None


def _answers_again(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/livez").status_code == 200
    return False


def _workers(pid: int) -> list[psutil.Process]:
    """The server's worker processes; those that have ended are none, though nobody has fetched their status yet."""
    return [child for child in psutil.Process(pid).children() if _is_worker(child)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def _holds(process: psutil.Process, peer: tuple[str, int]) -> bool:
    """Whether the connection that came from `peer` was taken by this process."""
    return any(held.raddr and tuple(held.raddr) == peer for held in process.net_connections("inet"))


def _reachable(address: httpx.URL) -> bool:
    with suppress(OSError), socket.create_connection((address.host, address.port or 0), timeout=5):
        return True
    return False


def test_a_first_start_prints_a_key_that_is_good_and_later_ones_do_not(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    with server(home) as running:
        key = running.first_key
        path = f"{running.url}/v1/nodes/sender/invite%2F2@cal.example"
        assert httpx.get(path).status_code == 401
        answer = httpx.get(path, headers={"Authorization": f"Bearer {key}"})
        assert answer.json()["key"] == "invite/2@cal.example"
        assert "server" not in answer.headers
        with httpx.Client(
            base_url=running.url
        ) as client:  # one connection: a body too many would be taken for an answer
            heads = [client.head(path) for path in ("/livez", "/readyz", "/metrics", "/sign-in", "/assets/page.css")]
            heads.append(client.head(path, headers={"Authorization": f"Bearer {key}"}))
            assert {(head.status_code, head.content) for head in heads} == {(200, b"")}
            assert client.get("/livez").json() == {"status": "alive"}
    said: list[str] = []
    make_first_key(home, said.append)
    assert said == []


def test_several_workers_answer_and_count_together(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    with server(home, "--auth", "off", "--workers", "2") as running:
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


def test_a_server_starts_without_torch_and_without_what_only_some_answers_need(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    script = """
import sys
from pathlib import Path
import api.server
from api.app import build_app
from graph.home import Home
build_app(Home(Path(sys.argv[1])))
print(*sorted({"torch", "gnn", "networkx", "scipy", "sklearn", "duckdb", "ibis"} & set(sys.modules)))
"""
    command = [sys.executable, "-c", script, str(home.path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
