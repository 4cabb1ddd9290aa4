"""A textbook world: the contract's files, a truth that agrees with them, every kind, and what hardness hides."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from graph.errors import RingleaderError
from graph.schema import EVENTS, REPORTS, VERDICT_ROWS
from graph.simulate.drawn import PRESETS
from graph.simulate.rows import owners
from graph.simulate.textbook import TextbookOptions, load_textbook, simulate_textbook
from graph.simulate.textbook.conventions import Conventions, draw_conventions
from graph.simulate.textbook.crimes import CRIMES, SIGNALS, plan_campaigns
from graph.simulate.textbook.crowds import INNOCENT
from graph.simulate.textbook.world import World, make_world
from graph.simulate.vary import varied

TRUTH = ("senders", "domains", "campaigns", "operators", "bombings")
SEEDS = range(1, 17)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few small worlds, one folder each."""
    out = tmp_path_factory.mktemp("textbook")
    for seed in SEEDS:
        simulate_textbook(load_textbook(tuple(PRESETS)[seed % 3], events=8_000, seed=seed), out / str(seed))
    return out


@pytest.fixture
def ask(worlds: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Tables of all these worlds as one, with the world's seed in column `world`."""
    with duckdb.connect() as connection:
        for name in ("events", "reports", "verdicts", *(f"truth/{name}" for name in TRUTH)):
            files = [f"SELECT {seed} AS world, * FROM '{worlds / str(seed) / name}.parquet'" for seed in SEEDS]
            connection.execute(f"CREATE VIEW {name.rpartition('/')[2]} AS {' UNION ALL '.join(files)}")
        told = [json.loads((worlds / str(seed) / "world.json").read_text()) for seed in SEEDS]
        rows = ", ".join(
            f"({seed}, TIMESTAMPTZ '{one['start']}', TIMESTAMPTZ '{one['labels_end']}', TIMESTAMPTZ '{one['as_of']}')"
            for seed, one in zip(SEEDS, told, strict=True)
        )
        connection.execute(f"CREATE TABLE spans AS FROM (VALUES {rows}) AS s(world, started, labels_end, as_of)")
        yield connection


def one(connection: duckdb.DuckDBPyConnection, question: str) -> int:
    found = connection.execute(question).fetchone()
    assert found is not None
    return int(found[0])


def names(connection: duckdb.DuckDBPyConnection, question: str) -> set[str]:
    return {row[0] for row in connection.execute(question).fetchall()}


def test_the_files_are_those_of_the_contract(worlds: Path) -> None:
    for name, schema in (("events", EVENTS), ("reports", REPORTS), ("verdicts", VERDICT_ROWS)):
        assert pq.read_schema(worlds / "1" / f"{name}.parquet").equals(schema)
    told = json.loads((worlds / "1" / "world.json").read_text())
    assert told["family"] == "textbook"
    assert told["events"] == pq.read_metadata(worlds / "1" / "events.parquet").num_rows


def test_the_truth_has_the_columns_that_the_patterns_family_writes(worlds: Path, tmp_path: Path) -> None:
    from graph.simulate.patterns import load_patterns, simulate_patterns

    simulate_patterns(load_patterns(events=3_000, seed=1), tmp_path)
    for name in TRUTH:
        ours, theirs = (pq.read_schema(folder / "truth" / f"{name}.parquet") for folder in (worlds / "1", tmp_path))
        assert ours.equals(theirs), name


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    options = load_textbook("hard", events=4_000, seed=9)
    for name, chosen in (("a", options), ("b", options), ("c", replace(options, seed=10))):
        simulate_textbook(chosen, tmp_path / name)
    for file in sorted((tmp_path / "a").rglob("*.parquet")):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes(), file
    assert (tmp_path / "a/events.parquet").read_bytes() != (tmp_path / "c/events.parquet").read_bytes()


def test_the_chunk_size_changes_nothing(tmp_path: Path) -> None:
    options = load_textbook(events=4_000, seed=2)
    for size in (500, 10_000):
        simulate_textbook(replace(options, chunk_events=size), tmp_path / str(size))
    small, large = (pq.read_table(tmp_path / name / "events.parquet") for name in ("500", "10000"))
    assert small.equals(large)


def test_every_world_meets_the_event_count_and_has_six_campaigns(ask: duckdb.DuckDBPyConnection) -> None:
    counts = ask.execute("SELECT count(*) FROM events GROUP BY world").fetchall()
    assert [count for (count,) in counts] == pytest.approx([8_000] * len(SEEDS), rel=0.05)
    assert one(ask, "SELECT min(n) FROM (SELECT count(*) AS n FROM campaigns GROUP BY world)") >= 5
    assert one(ask, "SELECT min(n) FROM (SELECT count(*) AS n FROM verdicts GROUP BY world)") >= 10


def test_the_smallest_world_works(tmp_path: Path) -> None:
    for seed in range(6):
        summary = simulate_textbook(TextbookOptions(events=2_500, days=14, seed=seed), tmp_path / str(seed))
        assert summary.events == pytest.approx(2_500, rel=0.05)
        assert 0 < summary.malicious_senders < summary.senders


def test_events_lie_within_the_span_and_name_each_recipient_once(ask: duckdb.DuckDBPyConnection) -> None:
    bounds = "ts < started OR ts >= as_of"
    assert one(ask, f"SELECT count(*) FROM events JOIN spans USING (world) WHERE {bounds}") == 0
    assert one(ask, "SELECT count(*) FROM events WHERE len(recipients) = 0") == 0
    assert one(ask, "SELECT count(*) FROM events WHERE len(recipients) > len(list_distinct(recipients))") == 0
    assert one(ask, "SELECT count(*) FROM events WHERE list_contains(recipients, sender)") == 0
    assert one(ask, "SELECT count(*) - count(DISTINCT world || event_id) FROM events") == 0


def test_truth_lists_every_sender_once_and_agrees_with_the_campaigns(ask: duckdb.DuckDBPyConnection) -> None:
    assert one(ask, "SELECT count(*) - count(DISTINCT (world, key)) FROM senders") == 0
    unknown = "SELECT count(*) FROM events e ANTI JOIN senders s ON (s.world, s.key) = (e.world, e.sender)"
    assert one(ask, unknown) == 0
    assert one(ask, "SELECT count(*) FROM senders WHERE malicious <> (campaign IS NOT NULL)") == 0
    both = "FROM senders s JOIN campaigns c USING (world, campaign)"
    assert one(ask, f"SELECT count(*) {both} WHERE s.archetype <> c.kind OR s.operator <> c.operator") == 0
    listed = "SELECT world, campaign, count(*) AS n, max(wave) AS w FROM senders WHERE malicious GROUP BY 1, 2"
    wrong = "n <> c.senders OR w <> c.waves"
    assert one(ask, f"SELECT count(*) FROM ({listed}) JOIN campaigns c USING (world, campaign) WHERE {wrong}") == 0
    assert one(ask, "SELECT count(*) FROM campaigns WHERE len(signals) = 0") == 0


def test_every_kind_is_found_over_a_few_seeds(ask: duckdb.DuckDBPyConnection) -> None:
    assert names(ask, "SELECT DISTINCT archetype FROM senders WHERE NOT malicious") == set(INNOCENT)
    assert names(ask, "SELECT DISTINCT kind FROM campaigns") == {crime.name for crime in CRIMES}
    assert names(ask, "SELECT DISTINCT unnest(signals) FROM campaigns") == set(SIGNALS)
    assert names(ask, "SELECT DISTINCT channel FROM events") == {"mail", "calendar", "contacts"}


def test_no_channel_gives_the_guilty_away(ask: duckdb.DuckDBPyConnection) -> None:
    innocent = "FROM events e JOIN senders s ON (e.world, e.sender) = (s.world, s.key) WHERE NOT malicious"
    channels = f"SELECT e.world, count(DISTINCT channel) AS n {innocent} GROUP BY 1"
    assert one(ask, f"SELECT min(n) FROM ({channels})") == 3
    linked = f"SELECT e.world {innocent} AND channel = 'calendar' AND len(domains) > 0 GROUP BY 1"
    assert one(ask, f"SELECT count(*) FROM ({linked})") == len(SEEDS)


def test_hijacked_accounts_have_an_honest_past(ask: duckdb.DuckDBPyConnection) -> None:
    stolen = "SELECT s.first_ts < c.first_ts AS past FROM senders s JOIN campaigns c USING (world, campaign) "
    stolen += "WHERE archetype IN ('hijacked', 'worm')"
    assert one(ask, f"SELECT count(*) FROM ({stolen})") >= 30
    assert one(ask, f"SELECT 100 * avg(past::INT) FROM ({stolen})") >= 90


def test_bombing_newsletters_are_innocent_and_hit_few_victims(ask: duckdb.DuckDBPyConnection) -> None:
    assert one(ask, "SELECT max(services) FROM bombings") >= 20
    assert one(ask, "SELECT count(*) FROM senders WHERE archetype = 'subscription_bomb' AND malicious") == 0
    assert one(ask, "SELECT count(*) FROM bombings WHERE last_ts - first_ts > INTERVAL 1 DAY") == 0


def test_verdicts_end_before_labels_do_and_follow_what_they_judge(ask: duckdb.DuckDBPyConnection) -> None:
    assert one(ask, "SELECT count(*) FROM verdicts JOIN spans USING (world) WHERE ts >= labels_end") == 0
    assert one(ask, "SELECT count(*) - count(DISTINCT (world, kind, key)) FROM verdicts") == 0
    assert one(ask, "SELECT count(*) FROM verdicts v JOIN senders s USING (world, key) WHERE v.ts < s.first_ts") == 0
    assert one(ask, "SELECT min(n) FROM (SELECT count(DISTINCT verdict) AS n FROM verdicts GROUP BY world)") == 2
    known = "SELECT world, 'sender' AS kind, key FROM senders UNION ALL SELECT world, 'domain', key FROM domains"
    assert one(ask, f"SELECT count(*) FROM verdicts ANTI JOIN ({known}) USING (world, kind, key)") == 0
    judged = "FROM verdicts v JOIN senders s USING (world, key)"
    wrong = one(ask, f"SELECT count(*) {judged} WHERE (verdict = 'malicious') <> malicious")
    assert 0 < wrong < 0.1 * one(ask, f"SELECT count(*) {judged}")


def test_reports_follow_a_message_that_their_reporter_got(ask: duckdb.DuckDBPyConnection) -> None:
    assert one(ask, "SELECT count(*) FROM reports") > 0
    wrong = "r.ts < e.ts OR NOT list_contains(e.recipients, r.reporter) OR e.ts IS NULL"
    question = f"SELECT count(*) FROM reports r LEFT JOIN events e USING (world, event_id) WHERE {wrong}"
    assert one(ask, question) == 0
    assert names(ask, "SELECT DISTINCT kind FROM reports") == {"junk", "phish", "not_junk"}


def test_after_a_rotation_other_senders_go_on(ask: duckdb.DuckDBPyConnection) -> None:
    once = "'throwaway', 'botnet', 'text_only', 'calendar_spam', 'contact_spam', 'snowshoe', 'phishing'"
    mail = "FROM events e JOIN senders s ON (e.world, e.sender) = (s.world, s.key)"
    mail += " JOIN campaigns c ON (c.world, c.campaign) = (s.world, s.campaign)"
    of_wave = f"SELECT s.world, s.campaign, wave, min(e.ts) AS first, max(e.ts) AS last {mail} "
    of_wave += f"WHERE waves = 2 AND c.kind IN ({once}) AND NOT bridge GROUP BY ALL"
    pairs = f"FROM ({of_wave}) a JOIN ({of_wave}) b USING (world, campaign) WHERE a.wave = 1 AND b.wave = 2"
    assert one(ask, f"SELECT count(*) {pairs}") > 0
    assert one(ask, f"SELECT count(*) {pairs} AND a.last >= b.first") == 0


@cache
def conventions() -> list[Conventions]:
    return [draw_conventions(load_textbook(seed=seed)) for seed in range(60)]


@pytest.mark.parametrize("name", [f.name for f in fields(Conventions) if f.type is str])
def test_seeds_differ_in_every_convention(name: str) -> None:
    assert len({getattr(drawn, name) for drawn in conventions()}) >= 3


def test_seeds_differ_widely_in_what_is_learnt() -> None:
    assert any(drawn.reporters == 0 for drawn in conventions())
    assert any(drawn.no_ip == 1 for drawn in conventions())
    assert min(drawn.guilty_senders for drawn in conventions()) < 0.01
    assert max(drawn.guilty_senders for drawn in conventions()) > 0.2


@cache
def made(hardness: float) -> list[World]:
    return [make_world(load_textbook(events=6_000, seed=seed, hardness=hardness)) for seed in SEEDS]


def shared_places(world: World) -> list[float]:
    """Of each campaign of some size the part of its mail that comes from a network of two of its senders or more."""
    rows, found = world.rows, []
    for number in np.unique(rows.campaign[rows.campaign >= 0]).tolist():
        mine = (rows.campaign == number) & (rows.network >= 0)
        pairs = np.unique(np.stack([rows.network[mine], rows.sender[mine]]), axis=1)
        users = np.bincount(pairs[0], minlength=1)
        if len(np.unique(pairs[1])) >= 10:
            found.append(float(np.mean(users[rows.network[mine]] >= 0.3 * len(np.unique(pairs[1])))))
    return found


def repeated_recipients(world: World) -> list[float]:
    """Of each campaign of some size the part of its recipients that two of its senders or more write to."""
    rows, row = world.rows, owners(world.rows.to_count)
    campaign, found = rows.campaign[row], []
    for number in np.unique(rows.campaign[rows.campaign >= 0]).tolist():
        mine = campaign == number
        pairs = np.unique(np.stack([rows.to[mine], rows.sender[row[mine]]]), axis=1)
        if len(np.unique(pairs[1])) >= 10:
            found.append(float(np.mean(np.unique(pairs[0], return_counts=True)[1] >= 2)))
    return found


def test_hardness_hides_what_campaigns_share() -> None:
    def kept(hardness: float) -> float:
        chosen = [load_textbook(events=50_000, seed=seed, hardness=hardness) for seed in range(20)]
        plans = [plan for one in chosen for plan in plan_campaigns(one, draw_conventions(one), 3_000)]
        return float(np.mean([len(plan.kept) / len(plan.crime.signals) for plan in plans]))

    assert kept(0.0) > 0.75
    assert kept(1.0) < 0.5


def test_in_the_mail_itself_campaigns_of_hard_worlds_share_less() -> None:
    easy, hard = ([share for world in made(hardness) for share in shared_places(world)] for hardness in (0.0, 1.0))
    assert np.mean(easy) > np.mean(hard) + 0.1
    easy, hard = (
        [share for world in made(hardness) for share in repeated_recipients(world)] for hardness in (0.0, 1.0)
    )
    assert np.mean(easy) > np.mean(hard)


def test_only_hard_worlds_have_senders_that_bridge_to_the_innocent() -> None:
    assert not any(world.crimes.bridges for world in made(0.0))
    bridges = [account for world in made(1.0) for account in world.crimes.bridges]
    assert len(bridges) >= 5


def test_options_can_be_varied() -> None:
    options = load_textbook("hard", events=4_000, seed=1)
    assert varied(options, 0.35, np.random.default_rng(1)) == options


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"events": 100}, "events"),
        ({"days": 3}, "days"),
        ({"hardness": 1.5}, "hardness"),
        ({"seed": -1}, "seed"),
        ({"known_until": 0.0}, "known_until"),
        ({"chunk_events": 0}, "chunk_events"),
    ],
)
def test_an_option_out_of_range_is_named(wrong: dict[str, int], name: str) -> None:
    with pytest.raises(RingleaderError, match=f"simulator option {name}"):
        TextbookOptions(**wrong)  # type: ignore[arg-type]


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(RingleaderError, match="there is no such preset"):
        load_textbook("easy")
