# `make demo` and `make test` are all that a newcomer needs; each sets up what it lacks.
SHELL := /bin/bash
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE # some hundred processes would compile all sources anew
RANKS := $(shell n=$$(nproc); echo $$(( n < 2 ? 1 : 2 )))

TESTS := tests

.PHONY: help setup demo test test-data test-slow coverage faults lint ruff mypy imports docstrings bench bench-compare peers lock clean
help:          ## this list
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  +##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup:         ## the environment in .venv; nothing where nothing is to be done
	@.ci/setup

demo: setup    ## how wrong, why, and what must be kept: three questions, answered on one page in some minutes
	$(BIN)/wavetrain run demo --ranks $(RANKS) --out runs/demo

lint: setup    ## ruff, mypy, import-linter, pydoclint
	@$(MAKE) --no-print-directory -j $(RANKS) -O ruff mypy imports docstrings

ruff:
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .

mypy:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

docstrings:
	$(BIN)/python docs/docstrings.py

# one process more than cores, for tests that wait
test: lint     ## everything that a laptop can test, in eight minutes
	$(BIN)/pytest -m "not slow" -n $$(( $(RANKS) + 1 )) --no-loadscope-reorder --durations=25

test-data: setup  ## what compares with the benchmark data of WAVETRAIN_DATA, or fetched; skipped where it is neither
	$(BIN)/pytest -m "data and not slow"

test-slow: setup  ## the long tests: laboratory cases, fine meshes
	$(BIN)/pytest -m slow

# the same tests, slower: lines and branches that they run, in their own processes and in all that these start
coverage: setup  ## what of pipeline, meshes, solvers and jobs the tests run; TESTS=tests/jobs for some of them; build/coverage/index.html
	@$(BIN)/python -c "import coverage" 2>/dev/null || $(BIN)/pip install --quiet "coverage>=7.16"
	@rm -rf build/coverage && mkdir -p build/coverage
	-COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage run -m pytest -q -m "not slow" -n $$(( $(RANKS) + 1 )) --no-loadscope-reorder $(TESTS)
	COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage combine --quiet
	COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage html --quiet --directory build/coverage
	COVERAGE_FILE=$(CURDIR)/build/coverage/data $(BIN)/coverage report

faults: setup  ## kill, fill and damage what can be, for real, in half an hour; rows in build/faults.json
	@$(BIN)/python -c "import atheris" 2>/dev/null || $(BIN)/pip install --quiet "atheris>=3" || echo "no atheris here: hypothesis makes its inputs too"
	$(BIN)/python tests/faults/run.py

bench: setup   ## all benches, briefly, in twenty minutes; their figures as JSON, all values in build/bench/all.json
	$(BIN)/wavetrain bench all --json

RUN := build/bench/all.json
bench-compare: setup  ## what has changed since the kept figures by more than the noise; of RUN=FILE, else of a run that it makes
	@test -e $(RUN) || $(BIN)/wavetrain bench all --out $(RUN) > /dev/null
	@$(BIN)/python tests/bench/compare.py $(RUN)

peers: setup   ## the programs that benches compare with, in a folder of their own
	@.ci/peers

lock:          ## write requirements.lock anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra compress --extra mesh --extra raster --extra slurm --extra test --no-annotate --no-header pyproject.toml -o requirements.lock

clean:         ## remove the environment, caches and peers, not the runs
	rm -rf .venv .peers .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
