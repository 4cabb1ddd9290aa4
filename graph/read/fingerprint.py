"""One short string for messages with nearly the same text. Does not know who sent them.

A bottom-k sketch (Broder 1997, "On the resemblance and containment of documents"): of all runs of three words the
`SKETCH` with the smallest hashes are kept, and the fingerprint is the digest of those. Two texts that share the
fraction J of their runs get the same fingerprint with a chance near J^4: four in five at J = 0.95, one in five
thousand at J = 0.12. What changes from copy to copy (addresses, links, numbers, the greeting, words without a vowel)
is taken out first, and so is what unrelated messages share: quoted lines, signatures and list footers, runs of short
words alone.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np

from graph.read.html import read_html

SKETCH: Final = 4  # runs that must agree: fewer join strangers, more lose near copies
MIN_RUNS: Final = 12  # distinct ones; below that chance and set phrases decide
MAX_TEXT: Final = 1 << 18  # characters that are looked at
LONG_WORD: Final = 6  # letters; at least one such word in a run, or it is "if you would like"
FOOTER: Final = 0.4  # of the text: a line that looks like a footer's first stands after that, or it is a headline

_QUOTED_LINE: Final = re.compile(r"^[ \t]{0,8}[>|].*$", re.MULTILINE)
_GREETING: Final = re.compile(r"^[ \t]{0,8}(?:dear|hi|hello|hey|hallo|greetings)\b[^\n]{0,60}$", re.MULTILINE)
_FOOTER: Final = re.compile(r"^(?:-- ?|_{20,}[ \t]*|-{40,}[ \t]*|={40,}[ \t]*|-{5} ?original message.*)$", re.MULTILINE)
_WORD: Final = re.compile(r"[^\W\d_]+")
_WORD_LETTERS: Final = range(3, 17)
_VOWEL: Final = re.compile(r"[aeiouy]")
# Odd 64-bit constants: the place of a word in its run counts, and every bit of it reaches the highest bits.
_PLACES: Final = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT: Final = np.uint64(31)
_IS_LONG: Final = np.uint64(1)


def fingerprint_of(texts: Sequence[tuple[str, str]]) -> str | None:
    """The fingerprint of the texts of a message, each with its kind (`plain` or `html`): 16 hex digits.

    HTML is what mail programs show, so plain text counts only where HTML holds too little. None for too little text.
    """
    for kind, visible in (("html", visible_text), ("plain", str.lower)):
        pieces = [visible(text[:MAX_TEXT]) for found, text in texts if found == kind]
        if not pieces:
            continue
        runs = _runs(_words("\n".join(pieces)[:MAX_TEXT]))
        if len(runs) >= MIN_RUNS:
            return hashlib.blake2b(runs[:SKETCH].astype("<u8").tobytes(), digest_size=8).hexdigest()
    return None


def visible_text(text: str) -> str:
    """HTML without what nobody sees: tags, comments, styles, scripts. Entities resolved, lower case."""
    return " ".join(read_html(text).visible).lower()


def _words(text: str) -> list[str]:
    """The words of the text itself, in order: no quotes, no greeting, no footer, no addresses and links."""
    text = _GREETING.sub(" ", _QUOTED_LINE.sub(" ", _without_footer(text)))
    pieces = [piece for piece in text.split() if "@" not in piece and "://" not in piece and piece[:4] != "www."]
    return _WORD.findall(" ".join(pieces))


def _without_footer(text: str) -> str:
    footers = (found.start() for found in _FOOTER.finditer(text))
    return text[: next((start for start in footers if start > FOOTER * len(text)), len(text))]


def _runs(words: list[str]) -> np.ndarray:
    """The hashes of the distinct runs of three words with a long one among them, ascending."""
    hashes = np.fromiter(map(_hash_word, words), np.uint64, len(words))
    hashes = hashes[hashes != 0]
    count = max(len(hashes) - len(_PLACES) + 1, 0)
    mixed, kept = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
    for place, factor in enumerate(_PLACES):
        run = hashes[place : place + count]
        mixed += run * factor
        kept |= run & _IS_LONG
    mixed = (mixed ^ (mixed >> _SHIFT)) * _MIX
    return np.unique((mixed ^ (mixed >> _SHIFT))[kept != 0])


@lru_cache(maxsize=1 << 16)
def _hash_word(word: str) -> int:
    """64 bits, the lowest of which says that the word is long; 0 for a word that is left out."""
    if len(word) not in _WORD_LETTERS or (word.isascii() and not _VOWEL.search(word)):
        return 0
    hashed = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    return (hashed & ~1 or 2) | (len(word) >= LONG_WORD)
