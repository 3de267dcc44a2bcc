# Clusterloom. `make help` lists the targets; each makes what it needs.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export CLUSTERLOOM_DATA_DIR ?= $(CURDIR)/var
PORT ?= 8000
FUZZ ?= 300
# both runs of the tests look at one build of the release
TESTED := CLUSTERLOOM_TEST_DATA_DIR="$${CLUSTERLOOM_TEST_DATA_DIR:-$(CURDIR)/build/tests}"

.PHONY: help run build test fuzz lint types bench clean lock docs

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## build the default release if there is none and serve it on 127.0.0.1:8000 (PORT=...)
	@$(BIN)/clusterloom serve --port $(PORT)

build: $(VENV)/run.stamp ## build a new release from the tables
	@$(BIN)/clusterloom build

test: $(VENV)/dev.stamp lint types ## every test (tests needing a tool that is absent skip with the line that installs it)
	@mkdir -p build && rm -rf build/tests
	@$(TESTED) $(BIN)/python -m pytest -m "not alone"
	@$(TESTED) $(BIN)/python -m pytest -n 0 -m alone

fuzz: $(VENV)/dev.stamp ## made-up requests and queries, many (FUZZ=300 examples of each)
	@FUZZ=$(FUZZ) $(BIN)/python -m pytest tests/test_schemathesis.py tests/test_fuzz.py

lint: $(VENV)/dev.stamp ## style
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .

types: $(VENV)/dev.stamp ## strict types of the wheel and of the tests, imports between rooms
	@sh tests/types.sh $(BIN)/python

bench: $(VENV)/dev.stamp ## measure builds and queries against peers (minutes)
	@$(BIN)/python -m bench

lock: | $(VENV)/bin/python ## pin every dependency anew (versions and hashes)
	@$(BIN)/python -m pip install -q --disable-pip-version-check pip-tools
	@$(BIN)/python -m piptools compile -q --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe --extra build -o requirements.lock pyproject.toml
	@$(BIN)/python -m piptools compile -q --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe --extra build --extra reasoner --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

docs: $(VENV)/dev.stamp ## renew the generated parts of the README and of docs/
	@$(BIN)/python -m cogapp -r README.md

clean: ## remove the environment, the releases under var/ and caches
	@rm -rf $(VENV) var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Clusterloom needs Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || { echo "Python lacks its venv module; run: sudo apt-get install python3-venv"; exit 1; }
	@echo "making the environment in $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: pyproject.toml requirements.lock | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . 2> $(VENV)/install.log || { cat $(VENV)/install.log; exit 1; }
	@touch $@

$(VENV)/dev.stamp: pyproject.toml requirements-dev.lock | $(VENV)/bin/python
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e . 2> $(VENV)/install.log || { cat $(VENV)/install.log; exit 1; }
	@touch $@ $(VENV)/run.stamp
