"""What every test may ask for."""

pytest_plugins = ["chromium", "neo4j_server"]
