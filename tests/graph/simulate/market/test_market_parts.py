"""The parts of the market world by themselves: growing columns, ties, choices that fit, analysts who pick the worst."""

from dataclasses import replace

import numpy as np
import pytest

from graph.simulate.market import load_market
from graph.simulate.market.analysts import Analysts
from graph.simulate.market.campaign import Campaign
from graph.simulate.market.clock import DAY, HOUR, Day, calendar, moments, week_weights
from graph.simulate.market.crews import Crew, Plan, found_crews
from graph.simulate.market.directory import Column, Directory
from graph.simulate.market.letters import unfold
from graph.simulate.market.offers import GOALS, NEEDS, OFFERS, ONLY
from graph.simulate.market.reports import NOT_JUNK, ReportBook
from graph.simulate.market.society import befriend
from graph.simulate.market.supply import SecondHand, Supplier
from graph.simulate.market.world import MarketWorld
from graph.simulate.rows import make_rows, no_rows


@pytest.fixture(scope="module")
def world() -> MarketWorld:
    return MarketWorld(load_market("adversarial", events=20_000, seed=6))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# ---- clock


def test_an_office_sleeps_at_night_by_its_own_clock():
    day = Day(3, 2)
    for zone in (-8, 0, 5):
        hour = (moments(rng(), day, "office", 2_000, zone) - day.start) // HOUR
        local = (hour + zone) % 24
        assert local.min() >= 6
        assert hour.max() < 24
        assert ((local >= 8) & (local < 17)).mean() > 0.75


def test_a_worlds_days_share_all_of_its_mail_and_weekends_get_less():
    days = calendar(14, 4)
    weights = week_weights(days)
    assert [day.weekday for day in days[:4]] == [4, 5, 6, 0]
    assert weights.sum() == pytest.approx(1)
    assert weights[1] < weights[3]


# ---- directory


def test_a_column_grows_and_keeps_what_it_holds():
    column = Column(np.int32)
    for n in (3, 2_000, 5_000):
        column.extend(n, n)
    assert len(column) == 7_003
    assert column.cells[[0, 2, 3, 2_002, 2_003, -1]].tolist() == [3, 3, 2_000, 2_000, 5_000, 5_000]


def test_a_directory_names_everything_once():
    directory = Directory(5_000, 3)
    sites = directory.sites(300)
    networks = directory.networks(500, 0.5, rng())
    directory.people(rng().choice(sites, 2_000), "person", networks[0])
    directory.desks("news", sites, "newsletter", networks[:300])
    directory.relays("reply", np.repeat(sites[:1], 500), "relay", networks[1])
    directory.accounts(400, "booking", networks[2])
    directory.pages(np.repeat(sites[:2], 100))
    texts = directory.texts()
    for words in (texts.keys, texts.hosts, texts.prefixes, directory.site_names()):
        assert len(set(words.to_pylist())) == len(words)
    assert len(directory) == 2_000 + 300 + 500 + 400
    assert texts.hosts[int(directory.fronts(sites[5:6])[0])].as_py() == "www." + directory.site_names()[5].as_py()


# ---- people


def test_nobody_is_tied_to_himself_and_outsiders_know_members_only(world: MarketWorld):
    society = world.stage.society
    assert not (society.ties == np.arange(society.size)[:, None]).any()
    assert society.member[society.ties[~society.member]].all()


def test_a_friends_friend_becomes_a_friend(world: MarketWorld):
    society = replace(world.stage.society, ties=world.stage.society.ties.copy())
    before = society.ties.copy()
    who, other, friend = befriend(rng(), society, 4_000, 1.0, np.empty(0, np.int32))
    assert len(who) > 1_000
    assert all(b in before[f] and f in before[a] for a, b, f in zip(who, other, friend, strict=True))
    assert (who != other).all()


def test_without_introductions_the_popular_gain():
    society = MarketWorld(load_market(events=5_000, seed=1)).stage.society
    star = int(society.members[0])
    befriend(rng(), society, 300, 0.0, np.full(10, star))
    assert (society.ties == star).sum() > 150


def test_unfolding_keeps_later_answers_for_their_day():
    def answer(rows):
        return make_rows(rows.ts + DAY // 2, rows.to, rows.sender) if len(rows) else no_rows()

    first = make_rows(np.array([0, DAY - 1]), np.array([1, 2]), np.array([3, 4]))
    now, later = unfold(first, answer, DAY)
    assert sorted(now.ts.tolist()) == [0, DAY // 2, DAY - 1]
    assert sorted(later.ts.tolist()) == [DAY, DAY - 1 + DAY // 2]


# ---- crews


def plans(hardness: float, n: int = 300) -> list[Plan]:
    options = load_market(events=100_000, seed=2, hardness=hardness)
    crews = found_crews(options, 60, rng(1))
    return [crews[at % len(crews)].plan(rng(at), 200.0) for at in range(n)]


def test_what_crews_choose_fits_together():
    chosen = plans(0.5)
    for plan in chosen:
        parts = vars(plan)
        for name in parts.values():
            allowed = ONLY.get(name, ())
            for choice, offers in OFFERS.items():
                if any(one in offers for one in allowed):
                    assert parts[choice] in allowed, plan
        assert all(NEEDS.get(name, plan.identity) == plan.identity for name in parts.values())
    for choice, offers in OFFERS.items():
        assert {getattr(plan, choice) for plan in chosen} == set(offers)
    assert {plan.goal for plan in chosen} == set(GOALS)


def test_crews_of_harder_worlds_pay_more_to_hide():
    easy, hard = (np.mean([plan.price for plan in plans(hardness)]) for hardness in (0.0, 1.0))
    assert hard > easy


def test_poor_crews_choose_what_is_cheap():
    crew = found_crews(load_market(seed=1, hardness=1.0), 10, rng())[0]
    rich, poor = replace_money(crew, 500.0), replace_money(crew, 0.5)
    prices = [np.mean([one.plan(rng(at), 200.0).price for at in range(150)]) for one in (rich, poor)]
    assert prices[1] < prices[0]


def replace_money(crew: Crew, money: float) -> Crew:
    return replace(crew, money=money)


def campaign_of(world: MarketWorld, **chosen: str) -> Campaign:
    plan = replace(
        Plan("credentials", "mail", "free_mailboxes", "webmail", "own_link", "own", "drip", "list", "once"), **chosen
    )
    crew = replace(world.underworld.crews[0], lone=False, quiet_until=0)
    number = len(world.underworld.campaigns)
    campaign = Campaign(Supplier(world.stage, crew, plan, number, SecondHand()), 400, Day(3, 3), 0)
    world.underworld.campaigns.append(campaign)
    return campaign


def test_a_campaign_sends_what_it_means_to_and_no_more(world: MarketWorld):
    campaign = campaign_of(world)
    campaign.cover = 0.0
    sent = [campaign.send(day) for day in calendar(35, 0)[3:]]
    assert sum(map(len, sent)) == 400
    assert campaign.over
    senders = np.concatenate([rows.sender for rows in sent])
    assert (np.bincount(senders)[senders] <= 3).all()
    assert len(np.unique(senders)) > 200


def test_a_campaign_that_was_found_out_goes_on_with_others(world: MarketWorld):
    campaign = campaign_of(world, burst="many")
    first = campaign.send(Day(3, 3))
    judged = np.zeros(len(world.directory), bool)
    judged[campaign.live] = True
    assert campaign.lose(judged) > 0
    assert len(campaign.live) == 0
    campaign.change("domains", Day(3, 3))
    later = campaign.send(Day(4, 4))
    assert len(later)
    assert not np.intersect1d(later.sender, np.flatnonzero(judged)).size
    assert not np.intersect1d(np.setdiff1d(later.link, world.stage.rentals.popular), first.link).size
    assert set(world.directory.wave.cells[later.sender].tolist()) == {2}


def test_a_worm_takes_over_whom_it_reached(world: MarketWorld):
    campaign = campaign_of(
        world, goal="malware", identity="stolen", route="owner", targets="address_book", burst="many", pace="waves"
    )
    reached, infected, followers = set(), set(), []
    for day in calendar(35, 0)[3:]:
        rows = campaign.send(day)
        newcomers = set(rows.sender.tolist()) - infected
        followers += [sender in reached for sender in newcomers if infected]
        infected |= newcomers
        reached |= set(rows.to.tolist())
    assert len(followers) > 3
    assert np.mean(followers) > 0.6


def test_a_lease_can_be_taken_over():
    shelf = SecondHand()
    assert shelf.take("ranges", rng()) is None
    shelf.give("ranges", np.array([4, 5], np.int32))
    assert shelf.take("ranges", rng()).tolist() == [4, 5]
    assert shelf.take("ranges", rng()) is None


# ---- labels


def test_the_team_looks_at_the_most_reported_first_and_never_twice(world: MarketWorld):
    options = replace(world.options, desk=replace(world.options.desk, pivots=0, domains=0.0))
    book = ReportBook(options, world.stage.society, world.directory)
    members = world.stage.society.members
    for sender, reports in ((10, 5), (11, 2), (12, 9), (13, 1)):
        book.event.extend(0, reports)
        book.reporter.extend(members[:reports], reports)
        book.ts.extend(1, reports)
        book.sender.extend(sender, reports)
        book.kind.extend(0, reports)
    book.kind.cells[book.sender.cells == 10] = NOT_JUNK
    team = Analysts(options, world.directory, book)
    seen = np.zeros(len(world.directory), bool)
    seen[10:14] = True
    team.work(Day(1, 1), seen)
    analysts = [case.number for case in team.cases if case.source == "analyst"]
    assert analysts == [12, 11][: len(analysts)] or analysts == [12, 11, 13]
    team.work(Day(2, 2), seen)
    judged = [case.number for case in team.cases if case.kind == "sender"]
    assert sorted(judged) == [10, 11, 12, 13]


def test_a_crank_reports_bulk_mail_and_a_stranger_to_reports_does_not(world: MarketWorld):
    book = ReportBook(world.options, world.stage.society, world.directory)
    n, members = 400, world.stage.society.members
    crank, quiet = int(members[0]), int(members[1])
    book.zeal[:], book.crank[:], book.paid[:] = 0, False, False
    book.crank[crank] = True
    bulk = make_rows(np.zeros(2 * n), np.full(2 * n, 3), np.repeat([crank, quiet], n), annoyance=0.03)
    book.watch(bulk, 0, np.array([False]))
    by = [int((book.reporter.cells[book.kind.cells != NOT_JUNK] == one).sum()) for one in (crank, quiet)]
    assert by[0] > n / 4
    assert by[1] == 0


def test_bought_clicks_save_the_guilty_and_frame_the_innocent(world: MarketWorld):
    book = ReportBook(world.options, world.stage.society, world.directory)
    n, reader = 400, int(world.stage.society.members[0])
    book.zeal[:], book.crank[:] = 0, False
    book.paid[reader] = True
    campaign = np.repeat([-1, 0], n)
    book.watch(
        make_rows(np.zeros(2 * n), campaign + 5, np.full(2 * n, reader), annoyance=0.5, campaign=campaign),
        0,
        np.array([True]),
    )
    framed, saved = (book.kind.cells[book.sender.cells == sender] for sender in (4, 5))
    assert (framed != NOT_JUNK).sum() > n / 5
    assert (saved == NOT_JUNK).sum() > n / 10
    assert (saved != NOT_JUNK).sum() == 0
