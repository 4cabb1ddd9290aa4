"""The stage on which legitimate senders are planned: what each planner may use, and how mailings fall in time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.simulate.bulk import Issues
from graph.simulate.ground import Ground
from graph.simulate.options import WorldOptions
from graph.simulate.people import Correspondence, People, Web, prints
from graph.simulate.rhythm import DAY, HOUR, SECOND, WEEK_DAYS, Days, pick
from graph.simulate.rows import Ints, owners

MINUTE = 60 * SECOND
WEEK = WEEK_DAYS * DAY
OFFICE_HOURS = (7, 17)
# Chance that a recipient of average zeal reports one message as junk: what people do to mail they asked for, half
# asked for, and did not ask for.
WANTED, TOLERATED, UNWANTED = 0.0004, 0.0015, 0.006


@dataclass(frozen=True)
class Stage:
    """What every planner may use."""

    ground: Ground
    options: WorldOptions
    people: People
    web: Web
    letters: Correspondence
    days: Days  # the whole span
    rng: np.random.Generator

    @property
    def weeks(self) -> float:
        return self.days.last / WEEK_DAYS

    def audience(self, n: int) -> Ints:
        """n users, busy ones more often."""
        return self.people.users[pick(self.rng, n, self.people.popularity)]

    def neighbours(self, towns: npt.NDArray[np.integer], counts: npt.NDArray[np.integer], share: float) -> Ints:
        """For each town `counts` users of it, and for the rest (1 - share) users from anywhere."""
        people, row = self.people, owners(counts)
        first, last = people.town_first[towns[row]], people.town_first[towns[row] + 1]
        local = people.town_users[np.minimum(first + self.rng.integers(0, np.maximum(last - first, 1)), last.max() - 1)]
        away = (self.rng.random(len(row)) >= share) | (last == first)
        return np.where(away, self.audience(len(row)), local).astype(np.int32)

    def lengths(self, n: int, mean: float, sigma: float, least: int = 2) -> Ints:
        """n log-normal sizes with that mean, at most the number of users."""
        drawn = self.rng.lognormal(np.log(mean) - sigma**2 / 2, sigma, n)
        return np.clip(drawn, least, len(self.people.users)).astype(np.int32)


def weekly(stage: Stage, counts: Ints, audience: Ints, per_week: float, lasts: int) -> Issues:
    """Every sender has a weekday and an hour of its own and skips or doubles some weeks."""
    rng, n = stage.rng, len(counts)
    number = np.maximum(1, rng.poisson(per_week * stage.weeks, n))
    sender = owners(number)
    slot = rng.integers(0, WEEK_DAYS, n) * DAY + rng.integers(5, 20, n) * HOUR
    week = (rng.random(len(sender)) * stage.weeks).astype(np.int64)
    second = rng.integers(0, 2, len(sender)) * 3 * DAY
    ts = week * WEEK + (slot[sender] + second) % WEEK + rng.integers(0, 20 * MINUTE, len(sender))
    ts = np.where(ts < stage.days.end, ts, ts % stage.days.end)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return Issues(
        ts=ts,
        sender=sender.astype(np.int32),
        first=starts[sender],
        count=counts[sender],
        lasts=np.full(len(sender), lasts, np.int64),
        fingerprint=prints(rng, len(sender)),
        audience=audience,
    )


def anytime(
    stage: Stage, counts: Ints, audience: Ints, times: float, together: bool = False, channel: int = 0
) -> Issues:
    """Mailings on any day at office hours, each sender about `times` of them, spread over some hours."""
    rng, n = stage.rng, len(counts)
    sender = owners(1 + rng.poisson(times - 1, n))
    m = len(sender)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    hour = rng.integers(*OFFICE_HOURS, m)
    return Issues(
        ts=rng.integers(0, stage.days.last, m) * DAY + hour * HOUR + rng.integers(0, HOUR, m),
        sender=sender.astype(np.int32),
        first=starts[sender],
        count=counts[sender],
        lasts=np.full(m, 5 * HOUR, np.int64),
        fingerprint=prints(rng, m),
        audience=audience,
        together=together,
        channel=channel,
    )
