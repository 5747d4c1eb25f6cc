# Two commands do everything on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test torture outsiders city requirements clean

install: .venv/.installed

.venv/.installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

demo: install
	$(BIN)/tally demo

test: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist worksteal

# The full counts that single issues name; nothing of them is needed to trust `make test`.
torture: install
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --full

# Other people's programs judge our log, witness and receipts, in an environment of their own.
PYTHON312 ?= python3.12
outsiders: install
	$(PYTHON312) -m venv .venv/outsiders
	.venv/outsiders/bin/python -m pip install --quiet 'aics-tlog>=0.2,<1' 'aics-witness>=0.1,<1' 'scitt-cose>=0.5,<1'
	$(BIN)/python -m tests.outsiders .venv/outsiders/bin/python

city: install
	$(BIN)/python -m benchmarks.city $(if $(PEOPLE),--people $(PEOPLE)) --dirty 0.001

# Rewrites requirements.txt from the ranges in pyproject.toml: every platform, with hashes, without an index address.
requirements: install
	$(BIN)/python -m pip install --quiet uv
	printf 'pysha3; sys_platform == "never"\n' > .venv/override.txt
	printf 'merkletools==1.0.3\n' > .venv/oracle.in
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --override .venv/override.txt pyproject.toml .venv/oracle.in -o requirements.txt

clean:
	rm -rf .venv dist build
