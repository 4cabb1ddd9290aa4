"""Reports and verdicts as number arrays, and as the contract's tables. Draws nothing, decides nothing."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.schema import REPORT_KINDS, REPORTS, TIME, VERDICT_ROWS
from graph.simulate.paper import event_ids
from graph.simulate.rows import Bools, Ints, Longs

JUNK, PHISH, NOT_JUNK = (REPORT_KINDS.index(kind) for kind in ("junk", "phish", "not_junk"))


@dataclass(frozen=True)
class Reports:
    """One entry a report: the row it is about, who said it, when, and what (index into REPORT_KINDS)."""

    row: Longs
    reporter: Ints
    ts: Longs
    kind: Ints

    def table(self, keys: pa.Array, start: int) -> pa.Table:
        """In the contract's columns, by time."""
        order = np.argsort(self.ts, kind="stable")
        columns = [
            event_ids(self.row[order]),
            keys.take(pa.array(self.reporter[order])),
            pa.array(self.ts[order] + start).cast(TIME),
            pa.array(REPORT_KINDS, pa.string()).take(pa.array(self.kind[order])),
        ]
        return pa.Table.from_arrays(columns, schema=REPORTS)


@dataclass(frozen=True)
class Verdicts:
    """One entry a verdict: on a mailbox or a site, when, whether malicious, and whether by audit."""

    sites: Bools
    which: Longs
    ts: Longs
    malicious: Bools
    audit: Bools

    def table(self, keys: pa.Array, names: pa.Array, start: int) -> pa.Table:
        """In the contract's columns, by time; the first verdict on each thing."""
        order = np.argsort(self.ts, kind="stable")
        thing = self.which[order] * 2 + self.sites[order]
        order = order[np.sort(np.unique(thing, return_index=True)[1])]
        sites = pa.array(self.sites[order])
        safe = np.where(self.sites[order], 0, self.which[order]), np.where(self.sites[order], self.which[order], 0)
        columns = [
            pc.if_else(sites, "domain", "sender"),
            pc.if_else(sites, names.take(pa.array(safe[1])), keys.take(pa.array(safe[0]))),
            pc.if_else(pa.array(self.malicious[order]), "malicious", "benign"),
            pa.array(self.ts[order] + start).cast(TIME),
            pc.if_else(pa.array(self.audit[order]), "audit", "analyst"),
        ]
        return pa.Table.from_arrays(columns, schema=VERDICT_ROWS)
