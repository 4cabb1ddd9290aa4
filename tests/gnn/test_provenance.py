"""Fingerprints of the code: every source and prior counts, and nothing else does."""

import shutil
from pathlib import Path

import pytest

from gnn import provenance

ROOT = Path(provenance.__file__).parents[1]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a few files of the code, which is taken for the whole."""
    for name in ("gnn/provenance.py", "gnn/model.py", "graph/values.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "gnn" / "provenance.py"))
    return tmp_path


def fingerprint() -> str:
    return provenance.code_fingerprint.__wrapped__()


def test_the_same_tree_has_the_same_fingerprint_and_it_is_not_that_of_another(tree: Path) -> None:
    assert fingerprint() == fingerprint() != provenance.code_fingerprint()


@pytest.mark.parametrize(
    ("name", "counts"),
    [("gnn/new.py", True), ("graph/deep/new.py", True), ("gnn/prior/card.json", True), ("gnn/notes.txt", False)],
)
def test_what_makes_a_model_counts(tree: Path, name: str, counts: bool) -> None:
    before = fingerprint()
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text("")
    assert (fingerprint() != before) is counts


def test_one_changed_byte_is_other_code(tree: Path) -> None:
    before = fingerprint()
    with (tree / "graph/values.py").open("a") as file:
        file.write("#")
    assert fingerprint() != before
