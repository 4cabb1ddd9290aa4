"""One pattern world from numbers to files: people, groups, their mail, what is learnt of it and what is true."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graph.simulate.facts import NEVER
from graph.simulate.paper import WorldSummary, first_microsecond, write_world
from graph.simulate.patterns.groups import Groups, gather_groups
from graph.simulate.patterns.labels import file_reports, give_verdicts
from graph.simulate.patterns.numbers import Numbers, draw_numbers
from graph.simulate.patterns.options import PatternOptions
from graph.simulate.patterns.plan import plan_groups
from graph.simulate.patterns.society import Society, found_society, private_mail, seen
from graph.simulate.patterns.supply import Mailboxes, Supply
from graph.simulate.patterns.traffic import as_received, dress, group_mail
from graph.simulate.patterns.truth import find_truth, truth_tables
from graph.simulate.rows import Rows, concat, without_repeats


@dataclass(frozen=True)
class Soup:
    """A whole world in numbers, its rows by time; column `campaign` of a row is its group, -1 for private mail."""

    numbers: Numbers
    society: Society
    groups: Groups
    supply: Supply
    book: Mailboxes
    rows: Rows


def cook(options: PatternOptions) -> Soup:
    """Draws a world and lets it happen, in memory."""
    numbers = draw_numbers(options)
    supply = Supply(options.stream("supply"), numbers.ipv6)
    society = found_society(options.stream("society"), numbers, supply)
    groups = gather_groups(options, numbers, society, supply, plan_groups(options, numbers))
    book, rng = supply.book(), options.stream("mail")
    grouped = seen(group_mail(rng, numbers, society, book, groups), numbers, book)
    private = private_mail(rng, numbers, society, book, max(0, options.events - len(grouped)))
    rows = concat([grouped, dress(rng, numbers, society, book, private)])
    rows = without_repeats(rows.take(np.argsort(rows.ts, kind="stable")))
    return Soup(numbers, society, groups, supply, book, as_received(rng, numbers, society, rows))


def simulate_patterns(
    options: PatternOptions, out: Path, progress: Callable[[int], None] = lambda events: None
) -> WorldSummary:
    """Writes the world into `out`: events, reports, verdicts, `truth/` and `world.json`, and says what it wrote.

    `progress` is called with the number of events written so far. The same options give the same bytes.
    """
    soup = cook(options)
    rows, start = soup.rows, first_microsecond(options.start)
    truth = find_truth(rows, soup.groups, soup.book, soup.supply.host_sites(), soup.supply.site_owners())
    texts, names = soup.supply.texts(options.seed)
    guilty = int(np.count_nonzero(soup.groups.plan.guilty))
    reports = file_reports(options.stream("reports"), soup.numbers, soup.society, rows, guilty)
    told = np.full(len(soup.book), NEVER)
    np.minimum.at(told, rows.sender[reports.row], reports.ts)
    verdicts = give_verdicts(options.stream("verdicts"), soup.numbers, truth, told, options.labels_until)
    tables = truth_tables(truth, soup.groups, texts.keys, names, start)
    said = {"reports": reports.table(texts.keys, start), "verdicts": verdicts.table(texts.keys, names, start)}
    return write_world(out, options, rows, texts, said, tables, progress)
