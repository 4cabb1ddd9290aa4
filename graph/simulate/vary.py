"""Worlds unlike their preset: domain randomisation (Tobin et al. 2017, arXiv:1703.06907). Simulates nothing."""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

import numpy as np

T = TypeVar("T")

MOST_OF_A_SHARE = 0.9


def varied(options: T, spread: float, rng: np.random.Generator) -> T:
    """The options with every number with a decimal point multiplied by a log-normal factor of this spread.

    What was at most one stays below it; whole numbers, dials and the rest stay as they are. Groups of options (data
    classes within) are varied likewise; numbers of the outermost one, as the hardness, are the caller's to choose.
    """
    assert is_dataclass(options)
    assert not isinstance(options, type)
    groups = {f.name: getattr(options, f.name) for f in fields(options)}
    return replace(options, **{name: _drawn(group, spread, rng) for name, group in groups.items() if _is_group(group)})


def _is_group(value: object) -> bool:
    return is_dataclass(value) and type(value).__name__ != "Dial"


def _drawn(group: T, spread: float, rng: np.random.Generator) -> T:
    assert is_dataclass(group)
    assert not isinstance(group, type)
    numbers = {f.name: getattr(group, f.name) for f in fields(group)}
    return replace(group, **{name: _near(v, spread, rng) for name, v in numbers.items() if isinstance(v, float)})


def _near(value: float, spread: float, rng: np.random.Generator) -> float:
    moved = value * float(np.exp(rng.normal(0.0, spread)))
    return min(moved, MOST_OF_A_SHARE) if value <= 1.0 else moved
