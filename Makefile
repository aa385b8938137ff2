# Everything sets itself up: what is needed beforehand is Python 3.11 or newer, and make.
#
#   make demo    watch a queue fill and real replicas follow
#   make test    all tests, on real servers and a real control plane (the first time builds it: some minutes)
#
# The rest is for those who change things.

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
RUNTIME := $(STAMPS)/runtime
DEV := $(STAMPS)/dev
PYTEST_ARGS ?=
DEMO_ARGS ?=
BENCH ?= polls

.PHONY: demo test check fix generate lock bench clean help

demo: $(RUNTIME)  ## watch it work, on this machine alone
	@$(BIN)/scaler demo $(DEMO_ARGS)

test: $(DEV)  ## every test
	@$(BIN)/python -m tests.servers
	@$(BIN)/python -m tests.controlplane build
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(DEV)  ## lint, types, floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fix: $(DEV)  ## let ruff mend what it can
	@$(BIN)/ruff check --fix -q .
	@$(BIN)/ruff format -q .

generate: $(RUNTIME)  ## crds/ and the reference pages, from the declarations
	@$(BIN)/python -m scaler.api.crd crds/
	@$(BIN)/python -m scaler.api.reference docs/kinds.md
	@$(BIN)/python -m scaler.triggers.reference docs/triggers.md
	@$(BIN)/python -m scaler.settings.reference docs/settings.md

lock: $(DEV)  ## newest versions that pyproject.toml allows, into the lock files
	@$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q -U --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

bench: $(DEV)  ## figures, beside those of KEDA (make bench BENCH="polls --objects 10000")
	@$(BIN)/python -m tests.bench $(BENCH)

clean:  ## forget the virtual environment
	rm -rf $(VENV)

help:  ## this
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# -- set-up ---------------------------------------------------------------------------------------------------

PYTHON ?= $(shell for one in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$one -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$one && break; done)

# uv installs in seconds what takes pip minutes; pip only brings uv. Everything is checked against its hash.
# The package itself is not installed but pointed at, so that an edit counts at once and no build tool is needed.
$(STAMPS)/uv: requirements-uv.lock
	@test -n "$(PYTHON)" || { echo "Scaler needs Python 3.11 or newer on the PATH; there is $$(python3 --version 2>&1)." \
		"Name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make a virtual environment." \
		"On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/kube-scaler.pth"
	@printf '#!/bin/sh\nexec "%s/python" -m scaler.programs.cli "$$@"\n' "$(CURDIR)/$(BIN)" > $(BIN)/scaler
	@printf '#!/bin/sh\nexec "%s/python" -m webhook "$$@"\n' "$(CURDIR)/$(BIN)" > $(BIN)/scaler-webhook
	@chmod +x $(BIN)/scaler $(BIN)/scaler-webhook
	@mkdir -p $(STAMPS) && touch $@

$(RUNTIME): $(STAMPS)/uv requirements.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@
