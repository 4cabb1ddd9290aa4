"""Pictures of a campaign as plain numbers for the templates' SVG: timeline bars, sparkline, graph. Knows no HTML."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import networkx as nx

BINS = 48  # bars of a timeline: a bar an hour for two days, or longer ones
GRAPH_WIDTH, GRAPH_HEIGHT, MARGIN = 760, 440, 34
MOST_ARTEFACTS, MOST_TARGETS, MOST_SENDERS = 12, 6, 48  # more dots than this tell less, not more
LABEL_LETTERS = 30


@dataclass(frozen=True)
class Bar:
    """One bar; x and height in [0, 1]."""

    x: float
    height: float
    events: int
    at: datetime


@dataclass(frozen=True)
class Dot:
    """One node, in the graph's pixels."""

    kind: str
    key: str
    x: float
    y: float
    radius: float
    label: str | None


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
    inside = [point for point in points if start <= point["ts"] <= end]
    edges = [{"ts": start, "events": 0}, *inside, {"ts": end, "events": 0}]
    return [bar for bar in bars(edges, bins) if bar.events]


def picture(edges: Sequence[dict[str, Any]]) -> Picture:
    """Members and what they share, laid out by springs from a fixed seed: the same campaign, the same picture."""
    kept, left_out = _bounded(edges)
    graph = nx.Graph()
    for edge in kept:
        graph.add_edge((edge["source_kind"], edge["source"]), (edge["target_kind"], edge["target"]))
    if not graph:
        return Picture([], [], left_out)
    places = _fit(nx.spring_layout(graph, seed=1, k=1.6 / len(graph) ** 0.5, iterations=80))
    lines = []
    for edge in kept:
        ends = places[edge["source_kind"], edge["source"]], places[edge["target_kind"], edge["target"]]
        lines.append(Line(edge["relation"], *ends[0], *ends[1]))
    dots = [_dot(node, places[node], graph.degree[node]) for node in sorted(graph)]
    return Picture(dots, lines, left_out)


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


def _fit(places: dict[Any, Any]) -> dict[Any, tuple[float, float]]:
    xs, ys = [place[0] for place in places.values()], [place[1] for place in places.values()]

    def scaled(value: float, values: list[float], size: int) -> float:
        span = max(values) - min(values)
        share = (value - min(values)) / span if span else 0.5
        return round(MARGIN + share * (size - 2 * MARGIN), 1)

    return {node: (scaled(x, xs, GRAPH_WIDTH), scaled(y, ys, GRAPH_HEIGHT)) for node, (x, y) in places.items()}


def _dot(node: tuple[str, str], place: tuple[float, float], degree: int) -> Dot:
    kind, key = node
    if kind == "sender":
        return Dot(kind, key, *place, 4.5, None)
    label = key if len(key) <= LABEL_LETTERS else key[: LABEL_LETTERS - 1] + "…"
    return Dot(kind, key, *place, min(5 + degree**0.5, 11), label)
