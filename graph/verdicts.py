"""The ledger of human verdicts: append-only, durable before `add` returns. Knows neither the lake nor the graph store.

One SQLite file in the home, in write-ahead mode with a full sync at each commit. The refresh merges `as_table` with
the verdicts that came in files.

A row that cannot be read (an older version took times before year 1) can be neither changed nor removed, so it is
passed over wherever the ledger is read; `unreadable` counts such rows.
"""

import hashlib
import json
import logging
import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from graph.errors import RingleaderError
from graph.home import Home
from graph.schema import VERDICT_KINDS, VERDICT_ROWS, VERDICTS
from graph.sqlite import SharedFile
from graph.times import EARLIEST, utc

FILE = "verdicts.sqlite"
_EPOCH = EARLIEST  # times are kept as microseconds since
_SCHEMA = """
BEGIN;
CREATE TABLE IF NOT EXISTS verdicts (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    verdict TEXT NOT NULL,
    ts INTEGER NOT NULL,
    source TEXT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS verdicts_about ON verdicts (kind, key);
CREATE TABLE IF NOT EXISTS idempotency (
    source TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    asked TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (source, idempotency_key)
) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS verdicts_stay BEFORE DELETE ON verdicts
BEGIN SELECT RAISE(ABORT, 'verdicts are never removed'); END;
CREATE TRIGGER IF NOT EXISTS verdicts_as_given BEFORE UPDATE ON verdicts
BEGIN SELECT RAISE(ABORT, 'verdicts are never changed'); END;
COMMIT;
"""
_BOUNDS: Final = tuple(
    (bound.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1) for bound in (datetime.min, datetime.max)
)
_READABLE: Final = (  # what `Verdict` and the contract's words can say; a column of SQLite may hold anything
    "typeof(ts) = 'integer' AND ts BETWEEN ? AND ?"
    " AND typeof(id) = 'text' AND typeof(key) = 'text' AND typeof(source) = 'text' AND typeof(note) = 'text'"
    f" AND kind IN ({', '.join(map(repr, VERDICT_KINDS))}) AND verdict IN ({', '.join(map(repr, VERDICTS))})"
)
_log = logging.getLogger("ringleader")


class VerdictError(RingleaderError):
    """A verdict that cannot be taken as it is."""


class IdempotencyError(RingleaderError):
    """An idempotency key that was used before, for something else."""


@dataclass(frozen=True)
class Verdict:
    """What somebody decided about a sender, a domain or a campaign. `place` is its position in the ledger."""

    place: int
    id: str
    kind: str
    key: str
    verdict: str
    ts: datetime
    source: str
    note: str


@dataclass(frozen=True)
class Decision:
    """A verdict to be added; `ts` None is now."""

    kind: str
    key: str
    verdict: str
    source: str
    ts: datetime | None = None
    note: str = ""


class VerdictLedger:
    """The verdicts given through this home's servers; safe for several processes and threads."""

    def __init__(self, home: Home) -> None:
        self.path = home.state / FILE
        self.file = SharedFile(self.path, _SCHEMA)

    def add(self, decision: Decision, idempotency_key: str | None = None) -> tuple[Verdict, bool]:
        """Keep a decision, on disk before this returns; with the verdict kept, whether it is new.

        The same source and `idempotency_key` again give the verdict that was kept the first time. Raises VerdictError
        for a decision of another shape, IdempotencyError where the key came with another decision before.
        """
        _check(decision)
        asked = _digest(decision)
        with self.file.transaction() as database:
            earlier = _earlier(database, decision.source, idempotency_key, asked) if idempotency_key else None
            if earlier is not None:
                return earlier, False
            row = (str(uuid.uuid4()), *_columns(decision))
            cursor = database.execute(
                "INSERT INTO verdicts (id, kind, key, verdict, ts, source, note) VALUES (?, ?, ?, ?, ?, ?, ?)", row
            )
            if idempotency_key is not None:
                database.execute(
                    "INSERT INTO idempotency VALUES (?, ?, ?, ?)", (decision.source, idempotency_key, asked, row[0])
                )
            kept = database.execute("SELECT * FROM verdicts WHERE place = ?", (cursor.lastrowid,)).fetchone()
            return _verdict(kept), True  # read back before the commit: what cannot be answered is not kept

    def list(
        self, limit: int, before: int | None = None, kind: str | None = None, keys: Sequence[str] | None = None
    ) -> list[Verdict]:
        """At most `limit` verdicts, the latest added first, from below the place `before`; on any of `keys`."""
        wanted = {"place < ?": before, "kind = ?": kind}
        clauses = [_READABLE, *(clause for clause, value in wanted.items() if value is not None)]
        values: list[object] = [value for value in wanted.values() if value is not None]
        if keys is not None:
            clauses.append(f"key IN ({', '.join('?' * len(keys))})")
            values.extend(keys)
        with self.file.connection() as database:
            rows = database.execute(
                f"SELECT * FROM verdicts WHERE {' AND '.join(clauses)} ORDER BY place DESC LIMIT ?",  # noqa: S608 (clauses are ours)
                (*_BOUNDS, *values, limit),
            ).fetchall()
        return [_verdict(row) for row in rows]

    def as_table(self, as_of: datetime | None = None) -> pa.Table:
        """All verdicts dated at `as_of` or earlier, as `graph.schema.VERDICT_ROWS`, oldest first."""
        if not self.file.is_there():
            return VERDICT_ROWS.empty_table()
        latest = _BOUNDS[1] if as_of is None else _micros(as_of)
        with self.file.connection() as database:
            rows = database.execute(
                f"SELECT * FROM verdicts WHERE {_READABLE} AND ts <= ? ORDER BY ts, place",  # noqa: S608 (the clause is ours)
                (*_BOUNDS, latest),
            ).fetchall()
        self.tell_unreadable()
        verdicts = [asdict(_verdict(row)) for row in rows]
        return pa.Table.from_pylist(
            [{name: row[name] for name in VERDICT_ROWS.names} for row in verdicts], VERDICT_ROWS
        )

    def unreadable(self) -> int:
        """Rows that are passed over because nothing here can read them."""
        if not self.file.is_there():
            return 0
        with self.file.connection() as database:
            count = database.execute(
                f"SELECT count(*) FROM verdicts WHERE NOT ({_READABLE})",  # noqa: S608 (the clause is ours)
                _BOUNDS,
            ).fetchone()[0]
        return int(count)

    def tell_unreadable(self) -> None:
        """Log how many rows are passed over, where there are any."""
        if rows := self.unreadable():
            _log.warning("%s: unreadable verdicts passed over: %d; all others count", self.path, rows)


def _earlier(database: sqlite3.Connection, source: str, idempotency_key: str, asked: str) -> Verdict | None:
    """The verdict that was kept under this key. Raises IdempotencyError where another was."""
    before = database.execute(
        "SELECT asked, id FROM idempotency WHERE source = ? AND idempotency_key = ?", (source, idempotency_key)
    ).fetchone()
    if before is None:
        return None
    if before["asked"] != asked:
        raise IdempotencyError(
            f"Idempotency-Key {idempotency_key}", "came with another verdict before", "Use a new key for a new verdict"
        )
    return _verdict(database.execute("SELECT * FROM verdicts WHERE id = ?", (before["id"],)).fetchone())


def _check(decision: Decision) -> None:
    if decision.kind not in VERDICT_KINDS:
        raise VerdictError("kind", f"{decision.kind!r} is unknown", f"Use one of: {', '.join(VERDICT_KINDS)}")
    if decision.verdict not in VERDICTS:
        raise VerdictError("verdict", f"{decision.verdict!r} is unknown", f"Use one of: {', '.join(VERDICTS)}")
    if not decision.key.strip():
        raise VerdictError("key", "is empty", "Name the sender, domain or campaign that the verdict is about")
    for name in ("key", "source", "note"):
        if not _is_text(getattr(decision, name)):
            raise VerdictError(name, "holds half of a character", "Send whole Unicode text")
    if decision.ts is not None:
        _check_time(decision.ts)


def _check_time(moment: datetime) -> None:
    mend = "Leave it out, or say when the decision was made"
    try:
        decided = utc(moment)
    except ValueError as error:
        raise VerdictError("ts", str(error), mend) from error
    if decided > datetime.now(UTC):
        raise VerdictError("ts", "lies in the future", mend)


def _is_text(value: str) -> bool:
    """Whether UTF-8, and so SQLite and every answer, can say it: a lone surrogate it cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _digest(decision: Decision) -> str:
    return hashlib.sha256(json.dumps(asdict(decision), default=str, sort_keys=True).encode()).hexdigest()


def _columns(decision: Decision) -> tuple[str, str, str, int, str, str]:
    moment = _micros(utc(decision.ts or datetime.now(UTC)))
    return decision.kind, decision.key.strip(), decision.verdict, moment, decision.source, decision.note


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _verdict(row: sqlite3.Row) -> Verdict:
    fields: dict[str, Any] = dict(row)
    return Verdict(**fields | {"ts": _EPOCH + timedelta(microseconds=fields["ts"])})
