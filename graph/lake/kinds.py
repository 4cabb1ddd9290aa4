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
from graph.lake.derive import derived, with_distinct_recipients
from graph.schema import EVENTS, LAKE_EVENTS, REPORTS, VERDICT_ROWS


@dataclass(frozen=True)
class Kind:
    """One kind of rows: what a day file of it is called, its columns as they arrive and as they are kept, its order.

    `order` names every column that tells two rows apart, `ts` first. `derive` makes rows as they are kept of rows as
    they arrive; `renew` does so of rows that an earlier format kept. `by_id` where the second column of the order
    identifies a row across days. `expires` where the retention applies.
    """

    name: str
    arriving: pa.Schema
    kept: pa.Schema
    order: tuple[str, str, *tuple[str, ...]]
    derive: Callable[[pa.Table], pa.Table] = lambda rows: rows
    renew: Callable[[pa.Table], pa.Table] = lambda rows: rows
    by_id: bool = False
    expires: bool = True

    def accept(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch as it should arrive. Raises LakeError where it does not fit or a row could not be told apart."""
        try:
            rows = batch.select(self.arriving.names).cast(self.arriving)
        except (pa.ArrowException, KeyError) as error:
            raise self._unfit(f"a batch does not fit the schema ({error})") from error
        for column in self.order:
            if rows[column].null_count:
                raise self._unfit(f"a row has no `{column}`")
        return rows

    def _unfit(self, reason: str) -> LakeError:
        mend = "Read the input with graph.read, which sets such rows aside"
        return LakeError(f"the {self.name} handed to the lake", reason, mend)


EVENT = Kind("events", EVENTS, LAKE_EVENTS, ("ts", "event_id"), derived, with_distinct_recipients, by_id=True)
REPORT = Kind("reports", REPORTS, REPORTS, ("ts", "event_id", "reporter", "kind"))
# Verdicts are human work: no retention takes them away.
VERDICT = Kind("verdicts", VERDICT_ROWS, VERDICT_ROWS, ("ts", "key", "kind", "source", "verdict"), expires=False)
KINDS = (EVENT, REPORT, VERDICT)
