"""What an artefact is worth as evidence when others use it too, and why. Decides nothing about those who use it.

A hub (a sending service, free hosting, a mobile network, a large provider) is known by measurement alone: by how many
of its users nobody suspects. No list of names is kept.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from graph import schema
from graph.campaigns.find import Partition
from graph.campaigns.likeness import TYING_RELATIONS, purity_discount
from graph.evidence import Evidence
from graph.values import Window

TOLD_BELOW = 0.5  # a discount that leaves more is not worth a line
LEAST_SHARE = 0.1  # of a campaign's senders must use an artefact for it to be missed
ROWS_A_CAMPAIGN = 12

VERBS = {
    "linked_to": "link to it",
    "sent_from": "send from it",
    "carried": "carry it",
    "address_at": "have addresses at it",
}


def discount_table(
    window: Window, evidence: Evidence, partition: Partition, suspect: NDArray[np.bool_], names: Mapping[int, str]
) -> pa.Table:
    """Rows of graph.schema.DISCOUNTS: what members share but hardly counts; `suspect[s]`, `names`: id of a group.

    Of every campaign the artefacts that at least two and a tenth of its senders use, the most used first.
    """
    members = np.flatnonzero(partition.group >= 0)
    sizes = np.bincount(partition.group[members], minlength=partition.count)
    parts = [_of_relation(window, evidence, name, partition, sizes, suspect) for name in TYING_RELATIONS]
    rows = pd.concat(parts, ignore_index=True)
    if not len(rows):
        return schema.DISCOUNTS.empty_table()
    rows = rows.sort_values(["group", "inside", "relation", "artefact"], ascending=[True, False, True, True])
    rows = rows[rows.groupby("group").cumcount() < ROWS_A_CAMPAIGN]
    rows["campaign_id"] = [names[group] for group in rows["group"].tolist()]
    rows["reason"] = [
        discount_reason(*row)
        for row in zip(
            rows["relation"], rows["inside"], rows["outside"], rows["unsuspected"], rows["kept"], strict=True
        )
    ]
    table = pa.Table.from_pandas(rows[schema.DISCOUNTS.names], schema=schema.DISCOUNTS, preserve_index=False)
    return table.replace_schema_metadata(None).sort_by([("campaign_id", "ascending"), ("inside", "descending")])


def discount_reason(relation: str, inside: int, outside: int, unsuspected: int, kept: float) -> str:
    """Why an artefact counts for less, from figures alone."""
    return (
        f"{inside} members {VERBS[relation]}, and {outside} other senders, {unsuspected} of whom nobody suspects: "
        f"it counts {100 * kept:.2g} % of what it would if it were theirs alone."
    )


def _of_relation(
    window: Window,
    evidence: Evidence,
    name: str,
    partition: Partition,
    sizes: NDArray[np.int64],
    suspect: NDArray[np.bool_],
) -> pd.DataFrame:
    relation = evidence.relation(name)
    users = relation.degree
    suspects = np.bincount(relation.counts[np.flatnonzero(suspect)].indices, minlength=len(users))
    kept = purity_discount(suspects, users)
    cells = relation.counts.tocoo()
    group = partition.group[cells.row]
    inside = (
        pd.DataFrame({"group": group[group >= 0], "node": cells.col[group >= 0]})
        .groupby(["group", "node"])
        .size()
        .rename("inside")
        .reset_index()
    )
    node = inside["node"].to_numpy(dtype=np.int64)
    enough = inside["inside"].to_numpy() >= np.maximum(2, LEAST_SHARE * sizes[inside["group"].to_numpy(dtype=np.int64)])
    rows = inside[enough & (kept[node] < TOLD_BELOW)]
    node = rows["node"].to_numpy(dtype=np.int64)
    told: pd.DataFrame = rows.assign(
        relation=name,
        artefact=getattr(window, relation.nodes)["key"].take(pa.array(node)).to_pylist(),
        outside=users[node] - rows["inside"].to_numpy(),
        unsuspected=(users - suspects)[node],
        kept=kept[node],
    )
    return told
