"""What a caller chooses of a textbook world, and its presets. Every other number is drawn by the world itself."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zlib import crc32

import numpy as np

from graph.errors import RingleaderError
from graph.simulate.options import EPOCH, check, check_bounds

PRESETS: dict[str, dict[str, Any]] = {
    "ordinary": {"hardness": 0.1},
    "hard": {"hardness": 0.5},
    "adversarial": {"hardness": 1.0},
    "scale": {"hardness": 0.3, "events": 2_000_000},  # rows are sorted in memory
}


@dataclass(frozen=True)
class TextbookOptions:
    """One world. `events` is met within a few per cent; `hardness` runs from 0 (easy) to 1 (adversarial)."""

    events: int = 100_000
    seed: int = 1
    hardness: float = 0.1
    days: int = 35
    start: datetime = EPOCH
    chunk_events: int = 250_000  # rows turned into text before they are written
    known_until: float = 0.6  # part of the span after which no verdict is given
    preset: str = "ordinary"

    def __post_init__(self) -> None:
        check_bounds(self.events, self.days, self.hardness, self.seed)
        check("known_until", 0.0 < self.known_until <= 1.0, "a part of the span lies between 0 and 1")
        check("chunk_events", self.chunk_events > 0, "a chunk holds at least one event")

    def stream(self, name: str) -> np.random.Generator:
        """A stream of chance of its own for each part, so that one part's draws never move another's."""
        return np.random.Generator(np.random.PCG64DXSM([self.seed, crc32(f"textbook {name}".encode())]))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for world.json."""
        return {**asdict(self), "start": self.start.isoformat()}


def load_textbook(
    preset: str = "ordinary",
    *,
    events: int | None = None,
    seed: int | None = None,
    hardness: float | None = None,
    days: int | None = None,
) -> TextbookOptions:
    """The options of a named preset, with what the caller chose instead.

    Raises `RingleaderError` for an unknown preset or a value out of range.
    """
    if preset not in PRESETS:
        raise RingleaderError(f"preset {preset!r}", "there is no such preset", f"Use one of {', '.join(PRESETS)}")
    chosen = {"events": events, "seed": seed, "hardness": hardness, "days": days}
    given = {key: value for key, value in chosen.items() if value is not None}
    return TextbookOptions(preset=preset, **PRESETS[preset] | given)
