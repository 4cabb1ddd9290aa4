"""How early campaigns are found: ahead of the first report, ahead of half of their events. Knows times, no detector.

Everywhere: times are datetime64 (microseconds, UTC), one a true campaign, NaT where it never came to pass.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.datetime64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

HOUR = np.timedelta64(3_600_000_000, "us")


@dataclass(frozen=True)
class LeadTimes:
    """Of `campaigns` that began after the first refresh looked at, `found` were found and `reported` were reported.

    `ahead_of_report`: share, of those that were found or reported, that was found first; `ahead_of_half`: share, of
    all, that was found before half of its events had come. The hours are medians over the campaigns found: from the
    detection to the first report and to half of the events (positive: found first), and from the first event to it.
    """

    campaigns: int
    found: int
    reported: int
    ahead_of_report: float
    ahead_of_half: float
    hours_to_report: float
    hours_to_half: float
    hours_from_start: float


def lead_times(began: Times, detected: Times, reported: Times, half: Times, since: np.datetime64) -> LeadTimes:
    """How the detections of the campaigns that began after `since` compare with their first report and half-way mark.

    What was there before the first refresh may have been found long before, so it is not judged.
    """
    judged = began > since
    began, detected, reported, half = (part[judged] for part in (began, detected, reported, half))
    found, known = ~np.isnat(detected), ~np.isnat(reported)
    first = found & (~known | (detected < reported))
    return LeadTimes(
        campaigns=len(began),
        found=int(found.sum()),
        reported=int(known.sum()),
        ahead_of_report=_share(first[found | known]),
        ahead_of_half=_share(found & (detected < half)),
        hours_to_report=_median(reported[found & known] - detected[found & known]),
        hours_to_half=_median(half[found] - detected[found]),
        hours_from_start=_median(detected[found] - began[found]),
    )


def first_times(campaign: Ids, ts: Times, campaigns: int) -> Times:
    """When each campaign's first event came; `campaign[e]` −1 for an event of none."""
    return milestones(campaign, ts, campaigns, 0.0)


def milestones(campaign: Ids, ts: Times, campaigns: int, share: float) -> Times:
    """When at least that share of each campaign's events, and at least one, had come."""
    own = campaign >= 0
    order = np.lexsort((ts[own], campaign[own]))
    sizes = np.bincount(campaign[own], minlength=campaigns)
    start = np.cumsum(sizes) - sizes
    at = start + np.maximum(np.ceil(share * sizes).astype(np.int64) - 1, 0)
    out = np.full(campaigns, np.datetime64("NaT", "us"))
    out[sizes > 0] = ts[own][order][at[sizes > 0]]
    return out


def _share(hits: Mask) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def _median(spans: NDArray[np.timedelta64]) -> float:
    return float(np.median(spans / HOUR)) if len(spans) else float("nan")
