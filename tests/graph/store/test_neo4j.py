"""The Neo4j store alone: its schema, its batches, and every way that a server can be away or refuse."""

import pytest
from neo4j_server import Server, free_port
from small_world import campaign, campaigns, contents, verdicts, window

from graph.errors import StoreError
from graph.home import Home
from graph.store import open_store
from graph.store.bolt import parse
from graph.store.neo4j import Neo4jStore

pytestmark = pytest.mark.neo4j
UNIQUE = {
    **dict.fromkeys(("Sender", "Recipient", "Domain", "Network"), "key"),
    **dict.fromkeys(("Campaign", "Operation", "Verdict", "Refresh"), "id"),
}


def written(server: Server, home: Home, batch_rows: int = 5_000) -> Neo4jStore:
    store = Neo4jStore(parse(server.url), server.password, batch_rows)
    store.write(contents())
    return store


def everything(server: Server) -> object:
    """Every node and relationship with every property, ours included, and the server's own ids."""
    nodes = server.run("MATCH (n) RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS has ORDER BY id")
    ties = server.run("MATCH ()-[r]->() RETURN elementId(r) AS id, type(r) AS type, properties(r) AS has ORDER BY id")
    return nodes, ties


def test_keys_are_unique_by_constraint(server: Server, home: Home) -> None:
    server.forget_schema()
    written(server, home).close()
    found = server.run("SHOW CONSTRAINTS YIELD type, labelsOrTypes, properties WHERE type = 'UNIQUENESS'")
    assert {row["labelsOrTypes"][0]: row["properties"][0] for row in found} == UNIQUE  # type: ignore[index]
    with pytest.raises(Exception, match="already exists"):
        server.run("CREATE (:Sender {key: 'mallory@bad.example'})")


def test_the_second_write_leaves_the_very_same_nodes_and_relationships(server: Server, home: Home) -> None:
    with written(server, home) as store:
        before = everything(server)
        store.write(contents())
    assert everything(server) == before


def test_batches_of_any_size_write_the_same(server: Server, home: Home) -> None:
    with written(server, home) as store:
        whole = store.counts()
    server.wipe()
    with written(server, home, batch_rows=1) as store:
        assert store.counts() == whole
        store.write(contents("refresh-2", window([]), campaigns([], []), verdicts()))
        assert store.counts()["WROTE_TO"] == 0


def test_a_write_that_was_cut_short_is_made_whole_by_the_next(server: Server, home: Home) -> None:
    calls = iter(range(6))

    def cut(rows: int) -> None:
        if next(calls) == 5:
            raise KeyboardInterrupt

    second = contents("refresh-2", window(["alice@example.com"]), campaigns([campaign("c-2", None)], []), verdicts())
    with written(server, home) as store:
        with pytest.raises(KeyboardInterrupt):
            store.write(second, cut)
        assert store.refresh() == "refresh-1"
        assert store.verdicts().num_rows == 3
        store.write(second)
        assert (store.refresh(), store.counts()["Sender"], store.counts()["WROTE_TO"]) == ("refresh-2", 1, 2)


def test_what_others_keep_in_the_database_is_left_alone(server: Server, home: Home) -> None:
    server.run("CREATE (:Note {text: 'mine'})-[:BY]->(:Analyst {name: 'a'})")
    with written(server, home) as store:
        store.write(contents("refresh-2", window([]), campaigns([], []), verdicts()))
    assert server.run("MATCH (n:Note)-[:BY]->(a:Analyst) RETURN n.text AS text, a.name AS name") == [
        {"text": "mine", "name": "a"}
    ]


def test_a_wrong_password_is_said_without_repeating_it(server: Server, home: Home) -> None:
    with open_store(server.url, home, "not-the-password") as store, pytest.raises(StoreError) as caught:
        store.write(contents())
    assert "refuses user neo4j" in caught.value.reason
    assert "RINGLEADER_NEO4J_PASSWORD" in caught.value.mend
    assert "not-the-password" not in str(caught.value)


def test_a_wrong_user_or_password_loses_nothing(server: Server, home: Home) -> None:
    written(server, home).close()
    before = everything(server)
    with open_store(server.url.replace("neo4j@", "nobody@"), home, server.password) as store, pytest.raises(StoreError):
        store.write(contents("refresh-2", window([])))
    assert everything(server) == before


def test_an_unknown_database_is_an_error_that_names_the_server(server: Server, home: Home) -> None:
    with open_store(f"{server.url}/elsewhere", home, server.password) as store, pytest.raises(StoreError) as caught:
        store.counts()
    assert caught.value.thing == parse(server.url).uri
    assert "elsewhere" in caught.value.reason


def test_a_server_that_wants_no_encryption_is_an_error(server: Server, home: Home) -> None:
    encrypted = server.url.replace("neo4j://", "neo4j+ssc://")
    with open_store(encrypted, home, server.password) as store, pytest.raises(StoreError, match="encryption"):
        store.ping()


def test_a_host_that_does_not_exist_is_an_error(home: Home) -> None:
    with (
        open_store("bolt://neo4j@graph.invalid:7687", home, "x") as store,
        pytest.raises(StoreError, match="not answer"),
    ):
        store.ping()


def test_a_server_that_is_down_is_said_and_how_to_start_one(home: Home) -> None:
    url = f"neo4j://neo4j@127.0.0.1:{free_port()}"
    with open_store(url, home, "irrelevant") as store, pytest.raises(StoreError) as caught:
        store.write(contents())
    assert "does not answer" in caught.value.reason
    assert "make neo4j" in caught.value.mend


def test_no_password_at_all_says_where_to_put_it(home: Home) -> None:
    with open_store("neo4j://neo4j@127.0.0.1:7687", home) as store, pytest.raises(StoreError, match="RINGLEADER_NEO4J"):
        store.ping()
