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

.PHONY: help install run imdb test lint ui bench lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: $(STAMP)  ## make .venv with the pinned packages

$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "error: Python 3.11 to 3.13 is needed; name one: make run PYTHON=python3.12" >&2; exit 1; }
	@echo "installing into .venv (a few minutes, once)"
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

run: $(STAMP)  ## train and compare, then show the table
	@dvc repro
	@python -m stages.track  # a clone comes with dvc.lock but without runs: DVC may hold the stage for done
	@python -m rnnlab.cli results

# Twice the units of the embedded comparison, and what real texts need: a vocabulary, length, regularization.
IMDB_SIZES := embedding_dim=64 units=64 embedding_dropout=0.4 dropout=0.4
IMDB_SETTINGS := split.method=column tokenize_pad.vocabulary_size=20000 tokenize_pad.max_length=400 \
	train.seeds=[1,2] train.epochs=5 train.patience=2 train.batch_size=128 train.learning_rate=0.001 \
	train.jit_compile=false $(foreach model,rnn lstm,$(addprefix models.$(model).,$(IMDB_SIZES)))

imdb: $(STAMP)  ## train on the IMDB reviews: make imdb CSV=path/to/imdb.csv
	@test -f "$(CSV)" || { echo "error: name the reviews: make imdb CSV=path/to/imdb.csv" >&2; exit 1; }
	dvc exp run --name $(or $(NAME),imdb) --set-param "data.csv=$(abspath $(CSV))" \
		$(foreach setting,$(IMDB_SETTINGS),--set-param '$(setting)')
	@python -m rnnlab.cli results

test: $(STAMP)  ## run the whole test suite
	@pytest --numprocesses auto --dist loadfile

lint: $(STAMP)  ## ruff and mypy
	@ruff check .
	@ruff format --check .
	@mypy

ui: $(STAMP)  ## open MLflow's pages on 127.0.0.1
	@python -m rnnlab.cli ui --port $(PORT)

bench: $(STAMP)  ## measure what the README quotes; IMDB_CSV=... adds the real reviews
	@python -m benchmarks.profile

lock: $(STAMP)  ## pin the newest versions that requirements.in allows
	uv pip compile --universal --python-version 3.11 --generate-hashes --upgrade --quiet \
		--custom-compile-command "make lock" requirements.in -o requirements.lock

clean:  ## remove .venv and what tools left; results stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
