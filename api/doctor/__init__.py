"""Doctor: what is installed, reachable, stale or wrong, and how to mend it. Mends nothing itself.

Each check is a function from home and settings to findings, in the module of what it looks at; none raises, and one
that fails stops no other. A new check is a line of CHECKS.
"""

from dataclasses import asdict

from api.doctor import inputs, installation, ledgers, mail, outputs, place
from api.doctor.finding import FAIL, OK, WARN, Check, Finding
from api.progress import StageRecorder
from api.settings import Settings
from graph.errors import RingleaderError
from graph.home import Home

__all__ = ["CHECKS", "FAIL", "OK", "WARN", "Finding", "as_rows", "examine"]

CHECKS: dict[str, Check] = {
    "packages": installation.versions,
    "home": place.folder,
    "lock": place.lock,
    "privacy": place.privacy,
    "leftovers": place.remains,
    "ledgers": ledgers.files,
    "verdicts": ledgers.unreadable,
    "lake": inputs.lake,
    "keys": inputs.keys,
    "relays": mail.relays,
    "quarantine": mail.quarantine,
    "store": outputs.store,
    "model": outputs.model,
    "snapshot": outputs.snapshot,
    "engines": installation.engines,
}


def examine(home: Home, settings: Settings, stages: StageRecorder) -> tuple[Finding, ...]:
    """Every finding about this installation, in a fixed order."""
    findings: list[Finding] = []
    with stages.stage("doctor") as stage:
        for done, (name, check) in enumerate(CHECKS.items(), start=1):
            findings += _findings(name, check, home, settings)
            stage.progress(done, len(CHECKS), name)
        stage.rows = len(findings)
    return tuple(findings)


def as_rows(findings: tuple[Finding, ...]) -> list[dict[str, str]]:
    return [asdict(finding) for finding in findings]


def _findings(name: str, check: Check, home: Home, settings: Settings) -> list[Finding]:
    try:
        return list(check(home, settings))
    except RingleaderError as error:
        return [Finding(name, FAIL, f"{error.thing}: {error.reason}", error.mend)]
    except OSError as error:
        words = f"{error.filename or home.path}: {error.strerror or error}"
        return [Finding(name, FAIL, words, "Give this user permission there, or choose another --home")]
