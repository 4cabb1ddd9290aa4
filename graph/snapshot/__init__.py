"""What a refresh publishes and servers read: written whole or not at all, then never changed. Knows no HTTP."""

from graph.snapshot.lookup import NODE_KINDS
from graph.snapshot.reading import (
    LATER_TABLES,
    POINTER,
    TABLES,
    Manifest,
    Snapshot,
    list_manifests,
    open_current,
    open_snapshot,
    read_manifest,
    read_tables,
)
from graph.snapshot.writing import publish

__all__ = [
    "LATER_TABLES",
    "NODE_KINDS",
    "POINTER",
    "TABLES",
    "Manifest",
    "Snapshot",
    "list_manifests",
    "open_current",
    "open_snapshot",
    "publish",
    "read_manifest",
    "read_tables",
]
