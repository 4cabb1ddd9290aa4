"""Damaged and missing pointers: every command says which file it is and how to mend it; none breaks off."""

import json
import os
from pathlib import Path

import pytest

from api import cli
from gnn import registry
from graph.home import Home
from graph.snapshot import publish
from tests import factories

DAMAGED = (b"\xff\xfe\x00", b"\xc3(", b"../../etc", b"a\x00b", b"x" * 300, b"two\nlines", b".", "é\x1b".encode())
COMMANDS = {
    "refresh": ("refresh",),
    "train": ("train",),
    "export": ("export", "scores", "--out", "scores.csv"),
    "doctor": ("doctor", "--json"),
}
READ_BY = {
    "models/CHAMPION": ("refresh", "train", "doctor"),
    "snapshots/CURRENT": ("export", "doctor"),
    "store/CURRENT": ("refresh", "doctor"),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in [name for name in os.environ if name.startswith("RINGLEADER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / "home").ensure()
    publish(home, factories.publication(), keep=1)
    return home


def model(home: Home, name: str) -> Path:
    """The files of a model; nothing here reads them."""
    folder = home.models / name
    folder.mkdir()
    for part in (registry.CARD, registry.WEIGHTS):
        (folder / part).write_bytes(b"{}")
    return folder


def told_by(home: Home, command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = cli.main(["--home", str(home.path), *COMMANDS[command]])
    streams = capsys.readouterr()
    return code, streams.out + streams.err


@pytest.mark.parametrize("content", DAMAGED)
@pytest.mark.parametrize(("pointer", "command"), [(name, each) for name, all in READ_BY.items() for each in all])
def test_a_damaged_pointer_is_an_error_that_names_it(home, capsys, pointer, command, content):
    if pointer == "models/CHAMPION":
        publish_nothing_to_train_from(home)
    (home.path / pointer).write_bytes(content)
    code, told = told_by(home, command, capsys)
    assert code == 1
    assert str(home.path / pointer) in told


def publish_nothing_to_train_from(home: Home) -> None:
    """Training looks at the champion only after the lake; one event is enough to get there."""
    from graph.lake import Lake
    from tests.graph.lake_rows import at, event, events

    Lake(home.path).ingest(events=events(event("e1", at(0))))


@pytest.mark.parametrize("pointer", ["models/CHAMPION", "snapshots/CURRENT"])
def test_a_folder_in_a_pointers_place_is_an_error_that_names_it(home, capsys, pointer):
    (home.path / pointer).unlink(missing_ok=True)
    (home.path / pointer).mkdir()
    code, told = told_by(home, "doctor", capsys)
    assert code == 1
    assert str(home.path / pointer) in told


@pytest.mark.parametrize("content", [None, b"", b" \n"])
def test_a_missing_pointer_beside_whole_snapshots_is_told_as_that(home, capsys, content):
    replace(home.snapshots / "CURRENT", content)
    code, told = told_by(home, "export", capsys)
    assert code == 1
    assert "nothing has been published yet" not in told
    assert str(home.snapshots / "CURRENT") in told


@pytest.mark.parametrize("content", [None, b"", b" \n"])
def test_a_missing_pointer_beside_whole_models_is_told_with_the_id_to_write_there(home, capsys, content):
    model(home, "m-0123456789abcdef")
    replace(home.models / "CHAMPION", content)
    _, told = told_by(home, "doctor", capsys)
    (found,) = [each for each in json.loads(told)["findings"] if each["name"] == "model"]
    assert found["state"] == "warn"
    assert "names no model, though 1 are there" in found["words"]
    assert "m-0123456789abcdef" in found["mend"]


def test_a_refresh_says_that_the_champions_pointer_is_gone_and_goes_on(home, capsys):
    model(home, "m-0123456789abcdef")
    code, told = told_by(home, "refresh", capsys)
    assert code == 1
    assert "names no model, though 1 are there" in told
    assert "the lake holds no events yet" in told


def test_a_home_without_models_has_lost_none(home):
    assert registry.lost_champion(home) is None
    (home.models / "m-half").mkdir()
    assert registry.lost_champion(home) is None


def replace(pointer: Path, content: bytes | None) -> None:
    pointer.unlink(missing_ok=True)
    if content is not None:
        pointer.write_bytes(content)
