"""Joins held back as the rows and sentences that people read. Holds nothing back itself (see `alarm`)."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from graph import schema
from graph.campaigns.alarm import MERGE, SHARED_TARGETS, Alarm, Held, Join, alarm_id
from graph.campaigns.find import Partition
from graph.campaigns.identity import Known
from graph.campaigns.words import VERBS
from graph.evidence import Evidence
from graph.values import Refresh, Window


def campaign_names(window: Window, partition: Partition, members: pa.Table) -> dict[int, str]:
    """The campaign id of each group, by the members (graph.schema.MEMBERS) that it was given."""
    senders = members.filter(pc.equal(members["role"], "sender"))
    owner = dict(zip(senders["key"].to_pylist(), senders["campaign_id"].to_pylist(), strict=True))
    groups, first = np.unique(partition.group, return_index=True)
    keys = window.senders["key"]
    return {int(g): owner[keys[int(at)].as_py()] for g, at in zip(groups, first, strict=True) if g >= 0}


def alarm_table(
    window: Window, evidence: Evidence, held: Held, names: Mapping[int, str], known: Known | None, refresh: Refresh
) -> pa.Table:
    """Rows of graph.schema.ALARMS; `names`: campaign id of each group. An alarm keeps the moment it was raised at."""
    raised: dict[str, datetime] = {}
    if known is not None:
        raised = dict(zip(*(known.alarms[name].to_pylist() for name in ("alarm_id", "since")), strict=True))
    sizes = np.bincount(held.partition.group[held.partition.group >= 0], minlength=held.partition.count)
    rows = [_row(window, evidence, alarm, sizes, names, raised, refresh) for alarm in held.alarms]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: (row["campaign_id"], row["other_id"])), schema.ALARMS)


def held_lines(alarms: pa.Table, refresh: Refresh) -> pa.Table:
    """Lines of lineage for the alarms that this refresh raised: `share` is the held-back side's, of both."""
    rows = [
        {
            "campaign_id": row["campaign_id"],
            "refresh": refresh.id,
            "ts": refresh.as_of,
            "event": "held",
            "other_id": row["other_id"],
            "share": round(row["other_senders"] / (row["senders"] + row["other_senders"]), 6),
        }
        for row in alarms.to_pylist()
        if row["since"] == refresh.as_of
    ]
    return pa.Table.from_pylist(rows, schema.LINEAGE)


def alarm_sentence(kind: str, join: Join, artefact: str | None, sizes: tuple[int, int], state: str) -> str:
    """What was held back and what would have joined it, from figures alone."""
    stay, come = sizes
    what = (
        f"{stay} senders and {come} of another campaign" if kind == MERGE else f"{come} more senders would join {stay}"
    )
    if join.relation is None:
        common = "nothing that they use ties them directly"
    elif join.relation == SHARED_TARGETS:
        common = f"{join.users[0]} and {join.users[1]} of them write to the same strangers"
    else:
        common = f"{join.users[0]} and {join.users[1]} of them {VERBS[join.relation].format(artefact=artefact)}"
    alone = ", and that alone ties them" if kind == MERGE and join.relation is not None and join.artefacts <= 1 else ""
    end = "A verdict keeps them apart" if state == schema.ALARM_APART else "Are they one campaign"
    return f"{what}: {common}{alone}. {end}{'.' if state == schema.ALARM_APART else '?'}"


def _row(
    window: Window,
    evidence: Evidence,
    alarm: Alarm,
    sizes: NDArray[np.int64],
    names: Mapping[int, str],
    raised: Mapping[str, datetime],
    refresh: Refresh,
) -> dict[str, object]:
    one, other, join = names[alarm.group], names[alarm.other], alarm.join
    name = alarm_id(one, other)
    artefact = None
    if join.relation not in (None, SHARED_TARGETS):
        nodes = getattr(window, evidence.relation(str(join.relation)).nodes)
        artefact = str(nodes["key"][join.artefact].as_py())
    both = int(sizes[alarm.group]), int(sizes[alarm.other])
    return {
        "alarm_id": name,
        "campaign_id": one,
        "other_id": other,
        "kind": alarm.kind,
        "state": alarm.state,
        "since": raised.get(name, refresh.as_of),
        "relation": join.relation,
        "artefact": artefact,
        "senders": both[0],
        "other_senders": both[1],
        "inside": join.users[0],
        "other_inside": join.users[1],
        "sentence": alarm_sentence(alarm.kind, join, artefact, both, alarm.state),
    }
