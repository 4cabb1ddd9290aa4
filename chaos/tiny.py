"""A tiny home of real mail, made once a run and copied for every trial. Knows the sample that ships."""

import shutil
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from chaos.trial import ended

ROWS: Final = 300  # events: a refresh takes seconds, most of them imports
SAMPLE: Final = Path(__file__).parents[1] / "data" / "events.parquet"


def events(folder: Path, first: int = 0, rows: int = ROWS) -> Path:
    """A table of so many events of the sample, in order of time."""
    path = folder / f"events-{first}-{rows}.parquet"
    if not path.exists():
        pq.write_table(pq.read_table(SAMPLE).sort_by("ts").slice(first, rows), path)
    return path


def home(scratch: Path, refreshed: bool = True) -> Path:
    """A copy of a home with the events ingested, and refreshed where asked."""
    template = scratch.parent / ("refreshed" if refreshed else "ingested")
    if not template.exists():
        building = template.with_name(template.name + ".building")
        shutil.rmtree(building, ignore_errors=True)
        steps: list[tuple[str | Path, ...]] = [("ingest", "--events", events(scratch.parent))]
        steps += [("refresh",)] if refreshed else []
        for step in steps:
            done = ended(building, *step)
            if done.status != 0:
                raise RuntimeError(f"the tiny home could not be made: {done.err[-500:]}")
        building.rename(template)
    copy = scratch / "home"
    shutil.copytree(template, copy, symlinks=True)
    return copy


def content(home: Path, folder: str) -> dict[str, bytes]:
    """The files of a part of a home, by name, temporary ones left out."""
    top = home / folder
    files = (path for path in sorted(top.rglob("*")) if path.is_file() and ".tmp" not in path.name)
    return {str(path.relative_to(top)): path.read_bytes() for path in files}
