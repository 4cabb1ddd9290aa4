"""Keys as people and other systems write them, and the node that each means. Knows spellings, no graph and no store.

A key from outside (of a verdict, a report, a look-up, a filter) meets a node by its exact spelling first, then by its
canonical one: without `mailto:`, angle brackets, scheme, path, port, `www.`, trailing dot and defanging (`hxxp`,
`[.]`), its host in lower-case IDNA, its mailbox by the rule of ingest. A host below a registrable domain stays what it
is: what somebody says of one page of a hosting service is not said of the service.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from graph.addresses import GMAIL, PLUS_TAGS, canonical_host, normalise_mailbox, registrable_domain

MAX_KEY: Final = 4096  # characters of a key that are looked at
RULE: Final = "gmail"  # one mailbox under its provider's spellings, whatever ingest was told to keep apart

# Indicators are passed on defanged, so that nobody clicks them by accident.
_DOT: Final = re.compile(r"\s?[\[({]\s?(?:\.|dot)\s?[\])}]\s?|\[\.|\.\]", re.IGNORECASE)
_AT: Final = re.compile(r"\s?[\[({]\s?(?:@|at)\s?[\])}]\s?", re.IGNORECASE)
_COLON: Final = re.compile(r"[\[({]\s?:\s?[\])}]|\[:(?=//)")
_SLASHES: Final = re.compile(r"[\[({]\s?//\s?[\])}]|:\[//\]")
_SCHEME: Final = re.compile(r"h(?:xx|tt|\*\*|XX)p(s?)(?=:)|f(?:x|t)p(?=:)", re.IGNORECASE)
_URL: Final = re.compile(r"(?:[a-z][a-z0-9+.-]{0,20}:)?[/\\]{2}(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_END_OF_HOST: Final = re.compile(r"[/\\?#]")
_ANGLE: Final = re.compile(r"<([^<>]*)>\s*\Z")
_PORT: Final = re.compile(r":\d{0,5}\Z")
# A sender whose key is its canonical spelling already: plain lower case at a host that keeps dots and tags apart.
_PLAIN_MAILBOX: Final = r"^[a-z0-9!#$%&'*/=?^_{|}~-]+@[a-z0-9.-]*[a-z0-9]$"
_WITH_DOTS: Final = r"^[a-z0-9!#$%&'*/=?^_{|}~.+-]+@[a-z0-9.-]*[a-z0-9]$"
_PROVIDERS: Final = r"@(?:" + "|".join(re.escape(host) for host in sorted(PLUS_TAGS)) + r")$"
_OTHER_NAME: Final = r"@(?:" + "|".join(re.escape(host) for host in sorted(GMAIL - {"gmail.com"})) + r")$"


def refanged(text: str) -> str:
    """The text with its defanged dots, signs and schemes as they were."""
    text = _AT.sub("@", _DOT.sub(".", text))
    text = _SLASHES.sub("//", _COLON.sub(":", text))
    return _SCHEME.sub(lambda scheme: "http" + (scheme[1] or "") if scheme[0][0] in "hH" else "ftp", text)


def canonical_key(kind: str, key: str) -> str:
    """The canonical spelling of a sender's, recipient's, domain's or other node's key; stripped where there is none."""
    plain = key[:MAX_KEY].strip()
    if kind == "domain":
        return _canonical_domain(plain)
    if kind in ("sender", "recipient"):
        return _canonical_mailbox(plain)
    return plain


def spellings(kind: str, key: str) -> tuple[str, ...]:
    """The exact spelling first, then the canonical one where it differs."""
    return tuple(dict.fromkeys((key, canonical_key(kind, key))))


def meant_instead(kind: str, key: str) -> str | None:
    """The registrable domain above a key that is a deeper host; None where there is nothing wider to mean."""
    if kind != "domain":
        return None
    domain = registrable_domain(canonical_key(kind, key))
    return domain if domain and domain != canonical_key(kind, key) else None


def _canonical_domain(text: str) -> str:
    host = refanged(text)
    angle = _ANGLE.search(host)
    host = angle[1] if angle else host
    url = _URL.match(host)
    host = _END_OF_HOST.split(url["rest"] if url else host.lstrip("/\\"), maxsplit=1)[0].rpartition("@")[2]
    bare = host if host.startswith("[") or host.count(":") > 1 else _PORT.sub("", host)
    if bare.startswith("[") and "]" in bare:
        bare = bare[: bare.index("]") + 1]
    name = canonical_host(bare.rstrip("."))
    if name is None:
        return text
    shorter = name.removeprefix("www.")
    return shorter if registrable_domain(shorter) else name


def _canonical_mailbox(text: str) -> str:
    address = refanged(text)
    angle = _ANGLE.search(address)
    address = (angle[1] if angle else address).strip()
    if address[:7].lower() == "mailto:":
        address = address[7:].partition("?")[0]
    return normalise_mailbox(address, RULE) if "@" in address else text


class Nodes:
    """The keys of one kind of node, to be met by keys from outside.

    `keys` (string) are distinct. Only those that are not written canonically themselves are looked at one by one.
    """

    def __init__(self, kind: str, keys: pa.ChunkedArray) -> None:
        self._kind = kind
        self._keys = keys
        self._odd = aliases(kind, keys)

    def met_by(self, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The nodes that each of these keys means: itself, or all that have its canonical spelling; none for nobody."""
        exact = _among(names, self._keys)
        rest = [key for key in dict.fromkeys(names) if key not in exact]
        canonical = {key: canonical_key(self._kind, key) for key in rest}
        plain = _among(list(canonical.values()), self._keys)
        met: dict[str, tuple[str, ...]] = {key: (key,) for key in exact}
        for key, spelling in canonical.items():
            met[key] = tuple(sorted({*([spelling] if spelling in plain else []), *self._odd.get(spelling, ())}))
        return met


def aliases(kind: str, keys: pa.ChunkedArray | pa.Array) -> dict[str, tuple[str, ...]]:
    """Canonical spelling -> the nodes that are written otherwise, in order. Empty where all keys are canonical."""
    if kind not in ("sender", "recipient"):  # domains and networks are made by ingest, in one spelling
        return {}
    named: dict[str, list[str]] = {}
    for key in keys.filter(pc.invert(_canonical_already(keys))).to_pylist():
        spelling = canonical_key(kind, key)
        if spelling != key:
            named.setdefault(spelling, []).append(key)
    return {spelling: tuple(sorted(written)) for spelling, written in named.items()}


def _canonical_already(keys: pa.ChunkedArray | pa.Array) -> Any:
    """Which keys a cheap look shows to be canonical; account ids, which have no `@`, among them."""
    account = pc.invert(pc.match_substring(keys, "@"))
    dotted = pc.and_not(pc.match_substring_regex(keys, _WITH_DOTS), pc.match_substring_regex(keys, _PROVIDERS))
    plain = pc.and_not(pc.match_substring_regex(keys, _PLAIN_MAILBOX), pc.match_substring_regex(keys, _OTHER_NAME))
    return pc.fill_null(pc.or_(account, pc.or_(dotted, plain)), True)


def _among(names: Iterable[str], keys: pa.ChunkedArray) -> set[str]:
    wanted = pa.array(sorted(set(names)), pa.string())
    return set(wanted.filter(pc.is_in(wanted, value_set=keys)).to_pylist()) if len(wanted) else set()


def with_nodes_own_keys(rows: pa.Table, nodes: Mapping[str, Nodes]) -> tuple[pa.Table, tuple[tuple[str, str], ...]]:
    """Rows of `kind` and `key` with the keys of the nodes that they mean, a row for each; and who they name in vain.

    A row of a kind without `nodes` stays as it is, and so does one that means nobody.
    """
    met: dict[tuple[str, str], tuple[str, ...]] = {}
    names = list(zip(rows["kind"].to_pylist(), rows["key"].to_pylist(), strict=True))
    for kind, known in nodes.items():
        met |= {(kind, key): own for key, own in known.met_by([key for k, key in names if k == kind]).items()}
    places, keys = [], []
    for place, (kind, key) in enumerate(names):
        for own in met.get((kind, key)) or (key,):
            places.append(place)
            keys.append(own)
    moved = rows.take(pa.array(places, pa.int64()))
    moved = moved.set_column(
        moved.schema.get_field_index("key"), moved.schema.field("key"), pa.array(keys, pa.string())
    )
    return moved, tuple(sorted(name for name, own in met.items() if not own))
