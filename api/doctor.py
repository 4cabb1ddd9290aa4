"""Doctor: what is installed, reachable, stale or wrong, and how to mend it. Mends nothing itself.

Each check is a function from home and settings to findings; none raises, and one that fails stops no other.
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from api.mail_checks import Word, quarantine_words, relay_words
from api.progress import StageRecorder
from api.settings import Settings
from graph.errors import BusyError, RingleaderError, SnapshotMissingError
from graph.home import Home, write_lock
from graph.lake import Lake
from graph.snapshot import open_current
from graph.store import open_store
from graph.store.bolt import PASSWORD_VARIABLE

OK, WARN, FAIL = "ok", "warn", "fail"
LOW_DISK_GB = 5.0  # a refresh of a few million events writes less than this
PACKAGES = ("duckdb", "pyarrow", "torch", "torch-geometric", "ladybug", "neo4j", "lmdb", "fastapi", "uvicorn")


@dataclass(frozen=True)
class Finding:
    """One line of the report: `state` is ok, warn or fail; `mend` is empty where there is nothing to mend."""

    name: str
    state: str
    words: str
    mend: str = ""

    def line(self) -> str:
        mend = f"\n        {self.mend}." if self.mend else ""
        return f"{self.state:<4}  {self.name}: {self.words}{mend}"


Check = Callable[[Home, Settings], Iterator[Finding]]


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


def _versions(home: Home, settings: Settings) -> Iterator[Finding]:
    yield Finding("python", OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    installed = {name: _version(name) for name in ("ringleader", *PACKAGES)}
    missing = [name for name, found in installed.items() if found is None]
    words = ", ".join(f"{name} {found}" for name, found in installed.items() if found)
    if missing:
        yield Finding("packages", FAIL, f"missing: {', '.join(missing)}; {words}", "Install Ringleader again")
    else:
        yield Finding("packages", OK, words)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _home(home: Home, settings: Settings) -> Iterator[Finding]:
    path = home.path.resolve()
    if not path.exists():
        mend = "Any command that stores something makes it; name another with --home or RINGLEADER_HOME"
        yield Finding("home", WARN, f"{path} does not exist yet", mend)
    else:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".doctor."):
            yield Finding("home", OK, f"{path} can be written")
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    mend = "" if free >= LOW_DISK_GB else "Free some space: a refresh that meets a full disk keeps the old snapshot"
    yield Finding("disk", WARN if mend else OK, f"{free:,.1f} GB free", mend)


def _lock(home: Home, settings: Settings) -> Iterator[Finding]:
    if not home.path.exists():
        return
    try:
        with write_lock(home):
            yield Finding("lock", OK, "nobody is writing")
    except BusyError as error:
        yield Finding("lock", WARN, error.reason, error.mend)


def _lake(home: Home, settings: Settings) -> Iterator[Finding]:
    days = sorted(home.lake.glob("*/day=*/*.parquet"))
    damaged = {day: reason for day in days if (reason := _damage(day))}
    for day, reason in damaged.items():
        yield Finding("lake", FAIL, f"{day} is damaged: {reason}", "Move it away and ingest that day's input again")
    if damaged:
        return
    span = Lake(home.path).span() if days else None
    if span is None:
        yield Finding("lake", WARN, "no events yet", "Add some with `ringleader ingest`, or try `ringleader demo`")
        return
    rows = {kind: _rows(home, kind) for kind in ("events", "reports", "verdicts")}
    counted = ", ".join(f"{number:,} {kind}" for kind, number in rows.items())
    yield Finding("lake", OK, f"{counted}; events of {span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}; every day is whole")


def _rows(home: Home, kind: str) -> int:
    return sum(pq.read_metadata(day).num_rows for day in home.lake.glob(f"{kind}/day=*/*.parquet"))


def _damage(day: Path) -> str:
    """Why a day file cannot be read to its end; empty where it can. Memory stays at one row group."""
    try:
        with pq.ParquetFile(day, page_checksum_verification=True) as file:
            for group in range(file.metadata.num_row_groups):
                file.read_row_group(group)
    except (pa.ArrowException, OSError) as error:
        return (str(error) or type(error).__name__).splitlines()[0]
    return ""


def _relay(home: Home, settings: Settings) -> Iterator[Finding]:
    yield from (_finding("relays", word) for word in relay_words(home))


def _quarantine(home: Home, settings: Settings) -> Iterator[Finding]:
    yield from (_finding("quarantine", word) for word in quarantine_words(home))


def _finding(name: str, word: Word) -> Finding:
    return Finding(name, WARN if word.mend else OK, word.words, word.mend)


def _store(home: Home, settings: Settings) -> Iterator[Finding]:
    url = settings.refresh.store
    with open_store(url, home, os.environ.get(PASSWORD_VARIABLE)) as store:
        name = store.ping()
        held = store.refresh()
    if held is None:
        yield Finding("store", OK, f"{name} at {url} answers and is empty; a refresh fills it")
    else:
        yield Finding("store", OK, f"{name} at {url} answers and holds refresh {held}")


def _model(home: Home, settings: Settings) -> Iterator[Finding]:
    from gnn import registry  # brings torch, which takes a moment to load and is itself worth trying

    name = registry.champion(home)
    if name is None:
        yield Finding("model", WARN, "none yet", "The first `ringleader refresh` trains one")
        return
    registry.load(home, name)
    yield Finding("model", OK, f"{name} can be read")


def _snapshot(home: Home, settings: Settings) -> Iterator[Finding]:
    try:
        snapshot = open_current(home)
    except SnapshotMissingError as error:
        yield Finding("snapshot", WARN, error.reason, error.mend)
        return
    manifest = snapshot.manifest
    age = datetime.now(UTC) - manifest.published_at
    words = f"{snapshot.id}, as of {manifest.as_of:%Y-%m-%d %H:%M}, published {_age(age)} ago; checksums agree"
    if age > timedelta(hours=settings.serve.stale_after_hours):
        yield Finding("snapshot", WARN, f"stale: {words}", "Run `ringleader refresh`, best by a timer")
    else:
        yield Finding("snapshot", OK, words)


def _age(age: timedelta) -> str:
    hours = age / timedelta(hours=1)
    return (
        f"{hours * 60:.0f} minutes" if hours < 2 else f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
    )


def _spark(home: Home, settings: Settings) -> Iterator[Finding]:
    """Java and pyspark are asked for only where Spark is the engine; Java and Maven also start a Neo4j for tests."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    wanted = settings.refresh.engine == "spark"
    for name, found, mend in (
        ("java", java, "Install Java 17"),
        ("pyspark", find_spec("pyspark"), "Install ringleader[spark]"),
    ):
        if found:
            yield Finding(name, OK, "installed")
        else:
            words = "not installed" if wanted else "not installed; only the spark engine needs it"
            yield Finding(name, FAIL if wanted else OK, words, mend if wanted else "")
    yield Finding("maven", OK, "installed" if maven else "not installed; only `make neo4j` needs it")


CHECKS: dict[str, Check] = {
    "packages": _versions,
    "home": _home,
    "lock": _lock,
    "lake": _lake,
    "relays": _relay,
    "quarantine": _quarantine,
    "store": _store,
    "model": _model,
    "snapshot": _snapshot,
    "engines": _spark,
}
