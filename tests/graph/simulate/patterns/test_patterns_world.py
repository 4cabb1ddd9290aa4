"""Pattern worlds: what is written, that a seed gives it again, and that no shared signal belongs to one side alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from graph.errors import RingleaderError
from graph.schema import EVENTS, REPORTS, VERDICT_ROWS
from graph.simulate.drawn import PRESETS
from graph.simulate.patterns import PatternOptions, load_patterns, simulate_patterns
from graph.simulate.patterns.numbers import HOUR, draw_numbers
from graph.simulate.patterns.plan import Plan, plan_groups
from graph.simulate.patterns.roles import SIGNALS
from graph.simulate.patterns.world import Soup, cook
from graph.simulate.rows import Longs, owners

TRUTH = ("senders", "domains", "campaigns", "operators", "bombings")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("patterns")
    simulate_patterns(load_patterns("ordinary", events=20_000, seed=5), out)
    return out


@pytest.fixture
def ask(world: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name in ("events", "reports", "verdicts", *(f"truth/{name}" for name in TRUTH)):
            connection.execute(f"CREATE VIEW {name.rpartition('/')[2]} AS FROM '{world / name}.parquet'")
        yield connection


def one(connection: duckdb.DuckDBPyConnection, question: str) -> int:
    found = connection.execute(question).fetchone()
    assert found is not None
    return int(found[0])


@cache
def plans(hardness: float) -> list[Plan]:
    chosen = [load_patterns(events=50_000, seed=seed, hardness=hardness) for seed in range(8)]
    return [plan_groups(options, draw_numbers(options)) for options in chosen]


def test_the_files_are_those_of_the_contract(world: Path) -> None:
    for name, schema in (("events", EVENTS), ("reports", REPORTS), ("verdicts", VERDICT_ROWS)):
        assert pq.read_schema(world / f"{name}.parquet").equals(schema)
    told = json.loads((world / "world.json").read_text())
    assert told["family"] == "patterns"
    assert told["events"] == pq.read_metadata(world / "events.parquet").num_rows == 20_000


def test_the_truth_has_the_columns_that_the_market_family_writes(world: Path, tmp_path: Path) -> None:
    from graph.simulate.market import load_market, simulate_market

    simulate_market(load_market(events=4_000, seed=1), tmp_path)
    for name in TRUTH:
        ours, theirs = (pq.read_schema(folder / "truth" / f"{name}.parquet") for folder in (world, tmp_path))
        assert ours.equals(theirs), name


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    options = load_patterns("hard", events=4_000, seed=9)
    for name, chosen in (("a", options), ("b", options), ("c", replace(options, seed=10))):
        simulate_patterns(chosen, tmp_path / name)
    for file in sorted((tmp_path / "a").rglob("*.parquet")):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes(), file
    assert (tmp_path / "a/events.parquet").read_bytes() != (tmp_path / "c/events.parquet").read_bytes()


def test_the_chunk_size_changes_nothing(tmp_path: Path) -> None:
    options = load_patterns(events=4_000, seed=2)
    for size in (500, 10_000):
        simulate_patterns(replace(options, chunk_events=size), tmp_path / str(size))
    small, large = (pq.read_table(tmp_path / name / "events.parquet") for name in ("500", "10000"))
    assert small.equals(large)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_preset_meets_the_event_count_and_has_guilty_in_campaigns(preset: str, seed: int, tmp_path: Path) -> None:
    summary = simulate_patterns(load_patterns(preset, events=5_000, seed=seed), tmp_path)
    assert summary.events == pytest.approx(5_000, rel=0.1)
    assert summary.campaigns >= 2
    assert 0 < summary.malicious_senders < summary.senders
    assert summary.verdicts > 0


def test_the_smallest_world_works(tmp_path: Path) -> None:
    summary = simulate_patterns(PatternOptions(events=2_500, days=14, seed=3), tmp_path)
    assert summary.events == pytest.approx(2_500, rel=0.1)


def test_events_lie_within_the_span_and_name_each_recipient_once(ask: duckdb.DuckDBPyConnection, world: Path) -> None:
    told = json.loads((world / "world.json").read_text())
    bounds = f"ts < TIMESTAMPTZ '{told['start']}' OR ts >= TIMESTAMPTZ '{told['as_of']}'"
    assert one(ask, f"SELECT count(*) FROM events WHERE {bounds}") == 0
    assert one(ask, "SELECT count(*) FROM events WHERE len(recipients) = 0") == 0
    assert one(ask, "SELECT count(*) FROM events WHERE len(recipients) > len(list_distinct(recipients))") == 0
    assert one(ask, "SELECT count(*) FROM events WHERE list_contains(recipients, sender)") == 0


def test_truth_lists_every_sender_once_and_none_in_two_campaigns(ask: duckdb.DuckDBPyConnection) -> None:
    assert one(ask, "SELECT count(*) - count(DISTINCT key) FROM senders") == 0
    assert one(ask, "SELECT count(*) FROM events ANTI JOIN senders ON key = sender") == 0
    assert one(ask, "SELECT count(*) FROM senders WHERE malicious <> (campaign IS NOT NULL)") == 0
    listed = "SELECT campaign, count(*) AS n FROM senders WHERE malicious GROUP BY 1"
    assert one(ask, f"SELECT count(*) FROM ({listed}) JOIN campaigns c USING (campaign) WHERE n <> c.senders") == 0
    assert one(ask, "SELECT count(*) FROM campaigns WHERE kind <> array_to_string(signals, '+')") == 0


def test_verdicts_end_before_labels_do_and_follow_what_they_judge(ask: duckdb.DuckDBPyConnection, world: Path) -> None:
    end = json.loads((world / "world.json").read_text())["labels_end"]
    assert one(ask, f"SELECT count(*) FROM verdicts WHERE ts >= TIMESTAMPTZ '{end}'") == 0
    assert one(ask, "SELECT count(*) - count(DISTINCT kind || key) FROM verdicts") == 0
    early = "SELECT count(*) FROM verdicts v JOIN senders s USING (key) WHERE v.ts < s.first_ts"
    assert one(ask, early) == 0
    assert one(ask, "SELECT count(DISTINCT verdict) FROM verdicts") == 2
    assert one(ask, "SELECT count(DISTINCT source) FROM verdicts") == 2


def test_reports_follow_a_message_that_their_reporter_got(ask: duckdb.DuckDBPyConnection) -> None:
    assert one(ask, "SELECT count(*) FROM reports") > 0
    wrong = "r.ts < e.ts OR NOT list_contains(e.recipients, r.reporter)"
    assert one(ask, f"SELECT count(*) FROM reports r LEFT JOIN events e USING (event_id) WHERE {wrong}") == 0


@pytest.mark.parametrize("signal", SIGNALS)
def test_innocent_groups_share_each_signal_as_purely_as_guilty_ones(signal: str) -> None:
    at = SIGNALS.index(signal)
    guilty = np.concatenate([plan.purity[plan.guilty, at] for plan in plans(0.0)])
    innocent = np.concatenate([plan.purity[~plan.guilty, at] for plan in plans(0.0)])
    shared = guilty[guilty > 0]
    assert 0.1 < len(shared) / len(guilty) < 1
    assert np.count_nonzero(innocent >= np.median(shared)) >= 20
    assert innocent.max() == guilty.max() == 1


def test_hardness_leaves_the_guilty_fewer_and_less_pure_signals() -> None:
    def kept(hardness: float) -> tuple[float, float]:
        purity = np.concatenate([plan.purity[plan.guilty] for plan in plans(hardness)])
        return float(np.mean(purity > 0)), float(purity[purity > 0].mean())

    easy, hard = kept(0.0), kept(1.0)
    assert easy[0] > hard[0] + 0.15
    assert easy[1] > hard[1] + 0.1


def test_worlds_differ_in_what_the_provider_sees() -> None:
    drawn = [draw_numbers(load_patterns(seed=seed)) for seed in range(60)]
    assert {numbers.outgoing for numbers in drawn} == {True, False}
    assert {numbers.no_print == 1.0 for numbers in drawn} == {True, False}
    assert {numbers.no_address == 1.0 for numbers in drawn} == {True, False}
    assert max(numbers.private for numbers in drawn) > 2 * min(numbers.private for numbers in drawn)


@pytest.fixture(scope="module")
def soup() -> Soup:
    return cook(load_patterns(events=60_000, seed=8, hardness=0.0))


def values_of(soup: Soup, signal: str) -> tuple[Longs, Longs]:
    """Rows, and what each shows of a signal; a row may come more than once."""
    rows, every = soup.rows, np.arange(len(soup.rows))
    if signal == "targets":
        return owners(rows.to_count), rows.to.astype(np.int64)
    if signal == "links":
        return owners(rows.link_count), rows.link.astype(np.int64)
    shown: dict[str, npt.NDArray[np.integer]] = {
        "network": rows.network,
        "fingerprint": rows.fingerprint,
        "address": soup.book.site[rows.sender],
        "hour": rows.ts // HOUR % 24,
    }
    return every, shown[signal].astype(np.int64)


@pytest.mark.parametrize("signal", SIGNALS)
def test_in_the_mail_itself_innocent_groups_look_as_bound_together_as_guilty_ones(soup: Soup, signal: str) -> None:
    row, value = values_of(soup, signal)
    group, sender = soup.rows.campaign[row], soup.rows.sender[row]
    guilty_groups = int(soup.groups.plan.guilty.sum())
    concentration: dict[bool, list[float]] = {True: [], False: []}
    for number in np.flatnonzero(np.bincount(group[group >= 0]) >= 20).tolist():
        mine = group == number
        if len(np.unique(sender[mine])) < 3:
            continue
        shares = np.unique(value[mine], return_counts=True)[1] / np.count_nonzero(mine)
        concentration[number < guilty_groups].append(float(np.sum(shares**2)))
    assert len(concentration[True]) >= 5
    upper = np.quantile(concentration[True], 0.75)
    assert np.count_nonzero(np.array(concentration[False]) >= upper) >= 5


def test_what_parts_the_sides_is_what_recipients_do(soup: Soup) -> None:
    rows = soup.rows
    guilty = (rows.campaign >= 0) & (rows.campaign < soup.groups.plan.guilty.sum())
    innocent = (rows.campaign >= 0) & ~guilty
    row = owners(rows.to_count)
    back = set(zip(rows.to.tolist(), rows.sender[row].tolist(), strict=True))
    answered = np.array(
        [(one, two) in back for one, two in zip(rows.sender[row].tolist(), rows.to.tolist(), strict=True)]
    )
    assert answered[guilty[row]].mean() < 0.7 * answered[innocent[row]].mean()
    assert rows.annoyance[guilty].mean() > 5 * rows.annoyance[innocent].mean()


def test_a_stolen_mailbox_keeps_the_mail_of_its_owner(ask: duckdb.DuckDBPyConnection) -> None:
    stolen = (
        "SELECT s.key, s.events, s.first_ts, c.first_ts AS attack FROM senders s JOIN campaigns c USING (campaign) "
    )
    stolen += "WHERE archetype = 'stolen'"
    assert one(ask, f"SELECT count(*) FROM ({stolen})") > 0
    assert one(ask, f"SELECT count(*) FROM ({stolen}) WHERE first_ts < attack") > 0


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(RingleaderError, match="there is no such preset"):
        load_patterns("easy")
