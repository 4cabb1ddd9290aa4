"""All crews through the days: who begins what when, what they learn from verdicts, what they sell on."""

from dataclasses import dataclass, replace

import numpy as np

from graph.simulate.market.campaign import FEWEST, Campaign
from graph.simulate.market.clock import Day, Numbers, delays
from graph.simulate.market.conversations import talk
from graph.simulate.market.crews import Crew, found_crews
from graph.simulate.market.letters import unfold
from graph.simulate.market.stage import Stage
from graph.simulate.market.supply import SecondHand, Supplier
from graph.simulate.rows import Rows, concat, no_rows

LEAST = 3 * FEWEST  # messages of a campaign
SPREAD = 0.7  # log-normal spread of campaigns of one crew
MOST = 0.3  # of all criminal mail in one campaign
CHANGES = {"domains": 0.3, "routes": 0.25, "text": 0.2, "senders": 0.1, "quiet": 0.1, "split": 0.05}
LONE_TRADE = 0.3  # what a crew of one gets done
LONE_MOST = 180  # messages of its campaigns
NOTICED = 3  # reports in a day that a skilled crew takes as a warning


@dataclass
class Start:
    """A campaign that a crew has in mind."""

    day: int
    crew: Crew
    weight: float


class Underworld:
    """Every crew and campaign. `campaigns[i]` is campaign number i."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.campaigns: list[Campaign] = []
        self.second_hand = SecondHand()
        self.pending = no_rows()
        self.blocked: Numbers = np.zeros(1, bool)  # mailboxes on whom a verdict fell, a cell more than there were
        options, rng = stage.options, stage.rng
        crime = options.crime
        n = max(crime.fewest, round(crime.per_root * options.events**0.5))
        self.budget = crime.share * options.events
        self.left = self.budget
        self.crews = found_crews(options, n, rng)
        self.starts = self._starts(n)

    def _starts(self, n: int) -> list[Start]:
        options, rng = self.stage.options, self.stage.rng
        first, last = (int(part * options.days) for part in (options.crime.first, options.crime.last))
        days = first + ((np.arange(n) + rng.random(n)) / n * max(1, last - first)).astype(np.int64)  # spread evenly
        weights = np.array([crew.weight for crew in self.crews]) ** 0.7
        owner = rng.permutation(np.concatenate([
            np.arange(len(self.crews)), rng.choice(len(self.crews), n, p=weights / weights.sum())
        ])[:n])  # fmt: skip
        trade = np.exp(rng.normal(0, SPREAD, n))
        return [
            Start(int(day), crew, float(crew.weight**0.8 * size) * (LONE_TRADE if crew.lone else 1.0))
            for day, crew, size in zip(days, (self.crews[at] for at in owner), trade, strict=True)
        ]

    def act(self, day: Day) -> Rows:
        """All criminal messages of a day, and what their victims answer."""
        self._launch(day)
        due = self.pending.ts < day.end
        talked = self._unblocked(self.pending.take(np.flatnonzero(due)))
        active = [campaign for campaign in self.campaigns if not campaign.over]
        fresh = concat([talked, *(campaign.send(day) for campaign in active)])
        rows, later = unfold(fresh, self._talk, day.end)
        self.pending = concat([self.pending.take(np.flatnonzero(~due)), later])
        self._retire(active)
        return rows

    def expected(self, day: Day) -> float:
        """Messages that are still to come after this day."""
        if day.number == self.stage.options.days - 1:
            return 0.0
        return sum(campaign.left for campaign in self.campaigns) + (self.left if self.starts else 0.0)

    def _talk(self, rows: Rows) -> Rows:
        if not len(rows):
            return no_rows()
        return self._unblocked(talk(self.campaigns, self.stage, rows, delays(self.stage.rng, len(rows), 5.0, 1.1)))

    def _unblocked(self, rows: Rows) -> Rows:
        """Whoever was found out says no more."""
        return rows.take(np.flatnonzero(~self.blocked[np.minimum(rows.sender, len(self.blocked) - 1)]))

    def _launch(self, day: Day) -> None:
        today = [start for start in self.starts if start.day <= day.number]
        waiting = [start for start in self.starts if start.day > day.number]
        for at, start in enumerate(today):
            if day.number < start.crew.quiet_until:
                start.day = start.crew.quiet_until
                waiting.append(start)
                continue
            rest = sum(one.weight for one in (*today[at:], *waiting))
            self._begin(start.crew, day, self.left * start.weight / rest)
        self.starts = waiting

    def _begin(self, crew: Crew, day: Day, volume: float) -> None:
        rng, options = self.stage.rng, self.stage.options
        plan = crew.plan(rng, volume)
        most = LONE_MOST * rng.uniform(0.3, 1.0) if crew.lone else MOST * self.budget
        volume = max(LEAST, min(volume, most, crew.money / max(plan.price, 0.001)))
        supplier = Supplier(self.stage, crew, plan, len(self.campaigns), self.second_hand)
        warm = options.at(options.crime.warm_up) * (0.5 + crew.skill)
        warm_days = int(rng.integers(2, 6)) if rng.random() < warm else 0
        warm_days = max(0, min(warm_days, options.days - 2 - day.number))
        self._open(supplier, volume, day, warm_days)

    def _open(self, supplier: Supplier, volume: float, day: Day, warm_days: int) -> None:
        campaign = Campaign(supplier, int(volume), day, warm_days)
        self.left -= campaign.volume
        supplier.crew.campaigns += 1
        self.campaigns.append(campaign)

    def _retire(self, active: list[Campaign]) -> None:
        """What ended campaigns rented may be had second-hand."""
        for campaign in active:
            if campaign.over and self.stage.rng.random() < 0.5:
                for kind in ("ranges", "own_link"):
                    held = campaign.crew.stock.pop(kind, None)
                    if held is not None:
                        self.second_hand.give(kind, held)

    def learn(self, day: Day, judged: Numbers, reported: Numbers) -> None:
        """Crews hear of the day's verdicts and reports (by mailbox: a mask, and counts), and the able ones react."""
        options, rng = self.stage.options, self.stage.rng
        known = np.concatenate([self.blocked[:-1], np.zeros(len(judged) + 1 - len(self.blocked), bool)])
        self.blocked = np.append(known | judged, False)
        for campaign in list(self.campaigns):
            if campaign.over:
                continue
            noticed = int(reported[campaign.live].sum()) >= NOTICED and rng.random() < campaign.crew.skill
            lost = campaign.lose(judged)
            if (lost or noticed) and rng.random() < options.at(options.crime.reacts) * (0.5 + campaign.crew.skill):
                self._react(campaign, day)

    def _react(self, campaign: Campaign, day: Day) -> None:
        what = self.stage.rng.choice(list(CHANGES), p=list(CHANGES.values()))
        if what == "split" and campaign.left >= 4 * LEAST:
            self._split(campaign, day)
        else:
            campaign.change(str(what), day)

    def _split(self, campaign: Campaign, day: Day) -> None:
        """Part of the crew goes on with a text and a look of its own."""
        half = campaign.left // 2
        campaign.left -= half
        self.left += half
        plan = replace(campaign.plan, text="own")
        supplier = Supplier(self.stage, campaign.crew, plan, len(self.campaigns), self.second_hand)
        self._open(supplier, half, Day(day.number + 1, (day.weekday + 1) % 7), 0)
