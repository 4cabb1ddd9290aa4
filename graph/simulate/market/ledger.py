"""What was seen so far of every mailbox, site and campaign. Counts only."""

import numpy as np

from graph.simulate.market.clock import Numbers
from graph.simulate.market.directory import Directory, fitted
from graph.simulate.rows import Longs, Rows


class Ledger:
    """What was seen so far of every mailbox, site and campaign."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.events, self.guilty, self.first = (np.zeros(0, np.int64) for _ in range(3))
        self.site_seen = np.zeros(0, bool)
        self.campaign_events, self.campaign_first, self.campaign_last = (np.zeros(0, np.int64) for _ in range(3))

    def note(self, rows: Rows, campaigns: int) -> None:
        """A day's rows, in order of time."""
        n = len(self.directory)
        self.events, self.guilty, self.first = (fitted(cells, n) for cells in (self.events, self.guilty, self.first))
        unseen = self.events[rows.sender] == 0
        who, at = np.unique(rows.sender[unseen], return_index=True)
        self.first[who] = rows.ts[unseen][at]
        self.events += np.bincount(rows.sender, minlength=n)
        own = (rows.campaign >= 0) & (self.directory.campaign.cells[rows.sender] == rows.campaign)
        self.guilty += np.bincount(rows.sender[own], minlength=n)
        self._campaigns(rows.campaign[own], rows.ts[own], campaigns)
        self.site_seen = fitted(self.site_seen, len(self.directory.site_campaign))
        sites = self.directory.site.cells[rows.sender]
        self.site_seen[sites[sites >= 0]] = True
        self.site_seen[self.directory.host_site.cells[rows.link]] = True

    def _campaigns(self, number: Numbers, ts: Longs, campaigns: int) -> None:
        events, first, last = (
            fitted(cells, campaigns) for cells in (self.campaign_events, self.campaign_first, self.campaign_last)
        )
        which, at = np.unique(number, return_index=True)
        fresh = events[which] == 0
        first[which[fresh]] = ts[at[fresh]]
        np.maximum.at(last, number, ts)
        self.campaign_events = events + np.bincount(number, minlength=campaigns)
        self.campaign_first, self.campaign_last = first, last
