"""What a refresh before would have kept: campaigns by hand, as the search and the alarms of now look back at them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
from windows import AS_OF

from graph import schema
from graph.campaigns import Known


def remembered(
    groups: dict[str, Iterable[str]], asked: Iterable[dict[str, Any]] = (), as_of: datetime = AS_OF, **states: str
) -> Known:
    """Campaigns by id with their senders' keys; `states` are active unless given, by id with _ for a dash."""
    campaigns = [
        _row(schema.CAMPAIGNS, campaign_id=name, state=states.get(name.replace("-", "_"), "active")) for name in groups
    ]
    members = [
        _row(schema.MEMBERS, campaign_id=name, kind="sender", key=key, role="sender", weight=1.0)
        for name, keys in groups.items()
        for key in sorted(keys)
    ]
    return Known(
        pa.Table.from_pylist(campaigns, schema.CAMPAIGNS),
        pa.Table.from_pylist(members, schema.MEMBERS),
        schema.LINEAGE.empty_table(),
        alarms=pa.Table.from_pylist([_row(schema.ALARMS, **row) for row in asked], schema.ALARMS),
        as_of=as_of,
    )


def _row(form: pa.Schema, **given: Any) -> dict[str, Any]:
    return {name: given.get(name) for name in form.names}
