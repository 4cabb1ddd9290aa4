"""The simulator's options: presets, dials and what is refused."""

import pytest

from graph.errors import RingleaderError
from graph.simulate import load_preset
from graph.simulate.options import Dial, from_table


def test_a_dial_runs_from_easy_to_hard() -> None:
    dial = Dial(1.0, 0.2)
    assert (dial.at(0.0), dial.at(0.5), dial.at(1.0)) == pytest.approx((1.0, 0.6, 0.2))


def test_presets_grow_harder() -> None:
    hardness = [load_preset(name).hardness for name in ("ordinary", "hard", "adversarial")]
    assert hardness == sorted(hardness)
    assert hardness[0] < hardness[-1] == 1.0


def test_what_the_caller_chose_wins_over_the_preset() -> None:
    options = load_preset("hard", events=9_000, seed=5, hardness=0.25, days=28)
    assert (options.events, options.seed, options.hardness, options.days) == (9_000, 5, 0.25, 28)
    assert options.preset == "hard"


def test_a_section_changes_one_number_and_leaves_the_rest() -> None:
    options = from_table({"events": 3_000, "crime": {"late": 0.6, "burnt": [0.0, 1.0]}})
    assert options.crime.late == 0.6
    assert options.crime.burnt == Dial(0.0, 1.0)
    assert options.crime.fewest_senders == 3


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"event": 1}, "world.event: there is no such option"),
        ({"crime": {"lates": 1}}, "crime.lates: there is no such option"),
        ({"crime": {"burnt": 0.5}}, "burnt: a dial is a pair"),
        ({"events": 10}, "at least 2500 events"),
        ({"days": 3}, "at least 14 days"),
        ({"hardness": 1.5}, "between 0 and 1"),
        ({"seed": -1}, "a seed is not negative"),
    ],
)
def test_a_wrong_option_is_named(table: dict, complaint: str) -> None:
    with pytest.raises(RingleaderError, match=complaint):
        from_table(table)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(RingleaderError, match="ordinary, hard, adversarial"):
        load_preset("easy")
