# The two commands: `make demo` and `make test`. Both set up .venv first, once, from requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## Make .venv from requirements.lock (skipped when nothing changed)

$(READY): requirements.lock pyproject.toml configs/setup.sh
	@sh configs/setup.sh "$(PYTHON)" "$(VENV)"
	@touch $@

demo: $(READY) ## Run the whole job on the mail in data/ and ask it questions over HTTP
	@$(BIN)/ringleader demo

# Tests that share the one Neo4j run alone, before all others run beside each other; a failure there does not hide these.
test: $(READY) ## Run every test that this machine can run, with coverage
	@$(BIN)/pytest -m neo4j --cov --cov-report=; alone=$$?; \
	  $(BIN)/pytest -m "not neo4j" -n auto --maxprocesses 4 --dist loadfile --cov --cov-append --cov-report=term && \
	  exit $$alone

check: $(READY) ## Format, lint, types, import directions
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY) ## Rewrite the code in the house's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

neo4j: $(READY) ## Start a real Neo4j on a loopback port (NEO4J_URI if that is set)
	@sh configs/neo4j/run.sh

lock: ## Resolve every version anew into requirements.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --no-header --extra dev --extra spark pyproject.toml -o requirements.lock

chaos: $(READY) ## Kill, fuzz, forge and damage for a while; says what survived (CHAOS="--rounds 20 --only kills")
	@$(BIN)/python -m chaos $(CHAOS)

wheel: $(READY) ## Build the wheel into dist/
	@$(BIN)/python -m build --wheel --no-isolation

clean: ## Remove what the commands made (not the home in .ringleader)
	@rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .coverage .import_linter_cache

.PHONY: help setup demo test check format neo4j lock chaos wheel clean
