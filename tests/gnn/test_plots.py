"""Pictures are PNG, the same for the same figures, and there for whatever a detector is called."""

import numpy as np

from gnn.metrics import Figure
from gnn.plots import detectors, learning, recall_by_size

PNG = b"\x89PNG\r\n\x1a\n"
LINE = (np.linspace(0, 1, 50), np.linspace(1, 0.2, 50))
FIGURE = Figure(0.5, 0.4, 0.7)
NONE = Figure(float("nan"), float("nan"), float("nan"))


def test_detectors_are_drawn_whatever_they_are_called():
    named = detectors("a < b", {f"<{n}> & _co": LINE for n in range(12)}, {"<0> & _co": LINE}, 0.1)
    assert named.startswith(PNG)
    assert named == detectors("a < b", {f"<{n}> & _co": LINE for n in range(12)}, {"<0> & _co": LINE}, 0.1)
    assert named != detectors("a < b", {f"<{n}> & _co": LINE for n in range(11)}, {"<0> & _co": LINE}, 0.1)
    assert detectors("nobody", {}, {}, 0.0).startswith(PNG)


def test_a_figure_that_is_not_defined_is_left_out():
    sizes = ["3–9 senders", "10–29 senders"]
    whole = recall_by_size("by size", sizes, {"a": [FIGURE, FIGURE]})
    assert whole.startswith(PNG)
    assert whole != recall_by_size("by size", sizes, {"a": [FIGURE, NONE]})
    assert learning("curve", [10, 20], {"d0": [NONE, FIGURE], "d1": [FIGURE, FIGURE]}).startswith(PNG)
    assert learning("curve", [], {}).startswith(PNG)
