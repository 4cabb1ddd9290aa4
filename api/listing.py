"""Finding campaigns: filters, order, keyset pages over a snapshot's campaign table. Knows no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from graph.keys import canonical_key, spellings
from graph.snapshot import Snapshot

SORTS = ("risk", "senders", "domains", "recipients", "events", "first_seen", "last_seen")
CHANNELS = ("mail", "calendar", "contacts")


@dataclass(frozen=True)
class Wanted:
    """Which campaigns; None or empty does not restrict. `text` is looked for in ids, members and the headline."""

    states: tuple[str, ...] = ()
    min_risk: float | None = None
    channel: str | None = None
    domain: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


def find_campaigns(snapshot: Snapshot, wanted: Wanted, sort: str, descending: bool) -> pa.Table:
    """Campaigns with their summaries in the order asked, ties by id."""
    found = snapshot.campaigns
    for mask in _masks(snapshot, wanted):
        found = found.filter(mask(found))
    return found.sort_by([(sort, "descending" if descending else "ascending"), ("campaign_id", "ascending")])


def after(found: pa.Table, sort: str, descending: bool, position: Sequence[Any]) -> pa.Table:
    """The rows that come after `position` (sort value, campaign id) in a table sorted that way."""
    value, campaign_id = position
    bound = pa.scalar(value, found[sort].type)
    beyond = pc.less(found[sort], bound) if descending else pc.greater(found[sort], bound)
    tie = pc.and_(pc.equal(found[sort], bound), pc.greater(found["campaign_id"], campaign_id))
    return found.filter(pc.or_(beyond, tie))


def _masks(snapshot: Snapshot, wanted: Wanted) -> list[Any]:
    masks: list[Any] = []
    if wanted.states:
        masks.append(lambda table: pc.is_in(table["state"], pa.array(wanted.states)))
    if wanted.min_risk is not None:
        masks.append(lambda table: pc.greater_equal(table["risk"], wanted.min_risk))
    if wanted.channel is not None:
        masks.append(lambda table: pc.greater(table[wanted.channel], 0))
    if wanted.since is not None:
        masks.append(lambda table: pc.greater_equal(table["last_seen"], _time(wanted.since)))
    if wanted.until is not None:
        masks.append(lambda table: pc.less_equal(table["first_seen"], _time(wanted.until)))
    if wanted.domain is not None:
        names = pa.array(spellings("domain", wanted.domain))
        ids = _with_member(snapshot, lambda keys, kinds: pc.and_(pc.is_in(keys, names), pc.equal(kinds, "domain")))
        masks.append(lambda table: pc.is_in(table["campaign_id"], ids))
    if wanted.text:
        masks.append(_text_mask(snapshot, wanted.text))
    return masks


def _text_mask(snapshot: Snapshot, text: str) -> Any:
    # What is pasted from elsewhere is looked for as it stands, and as a member's key would be written.
    texts = {text, canonical_key("sender", text), canonical_key("domain", text)}

    def has(column: Any) -> Any:
        found = (pc.match_substring(column, each, ignore_case=True) for each in sorted(texts))
        return pc.fill_null(reduce(pc.or_, found), False)

    ids = _with_member(snapshot, lambda keys, _: has(keys))

    def mask(table: pa.Table) -> Any:
        found = pc.is_in(table["campaign_id"], ids)
        for name in ("campaign_id", "operation_id", "headline"):
            found = pc.or_(found, has(table[name]))
        return found

    return mask


def _with_member(snapshot: Snapshot, matches: Any) -> pa.Array:
    """Ids of campaigns that have a member which matches; targets are no members that one looks for."""
    members = snapshot.table("members", ["campaign_id", "kind", "key", "role"])
    members = members.filter(pc.not_equal(members["role"], "target"))
    return pc.unique(members.filter(matches(members["key"], members["kind"]))["campaign_id"])


def _time(moment: datetime | None) -> pa.Scalar:
    return pa.scalar(moment, pa.timestamp("us", tz="UTC"))
