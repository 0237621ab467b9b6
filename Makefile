# Everything a user or CI runs. `make demo` and `make test` set up what they need by themselves.
PYTHON ?= python3
BIN := .venv/bin
PYTEST_ARGS ?=

.PHONY: demo test check format bench schema clean

demo: .venv/ready
	$(BIN)/farm render manifests/demo.yaml
	@echo "Look at out/demo/demo.gif (also .mp4, contact_sheet.png, metadata.parquet)."

test: .venv/ready
	$(BIN)/pytest $(PYTEST_ARGS)

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-cache

format: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/ready
	$(BIN)/python benchmarks/against_diffusers.py
	$(BIN)/python benchmarks/planning.py
	$(BIN)/python benchmarks/determinism.py

schema: .venv/ready
	$(BIN)/farm schema > farm/manifest/schema.json

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
