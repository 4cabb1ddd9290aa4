"""Verdicts and reports that name nobody in the lake. Knows day files, and no window: what is old may be named too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from graph.errors import LakeError
from graph.keys import Nodes
from graph.lake import dayfiles
from graph.lake.kinds import EVENT, REPORT, VERDICT, Kind
from graph.window.message_ids import WITH_DIGEST

MOST_NAMED: Final = 5  # keys told of each kind; all are counted
_SENDERS: Final = "SELECT DISTINCT sender FROM read_parquet($files)"
_DOMAINS: Final = """SELECT DISTINCT unnest(sites) FROM read_parquet($files)
    UNION SELECT DISTINCT sender_site FROM read_parquet($files) WHERE sender_site IS NOT NULL"""
# A report names an event by its id, or by the Message-ID in front of the digest that raw mail's ids have.
_REPORTS: Final = """
    WITH asked AS (SELECT DISTINCT event_id, regexp_replace(event_id, '^<(.*)>$', '\\1') AS message FROM reports),
    events AS (SELECT event_id, regexp_extract(event_id, $pattern, 1) AS message FROM read_parquet($files)),
    known AS (SELECT DISTINCT event_id FROM events WHERE event_id IN (SELECT event_id FROM asked)),
    mail AS (SELECT DISTINCT message FROM events WHERE message IN (SELECT message FROM asked))
    SELECT event_id FROM asked WHERE event_id NOT IN (FROM known) AND message NOT IN (FROM mail) ORDER BY event_id"""


@dataclass(frozen=True)
class Unmatched:
    """How many distinct keys of verdicts, and ids of reports, name nobody; and a few of them."""

    verdicts: int = 0
    reports: int = 0
    examples: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.verdicts or self.reports)


NOBODY: Final = Unmatched()


def unmatched(lake: Path, verdicts: Iterable[tuple[str, str]], reports: Iterable[str]) -> Unmatched:
    """Of verdicts (kind and key) and reports (event ids) those that name no sender, domain or event of the lake.

    Verdicts on campaigns name no row of the lake and are left out. Raises LakeError where the lake cannot be read.
    """
    files = [str(path) for path in _files(lake, EVENT)]
    asked, ids = sorted(set(verdicts)), sorted(set(reports))
    if not files or not (asked or ids):
        return NOBODY
    try:
        with duckdb.connect() as connection:
            nobody = [key for kind, text in _KINDS.items() for key in _strangers(connection, files, kind, text, asked)]
            lost = _lost(connection, files, ids)
    except duckdb.Error as error:
        mend = "`ringleader doctor` names the day that is damaged"
        raise LakeError(str(lake), f"cannot be searched ({str(error).splitlines()[0]})", mend) from error
    return Unmatched(len(nobody), len(lost), (*nobody[:MOST_NAMED], *lost[:MOST_NAMED]))


def unmatched_in(lake: Path) -> Unmatched:
    """The same of all verdicts and reports that the lake holds."""
    verdicts = [pq.read_table(path, columns=["kind", "key"]) for path in _files(lake, VERDICT)]
    reports = [pq.read_table(path, columns=["event_id"])["event_id"].unique() for path in _files(lake, REPORT)]
    rows = [row for table in verdicts for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
    return unmatched(lake, rows, [event_id for column in reports for event_id in column.to_pylist()])


_KINDS: Final = {"sender": _SENDERS, "domain": _DOMAINS}


def _files(lake: Path, kind: Kind) -> list[Path]:
    return [dayfiles.day_file(lake, kind, day) for day in dayfiles.days_of(lake, kind)]


def _strangers(
    connection: duckdb.DuckDBPyConnection, files: list[str], kind: str, text: str, asked: Sequence[tuple[str, str]]
) -> list[str]:
    keys = [key for of_kind, key in asked if of_kind == kind]
    if not keys:
        return []
    known = connection.sql(text, params={"files": files}).to_arrow_table().column(0).cast(pa.string())
    return [key for key, nodes in Nodes(kind, known).met_by(keys).items() if not nodes]


def _lost(connection: duckdb.DuckDBPyConnection, files: list[str], ids: list[str]) -> list[str]:
    if not ids:
        return []
    connection.register("reports", pa.table({"event_id": pa.array(ids, pa.string())}))
    rows = connection.execute(_REPORTS, {"files": files, "pattern": WITH_DIGEST}).fetchall()
    return [event_id for (event_id,) in rows]
