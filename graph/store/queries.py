"""Cypher texts from `cypher/`, with labels and types put in from the vocabulary. Values are never put into a text."""

import re
from functools import cache
from importlib.resources import files

_WORD = re.compile(r"<([a-z_]+)>")


@cache
def _text(name: str) -> str:
    return (files(__package__) / "cypher" / f"{name}.cypher").read_text(encoding="utf-8")


def query(name: str, /, **words: str) -> str:
    """The Cypher of file `name`, each `<word>` in it replaced by a word of `graph.store.vocabulary`.

    Cypher takes no parameter for a label, a type or a property's name; everything else goes by parameter.
    """
    return _WORD.sub(lambda match: words[match[1]], _text(name))


def projected(variable: str, properties: tuple[str, ...]) -> str:
    """`r.events AS events, r.share AS share`; `null AS nothing` where there is no property."""
    return ", ".join(f"{variable}.{name} AS {name}" for name in properties) or "null AS nothing"
