"""What a caller chooses of a pattern world. Every other number is drawn by the world itself."""

import numpy as np

from graph.simulate.drawn import DrawnOptions


class PatternOptions(DrawnOptions):
    """One pattern world."""

    family = "patterns"
    bits = np.random.SFC64


load_patterns = PatternOptions.load
