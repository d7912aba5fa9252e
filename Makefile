# What README and CI call. Each target does its own set-up; a second run installs nothing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := $(CURDIR)/.venv
STAMP := $(VENV)/.installed
PORT ?= 5000
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)

# Without bytecode every import of TensorFlow compiles it anew.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(VENV)/bin:$(PATH)
export VIRTUAL_ENV := $(VENV)
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help install ray run train imdb report test weekly fuzz lint ui demo bench lock clean
.PHONY: docs dist restore drift effect share alert audit reliability verify faults mutants coverage

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: $(STAMP)  ## make .venv with the pinned packages

# Of all that is installed little is ever imported, and compiled then. The project is built without isolation, so that
# the pinned setuptools builds it and nothing else is fetched.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "error: Python 3.11 to 3.13 is needed; name one: make run PYTHON=python3.12" >&2; exit 1; }
	@echo "installing into .venv (a few minutes, once)"
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

ray: $(STAMP)  ## install Ray too, for rnnlab sweep
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements-ray.lock

run: $(STAMP)  ## train and compare, then show the table
	@rnnlab run --jobs $(JOBS)

train: $(STAMP)  ## train what is not trained yet, side by side: make train JOBS=2
	@rnnlab run --jobs $(JOBS) --train-only

imdb: $(STAMP)  ## train on the IMDB reviews: make imdb CSV=path/to/imdb.csv
	@rnnlab experiments run imdb --csv "$(CSV)"

report: $(STAMP)  ## a page of results side by side: make report RUNS="main wide"
	@rnnlab report $(RUNS)

# One process more than there are cores: some tests wait for a server, or for DVC.
test: $(STAMP)  ## run the tests: make test ARGS=--cov also fails where too little of the code is run
	@pytest --numprocesses $$(($(JOBS) + 1)) --dist worksteal $(ARGS)

weekly: $(STAMP)  ## run the tests that take too long for every change
	@pytest --numprocesses $(JOBS) --dist worksteal -m weekly

fuzz: $(STAMP)  ## try hostile and odd input, 200,000 cases: make fuzz ARGS="--cases 1000 --seed 1"
	@python -m tests.fuzz --out reports/fuzz.json $(ARGS)

lint: $(STAMP)  ## ruff, mypy, which room imports which, the workflows and the citation
	@ruff check .
	@ruff format --check .
	@mypy
	@mypy docs/_hooks/*.py
	@lint-imports --no-cache --no-logo
	@check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff
	@zizmor --offline --quiet --no-progress .github/workflows

docs: $(STAMP)  ## a site of all documents that opens from its files: site/index.html
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

dist: $(STAMP)  ## build what goes to PyPI, in dist/, and check it as PyPI does
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements-release.lock
	@rm -rf dist
	@uv build --quiet --no-build-isolation --out-dir dist
	@twine check --strict dist/*

ui: $(STAMP)  ## open MLflow's pages on 127.0.0.1
	@rnnlab ui --port $(PORT)

demo: $(STAMP)  ## a page on 127.0.0.1 on which the networks read what one types, word by word
	@rnnlab demo

# PyTorch, NeuralForecast, Darts and tokenizers take part after: .venv/bin/pip install --no-build-isolation --editable '.[bench]'
bench: $(STAMP)  ## measure against other libraries and a notebook: make bench ARGS=--quick; IMDB_CSV=... for the reviews
	@python -m benchmarks $(ARGS)

coverage: $(STAMP)  ## simulate how often intervals hold the truth; writes reports/coverage.md: make coverage ARGS="--repetitions 200"
	@python -m benchmarks.coverage $(ARGS)

restore: $(STAMP)  ## bring results from the DVC remote, as far as it has them
	@if [[ -n "$$(dvc remote list)" ]]; then dvc pull --run-cache --allow-missing; \
		else echo "no DVC remote: everything is made anew"; fi

drift: $(STAMP)  ## has the last run become worse than the committed result? writes reports/drift.md
	@rnnlab drift

BASE ?= origin/main
effect: $(STAMP)  ## what the workspace changes against a revision, in reports/effect.md: make effect BASE=origin/main
	@rnnlab compare "$(BASE)" workspace --markdown >reports/.effect.tmp
	@mv reports/.effect.tmp reports/effect.md

share: $(STAMP)  ## send results and what was run to the DVC remote
	@if [[ -n "$$(dvc remote list)" ]]; then dvc push --run-cache; else echo "no DVC remote: nothing to send"; fi

alert:  ## open an issue on GitHub with reports/drift.md, or add to the open one
	@bash .github/alert.sh

audit: $(STAMP)  ## secrets in the repository, and known weaknesses of the pinned packages
	@git ls-files -z | grep -zv '^requirements.*lock$$' | xargs -0 detect-secrets-hook --baseline .secrets.baseline
	@found=$$(pip-audit --require-hashes --disable-pip --progress-spinner off -r requirements.lock -r requirements-ray.lock -r requirements-release.lock 2>&1) \
		|| { if grep -q ^Traceback <<<"$$found"; then echo "error: the list of known weaknesses cannot be read" \
		"($$(tail -n 1 <<<"$$found")); try again with a network" >&2; else echo "$$found"; fi; exit 1; }

reliability: $(STAMP)  ## every campaign that tries to break this: make reliability ARGS=--quick; writes reports/reliability.md
	@python -m reliability $(ARGS)

verify: $(STAMP)  ## two fresh clones give the same bytes, stages read what they declare, parameters do what they say
	@python -m reliability verify $(ARGS)

faults: $(STAMP)  ## kill -9, full disks, dead servers, cut files
	@python -m reliability kills faults $(ARGS)

mutants: $(STAMP)  ## plant small faults in the code, one at a time: do the tests find them?
	@python -m reliability mutants $(ARGS)

# What is pinned stays as long as pyproject.toml allows it: results are the same bytes only with the same versions.
PIN := uv pip compile --universal --python-version 3.11 --generate-hashes --quiet --custom-compile-command "make lock"
RAY := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["ray"], sep="\n")

lock: $(STAMP)  ## pin what pyproject.toml asks for; the newest versions of all: make lock ARGS=--upgrade
	$(PIN) $(ARGS) --extra server --group dev --group docs pyproject.toml -o requirements.lock
	python -c '$(RAY)' | $(PIN) $(ARGS) --constraints requirements.lock - -o requirements-ray.lock
	$(PIN) $(ARGS) --constraints requirements.lock --group release -o requirements-release.lock

clean:  ## remove .venv, site, dist and what tools left; results stay
	rm -rf $(VENV) site dist .hypothesis .pytest_cache .ruff_cache .mypy_cache .coverage
