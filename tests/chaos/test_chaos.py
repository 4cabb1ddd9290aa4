"""One round of everything that `make chaos` tries; and a harness that can fail."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.__main__ import PARTS, main, run, table
from chaos.mutate import mutated
from chaos.trial import Ended, Part, Trial, balance

SEED = 11


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_round_is_survived(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "chaos"  # where the tiny home is made, once for all parts
    scratch = folder / name
    scratch.mkdir(parents=True)
    trials = list(PARTS[name].round(SEED, scratch))
    assert trials
    assert [trial for trial in trials if not trial.survived] == []


def _broken(seed: int, scratch: Path) -> Iterator[Trial]:
    yield Trial("nothing")
    yield Trial("something", "it broke")


def test_what_fails_is_counted_and_told_with_the_seed_that_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "mails", Part("mails", "broken on purpose", _broken))
    tallies = run([PARTS["mails"]], rounds=2, seconds=60, seed=5)
    assert (tallies["mails"].tried, len(tallies["mails"].failed)) == (4, 2)
    assert "python -m chaos --only mails --seed 6 --rounds 1" in table(tallies)
    assert main(["--only", "mails", "--rounds", "1"]) == 1


def test_no_further_round_begins_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "mails", Part("mails", "quick", lambda seed, scratch: iter([Trial("nothing")])))
    assert run([PARTS["mails"]], rounds=50, seconds=0, seed=1)["mails"].tried == 1


@pytest.mark.parametrize(
    ("ended", "fault"),
    [
        (Ended(0, "", ""), ""),
        (Ended(2, "", "usage"), "status 2"),
        (Ended(None, "", ""), "still ran"),
        (Ended(1, "", "Traceback (most recent call last)\nValueError: x"), "traceback: ValueError: x"),
    ],
)
def test_a_command_that_hangs_or_throws_is_a_fault(ended: Ended, fault: str) -> None:
    found = ended.fault(0, 1)
    assert (fault in found) if fault else not found


def test_an_account_that_does_not_add_up_is_a_fault() -> None:
    kinds = {f"{kind}_found": 0 for kind in ("events", "reports", "verdicts")}
    assert balance({**kinds, "events_found": 2, "events_new": 1, "events_quarantined": 1}) == ""
    assert balance({**kinds, "events_found": 2, "events_new": 1}) == "events: 1 accounted for of 2 found"


def test_the_same_seed_mutates_alike() -> None:
    first, second = (mutated(random.Random(3), [b"hello world" * 9, b"other"], [b"\0"]) for _ in range(2))
    assert first == second != b"hello world" * 9
