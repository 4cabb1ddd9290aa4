"""What a sender chose as its name does no harm in the documents that other systems read."""

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta
from xml.etree import ElementTree

import factories
import pytest

from api.interchange import FORMATS, export_campaign
from graph.home import Home
from graph.snapshot import Snapshot, publish

NASTY = ["=cmd()@evil.example", "it's\\odd@evil.example", "nul\x00byte@evil.example", 'a,"b"@evil.example', "account 7"]


@pytest.fixture
def nasty(home: Home) -> Snapshot:
    made = factories.publication()
    found = replace(
        made.campaigns,
        members=factories.table(factories.MEMBERS, factories.members("c-links", "sender", "sender", NASTY)),
        edges=factories.table(
            factories.CAMPAIGN_EDGES, factories.edges("c-links", "linked_to", "domain", "evil.example", NASTY)
        ),
    )
    return publish(home, replace(made, campaigns=found), keep=1)


@pytest.fixture
def addresses(home: Home) -> Snapshot:
    """A campaign whose links lead to bare addresses: case 21."""
    made = factories.publication()
    hosts = ["198.51.100.7", "2001:db8::7", "offers.example"]
    found = replace(
        made.campaigns,
        members=factories.table(factories.MEMBERS, factories.members("c-links", "domain", "domain", hosts)),
    )
    return publish(home, replace(made, campaigns=found), keep=1)


def exported(snapshot: Snapshot, format: str) -> str:
    campaign = snapshot.campaign("c-links")
    assert campaign is not None
    return export_campaign(snapshot, campaign, format).decode()


def test_no_cell_of_the_csv_is_a_formula(nasty: Snapshot) -> None:
    keys = [row["key"] for row in csv.DictReader(io.StringIO(exported(nasty, "csv")))]
    assert sorted(keys) == sorted(["'=cmd()@evil.example", *NASTY[1:]])


def test_graphml_is_well_formed_whatever_the_name(nasty: Snapshot) -> None:
    root = ElementTree.fromstring(exported(nasty, "graphml"))
    assert len(root.findall(".//{*}edge")) == len(NASTY)


def test_a_stix_pattern_quotes_quotes_and_knows_accounts_from_addresses(nasty: Snapshot) -> None:
    bundle = json.loads(exported(nasty, "stix"))
    patterns = {thing["pattern"] for thing in bundle["objects"] if thing["type"] == "indicator"}
    assert "[email-addr:value = 'it\\'s\\\\odd@evil.example']" in patterns
    assert "[user-account:user_id = 'account 7']" in patterns


def test_an_account_is_text_in_misp(nasty: Snapshot) -> None:
    attributes = json.loads(exported(nasty, "misp"))["Event"]["Attribute"]
    assert ("text", "account 7") in {(attribute["type"], attribute["value"]) for attribute in attributes}


def test_an_address_is_an_address_in_stix_and_in_misp(addresses: Snapshot) -> None:
    patterns = {thing["pattern"] for thing in json.loads(exported(addresses, "stix"))["objects"] if "pattern" in thing}
    assert patterns == {
        "[ipv4-addr:value = '198.51.100.7']",
        "[ipv6-addr:value = '2001:db8::7']",
        "[domain-name:value = 'offers.example']",
    }
    attributes = json.loads(exported(addresses, "misp"))["Event"]["Attribute"]
    assert {(attribute["type"], attribute["value"]) for attribute in attributes} == {
        ("ip-dst", "198.51.100.7"),
        ("ip-dst", "2001:db8::7"),
        ("domain", "offers.example"),
    }


def test_an_id_has_one_creation_time_in_every_snapshot(home: Home) -> None:
    """Case 44: the window moves on, and with it the times of the campaign's events."""
    first = json.loads(exported(publish(home, factories.publication(), keep=5), "stix"))["objects"]
    later = factories.publication("r-3", factories.AS_OF + timedelta(days=9), shift=0.01)
    moved = [
        row | {"first_seen": row["first_seen"] + timedelta(days=5), "last_seen": row["last_seen"] + timedelta(days=9)}
        for row in later.campaigns.campaigns.to_pylist()
    ]
    found = replace(later.campaigns, campaigns=factories.table(factories.CAMPAIGNS, moved))
    second = json.loads(exported(publish(home, replace(later, campaigns=found), keep=5), "stix"))["objects"]
    created = {thing["id"]: thing["created"] for thing in first}
    assert created == {thing["id"]: thing["created"] for thing in second}
    for thing in [*first, *second]:
        assert datetime.fromisoformat(thing["created"]) <= datetime.fromisoformat(thing["modified"])
    assert [thing["first_seen"] for thing in first if thing["type"] == "campaign"] != [
        thing["first_seen"] for thing in second if thing["type"] == "campaign"
    ]


def test_a_campaign_is_created_at_its_birth(nasty: Snapshot) -> None:
    (campaign,) = [thing for thing in json.loads(exported(nasty, "stix"))["objects"] if thing["type"] == "campaign"]
    assert datetime.fromisoformat(campaign["created"]) == factories.seen(2)


@pytest.mark.parametrize("format", FORMATS)
def test_a_campaign_of_which_little_is_known_is_exported_all_the_same(home: Home, format: str) -> None:
    made = factories.publication()
    unknown = [row | {"weight": None} for row in made.campaigns.members.to_pylist()]
    found = replace(
        made.campaigns,
        members=factories.table(factories.MEMBERS, unknown),
        evidence=made.campaigns.evidence.slice(0, 0),
        lineage=made.campaigns.lineage.slice(0, 0),
    )
    assert "bad1@offers.example" in exported(publish(home, replace(made, campaigns=found), keep=1), format)
