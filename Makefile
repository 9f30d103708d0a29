# Set-up happens by itself: each target makes the virtual environment it needs.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help

help:
	@echo "make run          set up and serve on http://127.0.0.1:5000 (HOST, PORT override)"
	@echo "make test         set up and run every test, on SQLite and PostgreSQL"
	@echo "make check        ruff, mypy, import-linter"
	@echo "make bench        how fast timeline and histories answer, and events get in"
	@echo "make hashes       write into requirements*.txt what the packages' files hash to"
	@echo "make screenshots  retake the pictures in docs/"

.venv/run: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what Auditapp needs …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	@echo "Installing what its tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@touch $@

run: .venv/run
	@exec $(BIN)/python app.py

# Three processes on two cores: while one waits, as faults do, the others work; whoever is done takes from them.
test: .venv/dev
	@$(BIN)/python -m pytest --numprocesses 3 --dist worksteal

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev
	@$(BIN)/python -m bench.timeline --events 10000,100000 --rounds 3 --quick
	@$(BIN)/python -m bench.history --events 10000 --rounds 3
	@$(BIN)/python -m bench.ingest
	@$(BIN)/python bench/capture.py

# After a change of requirements*.txt: asks the package index, which takes some minutes.
hashes: .venv/hashes
	@.venv/hashes/bin/python tools/hash_requirements.py requirements.txt requirements-dev.txt

.venv/hashes:
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==7.6.2

screenshots: .venv/dev
	$(BIN)/python docs/take_screenshots.py

.PHONY: help run test check bench hashes screenshots
