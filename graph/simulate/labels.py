"""What the provider learns: reports by recipients and verdicts by analysts, late, partial and sometimes wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from graph.schema import REPORT_KINDS, REPORTS, VERDICT_ROWS
from graph.simulate.campaigns import Campaign
from graph.simulate.judging import joined, labels_end, looked_at
from graph.simulate.options import WorldOptions
from graph.simulate.people import People
from graph.simulate.rhythm import DAY, delays
from graph.simulate.rows import Bools, Floats, Ints, Longs, Rows, owners

JUNK, PHISH, NOT_JUNK = (REPORT_KINDS.index(kind) for kind in ("junk", "phish", "not_junk"))
PHISHY = 0.6  # share of reports of phishing that say so
BULKY = 0.0003  # annoyance from which a message counts as bulk and may be rescued
PLAIN_TRUTH = 0.5  # share of benign verdicts that go to senders who write to many


@dataclass
class ReportDesk:
    """Draws reports chunk by chunk and keeps them till the end; they are few."""

    options: WorldOptions
    people: People
    zeal: Floats  # by mailbox, mean 1 over users
    puppet: Bools  # by mailbox
    framed: Bools  # by mailbox: innocent senders to be reported on purpose
    phishing: Bools  # by campaign number
    _kept: list[tuple[Longs, Ints, Longs, Ints]] = field(default_factory=list)

    def watch(self, rng: np.random.Generator, rows: Rows, first_event: int) -> None:
        """Recipients of these rows (events numbered from `first_event`) report some of them."""
        o, hardness = self.options.labels, self.options.hardness
        row = owners(rows.to_count)
        guilty = rows.campaign[row] >= 0
        chance = rows.annoyance[row] * np.where(guilty, o.reporting.at(hardness), o.mistaken) * self.zeal[rows.to]
        rescued = np.where(rows.annoyance[row] >= BULKY, o.rescued, 0.0) * self.zeal[rows.to]
        bought = self.puppet[rows.to]
        framed = self.framed[rows.sender[row]]
        chance = np.where(bought, np.where(framed, o.puppet_zeal, 0.0), chance)
        rescued = np.where(bought, np.where(guilty, o.puppet_favour, 0.0), rescued)
        rescued *= np.where(guilty, 1.0, 1.0 - o.suppressed.at(hardness))
        drawn = rng.random(len(row))
        said = np.flatnonzero(drawn < chance + rescued)
        phish = guilty[said] & self.phishing[rows.campaign[row[said]]] & (rng.random(len(said)) < PHISHY)
        kind = np.where(drawn[said] >= chance[said], NOT_JUNK, np.where(phish, PHISH, JUNK))
        ts = rows.ts[row[said]] + delays(rng, len(said), o.report_hours, o.report_sigma)
        self._kept.append((first_event + row[said], rows.to[said], ts, kind.astype(np.int32)))

    def rows(self) -> tuple[Longs, Ints, Longs, Ints]:
        """Event number, reporter, time and kind of every report within the span, in order of time."""
        event, reporter, ts, kind = (np.concatenate(column) for column in zip(*self._kept, strict=True))
        order = np.argsort(ts, kind="stable")
        order = order[ts[order] < self.options.days * DAY]
        return event[order], reporter[order], ts[order], kind[order]


def open_report_desk(
    options: WorldOptions,
    people: People,
    bulk: Ints,
    mailboxes: int,
    campaigns: list[Campaign],
    rng: np.random.Generator,
) -> ReportDesk:
    """Decides who reports, whose reports are bought and which of the innocent `bulk` senders are framed."""
    o, hardness = options.labels, options.hardness
    users = people.users
    zeal = np.zeros(mailboxes)
    zeal[users] = rng.gamma(1.0, 1.0 / o.reporters, len(users)) * (rng.random(len(users)) < o.reporters)
    puppet = np.zeros(mailboxes, bool)
    puppet[users[rng.random(len(users)) < o.puppets.at(hardness)]] = True
    framed = np.zeros(mailboxes, bool)
    framed[bulk[rng.random(len(bulk)) < o.poisoned.at(hardness)]] = True
    phishing = np.asarray([campaign.kind == "phishing" for campaign in campaigns] + [False])
    return ReportDesk(options, people, zeal, puppet, framed, phishing)


def report_table(desk: ReportDesk, event_ids: Callable[[Longs], pa.Array], keys: pa.Array, start: int) -> pa.Table:
    event, reporter, ts, kind = desk.rows()
    return pa.table(
        [
            event_ids(event),
            keys.take(pa.array(reporter)),
            pa.array(ts + start).cast(REPORTS.field("ts").type),
            pa.array(REPORT_KINDS, pa.string()).take(pa.array(kind)),
        ],
        schema=REPORTS,
    )


@dataclass(frozen=True)
class Sightings:
    """What was seen of each mailbox and site: events and first times (microseconds; the span's end where unseen)."""

    events: Longs
    first: Longs
    first_guilty: Longs  # first message of a campaign
    fan_out: Longs
    site_first: Longs


def verdict_table(
    options: WorldOptions,
    campaigns: list[Campaign],
    owner: Ints,
    sightings: Sightings,
    keys: pa.Array,
    site_names: pa.Array,
    start: int,
    rng: np.random.Generator,
) -> pa.Table:
    """Verdicts given until the known share of the span has passed, in order of time.

    A guilty sender's comes after its first malicious message, so none is known before there is anything to know.
    """
    guilty, innocent = _judged_guilty(options, campaigns, rng), _judged_innocent(options, owner, sightings, rng)
    bad_sites, good_sites = _judged_sites(options, campaigns, sightings, rng)
    known = joined([campaign.verdicts for campaign in campaigns if campaign.verdicts is not None])
    senders, sites = np.concatenate([guilty, innocent]), np.concatenate([bad_sites, good_sites])
    ts = np.concatenate([sightings.first_guilty[guilty], sightings.first[innocent], sightings.site_first[sites]])
    ts += delays(rng, len(ts), options.labels.delay_hours, options.labels.delay_sigma)
    bad = np.repeat([True, False, True, False], [len(guilty), len(innocent), len(bad_sites), len(good_sites)])
    bad ^= rng.random(len(ts)) < options.labels.wrong.at(options.hardness)
    ts, bad = np.concatenate([ts, known.ts]), np.concatenate([bad, known.bad])
    kinds = np.repeat(["sender", "domain", "sender"], [len(senders), len(sites), len(known.senders)])
    names = pa.concat_arrays(
        [keys.take(pa.array(senders)), site_names.take(pa.array(sites)), keys.take(pa.array(known.senders))]
    )
    given = np.flatnonzero(ts < labels_end(options))
    order = given[np.argsort(ts[given], kind="stable")]
    return pa.table(
        [
            pa.array(kinds[order], pa.string()),
            names.take(pa.array(order)),
            pa.array(np.where(bad, "malicious", "benign")[order], pa.string()),
            pa.array(ts[order] + start).cast(VERDICT_ROWS.field("ts").type),
            pa.array(["analyst"] * len(order), pa.string()),
        ],
        schema=VERDICT_ROWS,
    )


def _judged_guilty(options: WorldOptions, campaigns: list[Campaign], rng: np.random.Generator) -> Ints:
    """Senders of some early campaigns, of those whose course no verdict decided."""
    early = [c for c in campaigns if c.first < labels_end(options) and c.verdicts is None]
    share = options.labels.campaigns_judged.at(options.hardness)
    drawn = rng.permutation(len(early))[: round(len(early) * share)].tolist()
    chosen = [looked_at(rng, options, early[which].senders) for which in drawn]
    return np.concatenate([np.empty(0, np.int32), *chosen])


def _judged_sites(
    options: WorldOptions, campaigns: list[Campaign], sightings: Sightings, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Sites of early campaigns, and honest ones."""
    early = [c.sites for c in campaigns if c.first < labels_end(options)]
    every = np.unique(np.concatenate([c.sites for c in campaigns]))
    seen = np.flatnonzero(sightings.site_first < labels_end(options))
    guilty, innocent = np.intersect1d(np.concatenate(early), seen), np.setdiff1d(seen, every)
    o = options.labels
    judged = rng.permutation(guilty)[: round(len(guilty) * o.domains_judged)]
    return judged, rng.permutation(innocent)[: round(len(innocent) * o.innocents_judged)]


def _judged_innocent(options: WorldOptions, owner: Ints, sightings: Sightings, rng: np.random.Generator) -> Ints:
    """Half of them anybody, half senders who write to many: those are whom analysts look at."""
    known = (owner < 0) & (sightings.events > 0) & (sightings.first < labels_end(options))
    anybody, busy = np.flatnonzero(known), np.flatnonzero(known & (sightings.fan_out >= 8))
    n = max(10, round(len(anybody) * options.labels.innocents_judged))
    many = rng.permutation(busy)[: round(n * PLAIN_TRUTH)]
    rest = rng.permutation(np.setdiff1d(anybody, many))[: n - len(many)]
    return np.concatenate([many, rest]).astype(np.int32)
