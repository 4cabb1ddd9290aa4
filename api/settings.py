"""Settings: one frozen object, built once at the edge from a preset, the environment and flags, and handed down.

Knows no command and opens nothing but the preset. Secrets are never settings: they come from the environment alone.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from graph.errors import RingleaderError

PREFIX = "RINGLEADER_"
PRESETS = ("local", "production")
CONFIG_NAME = "config.toml"  # in a home: its own settings
_PACKAGED = Path(__file__).parent / "presets"
_CHECKOUT = Path(__file__).parent.parent / "configs"
MIB = 1 << 20
GIB = 1 << 30


class SettingsError(RingleaderError):
    """A setting that does not exist or cannot have this value."""


class FlagError(SettingsError):
    """The same, typed on the command line: a usage error."""


@dataclass(frozen=True)
class Rule:
    """What a setting may be: one of `choices`, or a number in [low, high]."""

    help: str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


def _setting(default: Any, help: str, **limits: Any) -> Any:
    return field(default=default, metadata={"rule": Rule(help, **limits)})


@dataclass(frozen=True)
class LakeSettings:
    retention_days: int = _setting(
        0, "Days of events to keep, counted back from the newest that is not ahead of the clock; 0 keeps all.", low=0
    )
    largest_drop: float = _setting(
        0.5,
        "Largest share of the lake's days that the retention may drop at an ingest; beyond it is refused.",
        low=0,
        high=1,
    )


@dataclass(frozen=True)
class ReadSettings:
    """Those of `graph.read.ReadOptions`, by the same names."""

    normalise: str = _setting(
        "gmail",
        "How mailbox names of raw mail are made one: gmail (no dots, no plus tags, at gmail.com) or off.",
        choices=("gmail", "off"),
    )
    future_tolerance_hours: float = _setting(
        24.0, "How far ahead of the clock an event may be before it goes to quarantine.", low=0, high=87_600
    )
    mailbox: str = _setting(
        "", "Address whose mail is read: the recipient of raw mail that names none; empty gives each sender its own."
    )
    trusted_hops: int = _setting(
        0,
        "Newest Received lines of raw mail that relays of your own wrote; the next one tells time and address.",
        low=0,
    )
    batch_rows: int = _setting(50_000, "Rows read at a time; memory grows with it.", low=1, high=1_000_000)
    block_bytes: int = _setting(16 * MIB, "Text read at a time; a CSV row must fit.", low=1024, high=1024 * MIB)
    max_line_bytes: int = _setting(32 * MIB, "Longest line of JSON Lines; a longer one goes to quarantine.", low=1024)
    max_text_bytes: int = _setting(
        1024, "Longest id, address or host; a row with a longer one goes to quarantine.", low=64
    )
    max_message_bytes: int = _setting(128 * MIB, "Longest raw message; a longer one goes to quarantine.", low=1024)
    max_expanded_bytes: int = _setting(
        64 * GIB, "Most that a gzip or zstd file may expand to; then it is refused.", low=1
    )
    max_expansion_ratio: int = _setting(
        200,
        "Most times its size that a gzip or zstd file may expand to; mail and tables do 5 to 50, bombs 1,000.",
        low=1,
    )
    bomb_grace_bytes: int = _setting(64 * MIB, "Expanded bytes before that ratio is looked at.", low=0)


@dataclass(frozen=True)
class RefreshSettings:
    window_days: int = _setting(30, "Days of events that a refresh looks at.", low=1, high=3650)
    keep_snapshots: int = _setting(5, "Snapshots kept in the home; the one that is served is always among them.", low=1)
    store: str = _setting("ladybug:", "Where the graph is kept: ladybug: (in the home) or neo4j://USER@HOST:PORT.")
    engine: str = _setting("duckdb", "What builds the window graph: duckdb or spark.", choices=("duckdb", "spark"))
    memory: str = _setting("", "Most memory the engine may take, as in 2GB; empty leaves it to the engine.")
    threads: int = _setting(0, "Threads of the engine; 0 takes every core.", low=0)
    merges: str = _setting(
        "ask",
        "Whether campaigns that one artefact alone would join wait for a verdict (ask) or are joined (allow).",
        choices=("ask", "allow"),
    )


@dataclass(frozen=True)
class ModelSettings:
    seed: int = _setting(7, "Seed of training; the same seed and data give the same model.", low=0)
    verdict_half_life_days: float = _setting(
        90.0, "Days in which a verdict loses half of what it can lose: half of its weight stays.", low=1, high=36_500
    )


@dataclass(frozen=True)
class DecisionSettings:
    """Those of `gnn.decide.DecideOptions`, by the same names."""

    precision: float = _setting(
        0.99, "Least expected share of truly malicious nodes among those that are called malicious.", low=0.5, high=1
    )
    benign_precision: float = _setting(
        0.999, "Least expected share of truly benign nodes among those that are called benign.", low=0.5, high=1
    )
    false_positive_cost: float = _setting(
        10.0, "What one innocent node called malicious costs, in abusers called benign.", low=0.001, high=1_000_000
    )
    least_events: int = _setting(
        3, "Events under which a sender who shares nothing, and whom nobody heard, is not called benign.", low=0
    )


@dataclass(frozen=True)
class ServeSettings:
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8080, "Port to listen on; 0 takes a free one.", low=0, high=65_535)
    workers: int = _setting(1, "Processes that answer.", low=1, high=256)
    auth: str = _setting(
        "keys", "keys asks for a bearer key; off answers all, on loopback only.", choices=("keys", "off")
    )
    stale_after_hours: float = _setting(
        48.0,
        "Hours after its publication at which a snapshot is reported stale by /readyz and doctor.",
        low=0,
        high=87_600,
    )


@dataclass(frozen=True)
class Settings:
    """Every setting there is; a section each for lake, readers, refresh, model, decisions and servers."""

    lake: LakeSettings = LakeSettings()
    read: ReadSettings = ReadSettings()
    refresh: RefreshSettings = RefreshSettings()
    model: ModelSettings = ModelSettings()
    decision: DecisionSettings = DecisionSettings()
    serve: ServeSettings = ServeSettings()


def load_settings(
    home: Path,
    config: str | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Defaults, then `config` (a file or a preset's name; else the home's config.toml), then environment, then flags.

    `environ` holds RINGLEADER_SECTION_KEY, `flags` "section.key". Raises SettingsError for a name that does not exist,
    naming the nearest that does, and for a value out of bounds; FlagError where it came from a flag.
    """
    settings = Settings()
    path = find_config(home, config)
    if path is not None:
        for name, value in _preset_values(path):
            settings = _with(settings, name, value, str(path))
    for variable, text in _our_variables(environ or {}):
        settings = _with(settings, _variable_setting(variable), text, variable)
    for name, value in (flags or {}).items():
        settings = _with(settings, name, value, "", FlagError)
    return settings


def known_settings() -> dict[str, Rule]:
    """`section.key` of every setting with its rule, in the order of the presets."""
    return {
        f"{section.name}.{key.name}": key.metadata["rule"]
        for section in fields(Settings)
        for key in fields(_section_class(section))
    }


def preset_path(name: str) -> Path:
    """The file of a shipped preset, in a wheel or a checkout."""
    packaged = _PACKAGED / f"{name}.toml"
    return packaged if packaged.exists() else _CHECKOUT / f"{name}.toml"


def find_config(home: Path, config: str | None) -> Path | None:
    """The file that settings are read from: a file named, a preset named, the home's own, or none."""
    if config is None:
        own = home / CONFIG_NAME
        return own if own.exists() else None
    if Path(config).exists():
        return Path(config)
    if config in PRESETS:
        return preset_path(config)
    raise FlagError(f"--config {config}", "there is no such file", f"Name a TOML file or one of: {', '.join(PRESETS)}")


def _section_class(section: Field[Any]) -> type[Any]:
    return type(section.default)


def _preset_values(path: Path) -> list[tuple[str, object]]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), f"is not TOML: {error}", "Correct that line") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(str(path), f"cannot be read: {reason}", "Let this user read it") from error
    values: list[tuple[str, object]] = []
    for section, table in tables.items():
        if isinstance(table, dict):
            values += [(f"{section}.{key}", value) for key, value in table.items()]
        else:
            values.append((section, table))
    return values


def _our_variables(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """Variables of our sections only: other RINGLEADER_ names are put there by orchestrators (service links)."""
    starts = tuple(f"{PREFIX}{section.name.upper()}_" for section in fields(Settings))
    return sorted((name, text) for name, text in environ.items() if name.startswith(starts))


def _variable_setting(variable: str) -> str:
    section, _, key = variable.removeprefix(PREFIX).lower().partition("_")
    return f"{section}.{key}"


def _with(
    settings: Settings, name: str, value: object, source: str, error: type[SettingsError] = SettingsError
) -> Settings:
    """`settings` with one value replaced, checked against its rule."""
    rules = known_settings()
    thing = f"{source}: {name}" if source else name
    if name not in rules:
        raise error(thing, "there is no such setting", _nearest(name, rules))
    section_name, _, key = name.partition(".")
    section = getattr(settings, section_name)
    wanted = type(getattr(type(section)(), key))
    replaced = {key: _checked(value, wanted, rules[name], thing, error)}
    return replace(settings, **{section_name: replace(section, **replaced)})


def _nearest(name: str, rules: Mapping[str, Rule]) -> str:
    """By the whole name first; a key in the wrong section is found by its own name."""
    near = difflib.get_close_matches(name, rules, n=1, cutoff=0.6)
    key = name.rpartition(".")[2]
    near = near or [known for known in rules if difflib.get_close_matches(key, [known.partition(".")[2]], cutoff=0.6)]
    return f"The nearest is {near[0]}" if near else f"Known are {', '.join(rules)}"


def _checked(value: object, wanted: type, rule: Rule, thing: str, error: type[SettingsError]) -> object:
    converted = _converted(value, wanted)
    if converted is None:
        words = {int: "a whole number", float: "a number", str: "a text"}[wanted]
        raise error(thing, f"{value!r} is not {words}", rule.help.rstrip("."))
    if rule.choices and converted not in rule.choices:
        raise error(thing, f"{value!r} is not one of {', '.join(rule.choices)}", rule.help.rstrip("."))
    if isinstance(converted, int | float) and not _within(converted, rule):
        bounds = f"at least {rule.low:g}" + ("" if rule.high is None else f" and at most {rule.high:g}")
        raise error(thing, f"{value!r} is out of bounds", f"It must be {bounds}")
    return converted


def _within(number: float, rule: Rule) -> bool:
    return (rule.low is None or number >= rule.low) and (rule.high is None or number <= rule.high)


def _converted(value: object, wanted: type) -> int | float | str | None:
    """`value` as the wanted type: a number may come as text, as the environment has it. None: it cannot."""
    if isinstance(value, bool):
        return None
    if wanted is str:
        return value if isinstance(value, str) else None
    if isinstance(value, str) or (wanted is float and isinstance(value, int)):
        try:
            return int(value) if wanted is int else float(value)
        except ValueError:
            return None
    return value if isinstance(value, wanted) else None  # type: ignore[return-value]
