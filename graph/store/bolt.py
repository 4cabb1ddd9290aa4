"""The way to a Neo4j server: its address, one driver, and what its errors mean. Knows nothing of what is stored."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from neo4j import Driver, GraphDatabase, ManagedTransaction, Session, SummaryCounters
from neo4j.exceptions import AuthError, ConfigurationError, DriverError, Neo4jError, ServiceUnavailable
from neo4j.time import DateTime

from graph.errors import StoreError

SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
PASSWORD_VARIABLE = "RINGLEADER_NEO4J_PASSWORD"
CONNECT_SECONDS = 5.0  # a server that has not answered by then is down, as far as a person waiting is concerned
RETRY_SECONDS = 30.0  # how long the driver retries a transaction after a deadlock or a change of leader
FORM = "Write `neo4j://USER@HOST:PORT`"

Row = dict[str, Any]

# What the driver logs comes back to the caller as a StoreError; unheard, it would be printed a second time.
logging.getLogger("neo4j").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Address:
    """Where a server is and as whom to speak to it; `database` None is the user's home database."""

    uri: str
    user: str
    database: str | None = None


def parse(url: str) -> Address:
    """`SCHEME://USER@HOST:PORT[/DATABASE]` as an address. Raises `StoreError`; never repeats a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # what the resolver does, which answers a bad name with a UnicodeError
    except ValueError as error:
        raise StoreError("the graph store's address", f"it is not a URL ({error})", FORM) from None
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.scheme not in SCHEMES:
        raise StoreError(shown, f"no such scheme: {parts.scheme}", f"Choose one of {', '.join(SCHEMES)}")
    if parts.password is not None:
        raise StoreError(
            shown, "a password in an address ends up in histories and logs", f"Put it in {PASSWORD_VARIABLE}"
        )
    if not host or not parts.username:
        raise StoreError(shown, "it lacks a user or a host", FORM)
    place = f"[{host}]" if ":" in host else host
    return Address(f"{parts.scheme}://{place}:{port or 7687}", unquote(parts.username), parts.path.strip("/") or None)


class Bolt:
    """One driver, connected at the first use. Every error that comes out is a `StoreError`."""

    def __init__(self, address: Address, password: str | None) -> None:
        self._address = address
        self._password = password
        self._driver: Driver | None = None
        self._guard = threading.Lock()  # of two threads that come first, one connects

    def read(self, text: str, parameters: dict[str, object]) -> list[Row]:
        """Rows of one managed read transaction, times as UTC datetimes."""
        with self._explained(), self._session() as session:
            rows: list[Row] = session.execute_read(_rows, text, parameters)
            return rows

    def write(self, text: str, parameters: dict[str, object]) -> SummaryCounters:
        """Run one managed write transaction, retried while its error is transient; what it changed."""
        with self._explained(), self._session() as session:
            counters: SummaryCounters = session.execute_write(_counters, text, parameters)
            return counters

    def agent(self) -> str:
        """Name and version of the server, asked now."""
        with self._explained():
            return self._connected().get_server_info().agent

    def close(self) -> None:
        """Close the driver; the next use connects again."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def _session(self) -> Session:
        return self._connected().session(database=self._address.database)

    def _connected(self) -> Driver:
        with self._guard:
            if self._driver is None:
                driver = self._new_driver()
                try:
                    driver.verify_connectivity()
                except BaseException:
                    driver.close()
                    raise
                self._driver = driver
            return self._driver

    def _new_driver(self) -> Driver:
        if self._password is None:
            raise StoreError(self._address.uri, "no password was given", f"Put it in {PASSWORD_VARIABLE}")
        return GraphDatabase.driver(
            self._address.uri,
            auth=(self._address.user, self._password),
            connection_timeout=CONNECT_SECONDS,
            max_transaction_retry_time=RETRY_SECONDS,
            user_agent="ringleader",
            notifications_min_severity="OFF",  # a label that no node bears yet is no news to us
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        uri = self._address.uri
        try:
            yield
        except AuthError as error:
            mend = f"See to the user in the address and to {PASSWORD_VARIABLE}"
            raise StoreError(uri, f"Neo4j refuses user {self._address.user} ({error.code})", mend) from error
        except (ServiceUnavailable, OSError) as error:
            mend = "Start it (`make neo4j` runs one here), or see to host, port and encryption (`neo4j+s` or `neo4j`)"
            raise StoreError(uri, f"Neo4j does not answer ({_brief(error)})", mend) from error
        except ConfigurationError as error:
            raise StoreError(uri, f"the driver cannot use this address ({_brief(error)})", FORM) from error
        except (Neo4jError, DriverError) as error:
            mend = "See the server's log; nothing of this home was lost, and the next refresh writes it all again"
            raise StoreError(uri, f"Neo4j failed ({_brief(error)})", mend) from error


def _brief(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def _rows(transaction: ManagedTransaction, text: str, parameters: dict[str, object]) -> list[Row]:
    result = transaction.run(text, parameters)
    names = result.keys()
    return [dict(zip(names, map(_native, values), strict=True)) for values in result.values()]


def _counters(transaction: ManagedTransaction, text: str, parameters: dict[str, object]) -> SummaryCounters:
    return transaction.run(text, parameters).consume().counters


def _native(value: object) -> object:
    return value.to_native() if isinstance(value, DateTime) else value
