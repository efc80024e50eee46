# Every target sets itself up: `make test` on a fresh clone is enough.
#
#   PYTHON   the interpreter to build the environment with, 3.11 to 3.13 (default: the first one found)
#   VENV     the folder of the environment, so that `make test PYTHON=python3.13 VENV=.venv313` stands beside the default
#   VARIANT  the image's: cpu or cuda; DOCKER is the client's program
#   ARGS     passed on: `make test ARGS='tests/unit -k retry'`, `make demo ARGS='talk.mp3 --model tiny.en'`

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
ARGS ?=
VARIANT ?= cpu
DOCKER ?= docker
supported := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
    $$python -c '$(supported)' 2>/dev/null && echo $$python && break; done)

bin := $(VENV)/bin
ready := $(VENV)/.ready
ifneq ($(shell command -v uv),)
  create := uv venv --quiet --python "$(PYTHON)" "$(VENV)"
  install := uv pip install --quiet --python "$(bin)/python"
else
  create := "$(PYTHON)" -m venv "$(VENV)"
  install := "$(bin)/python" -m pip install --quiet --disable-pip-version-check
endif

# One data file per environment: two interpreters may be tested side by side.
export COVERAGE_FILE := $(abspath $(VENV))/.coverage

.PHONY: help
help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | column -ts "$$(printf '\t')"

.PHONY: setup
setup: $(ready) ## the environment: locked dependencies, and steno itself in place

$(ready): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo 'No Python 3.11 to 3.13 found: install one, or name it with PYTHON=…' >&2; exit 1; fi
	@"$(PYTHON)" -c '$(supported)' || { echo '$(PYTHON) does not run or is not Python 3.11 to 3.13' >&2; exit 1; }
	@test -x "$(bin)/python" || $(create) || { echo 'No environment: install python3-venv, or uv' >&2; exit 1; }
	$(install) --require-hashes -r requirements.lock
	$(install) --no-deps --no-build-isolation -e .
	@touch "$@"

.PHONY: demo
demo: setup ## speech becomes text on this machine, by the real path
	@$(bin)/steno demo $(ARGS)

.PHONY: check
check: lint types imports drift ## everything that can be said without running it

.PHONY: lint
lint: setup ## style
	$(bin)/ruff check
	$(bin)/ruff format --check

.PHONY: format
format: setup ## repair style
	$(bin)/ruff check --fix
	$(bin)/ruff format

.PHONY: types
types: setup ## mypy, strict
	$(bin)/mypy

.PHONY: imports
imports: setup ## who may import whom
	$(bin)/lint-imports

.PHONY: drift
drift: setup ## what is generated is what is committed, and breaks nobody
	$(bin)/python -m contracts.schema --check
	$(bin)/python -m contracts.asyncapi --check
	$(bin)/python -m contracts.compat
	$(bin)/python -m tests.settings_reference --check
	$(bin)/python -m tests.metrics_reference --check

.PHONY: generate
generate: setup ## write the JSON Schemas, the AsyncAPI document, the tables of settings and metrics in README.md, .env.example
	$(bin)/python -m contracts.schema
	$(bin)/python -m contracts.asyncapi
	$(bin)/python -m tests.settings_reference
	$(bin)/python -m tests.metrics_reference

.PHONY: test
test: setup ## all tests and the coverage that we ask for
	$(bin)/pytest --cov --cov-report= $(ARGS)
	@$(if $(ARGS),,$(bin)/coverage report --fail-under=90)
	@$(if $(ARGS),,$(bin)/coverage report --include='consumer/core/*' --fail-under=100)

.PHONY: docker-test
docker-test: setup ## the tests that want a container engine; they fail where none answers
	STENO_TEST_REQUIRE_ENGINE=1 $(bin)/pytest -m docker $(ARGS)

.PHONY: picture
picture: setup ## draw the demo anew for README.md
	$(bin)/python -m tests.demo_picture

.PHONY: faults
faults: setup ## 200 jobs under each fault of README.md's table; an hour
	@$(bin)/python -m tests.bench.faults $(ARGS)

.PHONY: stack
stack: setup ## a broker and a store for hand use, until Ctrl-C; prints the exports
	@$(bin)/python -m tests.stack $(ARGS)

.PHONY: image
image: ## the container image steno:dev-VARIANT; VARIANT=cpu or cuda, ARGS='--network=host'
	DOCKER_BUILDKIT=1 $(DOCKER) build --build-arg VARIANT=$(VARIANT) \
	    --build-arg VERSION="$$(sed -nE 's/^__version__ = "(.*)"/\1/p' contracts/version.py)" \
	    --build-arg REVISION="$$(git rev-parse HEAD 2>/dev/null)" \
	    --build-arg CREATED="$$(git log -1 --format=%cI 2>/dev/null)" \
	    --tag steno:dev-$(VARIANT) $(ARGS) .

resolve := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --upgrade

.PHONY: lock
lock: ## resolve the dependencies anew: ours, then the image's at the same versions
	$(resolve) --all-extras pyproject.toml -o requirements.lock
	$(resolve) --extra worker --constraints requirements.lock pyproject.toml -o infra/image/worker.lock
	$(resolve) --constraints requirements.lock infra/image/build.in -o infra/image/build.lock
	$(resolve) --constraints requirements.lock infra/image/weights.in -o infra/image/weights.lock
	$(resolve) infra/image/cuda.in -o infra/image/cuda.lock
	cd tests/stack/localstack && uv pip compile --quiet --generate-hashes --python-version 3.13 --upgrade \
	    requirements.in -o requirements.lock

.PHONY: clean
clean: ## remove what was built, the environment too
	rm -rf "$(VENV)" .cache .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* build dist
	find consumer contracts tests -name __pycache__ -type d -prune -exec rm -rf {} +
