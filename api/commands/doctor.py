"""`ringleader doctor`: what is installed, reachable, stale or wrong, and how to mend it. The work is `api.doctor`."""

from argparse import ArgumentParser

from api.commands import Call, Outcome

HELP = "what is installed, reachable, stale or wrong, and how to mend it"


def add_arguments(parser: ArgumentParser) -> None:
    """It takes none of its own."""


def run(call: Call) -> Outcome:
    from api.doctor import FAIL, WARN, as_rows, examine

    findings = examine(call.home, call.settings, call.stages)
    counts = {state: sum(finding.state == state for finding in findings) for state in (FAIL, WARN)}
    lines = [finding.line() for finding in findings]
    lines.append(f"\n{counts[FAIL]} failed, {counts[WARN]} to look at")
    summary = {"findings": as_rows(findings), "failed": counts[FAIL], "warned": counts[WARN]}
    return Outcome(summary, "\n".join(lines), code=1 if counts[FAIL] else 0)
