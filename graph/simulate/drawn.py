"""What a caller chooses of a world that draws every other number itself, and the presets of such families."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar, Self
from zlib import crc32

import numpy as np

from graph.simulate.options import EPOCH, check_bounds, chosen
from graph.simulate.rhythm import DAY

PRESETS: dict[str, dict[str, Any]] = {
    "ordinary": {"hardness": 0.1},
    "hard": {"hardness": 0.5},
    "adversarial": {"hardness": 1.0},
    "scale": {"hardness": 0.3, "events": 2_000_000},  # rows are sorted in memory: under 400 MB a million
}


@dataclass(frozen=True)
class DrawnOptions:
    """One world. `events` is met within a few per cent; `hardness` runs from 0 (easy) to 1 (adversarial).

    A family names itself and the generator of its chance.
    """

    family: ClassVar[str]
    bits: ClassVar[type[np.random.BitGenerator]]

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

    @classmethod
    def load(
        cls,
        preset: str = "ordinary",
        *,
        events: int | None = None,
        seed: int | None = None,
        hardness: float | None = None,
        days: int | None = None,
    ) -> Self:
        """The options of a named preset, with what the caller chose instead.

        Raises `RingleaderError` for an unknown preset or a value out of range.
        """
        given = chosen(preset, PRESETS, events=events, seed=seed, hardness=hardness, days=days)
        return cls(preset=preset, **PRESETS[preset] | given)

    @property
    def span(self) -> int:
        """Microseconds."""
        return self.days * DAY

    @property
    def labels_until(self) -> int:
        """The moment of the span after which no verdict is given, microseconds."""
        return int(self.span * self.known_until)

    def stream(self, name: str) -> np.random.Generator:
        """A stream of chance of its own for each part, so that one part's draws never move another's."""
        return np.random.Generator(self.bits([self.seed, crc32(f"{self.family} {name}".encode())]))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for world.json."""
        return {**asdict(self), "start": self.start.isoformat()}
