"""The three-way answer: where the lines are, what is expected beyond them, and who is not answered."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from small_mail import nothing_known
from windows import Letter, Report, id_of, letter, window

from gnn.decide import Answers, DecideOptions, decide, described, thin_domains, thin_senders
from gnn.labels import CAMPAIGN_WEIGHT, Labels
from graph.evidence import MOST_WRITERS, gather_evidence
from graph.values import Window

ASKED = DecideOptions(precision=0.99, benign_precision=0.999, false_positive_cost=10.0, least_events=3)
EASY = DecideOptions(precision=0.5, benign_precision=0.5, false_positive_cost=1.0, least_events=3)
probabilities = st.lists(
    st.floats(0, 1) | st.sampled_from([0.0, 0.0001, 0.001, 0.5, 0.9, 0.99, 0.999, 1.0]), max_size=40
)
shares = st.floats(0.5, 1)
options = st.builds(DecideOptions, shares, shares, st.floats(0.1, 100), st.just(3))


def answers(p: list[float], asked: DecideOptions = ASKED, thin: list[bool] | None = None, **verdicts: str) -> Answers:
    """Answers about nodes named n0, n1, … with these probabilities and verdicts."""
    labels = nothing_known(len(p))
    for name, verdict in verdicts.items():
        getattr(labels, verdict)[int(name[1:])] = 1.0
    return decide(np.array(p, float), labels, np.array(thin or [False] * len(p), bool), asked)


def words(*args: object, **more: object) -> list[str]:
    return list(answers(*args, **more).words)  # type: ignore[arg-type]


def test_the_line_is_the_first_that_keeps_the_precision() -> None:
    found = answers([0.999, 0.995, 0.98, 0.97, 0.95])
    assert list(found.words) == ["malicious"] * 3 + ["abstain"] * 2  # the mean of four is .986, of three .9913
    assert found.malicious.line == 0.98
    assert found.malicious.called == 3
    assert found.malicious.expected_wrong == pytest.approx(0.026)
    assert found.malicious.expected_precision == pytest.approx(0.974 / 3 + 2 / 3)


def test_the_line_is_never_under_the_cost_of_a_wrong_call() -> None:
    dear = replace(EASY, false_positive_cost=4.0)  # both calls cost the same at .8
    assert words([0.99, 0.85, 0.79], EASY) == ["malicious"] * 3
    assert words([0.99, 0.85, 0.79], dear) == ["malicious", "malicious", "abstain"]
    assert words([0.01, 0.02, 0.6], replace(EASY, false_positive_cost=0.1)) == ["benign", "benign", "malicious"]


def test_benign_is_called_up_to_the_last_that_keeps_its_own_precision() -> None:
    found = answers([0.0, 0.0005, 0.002, 0.01, 0.3])
    assert list(found.words) == ["benign"] * 3 + ["abstain"] * 2
    assert found.benign.line == 0.002
    assert found.benign.expected_wrong == pytest.approx(0.0025)


def test_where_all_promises_are_cheap_nobody_is_left_out() -> None:
    found = answers([0.9, 0.8, 0.2, 0.1], EASY)
    assert list(found.words) == ["malicious", "malicious", "benign", "benign"]
    assert (found.malicious.line, found.benign.line) == (0.8, 0.2)


def test_who_stands_on_both_lines_is_called_once() -> None:
    found = answers([0.9, 0.5, 0.1], EASY)
    assert list(found.words) == ["malicious", "malicious", "benign"]
    assert found.benign.called == 1


@pytest.mark.parametrize("p", [[], [0.5], [0.98, 0.01]])
def test_where_nobody_can_be_called_the_lines_are_one_and_zero(p: list[float]) -> None:
    found = answers(p)
    assert list(found.words) == ["abstain"] * len(p)
    assert (found.malicious.line, found.benign.line) == (1.0, 0.0)
    assert found.malicious.expected_precision is found.benign.expected_precision is None


def test_equals_are_called_together_or_not_at_all() -> None:
    assert words([0.999, 0.98, 0.98]) == ["malicious", "abstain", "abstain"]
    assert words([0.99] * 7) == ["malicious"] * 7
    assert words([0.001] * 7) == ["benign"] * 7


def test_a_verdict_wins_over_any_probability_and_is_not_counted_as_called() -> None:
    found = answers([0.9999, 0.0001, 0.5], n0="benign", n1="malicious", n2="malicious")
    assert list(found.words) == ["benign", "malicious", "malicious"]
    assert (found.malicious.called, found.benign.called) == (0, 0)


def test_those_with_verdicts_do_not_move_the_line() -> None:
    alone = answers([0.995, 0.98])
    beside = answers([0.995, 0.98, 1.0, 1.0, 1.0], n2="malicious", n3="malicious", n4="malicious")
    assert beside.malicious.line == alone.malicious.line


def test_a_campaigns_verdict_and_sources_that_disagree_leave_it_to_the_line() -> None:
    labels = Labels(np.array([CAMPAIGN_WEIGHT, 0.5, 2 / 3]), np.array([0.0, 0.5, 1 / 3]))
    assert labels.own.tolist() == [False, False, True]
    found = decide(np.array([0.5, 0.5, 0.5]), labels, np.zeros(3, bool), ASKED)
    assert list(found.words) == ["abstain", "abstain", "malicious"]


def test_the_thin_are_never_called_benign_but_are_called_malicious() -> None:
    assert words([0.9999, 0.0001, 0.0001], thin=[True, True, False]) == ["malicious", "abstain", "benign"]
    assert words([0.0001], thin=[True], n0="benign") == ["benign"]


def test_the_thin_do_not_vouch_for_those_who_are_called() -> None:
    assert words([0.0, 0.0, 0.0019], thin=[True, True, False]) == ["abstain", "abstain", "abstain"]


def test_what_is_told_counts_every_node_once() -> None:
    senders, domains = answers([0.999, 0.5, 0.0001], n1="benign"), answers([0.2])
    told = described(ASKED, senders, domains)
    assert told["precision"] == 0.99
    assert told["sender"]["nodes"] == {"malicious": 1, "benign": 2, "abstain": 0}  # type: ignore[index]
    assert told["domain"]["nodes"] == {"malicious": 0, "benign": 0, "abstain": 1}  # type: ignore[index]


@settings(max_examples=300, deadline=None)
@given(probabilities, options, shares)
def test_asking_for_more_precision_never_lowers_the_line(p: list[float], asked: DecideOptions, other: float) -> None:
    low, high = sorted((asked.precision, other))
    lax, strict = (answers(p, replace(asked, precision=share)) for share in (low, high))
    assert lax.malicious.line <= strict.malicious.line
    low, high = sorted((asked.benign_precision, other))
    lax, strict = (answers(p, replace(asked, benign_precision=share)) for share in (low, high))
    assert lax.benign.line >= strict.benign.line


@settings(max_examples=300, deadline=None)
@given(probabilities, options, st.floats(0.1, 100))
def test_the_dearer_a_wrong_call_the_higher_the_line(p: list[float], asked: DecideOptions, other: float) -> None:
    costs = sorted((asked.false_positive_cost, other))
    cheap, dear = (answers(p, replace(asked, false_positive_cost=cost)) for cost in costs)
    assert cheap.malicious.line <= dear.malicious.line


@settings(max_examples=300, deadline=None)
@given(probabilities, options)
def test_riskier_is_never_called_better(p: list[float], asked: DecideOptions) -> None:
    grade = {"benign": 0, "abstain": 1, "malicious": 2}
    graded = [grade[word] for word in words(sorted(p), asked)]
    assert graded == sorted(graded)


@settings(max_examples=300, deadline=None)
@given(probabilities, options, st.data())
def test_promises_are_kept_under_the_model_and_by_the_lines_that_are_told(
    p: list[float], asked: DecideOptions, data: st.DataObject
) -> None:
    flags = st.lists(st.booleans(), min_size=len(p), max_size=len(p))
    thin, judged = data.draw(flags), np.array(data.draw(flags), bool)
    labels = Labels(judged.astype(float), np.zeros(len(p)))
    found = decide(np.array(p), labels, np.array(thin, bool), asked)
    published = np.round(np.array(p), 9)
    bad, good = ((found.words == word) & ~judged for word in ("malicious", "benign"))
    _kept(published[bad], asked.precision, asked.even, found.malicious)
    _kept(1 - published[good], asked.benign_precision, 1 - asked.even, found.benign)
    assert bad.tolist() == (~judged & (published >= found.malicious.line)).tolist()
    beneath = ~judged & ~bad & ~np.array(thin, bool) & (published <= found.benign.line)
    assert good.tolist() == beneath.tolist()


def _kept(sure: NDArray[np.float64], share: float, even: float, told: object) -> None:
    assert told.called == len(sure)  # type: ignore[attr-defined]
    if len(sure):
        assert sure.mean() >= share - 1e-9
        assert sure.min() >= even - 1e-9
        assert told.expected_precision == pytest.approx(sure.mean())  # type: ignore[attr-defined]
        assert told.expected_wrong == pytest.approx((1 - sure).sum(), abs=1e-8)  # type: ignore[attr-defined]


@settings(max_examples=200, deadline=None)
@given(probabilities, options, st.randoms(use_true_random=False))
def test_the_order_of_nodes_does_not_matter(p: list[float], asked: DecideOptions, random: object) -> None:
    order = list(range(len(p)))
    random.shuffle(order)  # type: ignore[attr-defined]
    straight, shuffled = answers(p, asked), answers([p[at] for at in order], asked)
    assert list(straight.words[order]) == list(shuffled.words)
    assert straight.described() == shuffled.described()


def thin_keys(letters: list[Letter], reports: list[Report] | None = None) -> set[str]:
    seen = window(letters, reports or [])
    thin = thin_senders(seen, gather_evidence(seen), ASKED.least_events)
    return {key for key, so in zip(seen.senders["key"].to_pylist(), thin, strict=True) if so}


STRANGER = letter("stranger@lone.example", "ann@home.example")


def test_a_stranger_seen_once_is_thin() -> None:
    assert thin_keys([STRANGER]) == {"stranger@lone.example"}


@pytest.mark.parametrize(
    ("known_by", "letters", "reports"),
    [
        ("events", [STRANGER, STRANGER, STRANGER], []),
        ("a report", [STRANGER], [Report(0, "ann@home.example")]),
        ("a report in its favour", [STRANGER], [Report(0, "ann@home.example", "not_junk")]),
        ("an answer", [STRANGER, letter("ann@home.example", "stranger@lone.example")], []),
        ("its address", [STRANGER, letter("other@lone.example", "bob@home.example")], []),
        *(
            (name, [replace(STRANGER, **shared), letter("x@x.example", "bob@home.example", **shared)], [])
            for name, shared in (
                ("a link", {"sites": ("shop.example",)}),
                ("a network", {"network": "192.0.2.0/24"}),
                ("a text", {"text": "f1"}),
            )
        ),
    ],
)
def test_whoever_is_known_by_anything_is_not_thin(known_by: str, letters: list[Letter], reports: list[Report]) -> None:
    assert "stranger@lone.example" not in thin_keys(letters, reports), known_by


def test_common_targets_count_only_beyond_chance() -> None:
    crowd = [letter(f"s{n}@s{n}.example", "ann@home.example", "bob@home.example") for n in range(5)]
    assert len(thin_keys(crowd)) == 5
    elsewhere = [letter(f"o{n}@o{n}.example", f"t{n}@home.example") for n in range(400)]
    targets = [f"v{n}@home.example" for n in range(12)]
    pair = [letter(f"p{n}@p{n}.example", *targets) for n in range(2)]
    assert not {"p0@p0.example", "p1@p1.example"} & thin_keys([*pair, *elsewhere])


def test_what_everybody_shares_tells_nothing() -> None:
    mailers = [letter(f"s{n}@mail.example", f"t{n}@home.example") for n in range(MOST_WRITERS)]
    assert thin_keys(mailers) == set()
    assert len(thin_keys([*mailers, letter("one-more@mail.example", "t@home.example")])) == MOST_WRITERS + 1


def test_a_domain_is_thin_where_all_its_users_are() -> None:
    known = letter("busy@known.example", "ann@home.example", sites=("alone.example",))
    seen: Window = window([STRANGER, *[known] * 3])
    evidence = gather_evidence(seen)
    thin = thin_domains(evidence, thin_senders(seen, evidence, ASKED.least_events))
    assert [thin[id_of(seen, "domains", f"{name}.example")] for name in ("lone", "known", "alone")] == [1, 0, 0]
