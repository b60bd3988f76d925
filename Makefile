# `make` alone lists what there is. Everything else is a command that also works by itself.
.DEFAULT_GOAL := help
.PHONY: help demo sandbox test test-all bench bench-validate bench-storefront sim sim-long lint format types imports coverage docs lock peers machine test-unit image clean
BIN := .venv/bin
ARGS ?=
SEED ?= 1
SECONDS ?= 600

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.installed: requirements.lock pyproject.toml scripts/bootstrap
	@scripts/bootstrap

demo: .venv/.installed ## the product against its own sandbox, live (ARGS=--once: exit when all was seen)
	$(BIN)/lightspeed-sync demo $(ARGS)

sandbox: .venv/.installed ## only the pretend services, on loopback (ARGS=--help shows more)
	@$(BIN)/lightspeed-sync sandbox $(ARGS)

test: lint peers ## linters, types, import rules and all quick tests
	$(BIN)/pytest -n $$(( $$(nproc) + 1 )) --dist worksteal -m "not slow" $(ARGS)  # one more than cores: many tests wait

test-all: test machine ## the same, then everything that takes long
	$(BIN)/pytest -m slow $(ARGS)

test-unit: .venv/.installed machine ## installs on a machine that systemd-nspawn boots, and runs the service there (as root)
	$(BIN)/pytest -m slow tests/project/test_unit.py $(ARGS)

lint: .venv/.installed ## style, formatting, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: .venv/.installed ## correct what the linter can correct by itself
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

coverage: .venv/.installed peers ## which lines and branches the quick tests never reach
	$(BIN)/coverage run -m pytest -m "not slow" $(ARGS)
	$(BIN)/coverage report

bench: .venv/.installed ## what a first full pass of 10,000 goods costs (ARGS=--goods=1000), and how soon Slack is told
	$(BIN)/python -m bench.full_pass $(ARGS)
	$(BIN)/python -m bench.alert_latency

bench-validate: .venv/.installed ## what validate finds of 200 planted faults, and what that costs (ARGS=--many=0: 10,000 goods only)
	$(BIN)/python -m bench.validate $(ARGS)

bench-storefront: .venv/.installed peers ## how many requests a second the storefront answers, beside a bare route
	$(BIN)/python -m bench.storefront $(ARGS)

sim: .venv/.installed ## one simulation of the whole product again (SEED=7; ARGS=--shrink: the fewest events that fail)
	$(BIN)/python -m tests.simulation --seed $(SEED) $(ARGS)

sim-long: .venv/.installed ## simulations for so long, and what came of them (SECONDS=600)
	$(BIN)/python -m tests.simulation --seed $(SEED) --seconds $(SECONDS) $(ARGS)

docs: .venv/.installed ## write the generated parts of README.md and docs/ anew
	$(BIN)/python -m scripts.write_docs

lock: ## pin every dependency anew, with hashes (ARGS=--upgrade: newest versions)
	@scripts/lock $(ARGS)

peers: .venv/.installed ## fetch the real programs that tests compare with
	@scripts/peers

machine: ## fetch a Debian tree to boot and Debian's Docker engine, for the tests of packaging
	@scripts/machine

image: ## build the container image lightspeed-sync:dev
	docker build --tag lightspeed-sync:dev .

clean: ## remove what was installed and cached here
	rm -rf .venv .peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage build dist
