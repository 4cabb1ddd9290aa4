"""`ringleader simulate`: a labelled world of events, reports, verdicts and truth. The work is `graph.simulate`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from api.commands import Call, Outcome, count_words

if TYPE_CHECKING:
    from graph.simulate import WorldSummary

HELP = "write a labelled world: events, reports, verdicts, and the truth to judge by"
PRESETS = ("ordinary", "hard", "adversarial", "scale")
FAMILIES = ("populations", "market", "patterns", "textbook")  # of graph.simulate.families, which is slow to import


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write it to")
    parser.add_argument("--events", type=int, metavar="N", help="about how many events")
    parser.add_argument("--seed", type=int, metavar="S", help="the same seed and options give the same bytes")
    parser.add_argument("--preset", choices=PRESETS, default=PRESETS[0], help="what kind of world")
    parser.add_argument(
        "--family",
        choices=FAMILIES,
        default=FAMILIES[0],
        help="who lives there: populations and kinds of campaigns, crews and firms on a market, random groups, or "
        "the plain kinds of the literature",
    )
    parser.add_argument("--hardness", type=float, metavar="H", help="0 easy to 1 hard: how well campaigns hide")
    parser.add_argument("--days", type=int, metavar="N", help="days that the world spans")


def run(call: Call) -> Outcome:
    wanted, write = _world(call.flags)
    with call.stages.stage("simulate") as stage:
        world = write(lambda done: stage.progress(done, wanted))
        stage.rows = world.events
    guilty = f"{world.malicious_senders:,} malicious in {count_words(world.campaigns, 'campaign')}"
    counts = f"{count_words(world.senders, 'sender')}, {guilty}"
    labels = f"{count_words(world.reports, 'report')}, {count_words(world.verdicts, 'verdict')}"
    text = f"{count_words(world.events, 'event')} in {world.out}: {counts}; {labels}"
    return Outcome(asdict(world), text)


def _world(flags: Namespace) -> "tuple[int, Callable[[Callable[[int], None]], WorldSummary]]":
    """How many events were asked for, and what writes a world of that family; the latter takes a progress callback."""
    chosen = {name: getattr(flags, name) for name in ("events", "seed", "hardness", "days")}
    from graph.simulate.families import FAMILIES as TABLE

    load, write = TABLE[flags.family]
    options = load(flags.preset, **chosen)
    return options.events, lambda progress: write(options, flags.out, progress)
