"""Small simulated worlds for tests of one thing each, and questions to their tables. Holds no test."""

from dataclasses import fields, replace
from pathlib import Path

import duckdb

from graph.simulate import WorldOptions, load_preset, simulate
from graph.simulate.options import OFF, Crime, Dial, Hidden, Labels

ON = Dial(1.0, 1.0)
FILES = (
    "events", "reports", "verdicts",
    "truth/senders", "truth/domains", "truth/campaigns", "truth/operators", "truth/bombings",
)  # fmt: skip
CALM = {"signals_kept": ON, "most_signals": Dial(6.0, 6.0)}  # every other dial of crime is off
HONEST = {"campaigns_judged": ON, "senders_judged": Dial(0.3, 0.3), "reporting": ON}  # and of labels


def options(
    crime: dict | None = None,
    labels: dict | None = None,
    hidden: tuple[str, ...] = (),
    events: int = 20_000,
    **further: object,
) -> WorldOptions:
    """A world in which every dial is off but those named; the signals `hidden` are never shared."""
    plain = load_preset("ordinary", events=events, seed=4, hardness=1.0)
    crimes = _off(Crime()) | CALM | {"hidden": Hidden(**dict.fromkeys(hidden, ON))} | (crime or {})
    told = _off(Labels()) | HONEST | (labels or {})
    return replace(plain, crime=replace(plain.crime, **crimes), labels=replace(plain.labels, **told), **further)


def _off(group: Crime | Labels) -> dict[str, Dial]:
    return {f.name: OFF for f in fields(group) if isinstance(getattr(group, f.name), Dial)}


def made(folder: Path, chosen: WorldOptions) -> Path:
    """The world, written into `folder` unless it is there already."""
    if not (folder / "world.json").exists():
        simulate(chosen, folder)
    return folder


def ask(folder: Path, question: str) -> list[tuple]:
    """Rows of a query over a world's tables by their file names, and over `mail`: events and what is true of them."""
    with duckdb.connect() as connection:
        for name in FILES:
            connection.execute(f"CREATE VIEW {name.rpartition('/')[2]} AS FROM '{folder / name}.parquet'")
        connection.execute(
            """CREATE VIEW mail AS SELECT e.*, s.campaign, s.archetype, s.malicious, s.bridge, s.wave, c.kind,
            regexp_replace(ip, '[.:][^.:]*$', '') AS network, split_part(sender, '@', 2) AS home
            FROM events e JOIN senders s ON s.key = e.sender LEFT JOIN campaigns c USING (campaign)"""
        )
        return connection.execute(question).fetchall()


def one(folder: Path, question: str) -> float:
    """The single value that a query gives."""
    return ask(folder, question)[0][0]
