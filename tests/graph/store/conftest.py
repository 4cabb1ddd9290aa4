"""Both stores for the contract tests: the same body runs on an embedded database and on a wiped Neo4j."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from neo4j_server import Server
from small_world import Place

from graph.home import Home
from graph.store import GraphStore


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def embedded(home: Home) -> Place:
    return Place("ladybug:", home)


@pytest.fixture
def server(neo4j_server: Server) -> Server:
    neo4j_server.wipe()
    return neo4j_server


@pytest.fixture(params=["ladybug", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def place(request: pytest.FixtureRequest, home: Home) -> Place:
    if request.param == "ladybug":
        return Place("ladybug:", home)
    server: Server = request.getfixturevalue("server")
    return Place(server.url, home, server.password)


@pytest.fixture
def store(place: Place) -> Iterator[GraphStore]:
    with place.open() as opened:
        yield opened
