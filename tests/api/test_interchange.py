"""What a sender chose as its name does no harm in the documents that other systems read."""

import csv
import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import factories
import pytest

from api.interchange import export_campaign
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
