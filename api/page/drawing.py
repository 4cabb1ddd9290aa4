"""Pictures of a campaign as plain numbers for the templates' SVG: timeline bars, sparkline, graph. Knows no HTML."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, hypot, sin, tau
from typing import Any

BINS = 48  # bars of a timeline: a bar an hour for two days, or longer ones
GRAPH_WIDTH, GRAPH_HEIGHT = 760, 440
RING_X, RING_Y = 195.0, 190.0  # radii of the ring of shared things; beside it there is room for their names
SENDERS_WITHIN = 0.84  # of the ring's radius: members stand inside it
MOST_ARTEFACTS, MOST_TARGETS, MOST_SENDERS = 12, 6, 48  # more dots than this tell less, not more
LABEL_LETTERS = 22  # defanging adds some
NUDGE = 0.05  # of the ring's radius
GOLDEN = tau * (1 - 2 / (1 + 5**0.5))  # the golden angle
Node = tuple[str, str]  # kind, key


@dataclass(frozen=True)
class Bar:
    """One bar; x and height in [0, 1]."""

    x: float
    height: float
    events: int
    at: datetime


@dataclass(frozen=True)
class Dot:
    """One node, in the graph's pixels; `side` is where its label stands: -1 left, 1 right."""

    kind: str
    key: str
    x: float
    y: float
    radius: float
    label: str | None
    side: int


@dataclass(frozen=True)
class Line:
    """One edge, in the graph's pixels."""

    relation: str
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Picture:
    """A campaign's graph, bounded; `left_out` senders are not drawn."""

    dots: list[Dot]
    lines: list[Line]
    left_out: int


def bars(points: Sequence[dict[str, Any]], bins: int = BINS) -> list[Bar]:
    """The timeline's points summed into at most `bins` bars of equal length, from the first point to the last."""
    if not points:
        return []
    start, end = points[0]["ts"], points[-1]["ts"]
    length = (end - start) / bins
    sums: Counter[int] = Counter()
    for point in points:
        place = min(int((point["ts"] - start) / length), bins - 1) if length else 0
        sums[place] += point["events"]
    top = max(sums.values()) or 1
    return [Bar(place / bins, total / top, total, start + place * length) for place, total in sorted(sums.items())]


def spark(points: Sequence[dict[str, Any]], start: datetime, end: datetime, bins: int = 24) -> list[Bar]:
    """The same on a span given, so that the sparklines of a list stand on one axis."""
    edges = [{"ts": start, "events": 0}, *points, {"ts": end, "events": 0}]
    return [bar for bar in bars(edges, bins) if bar.events]


def picture(edges: Sequence[dict[str, Any]]) -> Picture:
    """What members share on a ring, members within it, pulled by springs to what they use. Always drawn alike."""
    import networkx as nx  # a tenth of a second that a server's start need not wait for

    kept, left_out = _bounded(edges)
    graph = nx.Graph()
    for edge in kept:
        graph.add_edge((edge["source_kind"], edge["source"]), (edge["target_kind"], edge["target"]))
    if not graph:
        return Picture([], [], left_out)
    places = _places(graph, _ring({(edge["target_kind"], edge["target"]) for edge in kept}, graph))
    lines = []
    for edge in kept:
        ends = places[edge["source_kind"], edge["source"]], places[edge["target_kind"], edge["target"]]
        lines.append(Line(edge["relation"], *ends[0], *ends[1]))
    dots = [_dot(node, places[node], graph.degree[node]) for node in sorted(graph)]
    return Picture(dots, lines, left_out)


def _ring(shared: set[Node], graph: Any) -> list[Node]:
    """Shared things in the order in which they stand on the ring: next to each, the one with most members in common."""
    left = sorted(shared, key=lambda node: (-graph.degree[node], node))
    order = [left.pop(0)]
    while left:
        near = set(graph[order[-1]])
        order.append(left.pop(max(range(len(left)), key=lambda at: (len(near & set(graph[left[at]])), -at))))
    return order


def _places(graph: Any, ring: list[Node]) -> dict[Node, tuple[float, float]]:
    """Pixels of every node: the ring's are fixed, springs find those of the members."""
    import networkx as nx

    fixed = {node: (cos(tau * at / len(ring)), sin(tau * at / len(ring))) for at, node in enumerate(ring)}
    start = {node: fixed.get(node) or _between(node, graph, fixed, turn) for turn, node in enumerate(sorted(graph))}
    found = nx.spring_layout(graph, pos=start, fixed=ring, seed=1, k=0.16, iterations=40)
    return {node: _pixels(*(place if node in fixed else _inside(*place))) for node, place in found.items()}


def _between(node: Node, graph: Any, fixed: dict[Node, tuple[float, float]], turn: int) -> tuple[float, float]:
    """Near the middle of what a member uses, each on another side of it: springs cannot part what stands in one place.

    Successive turns of the golden angle never meet.
    """
    used = [fixed[other] for other in graph[node]]
    x, y = (sum(places) / len(used) * SENDERS_WITHIN for places in zip(*used, strict=True))
    return x + NUDGE * cos(GOLDEN * turn), y + NUDGE * sin(GOLDEN * turn)


def _inside(x: float, y: float) -> tuple[float, float]:
    shrink = min(1.0, SENDERS_WITHIN / max(hypot(x, y), 1e-9))
    return x * shrink, y * shrink


def _pixels(x: float, y: float) -> tuple[float, float]:
    return round(GRAPH_WIDTH / 2 + RING_X * float(x), 1), round(GRAPH_HEIGHT / 2 + RING_Y * float(y), 1)


def _bounded(edges: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Edges of the artefacts that most members share, the most hit targets, and the members best tied to them."""
    shared = Counter((edge["target_kind"], edge["target"]) for edge in edges)
    targets = [node for node, _ in shared.most_common() if node[0] == "recipient"][:MOST_TARGETS]
    artefacts = [node for node, _ in shared.most_common() if node[0] != "recipient"][:MOST_ARTEFACTS]
    wanted = {*targets, *artefacts}
    near = [edge for edge in edges if (edge["target_kind"], edge["target"]) in wanted]
    ties = Counter(edge["source"] for edge in near)
    senders = {key for key, _ in ties.most_common(MOST_SENDERS)}
    everybody = {edge["source"] for edge in edges}
    return [edge for edge in near if edge["source"] in senders], len(everybody - senders)


def _dot(node: Node, place: tuple[float, float], degree: int) -> Dot:
    kind, key = node
    side = 1 if place[0] >= GRAPH_WIDTH / 2 else -1
    if kind == "sender":
        return Dot(kind, key, *place, 4.5, None, side)
    label = key if len(key) <= LABEL_LETTERS else key[: LABEL_LETTERS - 1] + "…"
    return Dot(kind, key, *place, min(5 + degree**0.5, 11), label, side)
