"""A campaign as a document for other systems: STIX 2.1, MISP, GraphML, CSV. Knows no route.

Targets are people who were written to: GraphML and CSV, made for the investigators' own tools, have them; STIX and
MISP, made to be shared, do not. Ids are derived from the content (UUID 5), so the same campaign exported twice is the
same to whoever imports it. STIX forbids that an id's `created` changes, so it is the campaign's birth, which every
snapshot knows alike; what may differ between two exports is dated by `modified`.
"""

import csv
import io
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pyarrow.compute as pc

from api.indicators import indicator_of
from api.spreadsheets import as_text
from graph.snapshot import Snapshot

FORMATS = {
    "stix": ("application/stix+json;version=2.1", "stix.json"),
    "misp": ("application/json", "misp.json"),
    "graphml": ("application/graphml+xml", "graphml"),
    "csv": ("text/csv; charset=utf-8", "csv"),
}
# Our own namespace, as STIX 2.1 (section 2.9) asks of ids that are derived from content.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:ringleader")
# When the identity that signs every export was made, and a campaign whose birth no lineage tells.
_EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC)
_CULPRITS: Final = ("sender", "domain", "network")  # kinds of members that may be shared
_HIGH, _MEDIUM, _LOW = 0.9, 0.5, 0.0  # risk from which MISP's threat levels 1, 2, 3 apply


def export_campaign(snapshot: Snapshot, campaign: dict[str, Any], format: str) -> bytes:
    """The document; `campaign` is its row, `format` one of FORMATS."""
    return _MAKERS[format](snapshot, campaign)


def _stix(snapshot: Snapshot, campaign: dict[str, Any]) -> bytes:
    identifier = campaign["campaign_id"]
    born = _birth(snapshot, identifier)
    times = {"created": _stix_time(born), "modified": _stix_time(max(born, snapshot.manifest.published_at))}
    always = {"created": _stix_time(_EPOCH), "modified": _stix_time(_EPOCH)}
    author = _stix_object("identity", "ringleader", always, name="Ringleader", identity_class="system")
    times["created_by_ref"] = author["id"]
    centre = _stix_object(
        "campaign",
        identifier,
        times,
        name=identifier,
        description=campaign["headline"] or "Senders that act together.",
        first_seen=_stix_time(campaign["first_seen"]),
        last_seen=_stix_time(campaign["last_seen"]),
        confidence=round(100 * campaign["risk"]),
    )
    objects = [author, centre]
    for member in _culprits(snapshot, identifier):
        # The campaign is part of the id: an indicator's `valid_from` and `created` are those of one campaign.
        indicator = _stix_object(
            "indicator",
            "\0".join((identifier, member["kind"], member["key"])),
            times,
            pattern=indicator_of(member["kind"], member["key"]).pattern,
            pattern_type="stix",
            valid_from=_stix_time(campaign["first_seen"]),
            indicator_types=["malicious-activity"],
        )
        ends = {"source_ref": indicator["id"], "target_ref": centre["id"]}
        link = _stix_object("relationship", "\0".join(ends.values()), times, relationship_type="indicates", **ends)
        objects += [indicator, link]
    bundle = {"type": "bundle", "id": f"bundle--{_uuid('bundle', snapshot.id, identifier)}", "objects": objects}
    return msgspec.json.encode(bundle)


def _birth(snapshot: Snapshot, campaign_id: str) -> datetime:
    """When the campaign got its id: its lineage says so in every snapshot alike, its events' times move."""
    own = snapshot.table("lineage").filter(pc.field("campaign_id") == campaign_id)
    births: list[datetime] = own.filter(pc.field("event") == "born")["ts"].to_pylist()
    return min(births, default=_EPOCH)


def _stix_object(kind: str, content: str, times: dict[str, str], **properties: Any) -> dict[str, Any]:
    common = {"type": kind, "spec_version": "2.1", "id": f"{kind}--{_uuid(kind, content)}"}
    return common | times | properties


def _misp(snapshot: Snapshot, campaign: dict[str, Any]) -> bytes:
    published = str(int(snapshot.manifest.published_at.timestamp()))
    identifier = campaign["campaign_id"]
    attributes = [_attribute(identifier, member, published) for member in _culprits(snapshot, identifier)]
    level = next(str(place) for place, floor in enumerate((_HIGH, _MEDIUM, _LOW), 1) if campaign["risk"] >= floor)
    event = {
        "uuid": str(_uuid("event", identifier)),
        "info": f"Campaign {identifier}: {campaign['headline'] or 'senders that act together'}",
        "date": f"{campaign['first_seen']:%Y-%m-%d}",
        "timestamp": published,
        "published": False,
        "threat_level_id": level,
        "analysis": "2",  # complete
        "distribution": "0",  # this organisation only, until a person decides otherwise
        "Attribute": attributes,
    }
    return msgspec.json.encode({"Event": event})


def _attribute(campaign_id: str, member: dict[str, Any], published: str) -> dict[str, Any]:
    indicator = indicator_of(member["kind"], member["key"])
    return {
        "uuid": str(_uuid("attribute", campaign_id, member["kind"], member["key"])),
        "type": indicator.misp,
        "category": indicator.category,
        "value": indicator.value,
        "to_ids": indicator.detects,
        "distribution": "5",  # as the event
        "timestamp": published,
        "comment": f"{member['role']} of campaign {campaign_id}",
    }


def _graphml(snapshot: Snapshot, campaign: dict[str, Any]) -> bytes:
    import networkx as nx  # a tenth of a second that a server's start need not wait for

    graph = nx.MultiDiGraph(campaign_id=campaign["campaign_id"], snapshot=snapshot.id)
    for row in snapshot.rows_of("members", campaign["campaign_id"]).to_pylist():
        known = {name: row[name] for name in ("kind", "role", "weight") if row[name] is not None}
        graph.add_node(_node(row["kind"], row["key"]), **known)
    for edge in snapshot.rows_of("edges", campaign["campaign_id"]).to_pylist():
        source, target = _node(edge["source_kind"], edge["source"]), _node(edge["target_kind"], edge["target"])
        graph.add_node(source, kind=edge["source_kind"])
        graph.add_node(target, kind=edge["target_kind"])
        graph.add_edge(source, target, relation=edge["relation"], events=edge["events"] or 0)
    return "\n".join(nx.generate_graphml(graph)).encode()


def _node(kind: str, key: str) -> str:
    """An id in which one key in two roles stays apart, without the control characters that XML cannot say."""
    return f"{kind}:" + "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in key)


def _csv(snapshot: Snapshot, campaign: dict[str, Any]) -> bytes:
    columns = ["campaign_id", "kind", "key", "role", "weight"]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    rows = snapshot.rows_of("members", campaign["campaign_id"]).select(columns)
    writer.writerows(row.values() for row in as_text(rows).to_pylist())
    return out.getvalue().encode()


def _culprits(snapshot: Snapshot, campaign_id: str) -> Iterator[dict[str, Any]]:
    for row in snapshot.rows_of("members", campaign_id).to_pylist():
        if row["kind"] in _CULPRITS and row["role"] != "target":
            yield row


def _stix_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _uuid(*parts: str) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, "\0".join(parts))


_MAKERS: dict[str, Callable[[Snapshot, dict[str, Any]], bytes]] = {
    "stix": _stix,
    "misp": _misp,
    "graphml": _graphml,
    "csv": _csv,
}
