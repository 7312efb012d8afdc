# One line of help behind each target; `make help` prints them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo check format lint types contracts unit test test-livekit faults bench bench-pacing docs lock clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-13s %s\n", $$1, $$2}'

$(INSTALLED): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(INSTALLED) ## make .venv and install what the lock file names; does nothing when that is up to date

demo: $(INSTALLED) ## call 300 invented people on a simulated line and show what happened
	@$(BIN)/dialer demo

check: format lint types contracts unit ## the gate: format, lint, strict types, import contracts, unit tests

format: $(INSTALLED) ## is every file formatted?  (`.venv/bin/ruff format` mends)
	$(BIN)/ruff format --check .

lint: $(INSTALLED) ## ruff
	$(BIN)/ruff check .

types: $(INSTALLED) ## mypy, strict
	$(BIN)/mypy

contracts: $(INSTALLED) ## who may import whom
	$(BIN)/lint-imports

unit: $(INSTALLED) ## the tests that need no server
	$(BIN)/pytest -q -m unit -n 2

test: $(INSTALLED) ## every test, with the real PostgreSQL and Valkey, and the short fault run
	$(BIN)/pytest -q -n 2 -m "not load and not livekit"

test-livekit: $(INSTALLED) ## the tests against a real livekit-server (needs Go, which builds it the first time)
	LIVEKIT_TESTS_DEMANDED=1 $(BIN)/pytest -q -m livekit tests/livekit

faults: $(INSTALLED) ## the long fault run: 2,000 contacts, 36 times kill -9, one every 3 s
	$(BIN)/python -m tests.faults.chaos --contacts 2000 --kills 36

bench: $(INSTALLED) ## the figures of benchmarks/README.md, each beside its bare floor
	$(BIN)/python -m benchmarks

bench-pacing: $(INSTALLED) ## pacing by the carrier's own record: trunks, campaigns, outages, kill -9, Redis (an hour)
	$(BIN)/python -m benchmarks.pacing

docs: $(INSTALLED) ## write the generated pages of docs/ anew
	$(BIN)/python -m console.reference docs

lock: ## write requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --extra dev pyproject.toml -o requirements.lock

clean: ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
