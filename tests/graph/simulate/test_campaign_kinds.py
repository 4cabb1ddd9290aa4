"""Every kind of campaign does what its name says, and those who are harmed or helped by it stay innocent."""

from pathlib import Path

import numpy as np
import pytest

from graph.simulate.options import People
from graph.simulate.world import plan_world
from tests.graph.simulate.worlds import ON, ask, made, one, options


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("kinds"), options(events=40_000, people=People(forwarded=0.0)))


def test_throw_away_senders_write_from_rented_ranges_that_no_innocent_uses(folder: Path) -> None:
    ranges = "SELECT count(DISTINCT network) FROM mail WHERE kind = 'throwaway'"
    assert one(folder, ranges) < 0.2 * one(folder, "SELECT count(*) FROM senders WHERE archetype = 'throwaway'")
    assert one(folder, ranges + " AND network IN (SELECT network FROM mail WHERE NOT malicious)") == 0


def test_calendar_spam_and_contact_spam_come_over_their_channels(folder: Path) -> None:
    for kind, channel in (("calendar", "calendar"), ("contact_share", "contacts"), ("throwaway", "mail")):
        assert ask(folder, f"SELECT DISTINCT channel FROM mail WHERE kind = '{kind}'") == [(channel,)]
    assert one(folder, "SELECT bool_and(NOT contains(sender, '@')) FROM mail WHERE kind = 'contact_share'")


def test_phishing_comes_from_own_domains(folder: Path) -> None:
    assert one(folder, "SELECT count(*) FROM mail WHERE kind = 'phishing'") > 0
    strange = """SELECT count(*) FROM mail m LEFT JOIN domains d ON d.key = m.home
        WHERE m.kind = 'phishing' AND d.campaign IS NULL"""
    assert one(folder, strange) == 0


def test_drips_last_weeks_and_throw_away_campaigns_days(folder: Path) -> None:
    days = "SELECT {}(date_diff('hour', first_ts, last_ts) / 24) FROM campaigns WHERE kind = '{}'"
    assert one(folder, days.format("max", "drip")) > 10
    assert one(folder, days.format("max", "throwaway")) < 10


def test_camouflage_is_mostly_answered_honest_mail(folder: Path) -> None:
    """What the senders wrote beside the campaign's own messages, and that some of the recipients wrote back."""
    wrote = "SELECT sum(s.events) FROM senders s JOIN campaigns c USING (campaign) WHERE kind = 'camouflage'"
    own = "SELECT sum(events) FROM campaigns WHERE kind = 'camouflage'"
    assert one(folder, wrote) > 1.5 * one(folder, own)
    answers = """SELECT count(*) FROM mail WHERE archetype = 'person'
        AND recipients[1] IN (SELECT key FROM senders JOIN campaigns USING (campaign) WHERE kind = '{}')"""
    assert one(folder, answers.format("camouflage")) > 10
    assert one(folder, answers.format("throwaway")) == 0


def test_botnets_sit_in_the_homes_of_innocents_and_write_at_most_three_times(folder: Path) -> None:
    homes = "SELECT network FROM mail WHERE archetype = 'person' AND network IS NOT NULL"
    elsewhere = f"SELECT count(*) FROM mail WHERE kind = 'botnet' AND network NOT IN ({homes})"
    assert one(folder, "SELECT count(DISTINCT network) FROM mail WHERE kind = 'botnet'") > 10
    assert one(folder, elsewhere) < 0.1 * one(folder, "SELECT count(*) FROM mail WHERE kind = 'botnet'")
    assert one(folder, "SELECT max(s.events) FROM senders s JOIN campaigns USING (campaign) WHERE kind = 'botnet'") <= 3


def test_a_worm_goes_along_contacts_and_other_hijackers_take_strangers() -> None:
    world = plan_world(options(events=40_000))
    people, tied = world.people, {"worm": [], "hijacked": []}
    for campaign in world.underworld.campaigns:
        if campaign.kind in tied:
            rows = np.searchsorted(people.ids, np.sort(campaign.senders))
            known = [np.isin(row, people.contacts[rows[rows != row]]) for row in rows]
            tied[campaign.kind].append(np.sum(known))
    assert all(known >= 2 for known in tied["worm"])  # all but the first
    assert max(tied["worm"]) > 10
    assert sum(tied["hijacked"]) == 0


def test_a_swindler_is_answered_and_answers_back(folder: Path) -> None:
    threads = """WITH m AS (SELECT sender, unnest(recipients) AS other, ts FROM mail)
        SELECT count(*) FROM m a JOIN senders s ON s.key = a.sender JOIN campaigns c USING (campaign)
        JOIN m b ON b.sender = a.other AND b.other = a.sender AND b.ts > a.ts
        JOIN m d ON d.sender = a.sender AND d.other = a.other AND d.ts > b.ts WHERE kind = '{}'"""
    assert one(folder, threads.format("conversation")) > 3
    assert one(folder, threads.format("throwaway")) == 0


def test_campaigns_without_links_share_a_fingerprint_and_nothing_to_click(folder: Path) -> None:
    assert one(folder, "SELECT sum(len(domains)) FROM mail WHERE kind IN ('fingerprint_only', 'conversation')") == 0
    templates = """SELECT max(n / prints) FROM (SELECT count(*) AS n, count(DISTINCT fingerprint) AS prints FROM mail
        WHERE kind = 'fingerprint_only' GROUP BY campaign)"""
    assert one(folder, templates) > 3


# ---- subscription bombing, and what benign things share


def test_a_bombed_victim_hears_from_many_honest_services_within_an_hour(folder: Path) -> None:
    heard = """SELECT b.bombing, b.services, count(DISTINCT sender), bool_or(malicious) FROM bombings b
        JOIN mail ON recipients[1] = victim AND archetype = 'sign_up' AND ts BETWEEN b.first_ts AND b.last_ts
        GROUP BY ALL"""
    bombings = ask(folder, heard)
    assert len(bombings) == one(folder, "SELECT count(*) FROM bombings") > 0
    assert all(services >= 10 and senders == services and not guilty for _, services, senders, guilty in bombings)
    assert one(folder, "SELECT max(last_ts - first_ts) FROM bombings").total_seconds() <= 3_660


def test_forwarders_bring_the_mail_of_many_senders_from_one_network(tmp_path: Path, folder: Path) -> None:
    """Mailboxes that hear from many, always from one network: none but where forwarders serve some."""
    served = """SELECT DISTINCT any_value(network) FROM mail WHERE len(recipients) = 1 AND network IS NOT NULL
        GROUP BY recipients[1] HAVING count(DISTINCT network) = 1 AND count(DISTINCT archetype) >= 5"""
    assert ask(folder, served) == []
    assert len(ask(made(tmp_path, options(people=People(forwarded=0.05))), served)) == 3


def test_agents_share_a_tracking_domain_and_teachers_a_domain_a_network_and_a_week(folder: Path) -> None:
    tracked = """SELECT max(n) FROM (SELECT d, count(DISTINCT sender) AS n FROM (SELECT sender, unnest(domains) AS d
        FROM mail WHERE archetype = 'recruiter') WHERE starts_with(d, 't.') GROUP BY d)"""
    assert one(folder, tracked) >= 10
    school = """SELECT home, count(DISTINCT sender) AS n, count(DISTINCT network) AS nets FROM mail
        WHERE archetype = 'school' AND NOT network IN (SELECT network FROM mail WHERE archetype = 'newsletter'
        AND network IS NOT NULL) GROUP BY home"""
    staff = ask(folder, school)
    assert staff
    assert all(n >= 4 for _, n, _ in staff)
    assert all(nets <= 3 for *_, nets in staff)  # its own, and those of forwarders


def test_shorteners_and_free_pages_are_linked_by_guilty_and_innocent_alike(folder: Path) -> None:
    both = """SELECT count(*) FROM (SELECT regexp_extract(d, '[^.]+[.][^.]+$') AS site
        FROM (SELECT malicious, unnest(domains) AS d FROM mail) GROUP BY site
        HAVING count(*) FILTER (malicious) > 0 AND count(*) FILTER (NOT malicious) > 0)
        JOIN domains ON key = site WHERE NOT malicious"""
    assert one(folder, both) >= 8


# ---- truth of operators


def test_operators_are_told_with_all_that_they_ran(folder: Path) -> None:
    wrong = """SELECT count(*) FROM operators o FULL JOIN (SELECT operator, count(*) AS n, sum(senders) AS s,
            sum(events) AS e, min(first_ts) AS f, max(last_ts) AS l, list_sort(list_distinct(list(kind))) AS k
        FROM campaigns GROUP BY operator) c USING (operator)
        WHERE (campaigns, o.senders, o.events, o.first_ts, o.last_ts, o.kinds) IS DISTINCT FROM (n, s, e, f, l, k)"""
    assert one(folder, wrong) == 0
    owned = """SELECT count(*) FROM operators
        LEFT JOIN (SELECT operator, count(*) AS n FROM domains GROUP BY operator) USING (operator)
        WHERE domains != coalesce(n, 0)"""
    assert one(folder, owned) == 0
    assert one(folder, "SELECT max(campaigns) FROM operators") > 1


def test_every_campaigns_events_are_those_its_senders_sent(tmp_path: Path) -> None:
    """Of senders with no life beside the campaign, rotated or not."""
    world = made(tmp_path, options(crime={"rotation": ON}, labels={"delay_hours": 12.0}, events=40_000))
    wrong = """SELECT count(*) FROM campaigns c JOIN (SELECT campaign, sum(events) AS n, count(*) AS k FROM senders
        WHERE malicious GROUP BY campaign) USING (campaign) WHERE kind IN ('throwaway', 'botnet', 'conversation')
        AND (n, k) != (c.events, c.senders)"""
    assert one(world, wrong) == 0
    assert one(world, "SELECT max(waves) FROM campaigns WHERE kind = 'throwaway'") > 1
