"""The sample's folder and its tables, read once; makes the rebuild script's modules importable as `making`."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

DATA = Path(__file__).resolve().parents[2] / "data"
sys.path.insert(0, str(DATA))


@pytest.fixture(scope="session")
def data() -> Path:
    return DATA


@pytest.fixture(scope="session")
def sample() -> dict[str, pa.Table]:
    return {path.stem: pq.read_table(path) for path in sorted(DATA.glob("*.parquet"))}
