"""The demo around the work: which refreshes run, the server it starts, the questions it asks."""

from datetime import timedelta

import pytest

from api.demo import (
    KEY_NAME,
    MOMENTS,
    WINDOW_DAYS,
    DemoError,
    DemoServer,
    demo_settings,
    make_key,
    moments_left,
    questions,
    sample_paths,
)
from api.settings import Settings
from graph.home import Home
from graph.snapshot import publish
from tests import factories


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home").ensure()


def test_the_sample_is_found_in_a_checkout():
    assert {kind for kind, (path,) in sample_paths().items() if path.is_file()} == {"events", "reports", "verdicts"}


def test_the_demos_window_fits_the_sample_and_all_else_is_as_given():
    given = Settings()
    assert demo_settings(given).refresh.window_days == WINDOW_DAYS
    assert demo_settings(given).serve == given.serve


def test_a_new_home_sees_every_moment_in_order(home):
    assert moments_left(home) == MOMENTS


def test_a_home_that_has_seen_the_sample_sees_the_last_moment_again_and_never_goes_back(home):
    publish(home, factories.publication(as_of=MOMENTS[-1]), keep=1)
    assert moments_left(home) == MOMENTS[-1:]


def test_a_demo_that_was_cut_short_goes_on_where_it_stopped(home):
    publish(home, factories.publication(as_of=MOMENTS[0] + timedelta(seconds=1)), keep=1)
    assert moments_left(home) == MOMENTS[1:]


def test_the_second_demos_key_works_and_the_firsts_does_not(home):
    from api.auth import KeyStore

    first, second = make_key(home), make_key(home)
    keys = KeyStore(home)
    assert keys.identify(first) is None
    assert keys.identify(second).name == KEY_NAME
    keys.close()


def test_the_demo_asks_a_real_server_about_the_largest_campaign_and_a_sender_of_it(home):
    publish(home, factories.publication(), keep=1)
    with DemoServer(home, make_key(home)) as server:
        server.wait_until_ready()
        node, campaign = questions(server)
    assert campaign.body["campaign_id"] == "c-links"
    assert node.body["campaign_id"] == "c-links"
    assert node.body["found"] is True


def test_a_server_that_cannot_start_is_an_error_with_its_last_words(home, monkeypatch):
    monkeypatch.setattr("api.demo._free_port", lambda: 70_000)
    with DemoServer(home, "key") as server, pytest.raises(DemoError, match="must be at least"):
        server.wait_until_ready()


def test_a_sample_without_a_campaign_is_an_error(home):
    publish(home, factories.without_campaigns(factories.publication()), keep=1)
    with DemoServer(home, make_key(home)) as server:
        server.wait_until_ready()
        with pytest.raises(DemoError, match="no campaign was found"):
            questions(server)
