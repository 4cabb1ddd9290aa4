"""Groups into the tables an investigator reads: members, evidence, timeline, picture, impact. Finds nothing itself."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from graph import schema
from graph.campaigns.asleep import sleeping_evidence, sleeping_profiles, with_sleeping, with_sleeping_members
from graph.campaigns.assess import assess, independent_kinds, strongest_tie
from graph.campaigns.find import Partition
from graph.campaigns.groups import Groups
from graph.campaigns.harm import harms
from graph.campaigns.identity import Known, carry_over
from graph.campaigns.impact import impact_table, past_of
from graph.campaigns.members import campaign_rows, group_keys, member_domains, member_rows
from graph.campaigns.picture import picture_rows, timeline_rows
from graph.campaigns.profile import profiles
from graph.campaigns.signature import signatures
from graph.campaigns.state import state_of
from graph.campaigns.ties import evidence_rows
from graph.campaigns.timing import timings
from graph.evidence import Evidence
from graph.values import Campaigns, Refresh, Window


def describe_campaigns(
    window: Window,
    evidence: Evidence,
    partition: Partition,
    margins: NDArray[np.float64],
    known: Known | None,
    refresh: Refresh,
    judged: Mapping[str, str],
) -> Campaigns:
    """The campaigns of a refresh: ids carried over from `known`, tables made, verdicts (`judged`) made states.

    Whose they are is not known yet: `graph.campaigns.operations` fills `operation_id`.
    """
    groups = Groups.count_in(window, evidence, partition)
    domains = member_domains(groups)
    dismissed = {name for name, verdict in judged.items() if verdict == schema.BENIGN}
    identities = carry_over(group_keys(groups, domains), known, refresh, dismissed)
    names = np.array(identities.ids, dtype=object)
    ties, habits = evidence_rows(groups)
    ties["campaign_id"] = names[ties["group"].to_numpy(dtype=np.int64)]
    assessed = assess(groups, margins, strongest_tie(ties, groups.count), independent_kinds(ties, groups.count))
    table = campaign_rows(groups, names, domains, assessed.log_odds)
    before = known.states() if known else {}
    table["state"] = [state_of(name, judged, found=True, known=name in before) for name in identities.ids]
    members = with_sleeping_members(member_rows(groups, names, partition, domains), identities, known)
    past = past_of(window)
    tied = _table(ties, schema.EVIDENCE, ["campaign_id", "rank"])
    wholes = profiles(names, assessed, signatures(groups, habits), harms(groups, past), timings(groups))
    return Campaigns(
        campaigns=_table(with_sleeping(table, identities, known, judged), schema.CAMPAIGNS, ["campaign_id"]),
        members=_table(members, schema.MEMBERS, ["campaign_id", "role", "key"]),
        evidence=pa.concat_tables([tied, sleeping_evidence(identities, known)]).sort_by(
            [("campaign_id", "ascending"), ("rank", "ascending")]
        ),
        lineage=identities.lineage,
        timeline=_table(timeline_rows(groups, names), schema.TIMELINE, ["campaign_id", "ts"]),
        edges=_table(
            picture_rows(groups, names), schema.CAMPAIGN_EDGES, ["campaign_id", "relation", "source", "target"]
        ),
        impact=impact_table(window, past, names[groups.group], groups.members).sort_by(
            [("campaign_id", "ascending"), ("key", "ascending")]
        ),
        profiles=pa.concat_tables([wholes, sleeping_profiles(identities, known)]).sort_by("campaign_id"),
    )


def _table(frame: pd.DataFrame, wanted: pa.Schema, order: list[str]) -> pa.Table:
    table = pa.Table.from_pandas(frame.reindex(columns=wanted.names), schema=wanted, preserve_index=False)
    return table.sort_by([(name, "ascending") for name in order]).replace_schema_metadata(None)
