"""Hosts of the links in a text, plain or HTML. Does not know mail, and reduces nothing to registrable domains.

A link inside a link counts too, beside the one that wraps it: what Safe Links, Proofpoint, search engines and trackers
carry as a parameter, plain, percent-encoded up to twice, in base64 or in Proofpoint's own spelling. A host that is
merely mentioned there counts as well: who reads a link cannot tell a referrer from a target.

Every pattern is bounded, so that hostile text costs time in proportion to its length and no more.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from graph.addresses import canonical_host, has_known_suffix
from graph.read.html import Link, read_html

MAX_URL: Final = 1 << 16  # characters of one attribute that are looked at
MAX_HOSTS: Final = 200  # of one message; a mail with more links than that is a directory, not evidence

_STOP: Final = r"\s/?#\\\"'<>()\[\]{},;|^`"
# Both begin with a literal, which `re` searches for many times faster than for a choice of schemes.
_USERINFO: Final = r"[^\s/?#\\\"'<>()\[\]{}|^`@]{0,512}@"  # commas and semicolons may stand in it
_NETLOC: Final = re.compile(rf":[/\\]{{2,4}}((?:{_USERINFO})?(?:\[[0-9a-f:.]{{2,45}}\]|[^{_STOP}]{{1,512}}))")
_WWW: Final = re.compile(rf"www\d{{0,2}}\.[^{_STOP}]{{1,512}}")
_SCHEMES: Final = ("http", "https", "ftp")
_INSIDE: Final = re.compile(r"[\w@./:-]")  # before `www.`: it is the middle of something longer
_ATTRIBUTE_URL: Final = re.compile(r"\s*(?:(?:https?|ftp):[/\\]*|[/\\]{2})([^/?#\\]{1,1024})", re.IGNORECASE)
_LINE_BREAKS: Final = re.compile(r"[\t\r\n\x00]")  # browsers drop them inside a URL
_ENCODED: Final = re.compile(r"%(?:25)?(?:3a|2f)", re.IGNORECASE)
ENCODED_TWICE: Final = 2
_PROOFPOINT: Final = re.compile(r"[?&]u=(?:https?|ftp)-3A__([^&\s\"'<>_]{1,512})", re.IGNORECASE)
_AMP: Final = re.compile(r"/amp/s/([^/\s\"'<>?#]{1,512})", re.IGNORECASE)
_BASE64_LINK: Final = re.compile(
    r"(?<![A-Za-z0-9+/_-])(aHR0c(?:Dov|HM6L)[A-Za-z0-9+/_-]{2,2048})"
)  # `http:/`, `https:/`
_TRAILING: Final = ".:!*_~=&$%+-'"


def hosts_of_text(text: str) -> Iterator[str]:
    """Hosts of bare URLs (`http:`, `https:`, `ftp:`, `www.`) in the order of appearance, repeats included.

    Those inside other links follow.
    """
    yield from _bare_hosts(text)
    yield from _wrapped_hosts(text)


def hosts_of_html(text: str) -> Iterator[str]:
    """Hosts of links that mail programs follow or fetch, and of bare URLs in texts and other attributes, in order.

    Entities are resolved. Nothing counts from comments (but those for Outlook), document types and namespaces.
    """
    for part in read_html(text).parts:
        if isinstance(part, Link) and part.url:
            yield from _hosts_of_url(part.value)
        else:
            yield from hosts_of_text(part.value if isinstance(part, Link) else part)


def _hosts_of_url(value: str) -> Iterator[str]:
    """The host of an attribute that holds a URL, and those inside it."""
    url = _LINE_BREAKS.sub("", value[:MAX_URL])
    target = _ATTRIBUTE_URL.match(url)
    if target is None:
        yield from hosts_of_text(url)  # a list of candidates, a script, a body full of links
        return
    host = _host(target[1])
    if host:
        yield host
    yield from hosts_of_text(url[target.end() :])


def _bare_hosts(text: str) -> Iterator[str]:
    text = text.lower()
    if ":" not in text and "www" not in text:
        return
    found = [(at.start(), at[1]) for at in _NETLOC.finditer(text) if text.endswith(_SCHEMES, 0, at.start())]
    found += [
        (at.start(), at[0]) for at in _WWW.finditer(text) if not at.start() or not _INSIDE.match(text, at.start() - 1)
    ]
    for _, netloc in sorted(found):
        host = _host(netloc)
        if host:
            yield host


def _wrapped_hosts(text: str) -> Iterator[str]:
    """Hosts of links that other links carry in an encoding. Each is looked for only where its mark is seen."""
    if "__" in text:
        for match in _PROOFPOINT.finditer(text):
            yield from _bare_hosts(f"https://{_without_hex(match[1])}")
    if "/amp/s/" in text:
        for match in _AMP.finditer(text):
            yield from _bare_hosts(f"https://{match[1]}")
    if "aHR0c" in text:
        for match in _BASE64_LINK.finditer(text):
            yield from _bare_hosts(_without_base64(match[1]))
    for _ in range(ENCODED_TWICE):
        if "%" not in text or not _ENCODED.search(text):
            return
        text = unquote(text)
        yield from _bare_hosts(text)


def _without_hex(text: str) -> str:
    """Proofpoint's spelling of a host: `-2D` for a hyphen."""
    return re.sub(r"-([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), text)


def _without_base64(text: str) -> str:
    usable = text[: len(text) // 4 * 4].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(usable, validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        return ""


def distinct_hosts(hosts: Iterable[str]) -> list[str]:
    """The first `MAX_HOSTS` distinct hosts, in order of appearance."""
    found: dict[str, None] = {}
    for host in hosts:
        found[host] = None
        if len(found) == MAX_HOSTS:
            break
    return list(found)


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
