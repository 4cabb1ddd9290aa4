"""Made-up names: mailboxes, sites and accounts, each once. One list serves honest and guilty alike, so that a name
tells nothing. Knows no roles."""

import math
import tomllib
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_WORDS = tomllib.loads(files("graph.simulate").joinpath("words.toml").read_text(encoding="utf-8"))
FIRST, LAST, WORD = (_WORDS[kind].split() for kind in ("first", "last", "word"))
ENDINGS = ("example", "example", "example", "example", "test")  # RFC 2606: never a real domain
_STEP = 0.6180339887  # a step near the golden ratio of the range scatters neighbours widely
IPV4_NETWORKS = 15 << 16  # 240.0.0.0 to 254.255.255.0; 255 is left out because of the broadcast address
IPV6_NETWORKS = 1 << 28  # 3fff::/20 in /48s


class Bijection:
    """Numbers 0…size-1 in scattered order, each once."""

    def __init__(self, size: int, offset: int) -> None:
        self.size = size
        self.offset = offset % size
        self.step = next(k for k in range(int(size * _STEP), 2 * size) if math.gcd(k, size) == 1)
        self.used = 0

    def next(self, n: int) -> npt.NDArray[np.int64]:
        if self.used + n > self.size:
            raise ValueError(f"only {self.size} names, {self.used + n} asked")
        order = np.arange(self.used, self.used + n, dtype=np.int64)
        self.used += n
        return (order * self.step + self.offset) % self.size


class Namer:
    """Hands out names; `capacity` is roughly how many of each kind a world may need."""

    def __init__(self, capacity: int, seed: int) -> None:
        self._people = Bijection(len(FIRST) * len(LAST) * (1 + 3 * capacity // (len(FIRST) * len(LAST))), seed)
        self._sites = Bijection(len(WORD) ** 2 * (1 + 2 * capacity // len(WORD) ** 2), seed)
        self._tokens = Bijection(16**8, seed)

    def locals(self, n: int) -> pa.Array:
        """Local parts such as `vera.stein` or `omar.lopez12`."""
        at = self._people.next(n)
        number, last, first = at // (len(FIRST) * len(LAST)), at // len(FIRST) % len(LAST), at % len(FIRST)
        return pc.binary_join_element_wise(_from(FIRST, first), ".", _from(LAST, last), numbers(number), "")

    def sites(self, n: int) -> pa.Array:
        """Registrable domains such as `amberridge.example`."""
        at = self._sites.next(n)
        number, second, first = at // len(WORD) ** 2, at // len(WORD) % len(WORD), at % len(WORD)
        stem = pc.binary_join_element_wise(_from(WORD, first), _from(WORD, second), numbers(number), "")
        return pc.binary_join_element_wise(stem, _from(ENDINGS, at % len(ENDINGS)), ".")

    def tokens(self, n: int) -> pa.Array:
        """Eight hexadecimal digits, for accounts, free pages and bounce addresses."""
        return hexadecimal(self._tokens.next(n), 8)


def network_prefixes(six: npt.NDArray[np.bool_], seed: int) -> pa.Array:
    """What stands before the last part of an address in each network, IPv6 where `six`; no two alike."""
    four = Bijection(IPV4_NETWORKS, seed).next(int(np.count_nonzero(~six)))
    long = Bijection(IPV6_NETWORKS, seed).next(int(np.count_nonzero(six)))
    text = np.empty(len(six), dtype=object)
    text[~six] = [f"{240 + (at >> 16)}.{at >> 8 & 255}.{at & 255}." for at in four.tolist()]
    text[six] = [f"3fff:{at >> 16:x}:{at & 0xFFFF:x}::" for at in long.tolist()]
    return pa.array(text, pa.string())


def numbers(values: npt.NDArray[np.int64]) -> pa.Array:
    """Decimal text, empty for zero."""
    return pc.if_else(pa.array(values == 0), "", pa.array(values).cast(pa.string()))


def hexadecimal(values: npt.NDArray[np.int64], digits: int) -> pa.Array:
    """Lower-case hexadecimal text of a fixed number of digits."""
    shifts = np.arange(digits - 1, -1, -1, dtype=np.int64) * 4
    nibbles = (values[:, None] >> shifts) & 15
    text = np.frombuffer(b"0123456789abcdef", np.uint8)[nibbles]
    return fixed_width(text)


def fixed_width(letters: npt.NDArray[np.uint8]) -> pa.Array:
    """A string array from an (n, width) matrix of ASCII codes."""
    n, width = letters.shape
    offsets = pa.py_buffer(np.arange(0, (n + 1) * width, width, dtype=np.int32)[: n + 1])
    return pa.StringArray.from_buffers(n, offsets, pa.py_buffer(np.ascontiguousarray(letters)))


def _from(words: list[str] | tuple[str, ...], at: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(at))
