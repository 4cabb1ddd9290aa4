"""The campaign routes: the list with its filters and pages, one campaign with its parts, exports, heirs."""

import csv
import io
import json
from xml.etree import ElementTree

import factories
import networkx as nx
import pytest
from conftest import Client

from api.routes.campaigns import _file_name
from api.shapes import (
    CampaignDetail,
    CampaignPage,
    EvidenceOut,
    GraphOut,
    ImpactOut,
    LineageOut,
    MemberPage,
    TimelineOut,
)
from graph.snapshot import Snapshot

PARTS = ("", "/members", "/graph", "/timeline", "/evidence", "/lineage", "/impact", "/export?format=csv")


def ids(client: Client, query: str) -> list[str]:
    answer = client.get(f"/v1/campaigns?{query}")
    assert answer.status_code == 200, answer.text
    return [campaign.campaign_id for campaign in CampaignPage.model_validate(answer.json()).items]


def test_campaigns_come_riskiest_first_with_their_strongest_evidence(client: Client, snapshot: Snapshot) -> None:
    page = CampaignPage.model_validate(client.get("/v1/campaigns").json())
    assert [campaign.campaign_id for campaign in page.items] == ["c-links", "c-invites", "c-quiet"]
    assert page.items[0].headline == "5 members link to offers.example, 1 other does."
    assert (page.total, page.next_cursor, page.snapshot) == (3, None, snapshot.id)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=dormant", ["c-quiet"]),
        ("state=new&state=active", ["c-links", "c-invites"]),
        ("min_risk=0.9", ["c-links", "c-invites"]),
        ("channel=calendar", ["c-invites"]),
        ("channel=mail", ["c-links", "c-quiet"]),
        ("domain=offers.example", ["c-links"]),
        ("domain=nowhere.example", []),
        ("domain=WWW.Offers.Example.", ["c-links"]),
        ("domain=https%3A%2F%2Foffers.example%2Fx", ["c-links"]),
        ("domain=offers[.]example", ["c-links"]),
        ("text=hxxps%3A%2F%2Foffers[.]example%2F", ["c-links"]),
        ("since=2024-05-05T00:00:00Z", ["c-links"]),
        ("until=2024-04-20T12:00:00Z", ["c-quiet"]),
        ("text=INVITE", ["c-invites"]),
        ("text=c-quiet", ["c-quiet"]),
        ("text=target1", []),
        ("text=op-1&state=new", ["c-invites"]),
        ("sort=senders", ["c-quiet", "c-invites", "c-links"]),
        ("sort=-last_seen", ["c-links", "c-invites", "c-quiet"]),
        ("sort=first_seen", ["c-quiet", "c-links", "c-invites"]),
    ],
)
def test_campaigns_are_found_by(client: Client, query: str, found: list[str]) -> None:
    assert ids(client, query) == found


@pytest.mark.parametrize("sort", ["risk", "-risk", "domains", "first_seen", "-last_seen", "-events"])
def test_pages_of_one_give_what_one_page_gives(client: Client, sort: str) -> None:
    walked: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"/v1/campaigns?sort={sort}&limit=1{cursor}").json()
        walked += [campaign["campaign_id"] for campaign in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert walked == ids(client, f"sort={sort}")


@pytest.mark.parametrize("other", ["sort=risk", "sort=-risk&state=new", "sort=-risk&text=x"])
def test_a_cursor_from_another_query_is_refused(client: Client, other: str) -> None:
    cursor = client.get("/v1/campaigns?limit=1&sort=-risk").json()["next_cursor"]
    answer = client.get(f"/v1/campaigns?{other}&cursor={cursor}")
    assert (answer.status_code, answer.json()["code"]) == (400, "CURSOR-INVALID")
    assert "another query" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "state=odd", "sort=key", "min_risk=2", "channel=fax"])
def test_a_parameter_out_of_bounds_is_a_422_problem(client: Client, query: str) -> None:
    answer = client.get(f"/v1/campaigns?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_one_campaign_has_its_row_and_its_verdicts(client: Client) -> None:
    client.post("/v1/verdicts", json={"kind": "campaign", "key": "c-links", "verdict": "malicious", "note": "seen"})
    detail = CampaignDetail.model_validate(client.get("/v1/campaigns/c-links").json())
    assert (detail.senders, detail.mail, detail.calendar) == (5, 20, 0)
    assert [(verdict.verdict, verdict.note) for verdict in detail.verdicts] == [("malicious", "seen")]


@pytest.mark.parametrize("part", PARTS)
def test_an_unknown_campaign_is_a_404_problem(client: Client, part: str) -> None:
    answer = client.get(f"/v1/campaigns/c-none{part}")
    assert (answer.status_code, answer.json()["code"]) == (404, "CAMPAIGN-UNKNOWN")


@pytest.mark.parametrize("part", PARTS)
def test_a_merged_campaign_leads_to_its_last_heir(client: Client, part: str) -> None:
    answer = client.get(f"/v1/campaigns/c-old{part}")
    assert (answer.status_code, answer.headers["location"]) == (301, f"/v1/campaigns/c-links{part}")


def test_members_come_in_pages_and_by_role(client: Client) -> None:
    walked: list[str] = []
    cursor = ""
    while True:
        page = MemberPage.model_validate(client.get(f"/v1/campaigns/c-links/members?limit=2{cursor}").json())
        walked += [member.key for member in page.items]
        if page.next_cursor is None:
            break
        cursor = f"&cursor={page.next_cursor}"
    assert walked == ["offers.example", *factories.TARGETS, *factories.BAD]
    targets = client.get("/v1/campaigns/c-links/members?role=target").json()["items"]
    assert [member["key"] for member in targets] == factories.TARGETS


def test_a_cursor_of_one_campaigns_members_does_not_open_anothers(client: Client) -> None:
    cursor = client.get("/v1/campaigns/c-links/members?limit=1").json()["next_cursor"]
    assert client.get(f"/v1/campaigns/c-invites/members?cursor={cursor}").status_code == 400


def test_the_graph_has_every_end_of_every_edge(client: Client) -> None:
    graph = GraphOut.model_validate(client.get("/v1/campaigns/c-links/graph").json())
    nodes = {(node.kind, node.key): node for node in graph.nodes}
    assert all((edge.source_kind, edge.source) in nodes for edge in graph.edges)
    assert all((edge.target_kind, edge.target) in nodes for edge in graph.edges)
    assert nodes["sender", factories.BAD[0]].risk == 0.97
    assert nodes["recipient", factories.TARGETS[0]].role == "target"
    assert (len(graph.edges), graph.truncated) == (13, False)


def test_timeline_evidence_lineage_and_impact(client: Client) -> None:
    timeline = TimelineOut.model_validate(client.get("/v1/campaigns/c-links/timeline").json())
    assert [point.events for point in timeline.items] == [1, 2, 3, 4, 5]
    evidence = EvidenceOut.model_validate(client.get("/v1/campaigns/c-links/evidence").json())
    assert [piece.relation for piece in evidence.items] == ["linked_to", "sent_from", "carried"]
    assert [piece.log10_p_corrected for piece in evidence.items] == [-2.5, -1.5, -0.5]
    impact = ImpactOut.model_validate(client.get("/v1/campaigns/c-links/impact").json())
    assert [(line.key, line.victim) for line in impact.items] == [(factories.BAD[0], True)]


def test_what_is_said_of_a_campaign_as_a_whole_comes_with_its_parts(client: Client) -> None:
    said = factories.profile("c-links")
    parts = {"": "assessment", "/evidence": "signature", "/impact": "harm", "/timeline": "timing"}
    for part, name in parts.items():
        told = client.get(f"/v1/campaigns/c-links{part}").json()[name]
        expected = said[name]
        assert {key: told[key] for key in expected if not key.startswith("next_")} == {
            key: value for key, value in expected.items() if not key.startswith("next_")
        }
        assert client.get(f"/v1/campaigns/c-quiet{part}").json()[name] is None
    timing = TimelineOut.model_validate(client.get("/v1/campaigns/c-links/timeline").json()).timing
    assert timing is not None
    assert (timing.next_from, timing.next_until) == (said["timing"]["next_from"], said["timing"]["next_until"])


def test_lineage_tells_of_those_that_merged_into_it(client: Client) -> None:
    lineage = LineageOut.model_validate(client.get("/v1/campaigns/c-links/lineage").json())
    told = [(line.campaign_id, line.event, line.other_id) for line in lineage.items]
    assert sorted(told, key=str) == sorted(
        [
            ("c-old", "born", None),
            ("c-links", "born", None),
            ("c-old", "merged", "c-mid"),
            ("c-mid", "merged", "c-links"),
            ("c-links", "grew", None),
        ],
        key=str,
    )
    assert [line.ts for line in lineage.items] == sorted(line.ts for line in lineage.items)


def exported(client: Client, format: str) -> str:
    answer = client.get(f"/v1/campaigns/c-links/export?format={format}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    return answer.text


def test_stix_is_a_bundle_whose_references_resolve_and_that_names_no_target(client: Client) -> None:
    text = exported(client, "stix")
    bundle = json.loads(text)
    objects = {thing["id"]: thing for thing in bundle["objects"]}
    assert bundle["type"] == "bundle"
    assert all(thing["spec_version"] == "2.1" for thing in bundle["objects"])
    references = [value for thing in bundle["objects"] for name, value in thing.items() if name.endswith("_ref")]
    assert references
    assert all(reference in objects for reference in references)
    patterns = [thing["pattern"] for thing in bundle["objects"] if thing["type"] == "indicator"]
    assert "[domain-name:value = 'offers.example']" in patterns
    assert not any(target in text for target in factories.TARGETS)


def test_the_same_export_twice_has_the_same_ids(client: Client) -> None:
    assert exported(client, "stix") == exported(client, "stix")
    assert exported(client, "misp") == exported(client, "misp")


def test_misp_is_an_event_with_an_attribute_a_member_and_no_target(client: Client) -> None:
    text = exported(client, "misp")
    event = json.loads(text)["Event"]
    found = {(attribute["type"], attribute["value"]) for attribute in event["Attribute"]}
    assert found == {("domain", "offers.example"), *(("email-src", key) for key in factories.BAD)}
    assert event["threat_level_id"] == "1"
    assert not any(target in text for target in factories.TARGETS)


def test_graphml_is_read_by_networkx_with_all_members_and_edges(client: Client) -> None:
    text = exported(client, "graphml")
    ElementTree.fromstring(text)
    graph = nx.parse_graphml(text, force_multigraph=True)
    assert graph.number_of_edges() == 13
    assert graph.nodes[f"sender:{factories.BAD[0]}"]["role"] == "sender"


def test_csv_has_the_members_of_the_contract(client: Client) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(client, "csv"))))
    assert list(rows[0]) == ["campaign_id", "kind", "key", "role", "weight"]
    assert len(rows) == 9


def test_a_format_that_nobody_writes_is_refused(client: Client) -> None:
    assert client.get("/v1/campaigns/c-links/export?format=docx").status_code == 422


def test_a_file_name_is_plain_whatever_the_id() -> None:
    assert _file_name('c-1"\r\nX: y/../é') == "c-1___X__y_____"
