"""The fourth family of labelled worlds: each kind of campaign and of innocent crowd that the literature names, plainly.

Each kind is a few lines over uniform, Poisson or fixed numbers; what varies from seed to seed are the conventions of
the world. Shares no population or campaign code with the other families.
"""

from graph.simulate.textbook.options import TextbookOptions, load_textbook
from graph.simulate.textbook.world import simulate_textbook

__all__ = ["TextbookOptions", "load_textbook", "simulate_textbook"]
