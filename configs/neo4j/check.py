"""Says whether the Neo4j of NEO4J_URI (password in NEO4J_PASSWORD) answers. Knows only the store's front door."""

import os
import sys
import tempfile
from pathlib import Path

from graph.errors import RingleaderError
from graph.home import Home
from graph.store import open_store


def main() -> int:
    """Exit status: 0 where it answers."""
    url = os.environ["NEO4J_URI"]
    if "@" not in url:
        url = url.replace("://", f"://{os.environ.get('NEO4J_USER', 'neo4j')}@", 1)
    try:
        with open_store(url, Home(Path(tempfile.gettempdir())), os.environ.get("NEO4J_PASSWORD")) as store:
            print(f"{store.ping()} answers")
    except RingleaderError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
