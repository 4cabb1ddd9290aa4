"""A simulated world reads as the contract says, is the same twice, and is alive in the ways that matter."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from graph.addresses import network_of, registrable_domain
from graph.errors import RingleaderError
from graph.schema import CHANNELS, EVENTS, REPORT_KINDS, REPORTS, VERDICT_ROWS
from graph.simulate import PRESETS, load_preset, simulate
from graph.simulate.kinds import KINDS
from graph.simulate.senders import PLANNERS
from tests.graph.simulate.worlds import FILES, ask, one

INNOCENT = {
    "person", "stranger", "newsletter", "political", "company", "social", "school", "franchise",
    "club", "outreach", "recruiter", "conference", "account", "sign_up", "seller",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world")
    simulate(load_preset("ordinary", events=60_000, seed=7), out)
    return out


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hard")
    simulate(load_preset("adversarial", events=60_000, seed=7), out)
    return out


def told(folder: Path) -> dict:
    return json.loads((folder / "world.json").read_text())


# ---- the contract


@pytest.mark.parametrize(("name", "schema"), [("events", EVENTS), ("reports", REPORTS), ("verdicts", VERDICT_ROWS)])
def test_tables_have_exactly_the_contracts_columns(folder: Path, name: str, schema: object) -> None:
    assert pq.read_schema(folder / f"{name}.parquet").remove_metadata() == schema


def test_every_event_id_is_unique_and_every_event_has_recipients(folder: Path) -> None:
    assert one(folder, "SELECT count(DISTINCT event_id) = count(*) FROM events")
    assert one(folder, "SELECT min(len(recipients)) FROM events") >= 1
    assert one(folder, "SELECT count(*) FROM events WHERE len(list_distinct(recipients)) < len(recipients)") == 0


def test_times_are_in_order_and_within_the_span(folder: Path) -> None:
    start, as_of = (datetime.fromisoformat(told(folder)[name]) for name in ("start", "as_of"))
    times = pq.read_table(folder / "events.parquet", columns=["ts"])["ts"].to_pylist()
    assert times == sorted(times)
    assert start <= times[0]
    assert times[-1] < as_of
    assert as_of - times[-1] < timedelta(hours=6)


def test_every_channel_occurs(folder: Path) -> None:
    assert {row[0] for row in ask(folder, "SELECT DISTINCT channel FROM events")} == set(CHANNELS)


def test_hosts_are_registrable_and_addresses_belong_to_no_routed_network(folder: Path) -> None:
    hosts = {row[0] for row in ask(folder, "SELECT DISTINCT unnest(domains) FROM events")}
    assert all(registrable_domain(host).count(".") == 1 for host in hosts)
    assert all(host.endswith((".example", ".test")) for host in hosts)
    networks = {network_of(row[0]) for row in ask(folder, "SELECT DISTINCT ip FROM events WHERE ip IS NOT NULL")}
    assert None not in networks
    assert all(
        net.startswith("2001:db8:") or int(net.split(".")[0]) >= 240 or 64 <= int(net.split(".")[1]) < 128
        for net in networks
    )


def test_the_size_asked_for_is_met(folder: Path, hard: Path) -> None:
    assert told(folder)["events"] == pytest.approx(60_000, rel=0.03)
    assert told(hard)["events"] == pytest.approx(60_000, rel=0.03)


# ---- the truth


def test_truth_covers_every_sender_that_occurs_and_no_other(folder: Path) -> None:
    assert one(folder, "SELECT count(*) FROM events ANTI JOIN senders ON sender = key") == 0
    assert one(folder, "SELECT count(*) FROM senders ANTI JOIN events ON sender = key") == 0
    assert one(folder, "SELECT count(DISTINCT key) = count(*) FROM senders")


def test_truth_covers_every_domain_that_occurs(folder: Path) -> None:
    known = {row[0] for row in ask(folder, "SELECT key FROM domains")}
    hosts = {row[0] for row in ask(folder, "SELECT DISTINCT unnest(domains) FROM events")}
    addresses = {row[0] for row in ask(folder, "SELECT DISTINCT split_part(sender, '@', 2) FROM events")} - {""}
    assert {registrable_domain(host) for host in hosts | addresses} == known


def test_guilty_senders_and_domains_name_a_campaign_and_innocent_ones_do_not(folder: Path) -> None:
    for table in ("senders", "domains"):
        assert one(folder, f"SELECT bool_and(malicious = (campaign IS NOT NULL)) FROM {table}")
        assert one(folder, f"SELECT count(*) FROM {table} ANTI JOIN campaigns USING (campaign) WHERE malicious") == 0


def test_a_campaigns_row_tells_its_senders_and_operator(folder: Path) -> None:
    wrong = """SELECT count(*) FROM campaigns JOIN (
        SELECT campaign, count(*) AS n, min(operator) AS who FROM senders WHERE malicious GROUP BY campaign
    ) USING (campaign) WHERE n != senders OR who != operator"""
    assert one(folder, wrong) == 0
    assert one(folder, "SELECT count(*) > count(DISTINCT operator) FROM campaigns")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("events", [2_500, 5_000])
def test_every_archetype_and_kind_is_there_even_in_a_small_world(tmp_path: Path, preset: str, events: int) -> None:
    simulate(load_preset(preset, events=events, seed=2), tmp_path)
    honest = {row[0] for row in ask(tmp_path, "SELECT DISTINCT archetype FROM senders WHERE NOT malicious")}
    assert honest >= INNOCENT
    assert {row[0] for row in ask(tmp_path, "SELECT kind FROM campaigns")} == set(KINDS)
    assert one(tmp_path, "SELECT min(senders) FROM campaigns") >= 3


# ---- life


def test_senders_of_disposable_campaigns_write_at_most_three_times(folder: Path) -> None:
    share = """SELECT avg((events <= 3)::int), avg((events = 1)::int) FROM senders JOIN campaigns USING (campaign)
        WHERE kind IN ('throwaway', 'botnet', 'fingerprint_only')"""
    few, once = ask(folder, share.replace("(events", "(senders.events"))[0]
    assert few > 0.99
    assert once > 0.8


def test_private_mail_is_answered_and_bulk_mail_is_not(folder: Path) -> None:
    answered = """WITH pairs AS (SELECT DISTINCT sender, unnest(recipients) AS other FROM events)
        SELECT avg((b.sender IS NOT NULL)::int) FROM pairs a JOIN senders s ON s.key = a.sender
        LEFT JOIN pairs b ON b.sender = a.other AND b.other = a.sender WHERE s.archetype = '{}'"""
    assert one(folder, answered.format("person")) > 0.25
    assert one(folder, answered.format("newsletter")) == 0


def test_friends_of_friends_are_often_friends(folder: Path) -> None:
    """Small world: among people, two correspondents of one person know each other far above chance."""
    links = """WITH pairs AS (
            SELECT DISTINCT least(sender, r) AS a, greatest(sender, r) AS b
            FROM (SELECT sender, recipients[1] AS r FROM events WHERE len(recipients) = 1 AND channel = 'mail') e
            JOIN senders s ON s.key = e.sender JOIN senders t ON t.key = e.r
            WHERE s.archetype = 'person' AND t.archetype = 'person' AND sender != r),
        known AS (FROM pairs UNION ALL SELECT b, a FROM pairs),
        wedges AS (SELECT x.b AS p, y.b AS q FROM known x JOIN known y ON x.a = y.a AND x.b < y.b)
        SELECT avg((pairs.a IS NOT NULL)::int) FROM wedges LEFT JOIN pairs ON pairs.a = p AND pairs.b = q"""
    people = one(folder, "SELECT count(*) FROM senders WHERE archetype = 'person'")
    assert one(folder, links) > 20 * 10 / people


def test_nights_and_weekends_are_quiet(folder: Path) -> None:
    office = "SELECT count(*) FROM events JOIN senders ON key = sender WHERE archetype IN ('school', 'recruiter') AND "
    assert one(folder, office + "hour(ts) BETWEEN 1 AND 4") == 0
    night, day = (
        one(folder, f"SELECT count(*) FROM events WHERE hour(ts) BETWEEN {a} AND {b}") for a, b in ((0, 3), (14, 17))
    )
    assert night < 0.6 * day


def test_innocent_senders_share_domains_and_networks_more_widely_than_campaigns(folder: Path) -> None:
    hosts = "SELECT sender, unnest(domains) AS what FROM events"
    networks = "SELECT sender, regexp_replace(ip, '[.:][^.:]*$', '') AS what FROM events WHERE ip IS NOT NULL"
    for artefacts in (hosts, networks):
        widest = f"""SELECT max(n) FILTER (NOT malicious), max(n) FILTER (malicious) FROM (
            SELECT what, malicious, count(DISTINCT sender) AS n FROM ({artefacts}) JOIN senders ON key = sender
            WHERE campaign IS NULL OR campaign IN (SELECT campaign FROM campaigns WHERE kind != 'botnet')
            GROUP BY ALL)"""
        innocent, guilty = ask(folder, widest)[0]
        assert innocent > guilty


def test_hijacked_accounts_have_a_legitimate_past(folder: Path) -> None:
    past = """SELECT avg((s.first_ts < c.first_ts)::int) FROM senders s JOIN campaigns c USING (campaign)
        WHERE s.archetype = 'hijacked' AND c.first_ts > (SELECT min(ts) + INTERVAL 10 DAY FROM events)"""
    assert one(folder, past) > 0.9


def test_popular_links_lead_to_hosts_that_innocents_use(folder: Path) -> None:
    own = """SELECT count(*) FROM domains JOIN campaigns USING (campaign) WHERE kind = 'popular_links'"""
    assert one(folder, own) == 0


# ---- labels


def test_labels_end_before_the_world_is_judged(folder: Path) -> None:
    ends = datetime.fromisoformat(told(folder)["labels_end"])
    assert one(folder, "SELECT max(ts) FROM verdicts") < ends < datetime.fromisoformat(told(folder)["as_of"])
    late = one(folder, f"SELECT avg((first_ts >= '{ends.isoformat()}')::int) FROM campaigns")
    assert 0.25 < late < 0.75


def test_campaigns_that_start_late_have_no_verdict(folder: Path) -> None:
    ends = told(folder)["labels_end"]
    assert one(folder, "SELECT count(*) FROM verdicts WHERE verdict = 'malicious' AND kind = 'sender'") >= 10
    fresh = f"""SELECT count(*) FROM verdicts JOIN senders USING (key) JOIN campaigns USING (campaign)
        WHERE campaigns.first_ts >= '{ends}' AND verdict = 'malicious'"""
    assert one(folder, fresh) == 0


def test_a_verdict_comes_after_the_sender_was_seen(folder: Path) -> None:
    assert one(folder, "SELECT count(*) FROM verdicts v JOIN senders s USING (key) WHERE v.ts <= s.first_ts") == 0


def test_reports_come_from_recipients_of_the_event_after_it(folder: Path) -> None:
    strange = """SELECT count(*) FROM reports r LEFT JOIN events e USING (event_id)
        WHERE e.event_id IS NULL OR r.ts <= e.ts OR NOT list_contains(e.recipients, reporter)"""
    assert one(folder, strange) == 0
    assert {row[0] for row in ask(folder, "SELECT DISTINCT kind FROM reports")} == set(REPORT_KINDS)


def test_reports_are_rare_noisy_and_mostly_right(folder: Path) -> None:
    assert one(folder, "SELECT (SELECT count(*) FROM reports) / (SELECT count(*) FROM events)") < 0.02
    right = """SELECT avg(malicious::int) FROM reports JOIN events USING (event_id) JOIN senders ON key = sender
        WHERE kind != 'not_junk'"""
    assert 0.5 < one(folder, right) < 0.99


# ---- the dial


def test_hardness_brings_wrong_verdicts_and_fewer_true_reports(folder: Path, hard: Path) -> None:
    wrong = """SELECT avg((malicious != (verdict = 'malicious'))::int) FROM verdicts JOIN senders USING (key)"""
    assert one(hard, wrong) > 2 * one(folder, wrong)
    true_reports = """SELECT count(*) FROM reports JOIN events USING (event_id) JOIN senders ON key = sender
        WHERE kind != 'not_junk' AND malicious"""
    assert one(hard, true_reports) < 0.5 * one(folder, true_reports)


def test_hardness_takes_shared_fingerprints_and_link_domains_away(folder: Path, hard: Path) -> None:
    """Senders of a throw-away campaign per distinct fingerprint: many where templates are shared, one where not."""
    shared = """SELECT median(n / prints) FROM (
        SELECT campaign, count(DISTINCT sender) AS n, count(DISTINCT fingerprint) AS prints
        FROM events JOIN senders ON key = sender WHERE malicious AND archetype != 'hijacked' GROUP BY campaign)"""
    assert one(folder, shared) > one(hard, shared)


# ---- the same twice


@pytest.mark.parametrize("preset", PRESETS)
def test_the_same_options_give_the_same_bytes(tmp_path: Path, preset: str) -> None:
    for name in ("a", "b"):
        simulate(load_preset(preset, events=5_000, seed=3), tmp_path / name)
    for file in (*(f"{name}.parquet" for name in FILES), "world.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    for seed in (1, 2):
        simulate(load_preset(events=5_000, seed=seed), tmp_path / str(seed))
    assert (tmp_path / "1/events.parquet").read_bytes() != (tmp_path / "2/events.parquet").read_bytes()


def test_progress_and_summary_count_what_was_written(tmp_path: Path) -> None:
    seen: list[int] = []
    summary = simulate(load_preset(events=5_000), tmp_path, seen.append)
    assert seen[-1] == summary.events == pq.read_metadata(tmp_path / "events.parquet").num_rows
    assert summary.senders == pq.read_metadata(tmp_path / "truth/senders.parquet").num_rows
    assert told(tmp_path)["options"]["seed"] == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RingleaderError, match=r"file/world: .*Choose a folder"):
        simulate(load_preset(events=5_000), tmp_path / "file" / "world")


def test_every_population_has_a_share() -> None:
    shares = vars(load_preset().share)
    assert set(PLANNERS) | {"people", "strangers", "campaigns"} == set(shares)
