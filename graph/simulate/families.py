"""The families of simulated worlds by name: how to load one's options, and how to write its world. Nothing else."""

from collections.abc import Callable
from typing import Any

from graph.simulate.market import load_market, simulate_market
from graph.simulate.options import load_preset
from graph.simulate.patterns import load_patterns, simulate_patterns
from graph.simulate.textbook import load_textbook, simulate_textbook
from graph.simulate.world import simulate

FAMILIES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "populations": (load_preset, simulate),
    "market": (load_market, simulate_market),
    "patterns": (load_patterns, simulate_patterns),
    "textbook": (load_textbook, simulate_textbook),
}
