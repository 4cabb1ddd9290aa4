"""Sentences say the figures and nothing else: what is read back out of them is what went in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.campaigns.words import VERBS, figures_of, sentence


def test_all_members_and_nobody_else() -> None:
    assert sentence("linked_to", "shop.example", 5, 5, 0) == "All 5 senders link to shop.example; nobody else does."


def test_some_members_and_one_other() -> None:
    text = sentence("sent_from", "192.0.2.0/24", 4, 6, 1)
    assert text == "4 of 6 senders send from 192.0.2.0/24; 1 other sender does too."


def test_many_others_are_counted() -> None:
    assert sentence("carried", "f00", 3, 3, 12).endswith("; 12 other senders do too.")


def test_what_was_done_once_is_told_in_the_past() -> None:
    text = sentence("debut", "2024-03-04 to 2024-03-05", 9, 9, 2)
    assert text == "All 9 senders were first seen within 2024-03-04 to 2024-03-05; 2 other senders did too."


@given(st.sampled_from(sorted(VERBS)), st.text(), st.integers(2, 10**6), st.integers(0, 10**6), st.data())
def test_the_figures_of_every_sentence_can_be_read_back(
    relation: str, artefact: str, members: int, outside: int, data: st.DataObject
) -> None:
    inside = data.draw(st.integers(2, members))
    text = sentence(relation, artefact, inside, members, outside)
    assert figures_of(text) == (inside, members, outside)
    assert VERBS[relation].format(artefact=artefact) in text


def test_a_sentence_of_somebody_else_has_no_figures() -> None:
    with pytest.raises(ValueError, match="Buy now"):
        figures_of("Buy now, 5 of 6 senders do.")


def test_a_relation_without_words_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        sentence("telepathy", "thing.example", 2, 2, 0)
