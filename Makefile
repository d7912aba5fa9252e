# What README and CI call. Each target does its own set-up; a second run installs nothing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := $(CURDIR)/.venv
STAMP := $(VENV)/.installed
PORT ?= 5000

# Without bytecode every import of TensorFlow compiles it anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(VENV)/bin:$(PATH)
export VIRTUAL_ENV := $(VENV)
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help install run imdb report test lint ui server bench lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: $(STAMP)  ## make .venv with the pinned packages

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "error: Python 3.11 to 3.13 is needed; name one: make run PYTHON=python3.12" >&2; exit 1; }
	@echo "installing into .venv (a few minutes, once)"
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	# Without isolation, so that the pinned setuptools builds it and nothing else is fetched.
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: $(STAMP)  ## train and compare, then show the table
	@dvc repro
	@python -m stages.track  # a clone comes with dvc.lock but without runs: DVC may hold the stage for done
	@rnnlab results

imdb: $(STAMP)  ## train on the IMDB reviews: make imdb CSV=path/to/imdb.csv
	@rnnlab experiments run imdb --csv "$(CSV)"

report: $(STAMP)  ## a page of results side by side: make report RUNS="main wide"
	@rnnlab report $(RUNS)

test: $(STAMP)  ## run the whole test suite
	@pytest --numprocesses auto --dist worksteal

lint: $(STAMP)  ## ruff and mypy
	@ruff check .
	@ruff format --check .
	@mypy

ui: $(STAMP)  ## open MLflow's pages on 127.0.0.1
	@rnnlab ui --port $(PORT)

server: $(STAMP)  ## run a team's MLflow on 127.0.0.1: PostgreSQL, behind a login
	@rnnlab server

# PyTorch and Hugging Face's tokenizers take part after: .venv/bin/pip install -r requirements-bench.in
bench: $(STAMP)  ## measure against Keras, PyTorch and a notebook: make bench ARGS=--quick; IMDB_CSV=... for the reviews
	@python -m benchmarks $(ARGS)

lock: $(STAMP)  ## pin the newest versions that requirements.in allows
	uv pip compile --universal --python-version 3.11 --generate-hashes --upgrade --quiet \
		--custom-compile-command "make lock" requirements.in -o requirements.lock

clean:  ## remove .venv and what tools left; results stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
