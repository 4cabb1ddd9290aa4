"""`ringleader simulate`: a labelled world of events, reports, verdicts and truth. The work is `graph.simulate`."""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path

from api.commands import Call, Outcome, count_words

HELP = "write a labelled world: events, reports, verdicts, and the truth to judge by"
PRESETS = ("ordinary", "hard", "adversarial", "scale")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder to write it to")
    parser.add_argument("--events", type=int, metavar="N", help="about how many events")
    parser.add_argument("--seed", type=int, metavar="S", help="the same seed and options give the same bytes")
    parser.add_argument("--preset", choices=PRESETS, default=PRESETS[0], help="what kind of world")
    parser.add_argument("--hardness", type=float, metavar="H", help="0 easy to 1 hard: how well campaigns hide")
    parser.add_argument("--days", type=int, metavar="N", help="days that the world spans")


def run(call: Call) -> Outcome:
    from graph.simulate import load_preset, simulate

    flags = call.flags
    options = load_preset(flags.preset, events=flags.events, seed=flags.seed, hardness=flags.hardness, days=flags.days)
    with call.stages.stage("simulate") as stage:
        world = simulate(options, flags.out, lambda done: stage.progress(done, options.events))
        stage.rows = world.events
    guilty = f"{world.malicious_senders:,} malicious in {count_words(world.campaigns, 'campaign')}"
    counts = f"{count_words(world.senders, 'sender')}, {guilty}"
    labels = f"{count_words(world.reports, 'report')}, {count_words(world.verdicts, 'verdict')}"
    text = f"{count_words(world.events, 'event')} in {world.out}: {counts}; {labels}"
    return Outcome(asdict(world), text)
