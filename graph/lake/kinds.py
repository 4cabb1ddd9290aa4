"""The three kinds of rows that the lake keeps, and when two rows are the same one. Knows no files.

An event is its `event_id`: a second row with a known id changes nothing, wherever its `ts` is. A report and a verdict
are all of their columns: the lake keeps a set of rows, so that what it holds never depends on the order of arrival
(the first report of somebody who reports twice can fall out of the retention; the second must not be lost with it).
Whoever counts reporters counts distinct ones.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from graph.errors import LakeError
from graph.lake.derive import lake_events
from graph.schema import LAKE_EVENTS, REPORTS, VERDICT_ROWS


@dataclass(frozen=True)
class Kind:
    """One kind of rows: what a day file of it is called, its columns, and its order within the day.

    `order` names every column that tells two rows apart, `ts` first. `conform` turns what readers hand over into
    `schema`. `by_id` where the second column of the order identifies a row across days.
    """

    name: str
    schema: pa.Schema
    order: tuple[str, str, *tuple[str, ...]]
    conform: Callable[[pa.RecordBatch], pa.RecordBatch]
    by_id: bool = False
    expires: bool = True

    def accept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch in this kind's schema. Raises LakeError where a row could not be told from another."""
        try:
            rows = self.conform(batch)
        except (pa.ArrowException, KeyError) as error:
            raise _unfit(self.name, f"a batch does not fit the schema ({error})") from error
        for column in self.order:
            if rows[column].null_count:
                raise _unfit(self.name, f"a row has no `{column}`")
        return rows


def _unfit(name: str, reason: str) -> LakeError:
    return LakeError(f"the {name} handed to the lake", reason, "Read them with graph.read, which sets such rows aside")


EVENT = Kind("events", LAKE_EVENTS, ("ts", "event_id"), lake_events, by_id=True)
REPORT = Kind(
    "reports",
    REPORTS,
    ("ts", "event_id", "reporter", "kind"),
    lambda batch: batch.select(REPORTS.names).cast(REPORTS),
)
# Verdicts are human work: no retention takes them away.
VERDICT = Kind(
    "verdicts",
    VERDICT_ROWS,
    ("ts", "key", "kind", "source", "verdict"),
    lambda batch: batch.select(VERDICT_ROWS.names).cast(VERDICT_ROWS),
    expires=False,
)
KINDS = (EVENT, REPORT, VERDICT)
