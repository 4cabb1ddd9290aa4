"""Own features of a sender, worked out by hand, and what they must not depend on."""

from dataclasses import replace

import numpy as np
import pytest
from windows import Letter, Report, id_of, letter, window

from gnn.features import REPORT_CAP, Channels, channels, co_user_signals, report_signals, sender_channels, span_days
from graph.evidence import gather_evidence
from graph.values import Window

ANN, BOB, CID, DOT = "ann@a.example", "bob@b.example", "cid@c.example", "dot@d.example"


def value(seen: Window, sender: str, name: str) -> float:
    found = sender_channels(seen, gather_evidence(seen))
    return float(found.values[id_of(seen, "senders", sender), found.names.index(name)])


def letters() -> list[Letter]:
    """Ann writes to Bob and Cid, twice to Bob; Bob answers; Bob and Cid know each other."""
    return [
        letter(ANN, BOB, CID, day=1, hour=9, sites=("s.example", "t.example"), network="192.0.2.0/24"),
        letter(ANN, BOB, day=4, hour=9, channel="calendar"),
        letter(BOB, ANN, CID, day=5),
        letter(CID, BOB, day=6),
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("behaviour.events", np.log(3)),
        ("behaviour.recipients", np.log(3)),
        ("behaviour.copies", np.log(1 + 3 / 2)),
        ("behaviour.repeats", np.log(3 / 2)),
        ("behaviour.active_days", np.log(3)),
        ("behaviour.span", np.log(4)),
        ("behaviour.peak_day", 0.5),
        ("behaviour.hour_entropy", 0.0),
        ("behaviour.day_entropy", np.log(2)),
        ("behaviour.answered", 0.5),
        ("behaviour.any_answer", 1.0),
        ("behaviour.targets_active", 1.0),
        ("behaviour.domains", np.log(3)),
        ("behaviour.networks", np.log(2)),
        ("behaviour.fingerprints", 0.0),
        ("style.calendar", 0.5),
        ("style.linked", 0.5),
        ("reports.junk", 0.0),
    ],
)
def test_what_a_sender_does_is_counted(name: str, expected: float) -> None:
    assert value(window(letters()), ANN, name) == pytest.approx(expected, abs=1e-6)


def test_recipients_who_write_to_each_other_close_the_circle() -> None:
    apart = [letter(DOT, BOB, "eve@e.example")]
    assert value(window(letters()), ANN, "behaviour.closure") > 0
    assert value(window(letters() + apart), DOT, "behaviour.closure") == 0


def test_the_same_letters_a_few_days_later_have_the_same_features() -> None:
    """No absolute time: a model taught in March may score April."""
    seen = window(letters())
    later = window([replace(one, day=one.day + 3) for one in letters()])
    first, second = (sender_channels(each, gather_evidence(each)) for each in (seen, later))
    assert first.names == second.names
    assert np.allclose(first.values, second.values)


def test_reports_of_many_on_one_message_are_capped() -> None:
    crowd = tuple(f"r{n}@r.example" for n in range(30))
    seen = window([Letter(ANN, crowd)], [Report(0, reporter) for reporter in crowd])
    assert report_signals(seen)["junk"].tolist() == [1 + REPORT_CAP]


def test_one_who_clears_and_one_who_reports_are_told_apart() -> None:
    seen = window([letter(ANN, BOB, CID)], [Report(0, BOB), Report(0, CID, "not_junk")])
    signals = report_signals(seen)
    assert (signals["junk"][0], signals["not_junk"][0]) == (1, 1)
    assert value(seen, ANN, "reports.reported_events") == 1


def test_a_one_shot_sender_says_so_to_those_who_share_with_it() -> None:
    seen = window(letters())
    signals = co_user_signals(seen)
    ann, cid = id_of(seen, "senders", ANN), id_of(seen, "senders", CID)
    assert (signals["one_shot"][ann], signals["one_shot"][cid]) == (0, 1)
    assert signals["answered"][ann] == 0.5
    assert signals["mailbox"].tolist() == [1, 1, 1]
    assert span_days(seen.senders)[ann] == pytest.approx(3)


def test_every_value_is_a_finite_number_and_every_name_its_own() -> None:
    seen = window([letter("lonely", "nobody@n.example"), *letters()])
    found = sender_channels(seen, gather_evidence(seen))
    assert np.isfinite(found.values).all()
    assert len(set(found.names)) == len(found.names) == len(found.blocks) == found.values.shape[1]
    assert all(name.startswith(block) for name, block in zip(found.names, found.blocks, strict=True))


def test_an_empty_window_has_no_rows() -> None:
    seen = window([])
    assert sender_channels(seen, gather_evidence(seen)).values.shape[0] == 0


def test_channels_stand_beside_each_other_and_are_picked_by_block() -> None:
    one = channels({"a": np.array([1.0, np.nan]), "b": np.array([np.inf, 2.0])}, "first")
    other = channels({"a": np.array([3.0, 4.0])}, "second")
    both = one.beside(other)
    assert both.names == ("first.a", "first.b", "second.a")
    assert both.values.tolist() == [[1, 0, 3], [0, 2, 4]]
    picked = both.only({"second"})
    assert isinstance(picked, Channels)
    assert (picked.names, picked.blocks, picked.values.tolist()) == (("second.a",), ("second",), [[3], [4]])
