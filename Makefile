# make run: the app · make test: every test · make check: style, types, layers · make bench · make clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check bench clean

run: $(VENV)/ready
	$(BIN)/streamlit run dashboard/app.py

test: $(VENV)/ready-to-test
	$(BIN)/python tests/browser/install.py
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/ready-to-test
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/ready-to-test
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	$(BIN)/python tests/browser/install.py
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info tests/browser/screenshots
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find rnnviz dashboard tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# A stamp is newer than what it was installed from, so that each install runs once.
$(VENV)/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "rnnviz needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/ready-to-test: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@
