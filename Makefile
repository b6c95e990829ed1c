PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GOLDEN := tests/golden

.PHONY: run test coverage faults bench lint golden references pictures clean

run: $(VENV)/run.ready
	$(BIN)/planwise run baseline

test: $(VENV)/test.ready lint
	$(BIN)/python -m pytest --nbval $(GOLDEN)
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --ignore $(GOLDEN)

coverage: $(VENV)/test.ready
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --ignore $(GOLDEN) --cov

faults: $(VENV)/test.ready
	$(BIN)/python -m tests.faults

bench: $(VENV)/test.ready
	$(BIN)/python -m benchmarks $(if $(filter full,$(BENCH)),--full)

lint: $(VENV)/test.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/sqlfluff lint --processes 2 --disable-progress-bar dbt/models dbt/analyses dbt/tests
	$(BIN)/mypy

golden: $(VENV)/test.ready
	$(BIN)/python -m tests.golden_copies

references: $(VENV)/test.ready
	$(BIN)/python -m planwise_nb.apps.references docs/reference

pictures: $(VENV)/test.ready
	PLANWISE_PICTURES=$(CURDIR)/docs/pictures $(BIN)/python -m pytest tests/browser

clean:
	rm -rf $(VENV) dbt/target dbt/*.duckdb

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.ready: $(BIN)/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable .
	touch $@

$(VENV)/test.ready: $(BIN)/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[dev]'
	touch $@ $(VENV)/run.ready
