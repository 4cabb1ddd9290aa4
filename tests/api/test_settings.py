"""Settings: what overrides what, what is refused, and that every setting is documented."""

import itertools
import tomllib
from dataclasses import FrozenInstanceError, asdict

import pytest
from hypothesis import given
from hypothesis import settings as fast
from hypothesis import strategies as st

from api.settings import (
    PRESETS,
    FlagError,
    Settings,
    SettingsError,
    find_config,
    known_settings,
    load_settings,
    preset_path,
)


def test_defaults_hold_where_nothing_else_is_said(tmp_path):
    assert load_settings(tmp_path) == Settings()


def test_settings_cannot_be_changed_after_they_are_built(tmp_path):
    with pytest.raises(FrozenInstanceError):
        load_settings(tmp_path).serve.port = 1  # type: ignore[misc]


def test_the_home_overrides_defaults_the_environment_the_home_and_a_flag_the_environment(tmp_path):
    (tmp_path / "config.toml").write_text("[serve]\nport = 1001\nworkers = 3\nhost = '::1'\n")
    environ = {"RINGLEADER_SERVE_PORT": "1002", "RINGLEADER_SERVE_WORKERS": "4"}
    serve = load_settings(tmp_path, None, environ, {"serve.port": 1003}).serve
    assert (serve.host, serve.workers, serve.port) == ("::1", 4, 1003)


def test_a_file_named_on_the_command_line_replaces_the_homes_own(tmp_path):
    (tmp_path / "config.toml").write_text("[serve]\nport = 1001\n")
    named = tmp_path / "other.toml"
    named.write_text("[serve]\nworkers = 2\n")
    serve = load_settings(tmp_path, str(named)).serve
    assert (serve.port, serve.workers) == (Settings().serve.port, 2)


def test_a_preset_is_found_by_its_name(tmp_path):
    assert load_settings(tmp_path, "production").serve.host == "0.0.0.0"


def test_a_config_that_is_not_there_is_a_usage_error_naming_the_presets(tmp_path):
    with pytest.raises(FlagError, match="local, production"):
        find_config(tmp_path, str(tmp_path / "no.toml"))


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("[serve]\nprot = 1\n", "serve.port"),
        ("[sreve]\nport = 1\n", "serve.port"),
        ("[refresh]\nstale_after_hours = 1\n", "serve.stale_after_hours"),
        ("port = 1\n", "serve.port"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest_known_one(tmp_path, text, nearest):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    assert nearest in caught.value.mend
    assert "config.toml" in caught.value.thing


def test_an_unknown_variable_of_our_sections_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="RINGLEADER_SERVE_PROT"):
        load_settings(tmp_path, None, {"RINGLEADER_SERVE_PROT": "1"})


def test_other_variables_with_our_prefix_are_left_alone(tmp_path):
    environ = {"RINGLEADER_HOME": "/x", "RINGLEADER_NEO4J_PASSWORD": "secret", "RINGLEADER_PORT_8080_TCP": "tcp://x"}
    assert load_settings(tmp_path, None, environ) == Settings()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[serve]\nport = 'eighty'\n", "is not a whole number"),
        ("[serve]\nport = 80.5\n", "is not a whole number"),
        ("[serve]\nport = true\n", "is not a whole number"),
        ("[serve]\nport = 70000\n", "out of bounds"),
        ("[serve]\nhost = 7\n", "is not a text"),
        ("[serve]\nauth = 'maybe'\n", "is not one of keys, off"),
        ("[serve]\nstale_after_hours = nan\n", "out of bounds"),
        ("[refresh]\nwindow_days = 0\n", "out of bounds"),
        ("[serve\n", "is not TOML"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_reason(tmp_path, text, reason):
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    assert reason in caught.value.reason


def test_a_wrong_flag_is_a_usage_error(tmp_path):
    with pytest.raises(FlagError, match="window_days"):
        load_settings(tmp_path, flags={"refresh.window_days": -1})


@given(port=st.integers(), workers=st.integers())
@fast(max_examples=50, deadline=None)
def test_whole_numbers_in_bounds_come_through_text_unchanged_and_others_are_refused(tmp_path_factory, port, workers):
    environ = {"RINGLEADER_SERVE_PORT": str(port), "RINGLEADER_SERVE_WORKERS": str(workers)}
    home = tmp_path_factory.getbasetemp()
    if 0 <= port <= 65_535 and 1 <= workers <= 256:
        serve = load_settings(home, None, environ).serve
        assert (serve.port, serve.workers) == (port, workers)
    else:
        with pytest.raises(SettingsError, match="out of bounds"):
            load_settings(home, None, environ)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_documents_every_setting_right_above_it(preset):
    lines = preset_path(preset).read_text().splitlines()
    section, documented = "", {}
    for above, line in itertools.pairwise(lines):
        if line.startswith("["):
            section = line.strip("[]")
        elif "=" in line and not line.startswith("#"):
            documented[f"{section}.{line.split('=')[0].strip()}"] = above.removeprefix("# ")
    assert documented == {name: rule.help for name, rule in known_settings().items()}


def test_the_local_preset_is_the_defaults():
    assert tomllib.loads(preset_path("local").read_text()) == asdict(Settings())


def test_the_production_preset_loads_whole(tmp_path):
    assert load_settings(tmp_path, "production") != Settings()
