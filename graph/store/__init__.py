"""Graph stores: one protocol, embedded LadybugDB or Neo4j, chosen by URL. Knows nothing of how the graph was made."""

import re

from graph.errors import StoreError
from graph.home import Home
from graph.store.protocol import GraphStore, Neighbour, StoredCampaign, StoreSummary

__all__ = ["GraphStore", "Neighbour", "StoreSummary", "StoredCampaign", "open_store"]

CHOICES = "Choose `ladybug:` (embedded) or `neo4j://USER@HOST:PORT`"


def open_store(url: str, home: Home, password: str | None = None) -> GraphStore:
    """The graph store that `url` names; nothing is opened or contacted before the first call on it.

    `ladybug:` lies under the home. `neo4j://USER@HOST:PORT[/DATABASE]` (also `neo4j+s`, `neo4j+ssc`, `bolt`,
    `bolt+s`, `bolt+ssc`) takes `password`. Raises `StoreError` for any other URL.
    """
    scheme, separator, rest = url.partition(":")
    if separator and scheme == "ladybug":
        if rest.strip("/"):
            raise StoreError(url, "the embedded store lies under the home and takes no path", "Write `ladybug:`")
        from graph.store.ladybug import LadybugStore

        return LadybugStore(home)
    if separator and scheme.partition("+")[0] in ("neo4j", "bolt"):
        from graph.store.bolt import parse
        from graph.store.neo4j import Neo4jStore

        return Neo4jStore(parse(url), password)
    shown = re.sub(r"//[^@/]*@", "//", url)  # whoever mistook the address may have put a password into it
    raise StoreError(shown or "the graph store's address", "no graph store has this address", CHOICES)
