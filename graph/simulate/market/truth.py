"""What is true of a market world, as tables: senders, domains, campaigns, operators, bombings. Judges nothing."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graph.schema import TEXTS, TIME
from graph.simulate.market.campaign import Campaign
from graph.simulate.market.clock import Numbers
from graph.simulate.market.crowds import Flood
from graph.simulate.market.directory import Directory
from graph.simulate.market.ledger import Ledger
from graph.simulate.rows import NOBODY

STOLEN = "stolen"


@dataclass(frozen=True)
class Truth:
    """Tells what was planned and done; `people` is the number of mailboxes that belong to people of the society."""

    directory: Directory
    ledger: Ledger
    campaigns: list[Campaign]
    people: int
    start: int  # the world's first microsecond

    def tables(self, floods: list[Flood]) -> dict[str, pa.Table]:
        """All tables by name."""
        keys, sites = self.directory.texts().keys, self.directory.site_names()
        return {
            "senders": self._senders(keys),
            "domains": self._domains(sites),
            "campaigns": self._campaigns(),
            "operators": self._operators(),
            "bombings": self._bombings(keys, floods),
        }

    def _senders(self, keys: pa.Array) -> pa.Table:
        """Every mailbox that sent anything. One that a crew bought and never used is innocent.

        A bridge is a guilty mailbox that also sent mail of its own.
        """
        ledger, directory = self.ledger, self.directory
        seen = np.flatnonzero(ledger.events)
        guilty = ledger.guilty[seen] > 0
        roles = np.asarray(directory.archetypes, object)[directory.role.cells[seen]]
        columns = {
            "key": keys.take(pa.array(seen)),
            "malicious": pa.array(guilty),
            **self._belongings(np.where(guilty, directory.campaign.cells[seen], NOBODY)),
            "archetype": pa.array(np.where(guilty & (seen < self.people), STOLEN, roles), pa.string()),
            "events": pa.array(ledger.events[seen]),
            "first_ts": self._times(ledger.first[seen]),
            "bridge": pa.array(guilty & (ledger.events[seen] > ledger.guilty[seen])),
            "wave": pa.array(directory.wave.cells[seen].astype(np.int64), mask=~guilty),
        }
        return pa.table(columns).sort_by("key")

    def _domains(self, names: pa.Array) -> pa.Table:
        """Every registrable domain that was linked or written from."""
        seen = np.flatnonzero(self.ledger.site_seen)
        owner = self.directory.site_campaign.cells[seen]
        columns = {"key": names.take(pa.array(seen)), "malicious": pa.array(owner >= 0), **self._belongings(owner)}
        return pa.table(columns).sort_by("key")

    def _belongings(self, owner: Numbers) -> dict[str, pa.Array]:
        """Campaign and operator of each, null for the innocent."""
        number = pa.array(np.maximum(owner, 0), mask=owner < 0)
        names = pa.array([campaign.name for campaign in self.campaigns], pa.string())
        operators = pa.array([campaign.crew.name for campaign in self.campaigns], pa.string())
        return {"campaign": names.take(number), "operator": operators.take(number)}

    def _campaigns(self) -> pa.Table:
        """Every campaign that sent anything."""
        ledger = self.ledger
        number = np.flatnonzero(ledger.campaign_events)
        senders, waves = self._crowd()
        active = [self.campaigns[at] for at in number.tolist()]
        columns = {
            "campaign": pa.array([campaign.name for campaign in active], pa.string()),
            "operator": pa.array([campaign.crew.name for campaign in active], pa.string()),
            "kind": pa.array([campaign.plan.kind for campaign in active], pa.string()),
            "senders": pa.array(senders[number]),
            "events": pa.array(ledger.campaign_events[number]),
            "first_ts": self._times(ledger.campaign_first[number]),
            "last_ts": self._times(ledger.campaign_last[number]),
            "signals": pa.array([campaign.plan.signals for campaign in active], TEXTS),
            "waves": pa.array(waves[number]),
        }
        return pa.table(columns)

    def _crowd(self) -> tuple[Numbers, Numbers]:
        """By campaign: its senders, and in how many waves they came."""
        used = np.flatnonzero(self.ledger.guilty)
        owner, wave = self.directory.campaign.cells[used], self.directory.wave.cells[used]
        size = len(self.ledger.campaign_events)
        pairs = np.unique(np.stack([owner, wave]), axis=1)
        return np.bincount(owner, minlength=size), np.bincount(pairs[0], minlength=size)

    def _operators(self) -> pa.Table:
        """Every crew that sent anything, over all of its campaigns."""
        ledger, (senders, _) = self.ledger, self._crowd()
        seen = np.flatnonzero(self.ledger.site_seen)
        owner = self.directory.site_campaign.cells[seen]
        domains = np.bincount(owner[owner >= 0], minlength=len(self.campaigns))
        numbers = np.flatnonzero(ledger.campaign_events).tolist()
        by_crew: dict[str, list[int]] = {}
        for number in sorted(numbers, key=lambda at: self.campaigns[at].crew.number):
            by_crew.setdefault(self.campaigns[number].crew.name, []).append(number)
        of = list(by_crew.values())
        columns = {
            "operator": pa.array(list(by_crew), pa.string()),
            "campaigns": pa.array([len(own) for own in of], pa.int64()),
            "kinds": pa.array([sorted({self.campaigns[at].plan.kind for at in own}) for own in of], TEXTS),
            "senders": pa.array([int(senders[own].sum()) for own in of], pa.int64()),
            "domains": pa.array([int(domains[own].sum()) for own in of], pa.int64()),
            "events": pa.array([int(ledger.campaign_events[own].sum()) for own in of], pa.int64()),
            "first_ts": self._times(np.array([ledger.campaign_first[own].min() for own in of], np.int64)),
            "last_ts": self._times(np.array([ledger.campaign_last[own].max() for own in of], np.int64)),
        }
        return pa.table(columns)

    def _bombings(self, keys: pa.Array, floods: list[Flood]) -> pa.Table:
        """Floods of honest confirmations: their senders are innocent, and the victim is one person."""
        columns = {
            "bombing": pa.array([f"b{number:03d}" for number in range(len(floods))], pa.string()),
            "victim": keys.take(pa.array([flood.victim for flood in floods], pa.int64())),
            "services": pa.array([flood.services for flood in floods], pa.int64()),
            "first_ts": self._times(np.array([flood.first for flood in floods], np.int64)),
            "last_ts": self._times(np.array([flood.last for flood in floods], np.int64)),
        }
        return pa.table(columns)

    def _times(self, ts: Numbers) -> pa.Array:
        return pa.array(ts + self.start).cast(TIME)
