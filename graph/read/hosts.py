"""Hosts of the links in a text, plain or HTML. Does not know mail, and reduces nothing to registrable domains.

Every pattern is bounded, so that hostile text costs time in proportion to its length and no more.
"""

import html
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from graph.addresses import canonical_host, has_known_suffix

MAX_HOSTS: Final = 200  # of one message; a mail with more links than that is a directory, not evidence

_STOP: Final = r"\s/?#\\\"'<>()\[\]{},;|^`"
# Both begin with a literal, which `re` searches for many times faster than for a choice of schemes.
_NETLOC: Final = re.compile(rf":[/\\]{{2,4}}((?:[^{_STOP}]{{0,512}}@)?(?:\[[0-9a-f:.]{{2,45}}\]|[^{_STOP}]{{1,512}}))")
_WWW: Final = re.compile(rf"www\d{{0,2}}\.[^{_STOP}]{{1,512}}")
_SCHEMES: Final = ("http", "https", "ftp")
_INSIDE: Final = re.compile(r"[\w@./:-]")  # before `www.`: it is the middle of something longer
_ATTRIBUTE: Final = re.compile(
    r"[\s\"'/](?:href|src|action|background)\s{0,16}=\s{0,16}(?:\"([^\"]{0,4096})|'([^']{0,4096})|([^\s\"'>]{1,4096}))",
    re.IGNORECASE,
)
_ATTRIBUTE_URL: Final = re.compile(r"\s*(?:(?:https?|ftp):[/\\]*|[/\\]{2})([^/?#\\]{1,1024})", re.IGNORECASE)
_LINE_BREAKS: Final = re.compile(r"[\t\r\n\x00]")  # browsers drop them inside a URL
_DECLARATION: Final = re.compile(r"<[!?][^<>]{0,2048}>|\sxmlns(?::\w{1,64})?\s{0,4}=\s{0,4}[\"'][^\"'<>]{0,512}[\"']")
_TRAILING: Final = ".:!*_~=&$%+-'"


def hosts_of_text(text: str) -> Iterator[str]:
    """Hosts of bare URLs (`http:`, `https:`, `ftp:`, `www.`) in the order of appearance, repeats included."""
    text = text.lower()
    found = [(at.start(), at[1]) for at in _NETLOC.finditer(text) if text.endswith(_SCHEMES, 0, at.start())]
    found += [
        (at.start(), at[0]) for at in _WWW.finditer(text) if not at.start() or not _INSIDE.match(text, at.start() - 1)
    ]
    for _, netloc in sorted(found):
        host = _host(netloc)
        if host:
            yield host


def hosts_of_html(text: str) -> Iterator[str]:
    """Hosts of bare URLs and of `href`, `src`, `action` and `background`, entities resolved; not those in comments,
    document types and namespaces, which nobody follows."""
    text = html.unescape(_DECLARATION.sub(" ", without_comments(text)))
    yield from hosts_of_text(text)
    for match in _ATTRIBUTE.finditer(text):
        found = _ATTRIBUTE_URL.match(_LINE_BREAKS.sub("", match[1] or match[2] or match[3] or ""))
        host = found and _host(found[1])
        if host:
            yield host


def distinct_hosts(hosts: Iterable[str]) -> list[str]:
    """The first `MAX_HOSTS` distinct hosts, in order of appearance."""
    found: dict[str, None] = {}
    for host in hosts:
        found[host] = None
        if len(found) == MAX_HOSTS:
            break
    return list(found)


def without_comments(text: str) -> str:
    """HTML without comments; an unclosed comment runs to the end, as in browsers."""
    return without_spans(text, "<!--", "-->")


def without_spans(text: str, opening: str, closing: str, joint: str = " ") -> str:
    """The text with `joint` for all that stands from `opening` to `closing`, found in one pass."""
    start = text.find(opening)
    if start < 0:
        return text
    pieces, end = [], 0
    while start >= 0:
        pieces.append(text[end:start])
        end = text.find(closing, start + len(opening))
        if end < 0:
            return joint.join(pieces)
        end += len(closing)
        start = text.find(opening, end)
    pieces.append(text[end:])
    return joint.join(pieces)


def _host(netloc: str) -> str | None:
    """The host of `user:password@host:port`, canonical; None where it is none that can be reached from outside."""
    host = netloc.rpartition("@")[2]
    if "%" in host:
        host = unquote(host)
    host = _without_port(host).rstrip(_TRAILING)
    name = canonical_host(host if host.isascii() else _without_glued_text(host))
    return name if name and ("." in name or ":" in name) else None


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _without_glued_text(host: str) -> str:
    """Scripts without spaces run on after a host: keep its ASCII head where the whole ends in no suffix we know."""
    last = host.rpartition(".")[2]
    if last.isascii() or has_known_suffix(host):
        return host
    head = re.match(r"[\x21-\x7e]+", host)
    return head[0].rstrip(_TRAILING) if head and "." in head[0] else host
