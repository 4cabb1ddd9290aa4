"""What a refresh and a training look at and clear away before any work. Knows none of the work."""

import os

from api.stages import RefreshOptions
from gnn import registry
from graph import leftovers, scratch
from graph.home import Home
from graph.store import open_store
from graph.store.bolt import PASSWORD_VARIABLE


def check_places(home: Home, options: RefreshOptions) -> str | None:
    """Looks at the model's pointer and the graph store; takes no more than a read.

    Returns what a person should hear of. Raises ModelError for a damaged pointer, StoreError where the graph store
    could not be written.
    """
    with open_store(options.store, home, os.environ.get(PASSWORD_VARIABLE)) as store:
        store.check()
    lost = registry.lost_champion(home)
    return f"{lost}" if lost else None


def sweep(home: Home) -> None:
    """Removes what killed commands left, here and among the system's temporary files; the caller is the writer."""
    leftovers.sweep(home)
    scratch.sweep()
