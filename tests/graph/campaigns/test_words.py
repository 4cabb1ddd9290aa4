"""Sentences say the figures and nothing else."""

import pytest

from graph.campaigns.words import VERBS, sentence


def test_all_members_and_nobody_else() -> None:
    assert sentence("linked_to", "shop.example", 5, 5, 0) == "All 5 senders link to shop.example; nobody else does."


def test_some_members_and_one_other() -> None:
    text = sentence("sent_from", "192.0.2.0/24", 4, 6, 1)
    assert text == "4 of 6 senders send from 192.0.2.0/24; 1 other sender does too."


def test_many_others_are_counted() -> None:
    assert sentence("carried", "f00", 3, 3, 12).endswith("; 12 other senders do too.")


@pytest.mark.parametrize("relation", VERBS)
def test_every_relation_has_a_sentence(relation: str) -> None:
    text = sentence(relation, "thing.example", 2, 9, 0)
    assert text.startswith("2 of 9 senders ")
    assert text.endswith(".")
    assert "{" not in text


def test_a_relation_without_words_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        sentence("telepathy", "thing.example", 2, 2, 0)
