"""`ringleader train`: fits a challenger and promotes it where it beats the champion. The work is `api.training`."""

from argparse import ArgumentParser
from typing import TYPE_CHECKING

from api.commands import Call, Outcome, moment
from api.commands.refresh import add_setting

if TYPE_CHECKING:
    from api.training import Comparison, Training
    from gnn.segments import SegmentGain

HELP = "fit a challenger on what was known at --as-of; promote it only where it beats the champion on later days"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--as-of", type=moment, metavar="TS", help="learn from verdicts and reports up to here")
    parser.add_argument("--force", action="store_true", help="promote it even where it is no better")
    add_setting(parser, "--seed", "model.seed", type=int, metavar="S")
    add_setting(parser, "--window-days", "refresh.window_days", type=int, metavar="N")


def run(call: Call) -> Outcome:
    from api.stages import RefreshOptions
    from api.training import run_training

    options = RefreshOptions.of(call.settings, call.flags.as_of)
    done = run_training(call.home, options, call.flags.force, call.stages)
    return Outcome({**done.summary(), "stages": call.stages.rows()}, _words(done))


def _words(done: "Training") -> str:
    labels = f"{done.labels:,} labelled senders, {done.malicious:,} of them malicious"
    lines = [f"as of {done.as_of:%Y-%m-%d %H:%M} UTC: {labels}", *_compared(done.comparison)]
    lines += [f"decision: {done.reason}", f"champion: {done.champion}"]
    return "\n".join(lines)


def _compared(comparison: "Comparison | None") -> list[str]:
    if comparison is None:
        return []
    head = (
        f"judged by {comparison.senders:,} senders first decided on after {comparison.since:%Y-%m-%d %H:%M} UTC, "
        f"{comparison.malicious:,} of them malicious:"
    )
    rows = [("", "AUPRC", "log loss")]
    for name, figures in (("champion", comparison.champion), ("challenger", comparison.challenger)):
        rows.append((name, f"{figures['auprc'].value:.4f}", f"{figures['log_loss'].value:.4f}"))
    gains = (comparison.auprc_gain, comparison.log_loss_gain)
    auprc, loss = (f"{gain.value:+.4f} [{gain.low:+.4f} to {gain.high:+.4f}]" for gain in gains)
    shown = [f"  {name:<12}{first:>10}{second:>10}" for name, first, second in rows]
    overall = f"  challenger better by AUPRC {auprc}, log loss {loss}"
    return [head, *shown, overall, *(f"    {_segment(segment)}" for segment in comparison.segments)]


def _segment(segment: "SegmentGain") -> str:
    gain, mark = segment.gain, "  WORSE" if segment.worse else ""
    counts = f"{segment.name} ({segment.senders:,} senders, {segment.malicious:,} malicious)"
    return f"{counts}: log loss {gain.value:+.4f} [{gain.low:+.4f} to {gain.high:+.4f}]{mark}"
