"""One pattern world from numbers to files: people, groups, their mail, what is learnt of it and what is true."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from graph.schema import EVENTS
from graph.simulate.paper import COMPRESSION, Texts, WorldSummary, describe, event_batch, write_tables
from graph.simulate.patterns.groups import Groups, gather_groups
from graph.simulate.patterns.labels import file_reports, give_verdicts
from graph.simulate.patterns.numbers import Numbers, draw_numbers
from graph.simulate.patterns.options import PatternOptions
from graph.simulate.patterns.plan import plan_groups
from graph.simulate.patterns.society import Society, found_society, private_mail, seen
from graph.simulate.patterns.supply import Mailboxes, Supply
from graph.simulate.patterns.traffic import as_received, dress, group_mail
from graph.simulate.patterns.truth import NEVER, find_truth, truth_tables
from graph.simulate.rows import Rows, concat, without_repeats

MICROSECONDS = timedelta(microseconds=1)


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
    rows, start = soup.rows, round(options.start.timestamp()) * 1_000_000
    truth = find_truth(rows, soup.groups, soup.book, soup.supply.host_sites(), soup.supply.site_owners())
    texts, names = soup.supply.texts(options.seed)
    guilty = int(np.count_nonzero(soup.groups.plan.guilty))
    reports = file_reports(options.stream("reports"), soup.numbers, soup.society, rows, guilty)
    until = int(soup.numbers.span * options.known_until)
    told = np.full(len(soup.book), NEVER)
    np.minimum.at(told, rows.sender[reports.row], reports.ts)
    verdicts = give_verdicts(options.stream("verdicts"), soup.numbers, truth, told, until)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(out / "events.parquet", EVENTS, compression=COMPRESSION) as writer:
        for first, batch in _batches(options, rows, texts, start):
            writer.write_batch(batch)
            progress(first + len(batch))
    tables = truth_tables(truth, soup.groups, texts.keys, names, start)
    said = {"reports": reports.table(texts.keys, start), "verdicts": verdicts.table(texts.keys, names, start)}
    write_tables(out, said)
    write_tables(out / "truth", tables)
    summary = WorldSummary(
        out=out,
        events=len(rows),
        senders=tables["senders"].num_rows,
        malicious_senders=int(np.count_nonzero(truth.owner >= 0)),
        campaigns=tables["campaigns"].num_rows,
        reports=said["reports"].num_rows,
        verdicts=said["verdicts"].num_rows,
        start=options.start,
        labels_end=options.start + until * MICROSECONDS,
        as_of=options.start + soup.numbers.span * MICROSECONDS,
    )
    describe(summary, "patterns", options.seed, options.as_dict())
    return summary


def _batches(options: PatternOptions, rows: Rows, texts: Texts, start: int) -> Iterator[tuple[int, pa.RecordBatch]]:
    for first in range(0, len(rows), options.chunk_events):
        part = rows.take(np.arange(first, min(first + options.chunk_events, len(rows))))
        yield first, event_batch(part, texts, start, first)
