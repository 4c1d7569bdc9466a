# Thin on purpose: bakewell_local/toolchain/setup.sh makes the Python environment, `bakewell local` does the rest.
# Every target does the set-up it needs first; none needs another one to have run.

.DEFAULT_GOAL := help
.PHONY: help up preview env test unit down lint fmt lock ranges bench venv
BIN := .venv/bin
SELECTED = $(if $(ROLES)$(CLOUDS),$(if $(ROLES),--roles '$(ROLES)') $(if $(CLOUDS),--clouds '$(CLOUDS)'),--stack dev)

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: venv ## bake two roles and boot their machines on the local cloud; ROLES=all: every role; CLOUDS=aws: its AWS half
	@exec $(BIN)/bakewell local up $(SELECTED)

preview: venv ## what `make up` would do, and why; ROLES and CLOUDS as there
	@exec $(BIN)/bakewell local preview $(SELECTED)

env: venv ## exports for plain pulumi, packer, doctl and bakewell: eval "$(make -s env)"; ROLES, CLOUDS as there
	@exec $(BIN)/bakewell local env $(SELECTED)

test: venv ## every test; ARGS go to pytest: make test ARGS="tests/e2e -x"
	@exec $(BIN)/python -m bakewell_local test $(ARGS)

unit: venv ## the tests that take seconds and need neither Docker nor the tools
	@exec $(BIN)/python -m pytest -n 4 --dist loadgroup tests/unit tests/components

down: venv ## remove all that `up` and `test` made, except caches
	@exec $(BIN)/bakewell local down

lint: venv ## ruff, mypy, shellcheck, packer fmt, actionlint: changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	for program in examples/*/__main__.py; do $(BIN)/mypy "$$program" || exit 1; done
	for image in packer/images/*-*; do $(BIN)/mypy "$$image"/*.py || exit 1; done
	$(BIN)/mypy .github/preview_comment.py && $(BIN)/mypy components/__main__.py
	find . -name .venv -prune -o -name .bakewell -prune -o '(' -name '*.sh' -o -path './.ci/run' ')' -print0 | xargs -0 $(BIN)/shellcheck
	packer=$$($(BIN)/python -m bakewell_local.toolchain.build packer) && "$$packer" fmt -check -diff -recursive packer
	actionlint=$$($(BIN)/python -m bakewell_local.toolchain.build actionlint) && "$$actionlint" -shellcheck $(BIN)/shellcheck .github/workflows/*.yml bakewell/scaffold/files/github/workflows/*.yml

fmt: venv ## put code and templates into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	packer=$$($(BIN)/python -m bakewell_local.toolchain.build packer) && "$$packer" fmt -recursive packer

lock: venv ## bring requirements.lock in line with pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header -q -o requirements.lock

ranges: venv ## unit and component tests with the lowest and the newest versions that pyproject.toml allows; not in `test`
	for versions in lowest-direct highest; do \
	    home=.bakewell/ranges/$$versions && mkdir -p "$$home" && \
	    $(BIN)/uv pip compile pyproject.toml --extra dev --resolution "$$versions" --no-header -q -o "$$home/requirements.txt" && \
	    $(BIN)/uv venv --quiet --clear --no-project --python $(BIN)/python "$$home/venv" && \
	    $(BIN)/uv pip sync --quiet --python "$$home/venv" "$$home/requirements.txt" && \
	    $(BIN)/uv pip install --quiet --python "$$home/venv" --no-deps --no-build-isolation --editable . && \
	    "$$home/venv/bin/python" -m pytest -n 4 --dist loadgroup tests/unit tests/components $(ARGS) || exit 1; \
	done

bench: venv ## the figures of docs/benchmarks.md, measured here
	@exec $(BIN)/python -m bench.run $(ARGS)

venv:
	@bakewell_local/toolchain/setup.sh
