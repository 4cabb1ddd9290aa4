"""The second family of labelled worlds: crews and honest firms that rent from the same markets, day by day.

Shares no campaign code with the first family, so that what was tuned on one can be judged on the other.
"""

from graph.simulate.market.options import MarketOptions, load_market
from graph.simulate.market.world import simulate_market

__all__ = ["MarketOptions", "load_market", "simulate_market"]
