"""Checks of how mail came in: whose relays its networks are, and what was set aside. Knows no campaign."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import duckdb

from api.commands import count_words
from api.doctor.finding import OK, WARN, Finding
from api.settings import Settings
from graph.home import Home

RELAY_SHARE: Final = 0.9  # of the mails with an address: "nine of ten"
LEAST_MAILS: Final = 10  # fewer say nothing about a share of nine tenths
LEAST_SENDERS: Final = 5  # in that network: a home may well hear from one sender alone
DAYS_READ: Final = 30  # the newest; older mail may have come by relays that are gone
SET_TRUSTED_HOPS: Final = (
    "If so, count its Received lines from the top of a mail, set trusted_hops (RINGLEADER_READ_TRUSTED_HOPS) to that "
    "number and ingest into a new home: mail that is known keeps the network that it has"
)

MOST_LINES: Final = 1_000_000  # of quarantine that are counted
REASONS_SHOWN: Final = 3
_LINE: Final = 4096  # characters: an excerpt is short, and no line of ours is longer

# What mends the commonest reasons; the first that a reason contains.
MENDS: Final = (
    ("is in the future", "Where those times are right, raise RINGLEADER_READ_FUTURE_TOLERANCE_HOURS"),
    ("longer than", "Where such long ones are wanted, raise the bound of its name under [read]"),
    ("no usable time", "Give that mail with the Received lines of the server that took it in, or in an mbox"),
    ("Received line", "Give mail as the server stored it, with all its headers"),
    ("is not UTF-8", "Write that table as UTF-8"),
)
ANY_MEND: Final = "Mend those rows at their source"


def relays(home: Home, settings: Settings) -> Iterator[Finding]:
    """Whether nearly all mail of the last days comes from one network, as behind a relay of one's own."""
    days = sorted(home.lake.glob("events/day=*/*.parquet"))[-DAYS_READ:]
    if not days:
        return
    try:
        mails, network, share, senders = _busiest_network(days)
    except duckdb.Error:  # a damaged day, which the lake's own check names
        return
    if mails < LEAST_MAILS or share < RELAY_SHARE or senders < LEAST_SENDERS:
        yield Finding("relays", OK, f"{mails:,} mails with an address, {share:.0%} of them from the busiest network")
        return
    words = f"{share:.0%} of {mails:,} mails come from one network, {network}, which {senders:,} senders share"
    yield Finding("relays", WARN, f"{words}: it may be a relay of your own", SET_TRUSTED_HOPS)


def _busiest_network(days: list[Path]) -> tuple[int, str, float, int]:
    """Mails with an address; the network that most came from, its share and its senders."""
    mail = "FROM read_parquet($days) WHERE channel = 'mail' AND network IS NOT NULL"
    ranked = f"SELECT network, count(*), sum(count(*)) OVER () {mail} GROUP BY network ORDER BY 2 DESC, 1 LIMIT 1"
    senders = f"SELECT count(DISTINCT sender) {mail} AND network = $network"
    files = [str(day) for day in days]
    with duckdb.connect() as connection:
        row = connection.execute(ranked, {"days": files}).fetchone()
        if row is None:
            return 0, "", 0.0, 0
        network, mails, total = row
        (shared,) = connection.execute(senders, {"days": files, "network": network}).fetchone() or (0,)
    return int(total), str(network), mails / total, int(shared)


def quarantine(home: Home, settings: Settings) -> Iterator[Finding]:
    """How many rows are set aside, why, and what mends the commonest reason."""
    files = sorted(home.quarantine.glob("*.jsonl"))
    reasons: Counter[str] = Counter(islice(_reasons(files), MOST_LINES))
    if not reasons:
        yield Finding("quarantine", OK, "no row is set aside")
        return
    rows = reasons.total()
    more, aside = "at least " if rows == MOST_LINES else "", f"{count_words(rows, 'row')} set aside"
    shown = ", ".join(f"{count:,} × {reason}" for reason, count in reasons.most_common(REASONS_SHOWN))
    commonest = reasons.most_common(1)[0][0]
    mend = next((mend for sign, mend in MENDS if sign in commonest), ANY_MEND)
    yield Finding(
        "quarantine",
        WARN,
        f"{more}{aside} in {count_words(len(files), 'file')} of {home.quarantine}: {shown}",
        f"{mend}; ingest them again, and delete those files once you have what you want from them",
    )


def _reasons(files: list[Path]) -> Iterator[str]:
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as lines:
            while line := lines.readline(_LINE):
                reason = _reason(line)
                if reason is not None:
                    yield reason


def _reason(line: str) -> str | None:
    """Why one row was set aside; None for a line that is none of ours."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    reason = entry.get("reason") if isinstance(entry, dict) else None
    return reason[:200] if isinstance(reason, str) else None
