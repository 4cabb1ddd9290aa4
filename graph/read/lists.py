"""Lists of recipients and of hosts as text: the notations of other programs. Knows no columns and no files.

A cell may hold `a;b` (the contract's way), `["a","b"]` (JSON), `['a', 'b']` (pandas, numpy, Python), `{a,b}`
(Postgres) or `a, b`. What can be read in one way only is read; the rest is a ListError whose text is the reason.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

from graph.addresses import canonical_host

MAX_CELL: Final = 1 << 20  # characters of one list; a thousand recipients take a twentieth of that
# How programs write nothing: pandas, numpy, Python, JSON, SQL, Postgres, R and spreadsheets.
NOTHING: Final = frozenset(
    {"nan", "NaN", "None", "null", "NULL", "NaT", "<NA>", "NA", "N/A", "#N/A", "\\N"},
)
_UNCLEAR: Final = "holds a list in a notation that is not clear"
_NO_ADDRESS: Final = "has an entry that is no mail address"
_NO_HOST: Final = "has an entry that is no host"
_WRAPPED: Final = re.compile(
    r"(?:array|Index|Series|list|tuple|set|frozenset)\((.*?)(?:, dtype=[\w'<>]{1,20})?\)", re.S
)
_BRACKETS: Final = {"[": "]", "{": "}", "(": ")"}
_GUID: Final = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}")  # an id of Windows, not a list
# One item between brackets: in quotes, or bare up to a comma. A quoted display name and `<…>` may hold commas.
_QUOTED: Final = re.compile(r"""[bu]?(?:"((?:[^"\\]|\\.|"")*)"|'((?:[^'\\]|\\.)*)')\s*(?=[,;"']|$)""", re.S)
_BARE: Final = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,"<])*""", re.S)
_ESCAPED: Final = re.compile(r"""\\(["'\\/])""")
_NOT_BARE: Final = re.compile(r"[\[\](){}\\]|^\.\.\.$|^['\"](?!.*>$)|['\"]$", re.S)
_GAP: Final = re.compile(r"\s*,?\s*")  # between two items
_MARK: Final = re.compile(r'\\.|["<>,;|]', re.S)  # what can begin, end or separate the pieces of a text
_NAMED: Final = re.compile(r"""(?:[^<>]*[\s"'])?<\s*([^<>\s@,;]+@[^<>\s@,;]+)\s*>""")
_ADDRESS: Final = re.compile(r"""(?:"[^"]*"|[^\s@"<>,;|()\[\]{}]+)@(?:[^\s@"'<>,;|()\[\]{}/]+|\[[0-9A-Fa-f.:IPv]+\])""")
_SITELESS: Final = ("mailto:", "tel:", "sms:", "cid:", "data:", "javascript:", "about:")  # links that lead to no site
_DEFANGED: Final = re.compile(r"[\[({](\.|dot|:)[\])}]", re.I)
_DEFANGED_SCHEME: Final = re.compile(r"^h(?:xx|\*\*|XX)p", re.I)
_URL: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,30}:)?[/\\]{2,}([^/\\?#\s]*)[^\s]*")
_AUTHORITY: Final = re.compile(r"([^/\\?#:@\s\[\]]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:[/?#]\S*)?")
_SEVERAL: Final = re.compile(r"[,|\s]+")


class ListError(ValueError):
    """A cell or an entry that cannot be read in one way only; the text is the reason, to follow a column's name."""


def entries_of_cell(cell: str) -> list[str | None] | None:
    """The entries of a list written in one cell, None where it says that there is nothing. Raises ListError."""
    text = cell.strip()
    if text in NOTHING or not text:
        return None if text else []
    if len(text) > MAX_CELL:
        raise ListError(f"holds a list of more than {MAX_CELL:,} characters")
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped:
        text = wrapped[1].strip()
    if not _is_bracketed(text):
        return [*_separated(text)]
    return _from_json(text) or [*_bracketed(text[1:-1].strip())]


def is_listed(text: str) -> bool:
    """Whether a single entry is itself a list in brackets, as programs leave it that write a list into a list."""
    return _is_bracketed(text.strip())


def _is_bracketed(text: str) -> bool:
    return len(text) > 1 and _BRACKETS.get(text[0]) == text[-1] and not _GUID.fullmatch(text)


def _separated(text: str) -> Iterator[str]:
    """The `;`-separated entries, blank ones dropped; a `;` inside a quoted display name separates nothing."""
    if text[0] in _BRACKETS and not _GUID.match(text):
        raise ListError(_UNCLEAR)
    return (piece.strip() for piece in _pieces(text, ";") if piece.strip())


def _pieces(text: str, separators: str) -> list[str]:
    """The text cut at separators that stand neither in double quotes nor in `<>`, in one pass."""
    pieces, start, quoted, angle = [], 0, False, False
    for mark in _MARK.finditer(text):
        sign = mark[0]
        if sign == '"':
            quoted = not quoted
        elif quoted or len(sign) > 1:
            continue
        elif sign in "<>":
            angle = sign == "<"
        elif sign in separators and not angle:
            pieces.append(text[start : mark.start()])
            start = mark.end()
    return [*pieces, text[start:]]


def _from_json(text: str) -> list[str | None] | None:
    try:
        items = json.loads(text) if text.startswith("[") and not text.startswith("['") else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(items, list):
        return None
    return [_scalar(item) for item in items]


def _scalar(item: object) -> str | None:
    if item is None or item != item:  # NaN, which Python's JSON knows, is not equal to itself
        return None
    if isinstance(item, bool) or not isinstance(item, str | int):
        raise ListError(_UNCLEAR)
    return str(item)


def _bracketed(text: str) -> Iterator[str | None]:
    """The items between brackets, separated by commas, or by blanks where all are quoted (numpy)."""
    at = 0
    while at < len(text):
        quoted = _QUOTED.match(text, at)
        match = quoted or _BARE.match(text, at)
        if match is None:
            raise ListError(_UNCLEAR)
        item = match[0].strip() if quoted is None else _unquoted(quoted)
        if quoted is None and (_NOT_BARE.search(item) or text[match.end() : match.end() + 1] not in ("", ",")):
            raise ListError(_UNCLEAR)
        yield None if quoted is None and item in NOTHING else item
        gap = _GAP.match(text, match.end())
        at = gap.end() if gap else len(text)


def _unquoted(match: re.Match[str]) -> str:
    text = match[1] if match[1] is not None else match[2]
    text = _ESCAPED.sub(r"\1", text.replace('""', '"') if match[1] is not None else text)
    if "\\" in text:
        raise ListError(_UNCLEAR)
    return text


def mailboxes_of(entry: str, in_cell: bool = False) -> list[str]:
    """The addresses or account ids of one entry: display names are dropped, several addresses are told apart.

    An entry without `@` is an account id and is left as it is, unless it stands in a cell of text and holds a comma:
    then nobody can say whether it is one id or two. Raises ListError.
    """
    if "@" not in entry:
        if in_cell and "," in entry:
            raise ListError("holds a comma between what may be one account id or several (separate them by ;)")
        return [entry]
    if _ADDRESS.fullmatch(entry):
        return [entry.removeprefix("mailto:")]
    pieces = [piece.strip() for piece in _pieces(entry, ",;|")]
    if any(piece.endswith(">") for piece in pieces):  # `Smith, Bob <bob@x>`: a name with a comma in it
        pieces = [piece for piece in pieces if "@" in piece]
    boxes = [box for piece in pieces for box in _boxes(piece)]
    if not boxes:
        raise ListError(_NO_ADDRESS)
    return boxes


def _boxes(piece: str) -> list[str]:
    named = _NAMED.fullmatch(piece)
    if named:
        return [named[1].removeprefix("mailto:")]
    words = [_without_quotes(word) for word in piece.split()]
    if not all(_ADDRESS.fullmatch(word) for word in words):
        raise ListError(_NO_ADDRESS)
    return [word.removeprefix("mailto:") for word in words]


def _without_quotes(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"" else word


def hosts_of_entry(entry: str, in_cell: bool = False) -> list[str]:
    """The hosts of one entry of `domains`: of a URL or `host:port` the host; of a link that leads to no site none.

    Several hosts in one entry are told apart, since no host holds a comma or a blank. A comma in the path of a URL is
    doubtful in a cell of text only. Raises ListError.
    """
    text = _DEFANGED.sub(lambda sign: ":" if sign[1] == ":" else ".", entry.strip())
    text = _DEFANGED_SCHEME.sub("http", text)
    if text.lower().startswith(_SITELESS):
        return []
    pieces = [piece for piece in _SEVERAL.split(text) if piece]
    urls = sum("//" in piece for piece in pieces)
    if not in_cell and urls == 1 and _URL.match(text):
        pieces = [pieces[0]]
    hosts = [_host(piece) for piece in pieces]
    if None in hosts or not hosts or 0 < urls < len(pieces):
        raise ListError(_NO_HOST)
    return [host for host in hosts if host and ("." in host or ":" in host)]  # a single label is nobody's site


def _host(text: str) -> str | None:
    """The host of a URL, of `user@host:port/path` or of an address literal, canonical; None where it is none."""
    url = _URL.fullmatch(text)
    authority, rest = (url[1], "") if url else _split_at(text, "/?#")
    match = _AUTHORITY.fullmatch(authority.rpartition("@")[2] + rest)
    return canonical_host(match[1] if match else authority)


def _split_at(text: str, signs: str) -> tuple[str, str]:
    place = next((place for place, sign in enumerate(text) if sign in signs), len(text))
    return text[:place], text[place:]
