"""One short string for messages with nearly the same text. Does not know who sent them."""

from collections.abc import Iterable


def fingerprint_of(texts: Iterable[tuple[str, str]]) -> str | None:
    """The fingerprint of texts, each with its kind (`plain` or `html`); None for too little text to say."""
    return None
