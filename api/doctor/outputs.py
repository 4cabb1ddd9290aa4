"""Checks of what a refresh makes: graph store, model, snapshot. Knows nothing of the lake."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from api.doctor.finding import OK, WARN, Finding
from api.settings import Settings
from graph.errors import SnapshotMissingError
from graph.home import Home
from graph.snapshot import open_current
from graph.store import open_store
from graph.store.bolt import PASSWORD_VARIABLE


def store(home: Home, settings: Settings) -> Iterator[Finding]:
    url = settings.refresh.store
    with open_store(url, home, os.environ.get(PASSWORD_VARIABLE)) as graph:
        name = graph.ping()
        held = graph.refresh()
    if held is None:
        yield Finding("store", OK, f"{name} at {url} answers and is empty; a refresh fills it")
    else:
        yield Finding("store", OK, f"{name} at {url} answers and holds refresh {held}")


def model(home: Home, settings: Settings) -> Iterator[Finding]:
    from gnn import registry  # brings torch, which takes a moment to load and is itself worth trying

    name = registry.champion(home)
    if lost := registry.lost_champion(home):
        yield Finding("model", WARN, f"{lost.thing}: {lost.reason}", lost.mend)
        return
    if name is None:
        yield Finding("model", WARN, "none yet", "The first `ringleader refresh` trains one")
        return
    registry.load(home, name)
    yield Finding("model", OK, f"{name} can be read")


def snapshot(home: Home, settings: Settings) -> Iterator[Finding]:
    try:
        live = open_current(home)
    except SnapshotMissingError as error:
        yield Finding("snapshot", WARN, error.reason, error.mend)
        return
    manifest = live.manifest
    age = datetime.now(UTC) - manifest.published_at
    words = f"{live.id}, as of {manifest.as_of:%Y-%m-%d %H:%M}, published {_age(age)} ago; checksums agree"
    if age > timedelta(hours=settings.serve.stale_after_hours):
        yield Finding("snapshot", WARN, f"stale: {words}", "Run `ringleader refresh`, best by a timer")
    else:
        yield Finding("snapshot", OK, words)


def _age(age: timedelta) -> str:
    hours = age / timedelta(hours=1)
    return (
        f"{hours * 60:.0f} minutes" if hours < 2 else f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
    )
