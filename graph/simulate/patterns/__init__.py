"""The third family of labelled worlds: a soup of groups whose behaviour is drawn at random, innocent and guilty alike.

Domain randomisation (Tobin et al. 2017): what a learner can take from many such worlds are the principles that part
the two sides, not the habits of an author's cast. Shares no population or campaign code with the other families.
"""

from graph.simulate.patterns.options import PatternOptions, load_patterns
from graph.simulate.patterns.world import simulate_patterns

__all__ = ["PatternOptions", "load_patterns", "simulate_patterns"]
