"""Bytes made worse: bits, cuts, copies, words that parsers stumble over. Knows no format."""

import random
from collections.abc import Sequence

MOST_CHANGES = 12


def mutated(rng: random.Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One of the seeds with a few random changes; `words` are put in, and pieces of other seeds."""
    content = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, MOST_CHANGES)):
        at = rng.randrange(len(content) + 1)
        change = rng.randrange(5)
        if change == 0 and content:
            content[at % len(content)] = rng.randrange(256)
        elif change == 1:
            del content[at : at + rng.randint(1, 80)]
        elif change == 2:
            content[at:at] = rng.choice(words)
        elif change == 3:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            content[at:at] = other[start : start + rng.randint(1, 400)]
        else:
            content[at : at + 8] = rng.randbytes(8)
    return bytes(content)
