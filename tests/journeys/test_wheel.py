"""The wheel in an empty environment elsewhere: it carries all it needs, and the demo runs from it."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parent / "uv"


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command that knows nothing of this checkout."""
    ours = {"PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME"}
    clean = {name: value for name, value in os.environ.items() if name not in ours and "RINGLEADER" not in name}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def cannot(what: str, ended: subprocess.CompletedProcess[str]) -> None:
    """Skips with the reason on a laptop, fails in CI."""
    reason = f"{what}: {ended.stderr.strip()[-500:]}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def elsewhere(wheel, tmp_path_factory) -> Path:
    """A folder with an environment `env` that holds the locked dependencies and the wheel, nothing of the checkout."""
    folder = tmp_path_factory.mktemp("elsewhere")
    python = folder / "env" / "bin" / "python"
    # uv is the installer, not a dependency: it came by pip and is not in its own cache.
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text())
    (folder / "lock.txt").write_text("\n".join(block for block in blocks if not block.startswith("uv==")))
    for command in (
        ("venv", "--quiet", "--python", sys.executable, folder / "env"),
        ("pip", "sync", "--quiet", "--python", python, "--require-hashes", folder / "lock.txt"),
        ("pip", "install", "--quiet", "--python", python, "--no-deps", "--offline", wheel),
    ):
        ended = run(UV, *command, cwd=folder)
        if ended.returncode:
            cannot("no environment to try the wheel in", ended)
    return folder


def test_the_wheel_carries_the_code_the_sample_the_presets_and_what_the_code_reads(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    sample = {f"api/sample/{name}.parquet" for name in ("events", "reports", "verdicts", "truth", "truth_senders")}
    assert sample | {"api/presets/local.toml", "api/presets/production.toml", "api/sample/README.md"} <= names
    tracked = subprocess.run(
        ["git", "ls-files", "graph", "gnn", "api"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert set(tracked.stdout.split()) <= names


def test_the_wheel_carries_no_tests_and_no_build_scripts(wheel):
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"graph", "gnn", "api"}
    assert "api/sample/build.py" not in zipfile.ZipFile(wheel).namelist()


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel_in_an_empty_environment(elsewhere):
    ended = run(elsewhere / "env" / "bin" / "ringleader", "demo", "--json", cwd=elsewhere)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    node, campaign = (answer["body"] for answer in told["answers"])
    assert node["found"] is True
    assert node["campaign_id"] == campaign["campaign_id"]
    assert (elsewhere / ".ringleader" / "snapshots" / "CURRENT").exists()


@pytest.mark.slow
def test_the_code_that_ran_was_the_wheels(elsewhere):
    ended = run(elsewhere / "env" / "bin" / "python", "-c", "import api; print(api.__file__)", cwd=elsewhere)
    assert Path(ended.stdout.strip()).is_relative_to(elsewhere / "env")
