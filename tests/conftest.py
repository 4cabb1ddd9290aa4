"""What every test may ask for, and which tests may run beside each other."""

import pytest

pytest_plugins = ["chromium", "neo4j_server"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Workers take whole files, so that what a file makes once is made once; one worker has the Neo4j to itself."""
    for item in items:
        group = "neo4j" if item.get_closest_marker("neo4j") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
