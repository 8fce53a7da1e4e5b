# Every target sets up what it needs: a virtual environment in .venv with the pinned packages of constraints.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-all hunt lint format bench docs wheel constraints clean

demo: $(VENV)/.demo  ## the whole path on real text, into demo/
	$(BIN)/corpusmill demo $(DEMO)

test: $(VENV)/.dev  ## the tests, slow ones left out
	$(BIN)/python -m pytest

test-all: $(VENV)/.dev  ## all tests
	$(BIN)/python -m pytest -m ""

hunt: $(VENV)/.dev  ## the property tests on examples that no run has seen
	$(BIN)/python -m pytest --hypothesis-profile=default -m hypothesis

lint: $(VENV)/.dev  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench  ## measure ours beside others'; results go to benchmarks/results
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/.dev  ## write docs/cli.md from the command itself
	$(BIN)/python docs/generate_cli.py

wheel: $(VENV)/.dev
	$(BIN)/python -m build --no-isolation --outdir dist .

constraints: $(VENV)/.dev  ## pin what is installed now
	(echo "# The set-up that is tested: every package at one version. Regenerate with: make constraints"; \
	 $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu//' | grep -v -E '^(pip|setuptools)==') > constraints.txt

clean:
	rm -rf $(VENV) dist demo .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "corpusmill needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up $(VENV) for the demo (once)"
	$(PIP) install -c constraints.txt -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "setting up $(VENV) with all that tests and linters need (once)"
	$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) install -c constraints.txt -e '.[bench]'
	@touch $@
