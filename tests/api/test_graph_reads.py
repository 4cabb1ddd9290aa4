"""One open handle of the graph store for all who read, swapped when the store points elsewhere, apart from look-ups."""

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import factories
import httpx
import pytest

from api.app import build_app
from api.graph_reads import GraphReads
from api.problems import ProblemError
from graph.errors import StoreError
from graph.home import Home
from graph.snapshot import Snapshot
from graph.store import GraphStore, Neighbour

AT_ONCE = 40


@dataclass
class SlowStore:
    """A store whose queries wait for a gate, and that remembers whether it was closed."""

    gate: threading.Event
    stale: bool = False
    closed: bool = False
    fails: bool = False
    running: list[int] = field(default_factory=list)

    def outdated(self) -> bool:
        return self.stale

    def close(self) -> None:
        self.closed = True

    def refresh(self) -> str:
        if self.fails:
            raise StoreError("ladybug:", "it is damaged", "Run `ringleader refresh`")
        self.running.append(1)
        assert self.gate.wait(30)
        assert not self.closed
        return "r-2"

    def neighbours(self, kind: str, key: str, limit: int) -> list[Neighbour]:
        return [Neighbour("LINKED_TO", "out", "domain", "offers.example", {"events": 4})][:limit]


class Stores(list[SlowStore]):
    """Every store that was opened, in turn."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self.gate = gate

    def open(self) -> GraphStore:
        self.append(SlowStore(self.gate))
        return self[-1]  # type: ignore[return-value]


@pytest.fixture
def stores() -> Stores:
    return Stores(threading.Event())


@pytest.fixture
def reads(stores: Stores) -> Iterator[GraphReads]:
    reads = GraphReads(stores.open, most_waiting=AT_ONCE)
    yield reads
    stores.gate.set()
    reads.close()
    assert all(store.closed for store in stores)


async def met(true: object) -> None:
    """Wait for what other threads bring about; the deadline only ends a test that has failed."""
    deadline = time.monotonic() + 30
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def test_forty_at_once_share_one_handle(reads: GraphReads, stores: Stores) -> None:
    async def all_of_them() -> list[str | None]:
        stores.gate.set()
        return await asyncio.gather(*(reads.ask(lambda store: store.refresh()) for _ in range(AT_ONCE)))

    assert asyncio.run(all_of_them()) == ["r-2"] * AT_ONCE
    assert len(stores) == 1


def test_an_old_handle_is_closed_when_its_last_reader_is_done_and_not_before(reads: GraphReads, stores: Stores) -> None:
    async def swap() -> None:
        reading = asyncio.ensure_future(reads.ask(lambda store: store.refresh()))
        await met(lambda: stores and stores[0].running)
        stores[0].stale = True
        reads.follow()
        assert not stores[0].closed
        second = asyncio.ensure_future(reads.ask(lambda store: store.neighbours("sender", "x", 1)))
        await second
        assert (len(stores), stores[0].closed) == (2, False)
        stores.gate.set()
        await reading
        assert (stores[0].closed, stores[1].closed) == (True, False)

    asyncio.run(swap())


def test_a_handle_that_nobody_reads_is_closed_as_soon_as_it_is_left_behind(reads: GraphReads, stores: Stores) -> None:
    stores.gate.set()
    asyncio.run(reads.ask(lambda store: store.refresh()))
    reads.follow()
    assert not stores[0].closed
    stores[0].stale = True
    reads.follow()
    assert stores[0].closed


def test_a_handle_that_failed_is_opened_anew(reads: GraphReads, stores: Stores) -> None:
    stores.gate.set()
    asyncio.run(reads.ask(lambda store: store.neighbours("sender", "x", 1)))
    stores[0].fails = True
    with pytest.raises(StoreError):
        asyncio.run(reads.ask(lambda store: store.refresh()))
    assert stores[0].closed
    assert asyncio.run(reads.ask(lambda store: store.refresh())) == "r-2"


def test_more_than_may_wait_are_refused_at_once_and_told_when_to_come_back(reads: GraphReads, stores: Stores) -> None:
    async def too_many() -> ProblemError:
        waiting = [asyncio.ensure_future(reads.ask(lambda store: store.refresh())) for _ in range(AT_ONCE)]
        await asyncio.sleep(0)
        with pytest.raises(ProblemError) as refused:
            await reads.ask(lambda store: store.refresh())
        stores.gate.set()
        await asyncio.gather(*waiting)
        return refused.value

    problem = asyncio.run(too_many())
    assert (problem.status, problem.code, problem.headers) == (503, "STORE-BUSY", {"Retry-After": "1"})


def test_look_ups_and_campaigns_go_on_while_forty_wait_for_the_graph_store(
    home: Home, snapshot: Snapshot, stores: Stores
) -> None:
    app = build_app(home, auth="off", open_graph=stores.open)

    async def ask() -> tuple[list[int], list[int], int]:
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            path = f"/v1/nodes/sender/{factories.BAD[0]}/neighbours"
            waiting = [asyncio.ensure_future(client.get(path)) for _ in range(AT_ONCE)]
            await met(lambda: stores and stores[0].running)
            others = [await client.get(other) for other in ("/v1/nodes/domain/cal.example", "/v1/campaigns") * 20]
            answered = sum(task.done() for task in waiting)
            stores.gate.set()
            neighbours = await asyncio.gather(*waiting)
        return [answer.status_code for answer in others], [answer.status_code for answer in neighbours], answered

    others, neighbours, answered = asyncio.run(ask())
    assert (others, neighbours, answered) == ([200] * 40, [200] * AT_ONCE, 0)
    assert len(stores) == 1
