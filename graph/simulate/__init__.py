"""Labelled worlds of mail, calendar and contacts events, for tests and evaluation. Knows nothing of detection."""

from graph.simulate.options import PRESETS, WorldOptions, load_preset
from graph.simulate.paper import WorldSummary
from graph.simulate.world import simulate

__all__ = ["PRESETS", "WorldOptions", "WorldSummary", "load_preset", "simulate"]
