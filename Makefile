# Everything a newcomer or CI runs. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
ARGS ?=
# MLflow reads these at import; no run of ours calls home or draws download bars.
export MLFLOW_DISABLE_TELEMETRY := true
export MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR := false
# Modules are compiled when first imported and kept: pip is told not to compile the thousands that nobody imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test check format lint types imports bench docs lock clean

help: ## List these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"slacast needs Python 3.11 or newer; {sys.executable} is {v.major}.{v.minor}. Say which one to use: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what slacast runs on (about a minute the first time) ..."
	$(PIP) install --no-compile --progress-bar off -qq --require-hashes -r requirements.txt
	$(PIP) install -qq --no-build-isolation --no-deps -e .
	@$(BIN)/python -c 'import serving.app, simulation.demo, training.breach, mlflow' # whole, and compiled for every later start
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "Installing what the tests and checks need ..."
	$(PIP) install --no-compile --progress-bar off -qq --require-hashes -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.dev ## Create .venv with everything for development

demo: $(VENV)/.run ## Run the simulated desk and serve its queue at http://127.0.0.1:8000 (ARGS=--once: print and stop)
	$(BIN)/slacast demo $(ARGS)

test: $(VENV)/.dev ## Run all tests (ARGS='-k queue' for some)
	$(BIN)/python -m pytest -n 2 $(ARGS)

check: lint types imports test ## All that CI demands: format, lint, types, imports, tests

format: $(VENV)/.dev ## Format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.dev ## Check format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev ## Check types (mypy, strict)
	$(BIN)/mypy

imports: $(VENV)/.dev ## Check the order of the floors (import-linter)
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## Run the benchmarks (ARGS=main_job for one); each prints one JSON object last
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.dev ## Regenerate what is generated: docs/features.md, docs/settings.md, docs/commands.md, schemas, examples' results
	$(BIN)/python docs/generate.py

UV_COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: ## Pin everything anew from pyproject.toml (needs uv on the PATH: pip install uv)
	$(UV_COMPILE) --extra postgres --extra setup pyproject.toml -o requirements.txt
	$(UV_COMPILE) --all-extras -c requirements.txt pyproject.toml -o requirements-dev.txt

clean: ## Remove the virtual environment and var/
	rm -rf $(VENV) var
