"""Checks of the installation: Python, packages, engines. Knows no file of a home."""

import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from api.doctor.finding import FAIL, OK, Finding
from api.settings import Settings
from graph.home import Home

PACKAGES = ("duckdb", "pyarrow", "torch", "torch-geometric", "ladybug", "neo4j", "lmdb", "fastapi", "uvicorn")


def versions(home: Home, settings: Settings) -> Iterator[Finding]:
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


def engines(home: Home, settings: Settings) -> Iterator[Finding]:
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
