"""Habits: planted ones are told with their counts, and a crowd that does as everybody does has none."""

import numpy as np
from windows import Letter, id_of, letter, window

from graph.campaigns.find import Partition
from graph.campaigns.groups import Groups
from graph.campaigns.patterns import Shared, habits, shared_habits
from graph.evidence import gather_evidence

GANG = [f"x{n}@bad.example" for n in range(12)]
HONEST = [f"h{n}@home.example" for n in range(120)]


def everyday() -> list[Letter]:
    """Each on a day and at an hour of its own, and again; one in thirty at three at night."""
    return [
        letter(key, "v@mail.test", day=(n + again) % 10, hour=3 if n % 30 == 0 else 6 + n % 17)
        for n, key in enumerate(HONEST)
        for again in (0, 4)
    ]


def shared(letters: list[Letter], members: list[str]) -> dict[str, Shared]:
    seen = window([*everyday(), *letters])
    group = np.full(seen.senders.num_rows, -1, np.int64)
    group[[id_of(seen, "senders", key) for key in members]] = 0
    groups = Groups.count_in(seen, gather_evidence(seen), Partition(group, (group >= 0) * 1.0))
    return {one.relation: one for one in shared_habits(groups, habits(groups), 100)}


def test_senders_who_appear_and_write_on_one_day_at_one_hour_are_told_so() -> None:
    found = shared([letter(key, "v@mail.test", day=5, hour=3) for key in GANG], GANG)
    assert found["same_hours"].artefact == "02:00 to 04:00 UTC" or found["same_hours"].artefact == "03:00 to 05:00 UTC"
    assert (found["same_hours"].inside, found["same_hours"].outside) == (12, 4)
    assert found["debut"].artefact == "2024-03-06"
    assert (found["debut"].inside, found["debut"].outside) == (12, 12)
    assert found["same_days"].artefact == "2024-03-06"


def test_hours_go_around_midnight() -> None:
    late = [letter(key, "v@mail.test", day=n % 10, hour=23 if n % 2 else 0) for n, key in enumerate(GANG)]
    assert shared(late, GANG)["same_hours"].artefact == "23:00 to 01:00 UTC"


def test_in_the_windows_first_days_nobody_is_new() -> None:
    assert "debut" not in shared([letter(key, "v@mail.test", day=0, hour=3) for key in GANG], GANG)


def test_a_crowd_like_any_other_has_no_habit() -> None:
    assert shared([], HONEST[:12]) == {}
