"""Segments: told by what senders do, compared where there are enough of them, and a loss on one is named."""

from dataclasses import replace

import numpy as np
import pytest
from windows import letter, window

from gnn.metrics import Figure
from gnn.segments import (
    LEAST_BUNCHES,
    LEAST_SENDERS,
    SEGMENTS,
    TRIFLE,
    SegmentGain,
    segment_gains,
    segments,
)
from gnn.teach import MOST_TIED
from graph.values import Window

ROWS = 400


@pytest.fixture(scope="module")
def seen() -> Window:
    crowd = [letter(f"c{n}@mail.example", "v@home.example") for n in range(MOST_TIED + 1)]
    list_of_many = letter("list@club.example", *(f"m{n}@home.example" for n in range(50)), sites=("club.example",))
    busy = [letter("ann@ann.example", "bob@home.example", day=day % 9) for day in range(30)]
    back = letter("bob@home.example", "ann@ann.example")
    invites = letter("cal@cal.example", "v@home.example", channel="calendar")
    return window([*crowd, list_of_many, *busy, back, invites])


def members(seen: Window, name: str) -> set[str]:
    keys = np.array(seen.senders["key"].to_pylist())
    return {key for key in keys[segments(seen)[name]] if not key.startswith("c") or key.startswith("cal")}


def test_segments_are_told_by_what_senders_do(seen: Window) -> None:
    everybody = {"list@club.example", "ann@ann.example", "bob@home.example", "cal@cal.example"}
    assert members(seen, "address at a provider of many") == set()
    assert members(seen, "address domain shared with few or nobody") == everybody
    assert members(seen, "with links") == members(seen, "writes to 50 or more") == {"list@club.example"}
    assert members(seen, "30 messages or more") == {"ann@ann.example"}
    assert members(seen, "up to 3 messages") == everybody - {"ann@ann.example"}
    assert members(seen, "calendar invitations") == {"cal@cal.example"}
    assert members(seen, "answered by somebody") == {"ann@ann.example", "bob@home.example"}
    assert segments(seen)["address at a provider of many"].sum() == MOST_TIED + 1


def test_every_sender_is_in_some_segment_and_none_of_them_knows_a_label(seen: Window) -> None:
    inside = segments(seen)
    assert set(inside) == set(SEGMENTS)
    assert np.any(list(inside.values()), axis=0).all()


def compared(champion: np.ndarray, challenger: np.ndarray, bunch: np.ndarray | None = None) -> dict[str, SegmentGain]:
    """A third of the senders is `few`, the rest `many`; every second one is malicious."""
    few = np.arange(ROWS) % 3 == 0
    target = (np.arange(ROWS) % 2).astype(np.float64)
    apart = np.arange(ROWS) if bunch is None else bunch
    found = segment_gains({"few": few, "many": ~few}, champion, challenger, target, apart, 0)
    return {gain.name: gain for gain in found}


def test_a_planted_loss_on_the_few_is_named_though_the_many_gained() -> None:
    rng = np.random.default_rng(1)
    champion = rng.exponential(0.3, ROWS)
    few = np.arange(ROWS) % 3 == 0
    challenger = np.where(few, champion + 0.1, champion / 2) + rng.normal(0, 0.02, ROWS)
    assert (champion - challenger).mean() > 0
    found = compared(champion, challenger)
    assert found["few"].worse
    assert not found["many"].worse
    assert found["few"].gain.value == pytest.approx((champion - challenger)[few].mean())
    assert (found["few"].senders, found["few"].malicious) == (few.sum(), few[1::2].sum())


def test_noise_around_no_gain_is_worse_nowhere() -> None:
    called = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        champion = rng.exponential(0.3, ROWS)
        called += any(gain.worse for gain in compared(champion, champion + rng.normal(0, 0.2, ROWS)).values())
    assert called <= 2


def test_a_loss_carried_by_one_bunch_proves_nothing() -> None:
    champion = np.full(ROWS, 0.3)
    few = np.arange(ROWS) % 3 == 0
    hit = few & (np.arange(ROWS) < 150)
    challenger = champion + 1.0 * hit
    together = np.where(hit, 0, np.arange(ROWS))
    assert compared(champion, challenger)["few"].worse
    assert not compared(champion, challenger, together)["few"].worse


def test_a_trifle_is_no_loss() -> None:
    champion = np.full(ROWS, 0.001)
    assert not compared(champion, champion + TRIFLE / 2)["few"].worse


def test_segments_of_few_senders_or_bunches_are_not_compared() -> None:
    losses, target = np.zeros(ROWS), np.zeros(ROWS)
    small = np.arange(ROWS) < LEAST_SENDERS - 1
    large = np.arange(ROWS) < LEAST_SENDERS
    apart = np.arange(ROWS)
    named = {"small": small, "large": large, "nobody": np.zeros(ROWS, bool)}
    assert [gain.name for gain in segment_gains(named, losses, losses, target, apart, 0)] == ["large"]
    tied = apart % (LEAST_BUNCHES - 1)
    assert segment_gains(named, losses, losses, target, tied, 0) == ()


def test_the_more_segments_the_wider_their_intervals() -> None:
    rng = np.random.default_rng(2)
    champion, challenger = rng.exponential(0.3, (2, ROWS))
    everybody, target, apart = np.ones(ROWS, bool), np.zeros(ROWS), np.arange(ROWS)
    (alone,) = segment_gains({"a": everybody}, champion, challenger, target, apart, 0)
    many = segment_gains({str(n): everybody for n in range(12)}, champion, challenger, target, apart, 0)
    assert many[0].gain.low < alone.gain.low
    assert many[0].gain.high > alone.gain.high
    assert replace(alone, gain=Figure(-0.1, -0.2, -TRIFLE - 0.001)).worse
