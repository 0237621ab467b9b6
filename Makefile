# Everything a user or CI runs. Targets such as `make demo` and `make test` install what they need.
PYTHON ?= python3
BIN := .venv/bin
PYTEST_ARGS ?=

# Packages are installed uncompiled, so Python must be able to save its bytecode: every worker would compile it again.
export PYTHONDONTWRITEBYTECODE :=

# On all cores; files that start Ray share a process (tests/parallel.py).
PYTEST := $(BIN)/pytest -n logical --maxprocesses 8 --no-loadscope-reorder

# Packages whose tests load no model.
QUICK := manifest plan records store execute reduce report cli test_docs.py
# These two compare the manifest's tables with diffusers, whose import takes longer than all other quick tests.
SLOW := test_pipelines test_unknown_pipelines

.PHONY: demo test test-quick test-all coverage chromium check docs format bench schema lock clean

demo: .venv/ready
	$(BIN)/farm render manifests/demo.yaml
	@echo "Open out/demo/report.html in a browser (also demo.gif, .mp4, contact_sheet.png, metadata.parquet)."

test: .venv/dev chromium
	$(PYTEST) $(PYTEST_ARGS)

test-quick: .venv/dev
	$(PYTEST) -m "not slow and not ray and not browser" $(addprefix tests/,$(QUICK)) \
	  $(SLOW:%=--ignore=tests/manifest/%.py) $(PYTEST_ARGS)

test-all: .venv/dev chromium
	$(PYTEST) --exhaustive $(PYTEST_ARGS)

# Quick tests only: they covered 78% of lines and branches when the minimum was set. The rest needs models or Ray.
coverage:
	$(MAKE) test-quick PYTEST_ARGS="--cov --cov-report=term:skip-covered --cov-report=xml --cov-fail-under=76 $(PYTEST_ARGS)"

# The browser of the page tests, which are skipped without one.
chromium:
	@if ! { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null \
	  && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y chromium; } \
	  || echo "Chromium could not be installed: the page tests are skipped."; \
	fi

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-cache

# A broken link or an undocumented name is an error (strict in mkdocs.yml, which --quiet would turn off).
docs: .venv/dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready
	$(BIN)/python benchmarks/against_diffusers.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/planning.py
	$(BIN)/python benchmarks/determinism.py
	$(BIN)/python benchmarks/pacing.py
	$(BIN)/python -m benchmarks.transitions
	$(BIN)/python benchmarks/analysis.py

schema: .venv/ready
	$(BIN)/farm schema > farm/manifest/schema.json

# uv verifies every file by its hash (deploy/lock.py): .venv/ready has what rendering needs, .venv/dev also the tools for
# tests and checks. uv ignores pip's settings, so a folder of wheels, possibly with PyTorch's CPU build, is passed on.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps

.venv/uv: deploy/installer.lock
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r deploy/installer.lock
	@touch $@

.venv/ready: .venv/uv pyproject.toml deploy/torch-cpu.lock deploy/torch.lock deploy/runtime.lock
	$(INSTALL) --require-hashes -r deploy/torch-cpu.lock 2>/dev/null || $(INSTALL) --require-hashes -r deploy/torch.lock
	$(INSTALL) --require-hashes -r deploy/runtime.lock
	$(INSTALL) --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/ready deploy/dev.lock
	$(INSTALL) --require-hashes -r deploy/dev.lock
	@touch $@

# Update the locks after a change of pyproject.toml, or to newer versions: make lock OPTIONS=--upgrade
lock: .venv/uv
	$(BIN)/python deploy/lock.py $(OPTIONS)

clean:
	rm -rf .venv out build site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
