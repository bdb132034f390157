# Two commands do everything: `make serve` runs Taizhang, `make test` tests it.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help serve test check lint types imports bench lock clean
help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z.]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv: .venv/run ## Make the environment to run in
.venv/run: requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@
.venv/dev: .venv/run requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

serve: .venv/run ## Run the service with its demonstration and an embedded database
	@exec $(BIN)/taizhang serve --demo

test: .venv/dev ## Run the tests, on an embedded database or TAIZHANG_DATABASE
	$(BIN)/pytest -n auto

check: lint types imports test ## Everything that must hold before a change lands
lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
types: .venv/dev
	$(BIN)/mypy
	$(BIN)/pyright
imports: .venv/dev
	$(BIN)/lint-imports

bench: .venv/dev ## Measure against the yardsticks; writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

lock: .venv/run ## Pin the newest versions that fit pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --upgrade \
		--group build pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --upgrade \
		--group build --group dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean: ## Remove the environment; what the service recorded stays
	rm -rf .venv
