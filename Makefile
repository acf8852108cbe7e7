# make run: the app · make test: every test · make check: style, types, layers · make bench · make load · make clean
# make test-long: what make test leaves out · make kills: servers killed sixty times · make fuzz: 2,000 mutants of a good file per format
# make lock: pin all that requirements.txt needs · make lock-check: it installs and runs · make release

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FRESH := build/fresh/bin

.PHONY: run test test-long check bench load kills fuzz lock lock-check release clean

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
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[bench]'
	$(BIN)/python tests/browser/install.py
	$(BIN)/python -m benchmarks

test-long: $(VENV)/ready-to-test
	$(BIN)/python tests/browser/install.py
	$(BIN)/python -m pytest -m long

kills: $(VENV)/ready-to-test
	$(BIN)/python -m tests.kills 60

fuzz: $(VENV)/ready-to-test
	$(BIN)/python -m tests.fuzz

# Versions stay as they are where they can; to renew them all, empty the file first.
lock: $(VENV)/ready-to-release
	echo setuptools | $(BIN)/uv pip compile --quiet requirements.txt - --no-emit-package rnnviz \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command 'make lock' --output-file requirements.lock

lock-check:
	rm -rf build/fresh
	$(PYTHON) -m venv build/fresh
	$(FRESH)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(FRESH)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(FRESH)/python -m pip check
	$(FRESH)/python -m release.smoke

release: lock-check $(VENV)/ready-to-release
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(FRESH)/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl
	$(FRESH)/python -m pip check
	$(FRESH)/python -m release.smoke
	$(FRESH)/python -m release.sbom dist/rnnviz.cdx.json

load: $(VENV)/ready-to-test
	$(BIN)/python tests/browser/install.py
	$(BIN)/python -m tests.load

clean:
	rm -rf $(VENV) build dist *.egg-info tests/browser/screenshots
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find rnnviz dashboard tests benchmarks release -name __pycache__ -prune -exec rm -rf {} +

# A stamp is newer than what it was installed from, so that each install runs once.
$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "rnnviz needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/ready-to-test: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[test]'
	touch $@

$(VENV)/ready-to-release: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[release]'
	touch $@
