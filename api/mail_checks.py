"""What doctor says of mail in the lake and of rows set aside. Reads both and mends neither.

The checks yield name, whether all is well, words and mend; `api.doctor` makes findings of them.
"""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from graph.home import Home

RELAY_SHARE: Final = 0.9  # of the mails with an address: "nine of ten"
LEAST_MAILS: Final = 10  # fewer say nothing about a share of nine tenths
LEAST_SENDERS: Final = 5  # in that network: a home may well hear from one sender alone
DAYS_READ: Final = 30  # the newest; older mail may have come by relays that are gone

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


class Word(NamedTuple):
    """One thing to say; `mend` is empty where all is well."""

    words: str
    mend: str = ""


def relay_words(home: Home) -> Iterator[Word]:
    """Whether nearly all mail of the last days comes from one network, as behind a relay of one's own."""
    days = sorted(home.lake.glob("events/day=*/*.parquet"))[-DAYS_READ:]
    if not days:
        return
    mails, network, share, senders = _busiest_network(days)
    if mails < LEAST_MAILS or share < RELAY_SHARE or senders < LEAST_SENDERS:
        yield Word(f"{mails:,} mails with an address, {share:.0%} of them from the busiest network")
        return
    words = f"{share:.0%} of {mails:,} mails come from one network, {network}, and {senders:,} senders share it"
    yield Word(
        f"{words}: it may be a relay of your own",
        "If so, count its Received lines from the top of a mail, set RINGLEADER_READ_TRUSTED_HOPS to that number and "
        "ingest that mail into a new home: known mail keeps the network that it has",
    )


def _busiest_network(days: list[Path]) -> tuple[int, str, float, int]:
    """Mails with an address; the network that most came from, its share and its senders."""
    query = """
        SELECT network, count(*) AS mails, count(DISTINCT sender) AS senders, sum(count(*)) OVER () AS total
        FROM read_parquet($days) WHERE channel = 'mail' AND network IS NOT NULL
        GROUP BY network ORDER BY mails DESC, network LIMIT 1
    """
    with duckdb.connect() as connection:
        row = connection.execute(query, {"days": [str(day) for day in days]}).fetchone()
    if row is None:
        return 0, "", 0.0, 0
    network, mails, senders, total = row
    return int(total), str(network), mails / total, int(senders)


def quarantine_words(home: Home) -> Iterator[Word]:
    """How many rows are set aside, why, and what mends the commonest reason."""
    files = sorted(home.quarantine.glob("*.jsonl"))
    reasons: Counter[str] = Counter(islice(_reasons(files), MOST_LINES))
    if not reasons:
        yield Word("no row is set aside")
        return
    rows = reasons.total()
    more = "at least " if rows == MOST_LINES else ""
    shown = ", ".join(f"{count:,} × {reason}" for reason, count in reasons.most_common(REASONS_SHOWN))
    commonest = reasons.most_common(1)[0][0]
    mend = next((mend for sign, mend in MENDS if sign in commonest), ANY_MEND)
    files_words = f"{len(files):,} files" if len(files) != 1 else "1 file"
    yield Word(
        f"{more}{rows:,} rows set aside in {files_words} of {home.quarantine}: {shown}",
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
