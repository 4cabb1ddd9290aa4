"""What is connected to what: events, lake, window graph, stores, evidence, campaigns. Knows no model and no HTTP."""
