"""Harm: messages, people and reports counted by hand on a dozen letters; old friends are not among them."""

import numpy as np
import pytest
from windows import Report, id_of, letter, window

from graph.campaigns.find import Partition
from graph.campaigns.groups import Groups
from graph.campaigns.harm import harms
from graph.campaigns.impact import past_of
from graph.evidence import gather_evidence


def test_harm_counts_strangers_reports_hours_and_what_blocking_costs() -> None:
    old = [letter("ann@home.example", "bob@home.example", day=day) for day in (0, 2, 4, 6)]
    old.append(letter("bob@home.example", "ann@home.example", day=1))
    spree = [letter("ann@home.example", f"s{n}@mail.test", day=8, hour=n) for n in range(5)]
    fraud = [letter("fraud@bad.example", "s0@mail.test", f"t{n}@mail.test", day=8, hour=n) for n in range(4)]
    reports = [Report(5, "s0@mail.test"), Report(10, "s0@mail.test"), Report(10, "t0@mail.test")]
    seen = window([*old, *spree, *fraud], reports)
    group = np.full(seen.senders.num_rows, -1, np.int64)
    for name in ("ann@home.example", "fraud@bad.example"):
        group[id_of(seen, "senders", name)] = 0
    groups = Groups.count_in(seen, gather_evidence(seen), Partition(group, (group >= 0) * 1.0))
    (harm,) = harms(groups, past_of(seen))
    assert (harm.victims, harm.perpetrators, harm.losing) == (1, 1, 1)
    assert (harm.messages, harm.people) == (5 + 8, 5 + 4)
    assert harm.reports == 1 + 2
    assert harm.hours == 8 * 24 + 4 - 9  # from nine o'clock of the first day
    assert harm.people_per_hour == pytest.approx(9 / harm.hours)
    assert harm.sentence.endswith("1 of 2 senders looks hijacked. Blocking all would cut 1 honest correspondence.")
