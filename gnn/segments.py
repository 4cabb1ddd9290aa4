"""Kinds of senders that can be told without labels, and on which of them a model lost. Knows no model and no truth.

What a sender really is nobody at a home knows, so a challenger is held to these instead: what is gained on the many
must not be paid by the few. A segment is a table entry.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnn.metrics import Figure, resamples
from gnn.teach import MOST_TIED
from graph.evidence import column, ids
from graph.values import Window

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

FEW_MESSAGES, MANY_MESSAGES, MANY_RECIPIENTS = 3, 30, 50
LEAST_SENDERS, LEAST_BUNCHES = 20, 10  # a segment of fewer proves nothing
TRIFLE = 0.01  # nats a sender: what is nearly sure on both sides may become a little less sure
LEVEL = 0.05  # of wrongly called any segment worse, all together (Bonferroni)
ROUNDS = 5_000  # the ends of intervals that are that strict must stand still

SEGMENTS: dict[str, Callable[[Window], Mask]] = {
    "address at a provider of many": lambda window: _at_provider(window),
    "address domain shared with few or nobody": lambda window: ~_at_provider(window),
    f"up to {FEW_MESSAGES} messages": lambda window: _of(window, "events") <= FEW_MESSAGES,
    f"{MANY_MESSAGES} messages or more": lambda window: _of(window, "events") >= MANY_MESSAGES,
    "calendar invitations": lambda window: _of(window, "calendar") > 0,
    "contact shares": lambda window: _of(window, "contacts") > 0,
    "with links": lambda window: _of(window, "linked") > 0,
    "without links": lambda window: _of(window, "linked") == 0,
    f"writes to {MANY_RECIPIENTS} or more": lambda window: _of(window, "recipients") >= MANY_RECIPIENTS,
    "answered by somebody": lambda window: _of(window, "answered") > 0,
    "answered by nobody": lambda window: _of(window, "answered") == 0,
    "reported by nobody": lambda window: _of(window, "junk") == 0,
}


@dataclass(frozen=True)
class SegmentGain:
    """What a challenger gained on one segment: mean log loss of the champion minus its own, with an interval.

    The interval is wider than 95 % by the number of segments looked at, so that all of them hold together.
    """

    name: str
    senders: int
    malicious: int
    gain: Figure

    @property
    def worse(self) -> bool:
        """Whether the challenger is worse there beyond noise, and by more than a trifle."""
        return self.gain.below(-TRIFLE)


def segments(window: Window) -> dict[str, Mask]:
    """Who is in each segment, shape (senders,) each; a sender is in several."""
    return {name: inside(window) for name, inside in SEGMENTS.items()}


def segment_gains(
    inside: dict[str, Mask], champion: Array, challenger: Array, target: Array, bunch: Ids, seed: int
) -> tuple[SegmentGain, ...]:
    """The gain on every segment that has senders enough, by a paired bootstrap over bunches.

    `champion` and `challenger` are log losses of the same senders, shape (senders,), as is each mask, `target` (1 for
    malicious, 0 benign) and `bunch`.
    """
    names = [name for name, mask in inside.items() if _enough(mask, bunch)]
    if not names:
        return ()
    masks = np.array([inside[name] for name in names], dtype=np.float64)
    gained = champion - challenger
    drawn = np.array([_means(masks, gained, weight) for weight in resamples(bunch, ROUNDS, seed)])
    tail = 100 * LEVEL / len(names) / 2
    low, high = np.nanpercentile(drawn, [tail, 100 - tail], axis=0)
    values = _means(masks, gained, np.ones(len(gained)))
    return tuple(
        SegmentGain(name, int(mask.sum()), int(mask @ target), Figure(float(value), float(least), float(most)))
        for name, mask, value, least, most in zip(names, masks, values, low, high, strict=True)
    )


def _means(masks: Array, values: Array, weight: Array) -> Array:
    """Weighted mean of the values in each segment; NaN where a resample has none of it."""
    total = masks @ weight
    return np.where(total > 0, masks @ (weight * values) / np.maximum(total, 1e-12), np.nan)


def _enough(mask: Mask, bunch: Ids) -> bool:
    return bool(mask.sum() >= LEAST_SENDERS and len(np.unique(bunch[mask])) >= LEAST_BUNCHES)


def _of(window: Window, name: str) -> Array:
    return column(window.senders, name)


def _at_provider(window: Window) -> Mask:
    """Whose address domain more senders have than one organisation would, shape (senders,)."""
    sender, domain = ids(window.address_at, "sender"), ids(window.address_at, "domain")
    crowded = np.bincount(domain, minlength=window.domains.num_rows) > MOST_TIED
    out = np.zeros(window.senders.num_rows, dtype=bool)
    out[sender[crowded[domain]]] = True
    return out
