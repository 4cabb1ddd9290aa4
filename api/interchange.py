"""A campaign as a document for other systems: STIX 2.1, MISP, GraphML, CSV. Knows no route.

Targets are people who were written to: GraphML and CSV, made for the investigators' own tools, have them; STIX and
MISP, made to be shared, do not. Ids are derived from the content (UUID 5), so the same campaign exported twice is the
same to whoever imports it.
"""

import csv
import io
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from graph.snapshot import Snapshot

FORMATS = {
    "stix": ("application/stix+json;version=2.1", "stix.json"),
    "misp": ("application/json", "misp.json"),
    "graphml": ("application/graphml+xml", "graphml"),
    "csv": ("text/csv; charset=utf-8", "csv"),
}
# Our own namespace, as STIX 2.1 (section 2.9) asks of ids that are derived from content.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:ringleader")
_CREATED = "2024-01-01T00:00:00.000Z"  # STIX forbids that an id's `created` changes, so it is not the export's time
_PATTERN = {"sender": "email-addr:value", "domain": "domain-name:value"}
_ACCOUNT = "user-account:user_id"  # a sender that is no mail address
_HIGH, _MEDIUM, _LOW = 0.9, 0.5, 0.0  # risk from which MISP's threat levels 1, 2, 3 apply
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that begins so


def export_campaign(snapshot: Snapshot, campaign: dict[str, Any], format: str) -> bytes:
    """The document; `campaign` is its row, `format` one of FORMATS."""
    return _MAKERS[format](snapshot, campaign)


def _stix(snapshot: Snapshot, campaign: dict[str, Any]) -> bytes:
    made = _stix_time(snapshot.manifest.published_at)
    author = _stix_object("identity", "ringleader", made, name="Ringleader", identity_class="system")
    centre = _stix_object(
        "campaign",
        campaign["campaign_id"],
        made,
        name=campaign["campaign_id"],
        description=campaign["headline"] or "Senders that act together.",
        first_seen=_stix_time(campaign["first_seen"]),
        last_seen=_stix_time(campaign["last_seen"]),
        confidence=round(100 * campaign["risk"]),
        created_by_ref=author["id"],
    )
    objects = [author, centre]
    for member in _culprits(snapshot, campaign["campaign_id"]):
        indicator = _stix_object(
            "indicator",
            f"{member['kind']}\0{member['key']}",
            made,
            pattern=_pattern(member["kind"], member["key"]),
            pattern_type="stix",
            valid_from=_stix_time(campaign["first_seen"]),
            indicator_types=["malicious-activity"],
            created_by_ref=author["id"],
        )
        ends = {"source_ref": indicator["id"], "target_ref": centre["id"]}
        link = _stix_object(
            "relationship",
            "\0".join(ends.values()),
            made,
            relationship_type="indicates",
            created_by_ref=author["id"],
            **ends,
        )
        objects += [indicator, link]
    bundle = {
        "type": "bundle",
        "id": f"bundle--{_uuid('bundle', snapshot.id, campaign['campaign_id'])}",
        "objects": objects,
    }
    return msgspec.json.encode(bundle)


def _stix_object(kind: str, content: str, made: str, **properties: Any) -> dict[str, Any]:
    common = {
        "type": kind,
        "spec_version": "2.1",
        "id": f"{kind}--{_uuid(kind, content)}",
        "created": made,
        "modified": made,
    }
    return common | properties


def _pattern(kind: str, key: str) -> str:
    path = _ACCOUNT if kind == "sender" and "@" not in key else _PATTERN[kind]
    text = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{path} = '{text}']"


def _misp(snapshot: Snapshot, campaign: dict[str, Any]) -> bytes:
    published = str(int(snapshot.manifest.published_at.timestamp()))
    identifier = campaign["campaign_id"]
    attributes = [
        {
            "uuid": str(_uuid("attribute", identifier, member["kind"], member["key"])),
            "type": _misp_type(member),
            "category": "Network activity" if member["kind"] == "domain" else "Payload delivery",
            "value": member["key"],
            "to_ids": True,
            "distribution": "5",  # as the event
            "timestamp": published,
            "comment": f"{member['role']} of campaign {identifier}",
        }
        for member in _culprits(snapshot, identifier)
    ]
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


def _misp_type(member: dict[str, Any]) -> str:
    if member["kind"] == "domain":
        return "domain"
    return "email-src" if "@" in member["key"] else "text"


def _graphml(snapshot: Snapshot, campaign: dict[str, Any]) -> bytes:
    import networkx as nx  # a tenth of a second that a server's start need not wait for

    graph = nx.MultiDiGraph(campaign_id=campaign["campaign_id"], snapshot=snapshot.id)
    for row in snapshot.rows_of("members", campaign["campaign_id"]).to_pylist():
        graph.add_node(_node(row["kind"], row["key"]), kind=row["kind"], role=row["role"], weight=row["weight"])
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
    for row in snapshot.rows_of("members", campaign["campaign_id"]).to_pylist():
        writer.writerow([_cell(row[name]) for name in columns])
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it: senders choose their names."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _culprits(snapshot: Snapshot, campaign_id: str) -> Iterator[dict[str, Any]]:
    for row in snapshot.rows_of("members", campaign_id).to_pylist():
        if row["kind"] in _PATTERN and row["role"] != "target":
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
