PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test integration fuzz soak bench check clean

$(VENV)/ready: requirements-dev.lock requirements-rules.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-rules.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/ready
	$(BIN)/gateway demo

test: $(VENV)/ready
	$(BIN)/python -m pytest -n 2 -m "not long"

integration: $(VENV)/ready
	GATEWAY_REQUIRE_PEERS=1 $(BIN)/python -m pytest -n 2 tests/interop

fuzz: $(VENV)/ready
	$(BIN)/python -m pytest -n 2 -m hypothesis --hypothesis-profile fuzz --timeout 0

soak: $(VENV)/ready
	GATEWAY_KILLS=200 GATEWAY_KILL_DOCUMENTS=5000 $(BIN)/python -m pytest tests/e2e/test_kill.py
	GATEWAY_CHAOS_MESSAGES=10000 $(BIN)/python -m pytest -rA tests/e2e/test_chaos.py
	GATEWAY_SOAK_DOCUMENTS=100000 $(BIN)/python -m pytest -rA --timeout 0 tests/e2e/test_official_soak.py

bench: $(VENV)/ready
	$(BIN)/python benchmarks/as2_core.py
	$(BIN)/python benchmarks/edifact.py
	$(BIN)/python benchmarks/as2_receive.py
	$(BIN)/python benchmarks/as2_send.py
	$(BIN)/python benchmarks/as2_large.py
	$(BIN)/python benchmarks/end_to_end.py
	$(BIN)/python benchmarks/official.py

check: $(VENV)/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .peers var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
