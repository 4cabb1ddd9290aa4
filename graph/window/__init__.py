"""The window graph: from the events of a slice of the lake to typed nodes and edges. Knows no risk and no store.

`build_window` is the way in. What an engine counts is written in Ibis (`events`, `edges`, `nodes`); how counts become
the tables of `graph.schema` is plain array work on the reduced edges (`tables`), the same for every engine.
"""

from graph.window.build import build_window

__all__ = ["build_window"]
