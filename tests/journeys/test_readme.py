"""What the README says can be typed can be typed: commands parse, targets, files and names exist."""

import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest

from api import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [path for path in (ROOT / "README.md", ROOT / "data/README.md", ROOT / "benchmarks/README.md") if path.exists()]


def typed(page: str) -> list[list[str]]:
    """The lines of indented blocks that call ringleader, as words."""
    lines = re.findall(r"^ {4}(ringleader .*)$", page, flags=re.MULTILINE)
    return [shlex.split(line, comments=True)[1:] for line in lines]


def test_the_readme_shows_commands():
    assert {words[0] for words in typed(README)} >= {"ingest", "refresh", "serve", "train", "evaluate", "export"}


@pytest.mark.parametrize("words", typed(README), ids=" ".join)
def test_every_command_of_the_readme_parses(words):
    assert cli.parse(words).command in cli.COMMANDS


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`| {4})make ([a-z0-9-]+)", README))
    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_names_that_notebooks_import_exist():
    for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert [name.name for name in node.names if not hasattr(module, name.name)] == []


def test_every_benchmark_is_in_the_list_of_claims_and_the_list_names_no_other():
    listed = set(re.findall(r"`([a-z_0-9]+\.py)`", (ROOT / "benchmarks/README.md").read_text()))
    assert listed == {path.name for path in (ROOT / "benchmarks").glob("[!_]*.py")}
