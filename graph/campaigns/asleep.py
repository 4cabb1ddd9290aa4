"""Campaigns without a group now: they keep their last figures, so that their ids still answer. Wakes nobody."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graph import schema
from graph.campaigns.identity import Identities, Known
from graph.campaigns.state import state_of


def with_sleeping(
    table: pd.DataFrame, identities: Identities, known: Known | None, judged: Mapping[str, str]
) -> pd.DataFrame:
    """The campaigns of now, and those that sleep with the figures that they had."""
    if known is None or not identities.dormant:
        return table
    before: pd.DataFrame = known.campaigns.to_pandas()
    asleep = before[before["campaign_id"].isin(identities.dormant)].copy()
    asleep["state"] = [state_of(name, judged, found=False, known=True) for name in asleep["campaign_id"]]
    return pd.concat([table, asleep])


def with_sleeping_members(members: pd.DataFrame, identities: Identities, known: Known | None) -> pd.DataFrame:
    """A sleeping campaign keeps the members that no other campaign has taken over."""
    if known is None or not identities.dormant:
        return members
    before: pd.DataFrame = known.members.to_pandas()
    asleep = before[before["campaign_id"].isin(identities.dormant)]
    taken = set(members.loc[members["role"] != "target", "key"])
    free = (asleep["role"] == "target") | ~asleep["key"].isin(taken)
    return pd.concat([members, asleep[free]])


def sleeping_evidence(identities: Identities, known: Known | None) -> pa.Table:
    """What tied a sleeping campaign when it was last found; what an older version did not count is null."""
    if known is None or not identities.dormant:
        return schema.EVIDENCE.empty_table()
    rows = _of_sleeping(known.evidence, identities)
    counted = set(rows.column_names)
    columns = [
        rows[field.name].cast(field.type) if field.name in counted else pa.nulls(rows.num_rows, field.type)
        for field in schema.EVIDENCE
    ]
    return pa.table(columns, schema=schema.EVIDENCE)


def sleeping_profiles(identities: Identities, known: Known | None) -> pa.Table:
    """What was said of a sleeping campaign as a whole when it was last found."""
    if known is None or not identities.dormant:
        return schema.PROFILES.empty_table()
    return _of_sleeping(known.profiles, identities).cast(schema.PROFILES)


def _of_sleeping(table: pa.Table, identities: Identities) -> pa.Table:
    return table.filter(pc.is_in(table["campaign_id"], pa.array(identities.dormant, pa.string())))
