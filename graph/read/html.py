"""HTML as browsers and mail programs take it apart: links, visible text, hidden text. Knows no hosts and no mail.

The standard's tokeniser (lexbor, by selectolax) finds what is a tag, a comment or raw text. The tree that the standard
builds of them is not wanted and may be quadratic in hostile input, so the tags are made flat before: every start tag
but those of raw text becomes an empty element with the same attributes. Time and memory grow with the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

LINKS: Final = frozenset(
    {"href", "xlink:href", "src", "action", "formaction", "background", "poster", "data", "longdesc", "ping"}
)
# Elements whose content is text up to their own end tag, whatever stands in it (HTML standard, 13.1.2); `plaintext`
# has no end.
_RAW: Final = ("style", "script", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "plaintext")
_UNSEEN: Final = frozenset({"style", "script", "title", "noembed", "noframes"})
_FLAT: Final = "<wbr"  # an empty element that neither opens nor closes anything
_START_TAG: Final = re.compile(rf"<(?!(?:{'|'.join(_RAW)})[\s/>])[a-z][^\s/>]{{0,256}}", re.IGNORECASE)
# What Outlook follows and browsers do not. `[if !mso]` is for all but Outlook, and inside a comment for nobody.
_CONDITIONAL: Final = re.compile(r"\s*\[if\s+(?!\s*!)[^\]]{1,256}\]>(.*)<!\[endif\]\s*\Z", re.IGNORECASE | re.DOTALL)
_CONDITIONAL_DEPTH: Final = 2


@dataclass(frozen=True)
class Link:
    """What one attribute holds: a `url` to go to or fetch, or other text that may mention one."""

    value: str
    url: bool


@dataclass(frozen=True)
class Html:
    """`parts` are links and texts in order; `visible` the texts that a reader sees."""

    parts: tuple[Link | str, ...]
    visible: tuple[str, ...]


@lru_cache(maxsize=4)  # links and fingerprint are read from the same text, one after the other
def read_html(text: str) -> Html:
    """All links and texts of a document or a fragment, entities resolved; of comments only those for Outlook."""
    parts, visible = [], []
    for part, seen in _parts(text, _CONDITIONAL_DEPTH):
        parts.append(part)
        if seen and isinstance(part, str):
            visible.append(part)
    return Html(tuple(parts), tuple(visible))


def _parts(text: str, depth: int) -> Iterator[tuple[Link | str, bool]]:
    """Links and texts in order, and whether a reader sees them."""
    for node in _nodes(text):
        if node.is_comment_node:
            conditional = _CONDITIONAL.match(node.comment_content or "") if depth else None
            if conditional:
                yield from ((part, False) for part, _ in _parts(conditional[1], depth - 1))
        elif node.is_text_node:
            parent = node.parent
            yield node.text_content or "", parent is None or parent.tag not in _UNSEEN
        elif node.is_element_node:
            yield from ((link, False) for link in _links(node))


def _nodes(text: str) -> Iterator[LexborNode]:
    # Inside a body, also what stands before one: a comment there would hang above the root, where nobody walks.
    root = LexborHTMLParser("<body>" + _START_TAG.sub(_FLAT, text)).root
    return iter(()) if root is None else root.traverse(include_text=True)


def _links(node: LexborNode) -> Iterator[Link]:
    for name, value in node.attributes.items():
        if value and not name.startswith("xmlns"):  # namespaces look like links and nobody follows them
            yield Link(value, name in LINKS)
