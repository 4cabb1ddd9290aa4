"""What a caller chooses of a textbook world. Every other number is drawn by the world itself."""

import numpy as np

from graph.simulate.drawn import DrawnOptions
from graph.simulate.options import check


class TextbookOptions(DrawnOptions):
    """One textbook world."""

    family = "textbook"
    bits = np.random.PCG64DXSM

    def __post_init__(self) -> None:
        super().__post_init__()
        check("known_until", 0.0 < self.known_until <= 1.0, "a part of the span lies between 0 and 1")
        check("chunk_events", self.chunk_events > 0, "a chunk holds at least one event")


load_textbook = TextbookOptions.load
