"""Each dial does what it says, measured on the truth of a world in which everything else is off."""

from dataclasses import replace
from pathlib import Path

import pytest

from graph.simulate import load_preset
from graph.simulate.kinds import KINDS, SIGNALS
from graph.simulate.options import Dial
from graph.simulate.world import plan_world
from tests.graph.simulate.worlds import ON, ask, made, one, options


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("calm"), options())


# ---- signals

# What a throw-away campaign, which shares every signal, shows of each, and what is more than it shows of a hidden one.
SHOWN = {
    "targets": ("count(*) / count(DISTINCT recipients[1])", 1.5),
    "network": ("count(DISTINCT sender) / count(DISTINCT network)", 3),
    "links": ("count(DISTINCT sender) / count(DISTINCT domains[1])", 3),
    "hour": ("sqrt(avg(cos(hour(ts) * pi() / 12)) ** 2 + avg(sin(hour(ts) * pi() / 12)) ** 2)", 0.7),
    "address": ("1 / count(DISTINCT home)", 0.3),
    "fingerprint": ("count(*) / count(DISTINCT fingerprint)", 3),
}


def shown(world: Path, signal: str) -> bool:
    """Whether half of the throw-away campaigns or more show it."""
    measure, enough = SHOWN[signal]
    question = f"SELECT median(n) FROM (SELECT {measure} AS n FROM mail WHERE kind = 'throwaway' GROUP BY campaign)"
    return one(world, question) > enough


def test_without_any_dial_campaigns_share_all_that_their_kind_shares(calm: Path) -> None:
    assert {kind: tuple(kept) for kind, kept in ask(calm, "SELECT kind, signals FROM campaigns")} == {
        kind: style.signals for kind, style in KINDS.items()
    }


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_hidden_signal_is_shown_by_no_campaign_and_every_other_one_is(tmp_path: Path, signal: str) -> None:
    world = made(tmp_path, options(hidden=(signal,)))
    assert one(world, f"SELECT count(*) FROM campaigns WHERE list_contains(signals, '{signal}')") == 0
    assert [name for name in SIGNALS if not shown(world, name)] == [signal]


@pytest.mark.parametrize("k", [1, 3])
def test_a_campaign_keeps_at_most_k_signals(tmp_path: Path, k: int) -> None:
    world = made(tmp_path, options(crime={"most_signals": Dial(k, k)}))
    kept = ask(world, "SELECT kind, len(signals) FROM campaigns")
    assert all(n == min(k, len(KINDS[kind].signals)) for kind, n in kept)
    assert one(world, "SELECT count(DISTINCT s) FROM (SELECT unnest(signals) AS s FROM campaigns)") > k


# ---- links, networks, infrastructure

OWN_DOMAINS = """SELECT count(*) FROM domains JOIN campaigns USING (campaign)
    WHERE kind NOT IN ('phishing', 'popular_links', 'worm', 'conversation', 'fingerprint_only')"""


def test_a_link_domain_for_each_sender(tmp_path: Path) -> None:
    world = made(tmp_path, options(hidden=("links",), crime={"own_links": ON}))
    most = """SELECT max(n) FROM (SELECT d, count(DISTINCT sender) AS n
        FROM (SELECT sender, unnest(domains) AS d FROM mail WHERE malicious) GROUP BY d)
        JOIN domains ON d = 'www.' || key WHERE malicious"""
    assert one(world, most) == 1
    assert one(world, OWN_DOMAINS) > 100


def test_free_hosting_leaves_no_domain_to_a_campaign(tmp_path: Path, calm: Path) -> None:
    assert one(calm, OWN_DOMAINS) > 20
    world = made(tmp_path, options(crime={"free_hosting": ON}))
    assert one(world, OWN_DOMAINS) == 0
    assert one(world, "SELECT avg((len(domains) > 0)::int) FROM mail WHERE kind = 'throwaway'") == 1


def test_burnt_infrastructure_is_not_seen_in_a_second_campaign(tmp_path: Path, calm: Path) -> None:
    again = """SELECT count(*) FROM (SELECT key FROM (
            SELECT DISTINCT campaign, unnest(domains) AS host FROM mail WHERE malicious) m
        JOIN domains d ON m.host = 'www.' || d.key WHERE d.malicious GROUP BY key HAVING count(*) > 1)"""
    ranges = """SELECT count(*) FROM (SELECT network FROM mail
        WHERE kind IN ('throwaway', 'phishing', 'calendar') GROUP BY network HAVING count(DISTINCT campaign) > 1)"""
    assert one(calm, again) > 0
    assert one(calm, ranges) > 0
    world = made(tmp_path, options(crime={"burnt": ON}))
    assert one(world, again) == one(world, ranges) == 0


def test_residential_proxies_are_the_homes_of_innocents(tmp_path: Path) -> None:
    among = """WITH homes AS (SELECT network FROM mail WHERE archetype = 'person' AND network IS NOT NULL)
        SELECT avg((network IN (FROM homes))::int) FROM mail WHERE kind = 'throwaway' AND network IS NOT NULL"""
    rented = made(tmp_path / "rented", options(hidden=("network",)))
    proxies = made(tmp_path / "proxies", options(hidden=("network",), crime={"residential": ON}))
    assert one(rented, among) < 0.1
    assert one(proxies, among) > 0.9


# ---- reports and verdicts

TRUE_REPORTS = "SELECT count(*) FROM reports r JOIN mail USING (event_id) WHERE r.kind != 'not_junk' AND malicious"
MISTAKES = "SELECT count(*) FROM reports r JOIN mail USING (event_id) WHERE r.kind != 'not_junk' AND NOT malicious"
RESCUES = "SELECT count(*) FROM reports r JOIN mail USING (event_id) WHERE r.kind = 'not_junk' AND NOT malicious"


def test_few_reports(tmp_path: Path, calm: Path) -> None:
    world = made(tmp_path, options(labels={"reporting": Dial(0.1, 0.1)}))
    assert one(world, TRUE_REPORTS) < 0.4 * one(calm, TRUE_REPORTS)
    assert one(world, MISTAKES) == one(calm, MISTAKES) > 0


def test_poisoned_reports_hit_innocents(tmp_path: Path, calm: Path) -> None:
    poison = {"puppets": Dial(0.05, 0.05), "poisoned": Dial(0.2, 0.2)}
    world = made(tmp_path, options(labels=poison))
    assert one(world, MISTAKES) > 2 * one(calm, MISTAKES)


@pytest.mark.parametrize(("share", "low", "high"), [(1.0, 0.0, 0.0), (0.5, 0.2, 0.8)])
def test_what_is_said_for_innocents_is_suppressed(tmp_path: Path, share: float, low: float, high: float) -> None:
    often = {"rescued": 0.02}
    open_ones = one(made(tmp_path / "open", options(labels=often)), RESCUES)
    world = made(tmp_path / "shut", options(labels=often | {"suppressed": Dial(share, share)}))
    assert open_ones > 50
    assert low * open_ones <= one(world, RESCUES) <= high * open_ones


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_wrong_verdicts_say_the_opposite(tmp_path: Path, share: float) -> None:
    world = made(tmp_path, options(labels={"wrong": Dial(share, share)}, crime={"rotation": ON}))
    wrong = (
        "SELECT avg((malicious != (verdict = 'malicious'))::int) FROM verdicts JOIN {} USING (key) WHERE kind = '{}'"
    )
    assert one(world, wrong.format("senders", "sender")) == share
    assert one(world, wrong.format("domains", "domain")) == share


def test_a_verdict_on_a_hijacked_account_comes_after_it_was_hijacked(calm: Path) -> None:
    early = """SELECT count(*), count(*) FILTER (v.ts < c.first_ts) FROM verdicts v JOIN senders s USING (key)
        JOIN campaigns c USING (campaign) WHERE archetype = 'hijacked'"""
    judged, too_early = ask(calm, early)[0]
    assert judged > 3
    assert too_early == 0


# ---- bridges


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("bridged"), options(crime={"bridges": ON}))


def test_without_the_dial_there_is_no_bridge(calm: Path) -> None:
    assert one(calm, "SELECT count(*) FROM senders WHERE bridge") == 0


def test_every_campaign_with_lasting_senders_has_a_guilty_bridge(bridged: Path) -> None:
    kinds = {kind for kind, style in KINDS.items() if not style.disposable}
    with_one = "SELECT DISTINCT kind FROM senders JOIN campaigns USING (campaign) WHERE bridge"
    assert {row[0] for row in ask(bridged, with_one)} == kinds
    assert one(bridged, "SELECT bool_and(malicious) FROM senders WHERE bridge")


def test_a_bridge_shares_links_recipients_and_networks_with_innocents_and_with_its_campaign(bridged: Path) -> None:
    groups = "('school', 'franchise', 'recruiter')"
    for what in ("unnest(domains)", "network", "unnest(recipients)", "fingerprint"):
        shared = f"""WITH group_has AS (SELECT DISTINCT {what} AS x FROM mail WHERE archetype IN {groups})
            SELECT avg(tied::int) FROM (SELECT sender, bool_or(x IN (FROM group_has)) AS tied
            FROM (SELECT sender, {what} AS x FROM mail WHERE bridge) GROUP BY sender)"""
        assert one(bridged, shared) == 1, what
    fellows = """SELECT avg((network IN (FROM plain))::int) FROM mail WHERE bridge AND list_contains(
        (SELECT signals FROM campaigns c WHERE c.campaign = mail.campaign), 'network')"""
    plain = "WITH plain AS (SELECT DISTINCT network FROM mail WHERE malicious AND NOT bridge AND network IS NOT NULL) "
    assert one(bridged, plain + fellows) > 0.3


def test_the_group_that_a_bridge_ties_in_stays_innocent(bridged: Path) -> None:
    groups = "SELECT count(*), bool_or(malicious) FROM senders WHERE archetype IN ('school', 'franchise', 'recruiter')"
    members, guilty = ask(bridged, groups)[0]
    assert members > 20
    assert not guilty
    brand = """SELECT count(*) FROM domains WHERE malicious
        AND 'www.' || key IN (SELECT unnest(domains) FROM mail WHERE archetype IN ('school', 'franchise'))"""
    assert one(bridged, brand) == 0


# ---- rotation


@pytest.fixture(scope="module")
def rotating(tmp_path_factory: pytest.TempPathFactory) -> Path:
    judged = {"senders_judged": Dial(0.5, 0.5), "delay_hours": 12.0}
    return made(tmp_path_factory.mktemp("rotating"), options(crime={"rotation": ON}, labels=judged, events=40_000))


def test_campaigns_rotate_after_a_verdict_only(rotating: Path, calm: Path) -> None:
    assert one(calm, "SELECT max(waves) FROM campaigns") == 1
    turned = "SELECT count(*) FROM campaigns WHERE waves > 1"
    assert one(rotating, turned) >= 4
    assert one(rotating, turned + " AND kind IN ('hijacked', 'worm')") == 0
    unknown = """ AND campaign NOT IN (
        SELECT campaign FROM verdicts JOIN senders USING (key) WHERE verdict = 'malicious')"""
    assert one(rotating, turned + unknown) == 0


# Of every set of senders that another one replaced: from the first verdict against it to its end and to the next set.
TURNS = """WITH alarm AS (SELECT campaign, wave, min(v.ts) AS ts FROM verdicts v JOIN senders USING (key)
        WHERE verdict = 'malicious' GROUP BY ALL),
    wrote AS (SELECT campaign, wave, min(ts) AS first_ts, max(ts) AS last_ts FROM mail
        WHERE kind != 'camouflage' GROUP BY ALL)
    SELECT {} FROM wrote old JOIN alarm USING (campaign, wave)
    JOIN wrote new ON new.campaign = old.campaign AND new.wave = old.wave + 1"""


def test_senders_that_a_verdict_gave_away_fall_silent_and_others_go_on(rotating: Path) -> None:
    turns, stayed, began = ask(
        rotating, TURNS.format("count(*), max(old.last_ts - alarm.ts), min(new.first_ts - alarm.ts)")
    )[0]
    assert turns >= 4
    assert stayed.total_seconds() < 12 * 3600
    assert began.total_seconds() > 0
    assert one(rotating, "SELECT min(n) FROM (SELECT count(*) AS n FROM senders WHERE wave > 1 GROUP BY campaign)") >= 3


def test_new_senders_use_none_of_the_old_rented_networks_and_domains(rotating: Path) -> None:
    kept = """SELECT count(*) FROM (SELECT campaign, {} AS x FROM mail JOIN campaigns USING (campaign)
        WHERE list_contains(signals, 'network') GROUP BY ALL HAVING x IS NOT NULL AND count(DISTINCT wave) > 1)"""
    assert one(rotating, kept.format("network")) == 0
    linked = """SELECT count(*) FROM (SELECT key FROM (SELECT campaign, wave, unnest(domains) AS host FROM mail) m
        JOIN domains d ON m.host = 'www.' || d.key AND m.campaign = d.campaign GROUP BY key
        HAVING count(DISTINCT wave) > 1)"""
    assert one(rotating, linked) == 0


# ---- sizes


@pytest.mark.parametrize("preset", ["ordinary", "adversarial", "scale"])
def test_campaigns_have_from_three_to_the_most_senders(preset: str) -> None:
    plain = load_preset(preset, events=60_000, seed=6)
    world = plan_world(replace(plain, crime=replace(plain.crime, most_senders=50, size_sigma=1.7)))
    sizes = [len(campaign.senders) for campaign in world.underworld.campaigns]
    assert min(sizes) == 3
    assert max(sizes) == 50


def test_the_scale_preset_has_campaigns_of_every_size_and_botnets_of_thousands() -> None:
    options = load_preset("scale")
    assert options.events >= 10_000_000
    campaigns = plan_world(replace(options, events=1_000_000)).underworld.campaigns
    sizes = [len(campaign.senders) for campaign in campaigns]
    assert min(sizes) < 10
    assert max(sizes) == options.crime.most_senders == 5_000
    botnets = [campaign for campaign in campaigns if campaign.kind == "botnet"]
    assert max(len(campaign.senders) for campaign in botnets) > 1_000
    assert all(campaign.events <= 3 * len(campaign.senders) for campaign in botnets)
