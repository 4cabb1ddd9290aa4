"""What every test may ask for."""

pytest_plugins = ["neo4j_server"]
