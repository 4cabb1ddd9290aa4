"""Which store a URL opens, and what is said of a URL that names none."""

import pytest

from graph.errors import StoreError
from graph.home import Home
from graph.store import open_store
from graph.store.bolt import Address, parse


@pytest.mark.parametrize(
    "url", ["postgres://host/db", "ladybird:", "neo4j", "", "http://analyst@127.0.0.1:7474", "ladybug"]
)
def test_an_unknown_address_is_refused_with_the_choices(home: Home, url: str) -> None:
    with pytest.raises(StoreError, match=r"ladybug:.*neo4j://USER@HOST:PORT"):
        open_store(url, home)


@pytest.mark.parametrize("url", ["neo4j+tls://u@127.0.0.1", "bolt+x://u@127.0.0.1"])
def test_an_unknown_encryption_is_refused_with_the_choices(home: Home, url: str) -> None:
    with pytest.raises(StoreError, match=r"Choose one of neo4j, neo4j\+s, neo4j\+ssc, bolt"):
        open_store(url, home)


@pytest.mark.parametrize(
    "url", ["neo4j://graph.example", "neo4j://analyst@", "neo4j://analyst@graph.example:port", "neo4j://[::"]
)
def test_an_incomplete_address_says_how_to_write_it(home: Home, url: str) -> None:
    with pytest.raises(StoreError, match="neo4j://USER@HOST:PORT"):
        open_store(url, home)


@pytest.mark.parametrize("url", ["neo4j://analyst:s3cret@graph.example:7687", "mysql://analyst:s3cret@graph.example"])
def test_a_password_in_an_address_is_never_repeated(home: Home, url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(url, home)
    assert "s3cret" not in str(caught.value)


def test_the_embedded_store_takes_no_path(home: Home) -> None:
    with pytest.raises(StoreError, match="takes no path"):
        open_store("ladybug:/elsewhere", home)


def test_an_address_is_taken_apart() -> None:
    assert parse("neo4j://analyst@graph.example") == Address("neo4j://graph.example:7687", "analyst")
    assert parse("bolt+s://a%40b@[::1]:77/abuse") == Address("bolt+s://[::1]:77", "a@b", "abuse")


def test_opening_contacts_nobody(home: Home) -> None:
    open_store("neo4j://analyst@graph.invalid:7687", home, "irrelevant").close()
    open_store("ladybug:", home).close()
    assert not home.path.exists()
