"""Near-duplicate groups for the truth file, by MinHash on word shingles. Shares no step with the `fingerprint` column.

Broder, On the resemblance and containment of documents (1997); banding as in Leskovec, Rajaraman and Ullman, Mining of
Massive Datasets, section 3.4. Bands only propose pairs: a pair counts if the estimated Jaccard similarity is high.
"""

import hashlib
import html
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from email.message import Message
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

WORDS_A_SHINGLE = 4
PERMUTATIONS = 120
ROWS_A_BAND = 4  # 30 bands of 4: a pair of similarity .7 is proposed with a chance of .9998, one of .3 with .22
SIMILAR = 0.7
FEWEST_SHINGLES = 10  # shorter bodies (a signature, an empty page) resemble each other by chance
SEED = 20020822

WORD = re.compile(r"[^\W\d_]{2,}")  # words without digits: prices, dates and serial numbers differ between copies
TAG = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<!--.*?-->|<[^>]*>", re.IGNORECASE | re.DOTALL)
ADDRESS = re.compile(r"https?://\S+|\S+@\S+", re.IGNORECASE)  # links and mailboxes are evidence elsewhere, not text

Hashes = NDArray[np.uint64]


def near_duplicates(messages: Sequence[Message]) -> list[int | None]:
    """A group number for each message, None for one that resembles no other. Groups are numbered as they appear."""
    shingles = [_shingles(_text(message)) for message in messages]
    signatures = [_signature(one) if len(one) >= FEWEST_SHINGLES else None for one in shingles]
    leaders = list(range(len(messages)))
    for left, right in sorted(_proposed(signatures)):
        first, second = signatures[left], signatures[right]
        if first is not None and second is not None and float((first == second).mean()) >= SIMILAR:
            _join(leaders, left, right)
    return _numbered([_leader(leaders, index) for index in range(len(messages))])


def _text(message: Message) -> str:
    """Everything readable in a message's text parts, HTML without its tags, in lower case."""
    found = []
    for part in message.walk():
        if part.get_content_maintype() != "text":
            continue
        payload = part.get_payload(decode=True)
        text = (payload if isinstance(payload, bytes) else str(part.get_payload()).encode()).decode("latin-1")
        found.append(html.unescape(TAG.sub(" ", text)) if part.get_content_subtype() == "html" else text)
    return ADDRESS.sub(" ", " ".join(found)).lower()


def _shingles(text: str) -> Hashes:
    words = WORD.findall(text)
    grams = {" ".join(words[start : start + WORDS_A_SHINGLE]) for start in range(len(words) - WORDS_A_SHINGLE + 1)}
    digests = [hashlib.blake2b(gram.encode(), digest_size=8).digest() for gram in grams]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _signature(shingles: Hashes) -> Hashes:
    """The smallest value of each permutation; multiply-and-mix in 64 bits stands for the permutations."""
    draw = np.random.Generator(np.random.PCG64(SEED))
    factors = draw.integers(1, 1 << 63, size=PERMUTATIONS, dtype=np.uint64) | np.uint64(1)
    mixed = shingles[None, :] * factors[:, None]
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    smallest: Hashes = (mixed ^ (mixed >> np.uint64(32))).min(axis=1)
    return smallest


def _proposed(signatures: Sequence[Hashes | None]) -> set[tuple[int, int]]:
    """Pairs of neighbours within a bucket: enough, because groups are joined through every copy in between."""
    pairs: set[tuple[int, int]] = set()
    for band in range(0, PERMUTATIONS, ROWS_A_BAND):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for index, signature in enumerate(signatures):
            if signature is not None:
                buckets[signature[band : band + ROWS_A_BAND].tobytes()].append(index)
        pairs.update(pair for bucket in buckets.values() for pair in _chain(bucket))
    return pairs


def _chain(bucket: Sequence[int]) -> Iterator[tuple[int, int]]:
    yield from pairwise(bucket)
    yield from ((bucket[0], other) for other in bucket[2:])


def _leader(leaders: list[int], index: int) -> int:
    while leaders[index] != index:
        leaders[index] = leaders[leaders[index]]
        index = leaders[index]
    return index


def _join(leaders: list[int], left: int, right: int) -> None:
    first, second = sorted((_leader(leaders, left), _leader(leaders, right)))
    leaders[second] = first


def _numbered(leaders: Sequence[int]) -> list[int | None]:
    sizes = np.bincount(np.asarray(leaders))
    numbers: dict[int, int] = {}
    return [numbers.setdefault(leader, len(numbers)) if sizes[leader] > 1 else None for leader in leaders]
