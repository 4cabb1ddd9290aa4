"""What surrounds a node: from the graph store, with the snapshot's risks, in pages."""

from dataclasses import dataclass

import factories
import pytest
from conftest import Client

from api.app import build_app
from api.shapes import NeighbourPage
from graph.errors import NotFoundError, StoreError
from graph.home import Home
from graph.snapshot import Snapshot
from graph.store import Neighbour


@dataclass
class FakeStore:
    """A graph store that knows one sender with three neighbours."""

    refresh_id: str = "r-2"
    down: bool = False

    def outdated(self) -> bool:
        return False

    def close(self) -> None:
        return None

    def refresh(self) -> str:
        if self.down:
            raise StoreError("neo4j://db.example:7687", "does not answer", "Start it")
        return self.refresh_id

    def neighbours(self, kind: str, key: str, limit: int) -> list[Neighbour]:
        if key != factories.BAD[0]:
            raise NotFoundError(key, "the graph store does not hold it", "Look it up as it was ingested")
        found = [
            Neighbour("LINKED_TO", "out", "domain", "offers.example", {"events": 4, "first_seen": factories.seen(1)}),
            Neighbour("WROTE_TO", "out", "recipient", factories.TARGETS[0], {"events": 2}),
            Neighbour("SENT_FROM", "out", "network", "192.0.2.0/24", {"events": 1}),
        ]
        return found[:limit]


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def graph_client(home: Home, snapshot: Snapshot, store: FakeStore) -> Client:
    return Client(build_app(home, auth="off", open_graph=lambda: store))  # type: ignore[arg-type,return-value]


def test_neighbours_come_with_the_snapshots_risk(graph_client: Client) -> None:
    answer = graph_client.get(f"/v1/nodes/sender/{factories.BAD[0]}/neighbours")
    page = NeighbourPage.model_validate(answer.json())
    assert [(found.key, found.risk, found.campaign_id) for found in page.items] == [
        ("offers.example", 0.97, "c-links"),
        (factories.TARGETS[0], None, None),
        ("192.0.2.0/24", None, None),
    ]
    assert page.items[0].properties == {"events": 4, "first_seen": factories.seen(1).isoformat()}
    assert (page.refresh, page.next_cursor) == ("r-2", None)


def test_neighbours_come_in_pages(graph_client: Client) -> None:
    path = f"/v1/nodes/sender/{factories.BAD[0]}/neighbours?limit=2"
    first = graph_client.get(path).json()
    second = graph_client.get(f"{path}&cursor={first['next_cursor']}").json()
    assert [len(first["items"]), len(second["items"]), second["next_cursor"]] == [2, 1, None]


def test_a_cursor_from_before_a_refresh_is_refused(graph_client: Client, store: FakeStore) -> None:
    path = f"/v1/nodes/sender/{factories.BAD[0]}/neighbours?limit=2"
    cursor = graph_client.get(path).json()["next_cursor"]
    store.refresh_id = "r-3"
    assert graph_client.get(f"{path}&cursor={cursor}").json()["code"] == "CURSOR-INVALID"


def test_a_node_that_the_store_does_not_hold_is_a_404(graph_client: Client) -> None:
    assert graph_client.get("/v1/nodes/sender/nobody/neighbours").status_code == 404


def test_a_store_that_is_down_is_a_503_that_names_it_and_look_ups_go_on(graph_client: Client, store: FakeStore) -> None:
    store.down = True
    answer = graph_client.get(f"/v1/nodes/sender/{factories.BAD[0]}/neighbours")
    assert (answer.status_code, answer.json()["code"]) == (503, "STORE-UNAVAILABLE")
    assert "neo4j://db.example" in answer.json()["detail"]
    assert graph_client.get(f"/v1/nodes/sender/{factories.BAD[0]}").status_code == 200
