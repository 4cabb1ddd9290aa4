"""A market world reads as the contract says, is the same twice, and its crews and analysts do as they should."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.addresses import network_of, registrable_domain
from graph.errors import RingleaderError
from graph.schema import CHANNELS, EVENTS, REPORT_KINDS, REPORTS, VERDICT_ROWS
from graph.simulate.market import MarketOptions, load_market, simulate_market
from graph.simulate.market.analysts import Analysts
from graph.simulate.market.clock import Day
from graph.simulate.market.options import PRESETS
from graph.simulate.market.reports import ReportBook
from graph.simulate.market.trades import COUNTERS, PRESSES
from graph.simulate.market.world import MarketWorld

FILES = (
    "events",
    "reports",
    "verdicts",
    "truth/senders",
    "truth/domains",
    "truth/campaigns",
    "truth/operators",
    "truth/bombings",
)
SEED = 9
HONEST = {trade.archetype for trade in (*PRESSES, *COUNTERS)} | {"person", "one_time", "reunion", "sign_up"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("market")
    simulate_market(busy(), out)
    return out


def busy() -> MarketOptions:
    """A world of many small campaigns, so that crews of every sort are in it."""
    plain = load_market("hard", events=60_000, seed=SEED)
    return replace(plain, crime=replace(plain.crime, per_root=0.3))


def ask(folder: Path, question: str) -> list[tuple]:
    """Rows of a query over the tables of a world: events, reports, verdicts, senders, domains, campaigns."""
    with duckdb.connect() as connection:
        for name in FILES:
            connection.execute(f"CREATE VIEW {name.rpartition('/')[2]} AS FROM '{folder / name}.parquet'")
        return connection.execute(question).fetchall()


def one(folder: Path, question: str) -> float:
    return ask(folder, question)[0][0]


def told(folder: Path) -> dict:
    return json.loads((folder / "world.json").read_text())


# ---- the contract


@pytest.mark.parametrize(("name", "schema"), [("events", EVENTS), ("reports", REPORTS), ("verdicts", VERDICT_ROWS)])
def test_tables_have_exactly_the_contracts_columns(folder: Path, name: str, schema: object) -> None:
    assert pq.read_schema(folder / f"{name}.parquet").remove_metadata() == schema


def test_events_hold_what_the_contract_allows(folder: Path) -> None:
    assert {row[0] for row in ask(folder, "SELECT DISTINCT channel FROM events")} == set(CHANNELS)
    assert one(folder, "SELECT count(*) FROM events WHERE len(recipients) = 0") == 0
    assert one(folder, "SELECT count(*) FROM events WHERE len(list_distinct(recipients)) < len(recipients)") == 0
    assert one(folder, "SELECT count(*) FROM events WHERE list_contains(recipients, sender)") == 0
    assert one(folder, "SELECT count(*) FROM events WHERE length(fingerprint) <> 16") == 0


def test_addresses_and_hosts_are_real_ones_that_nobody_owns(folder: Path) -> None:
    for (ip,) in ask(
        folder, "SELECT DISTINCT ip FROM events WHERE ip IS NOT NULL USING SAMPLE 500 ROWS (reservoir, 1)"
    ):
        assert network_of(ip)
        assert ip.startswith(("24", "25", "100.", "3fff:"))
    for (host,) in ask(folder, "SELECT DISTINCT unnest(domains) FROM events"):
        assert host.endswith((".example", ".test"))
        assert registrable_domain(host).count(".") == 1


def test_world_json_tells_the_family_the_moments_and_the_counts(folder: Path) -> None:
    facts = told(folder)
    start, end, as_of = (datetime.fromisoformat(facts[name]) for name in ("start", "labels_end", "as_of"))
    assert facts["family"] == "market"
    assert (facts["seed"], facts["options"]["events"]) == (SEED, 60_000)
    assert end - start == timedelta(days=21)
    assert as_of - start == timedelta(days=35)
    assert start <= one(folder, "SELECT min(ts) FROM events") <= one(folder, "SELECT max(ts) FROM events") < as_of
    for name, question in {
        "events": "SELECT count(*) FROM events",
        "senders": "SELECT count(DISTINCT sender) FROM events",
        "malicious_senders": "SELECT count(*) FROM senders WHERE malicious",
        "campaigns": "SELECT count(*) FROM campaigns",
        "reports": "SELECT count(*) FROM reports",
        "verdicts": "SELECT count(*) FROM verdicts",
    }.items():
        assert facts[name] == one(folder, question)


@pytest.mark.parametrize("preset", sorted(PRESETS))
@pytest.mark.parametrize("events", [5_000, 40_000])
def test_every_preset_writes_about_as_many_events_as_asked(preset: str, events: int, tmp_path: Path) -> None:
    summary = simulate_market(load_market(preset, events=events, seed=2), tmp_path)
    assert summary.events == pytest.approx(events, rel=0.1)
    assert 0.03 < one(tmp_path, "SELECT sum(events) FROM campaigns") / summary.events < 0.09
    assert one(tmp_path, "SELECT count(*) FROM verdicts WHERE verdict = 'malicious'") > 0
    assert one(tmp_path, "SELECT count(*) FROM reports") > 0


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate_market(load_market("hard", events=5_000, seed=seed), tmp_path / name)
    for file in FILES:
        first, second, other = ((tmp_path / name / f"{file}.parquet").read_bytes() for name in "abc")
        assert first == second
        assert first != other


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**20), st.floats(0, 1), st.integers(14, 40))
def test_event_ids_are_unique_and_in_order_of_time(tmp_path: Path, seed: int, hardness: float, days: int) -> None:
    simulate_market(load_market(events=3_000, seed=seed, hardness=hardness, days=days), tmp_path)
    assert one(tmp_path, "SELECT count(DISTINCT event_id) = count(*) FROM events")
    assert one(
        tmp_path,
        "SELECT bool_and(ts >= before) FROM (SELECT ts, lag(ts, 1, ts) OVER (ORDER BY event_id) AS before FROM events)",
    )


def test_progress_counts_events_up_to_the_last(tmp_path: Path) -> None:
    seen: list[int] = []
    summary = simulate_market(load_market(events=3_000), tmp_path, seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == summary.events


def test_bad_options_and_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(RingleaderError, match="no such preset"):
        load_market("mild")
    with pytest.raises(RingleaderError, match="at least"):
        load_market(events=10)
    with pytest.raises(RingleaderError, match="between 0 and 1"):
        load_market(hardness=1.5)
    (tmp_path / "file").write_text("")
    with pytest.raises(RingleaderError, match="file"):
        simulate_market(load_market(events=3_000), tmp_path / "file" / "world")


# ---- the truth


def test_every_sender_and_domain_has_a_truth(folder: Path) -> None:
    assert one(folder, "SELECT count(*) FROM (SELECT sender FROM events EXCEPT SELECT key FROM senders)") == 0
    assert one(folder, "SELECT count(*) FROM (SELECT key FROM senders EXCEPT SELECT sender FROM events)") == 0
    assert one(folder, "SELECT count(*) FROM senders WHERE malicious <> (campaign IS NOT NULL)") == 0
    assert one(folder, "SELECT count(*) FROM domains WHERE malicious <> (campaign IS NOT NULL)") == 0
    linked = {registrable_domain(host) for (host,) in ask(folder, "SELECT DISTINCT unnest(domains) FROM events")}
    assert linked <= {key for (key,) in ask(folder, "SELECT key FROM domains")}


def test_a_campaigns_row_agrees_with_its_senders(folder: Path) -> None:
    rows = ask(
        folder,
        "SELECT c.campaign, c.senders, count(*), c.events, sum(s.events), c.operator, min(s.operator), max(s.operator) "
        "FROM campaigns c JOIN senders s USING (campaign) GROUP BY ALL",
    )
    assert len(rows) == told(folder)["campaigns"]
    for _, counted, found, events, sent, operator, first, last in rows:
        assert counted == found
        assert events <= sent  # stolen accounts wrote honest mail before
        assert operator == first == last


def test_operators_sum_up_their_campaigns(folder: Path) -> None:
    summed = (
        "SELECT operator, count(*), sum(senders), sum(events), min(first_ts), max(last_ts) FROM campaigns GROUP BY 1"
    )
    told_of = "SELECT operator, campaigns, senders, events, first_ts, last_ts FROM operators"
    assert sorted(ask(folder, told_of)) == sorted(ask(folder, summed))
    assert len(ask(folder, summed)) < told(folder)["campaigns"]
    domains = "SELECT sum(domains) - (SELECT count(*) FROM domains WHERE malicious) FROM operators"
    assert one(folder, domains) == 0


def test_a_bombing_is_many_honest_confirmations_to_one_victim(folder: Path) -> None:
    rows = ask(
        folder,
        "SELECT b.services, count(DISTINCT e.sender), bool_or(s.malicious) FROM bombings b JOIN events e "
        "ON list_contains(e.recipients, b.victim) AND e.ts BETWEEN b.first_ts AND b.last_ts "
        "JOIN senders s ON s.key = e.sender WHERE s.archetype = 'sign_up' GROUP BY b.bombing, b.services",
    )
    assert len(rows) == one(folder, "SELECT count(*) FROM bombings") > 0
    for services, writers, guilty in rows:
        assert 12 <= services == writers
        assert not guilty


def test_waves_and_bridges_are_told_of_the_guilty_only(folder: Path) -> None:
    assert one(folder, "SELECT count(*) FROM senders WHERE malicious <> (wave IS NOT NULL)") == 0
    assert one(folder, "SELECT count(*) FROM senders WHERE bridge AND archetype <> 'stolen'") == 0
    assert one(folder, "SELECT count(*) FROM senders WHERE bridge") > 0
    waves = "SELECT campaign, count(DISTINCT wave) FROM senders WHERE malicious GROUP BY 1"
    assert sorted(ask(folder, waves)) == sorted(ask(folder, "SELECT campaign, waves FROM campaigns"))
    assert one(folder, "SELECT max(waves) FROM campaigns") > 1


def test_honest_archetypes_are_all_there_and_honest(folder: Path) -> None:
    honest = {row[0] for row in ask(folder, "SELECT DISTINCT archetype FROM senders WHERE NOT malicious")}
    assert honest == HONEST
    guilty = {row[0] for row in ask(folder, "SELECT DISTINCT archetype FROM senders WHERE malicious")}
    assert not guilty & HONEST


def test_campaigns_differ_in_size_and_means_and_some_begin_late(tmp_path: Path) -> None:
    simulate_market(load_market(events=100_000, seed=11), tmp_path)
    end = told(tmp_path)["labels_end"]
    sizes = [row[0] for row in ask(tmp_path, "SELECT senders FROM campaigns ORDER BY senders")]
    assert 15 <= len(sizes) <= 40
    assert sizes[0] >= 3
    assert sizes[-1] > 100
    assert one(tmp_path, "SELECT count(DISTINCT kind) FROM campaigns") >= 8
    assert one(tmp_path, f"SELECT count(*) FROM campaigns WHERE first_ts > '{end}'") >= 5
    assert one(
        tmp_path,
        "SELECT max(once) FROM (SELECT avg((events = 1)::INT) AS once FROM senders WHERE malicious GROUP BY campaign)",
    ) > 0.5  # fmt: skip


def test_innocents_share_what_crews_use(folder: Path) -> None:
    sent = "FROM events e JOIN senders s ON s.key = e.sender WHERE "
    networks = "SELECT DISTINCT regexp_replace(ip, '[0-9a-f]+$', '') " + sent
    hosts = "SELECT DISTINCT unnest(domains) " + sent
    for things in (networks, hosts):
        assert one(folder, f"SELECT count(*) FROM ({things} malicious INTERSECT {things} NOT malicious)") > 0


# ---- labels


def test_reports_come_from_recipients_after_the_message(folder: Path) -> None:
    joined = "FROM reports r LEFT JOIN events e USING (event_id) "
    assert one(folder, f"SELECT count(*) {joined} WHERE NOT list_contains(recipients, reporter)") == 0
    assert one(folder, f"SELECT count(*) {joined} WHERE r.ts <= e.ts OR e.ts IS NULL") == 0
    assert {row[0] for row in ask(folder, "SELECT DISTINCT kind FROM reports")} <= set(REPORT_KINDS)


def test_verdicts_are_about_known_keys_and_stop_at_labels_end(folder: Path) -> None:
    end = told(folder)["labels_end"]
    assert one(folder, f"SELECT count(*) FROM verdicts WHERE ts >= '{end}'") == 0
    for kind, table in (("sender", "senders"), ("domain", "domains")):
        assert one(folder, f"SELECT count(*) FROM verdicts WHERE kind = '{kind}'") > 0
        keys = f"SELECT key FROM verdicts WHERE kind = '{kind}' EXCEPT SELECT key FROM {table}"
        assert one(folder, f"SELECT count(*) FROM ({keys})") == 0
    assert {row[0] for row in ask(folder, "SELECT DISTINCT source FROM verdicts")} == {"analyst", "audit"}


def test_no_day_sees_more_verdicts_than_the_team_can_give(folder: Path) -> None:
    options = busy()
    world = MarketWorld(options)
    team = Analysts(options, world.directory, ReportBook(options, world.stage.society, world.directory))
    for ts, verdicts in ask(folder, "SELECT date_trunc('day', ts), count(*) FROM verdicts GROUP BY 1"):
        number = (ts.date() - options.start.date()).days
        assert verdicts <= team.capacity(Day(number, ts.weekday()))


def test_harder_worlds_are_reported_less_and_judged_worse(tmp_path: Path) -> None:
    wrong, reported = {}, {}
    for hardness in (0.0, 1.0):
        out = tmp_path / str(hardness)
        simulate_market(load_market(events=100_000, seed=8, hardness=hardness), out)
        judged = (
            "SELECT avg(((v.verdict = 'malicious') <> s.malicious)::INT) FROM verdicts v JOIN senders s USING (key)"
        )
        wrong[hardness] = one(out, judged)
        about = "FROM reports JOIN events USING (event_id) JOIN senders s ON s.key = sender WHERE malicious"
        guilty = one(out, "SELECT sum(events) FROM campaigns")
        reported[hardness] = one(out, f"SELECT count(*) {about} AND kind <> 'not_junk'") / guilty
    assert wrong[0.0] < wrong[1.0] < 0.2
    assert reported[1.0] < reported[0.0] / 2


# ---- crews react


def test_who_was_judged_falls_silent_and_the_campaign_goes_on_with_others(folder: Path) -> None:
    judged = (
        "SELECT s.key, s.campaign, v.ts FROM verdicts v JOIN senders s ON s.key = v.key "
        "WHERE v.kind = 'sender' AND v.verdict = 'malicious' AND s.malicious AND s.archetype <> 'stolen'"
    )
    after = (
        f"FROM ({judged}) j JOIN events e ON e.sender = j.key WHERE e.ts >= date_trunc('day', j.ts) + INTERVAL 1 DAY"
    )
    assert one(folder, f"SELECT count(*) {after}") == 0
    fresh = (
        f"SELECT count(DISTINCT s.key) FROM ({judged}) j JOIN senders s ON s.campaign = j.campaign "
        "WHERE s.first_ts > j.ts AND s.malicious"
    )
    assert one(folder, fresh) > 0
