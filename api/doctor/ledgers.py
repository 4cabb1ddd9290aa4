"""Checks of the SQLite files: keys, verdicts, audit, refreshes asked for. Knows no row of theirs."""

from collections.abc import Iterator

from api.doctor.finding import FAIL, OK, WARN, Finding
from api.settings import Settings
from graph.home import Home
from graph.verdicts import VerdictLedger

_MEND = (
    "Move it away with its -wal and -shm files and put back a copy (`sqlite3 FILE .recover` saves what can be read); "
    "where there is none, the next command makes an empty one"
)


def files(home: Home, settings: Settings) -> Iterator[Finding]:
    """Whether each can be read to its end and has its tables."""
    from api.holdings import Holdings  # brings what servers need, which is itself worth trying

    whole = []
    for file in Holdings.of(home, "keys").files().values():
        try:
            damage = file.damage()
        except TimeoutError as error:
            yield Finding("ledgers", WARN, str(error), "Look at it yourself: `sqlite3 FILE 'PRAGMA quick_check'`")
            continue
        if damage:
            yield Finding("ledgers", FAIL, f"{file.path} is damaged: {damage}", _MEND)
        elif file.path.exists():
            whole.append(file.path.name)
    if whole:
        yield Finding("ledgers", OK, f"{', '.join(whole)} can be read and have their tables")


def unreadable(home: Home, settings: Settings) -> Iterator[Finding]:
    """Rows of the ledger that are passed over because nothing here can read them."""
    ledger = VerdictLedger(home)
    if ledger.path.exists() and not ledger.file.damage() and (rows := ledger.unreadable()):
        words = f"{rows:,} verdicts in {ledger.path} cannot be read and are passed over; all others count"
        yield Finding("verdicts", WARN, words, "Give them again, with times after 1970 and whole Unicode text")
