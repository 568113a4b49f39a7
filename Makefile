# The only entry for people and CI. `make` prints this help from the ## comments.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
T ?=
K ?=
PYTEST := $(BIN)/python -m pytest -q $(if $(K),-k '$(K)')
export GRPC_ENABLE_FORK_SUPPORT := 0
# Tests of the charts want helm; where the programs for it lie beside the checkout, it is made of them.
SHARED := $(or $(PYROX_SHARED),../shared)
PROGRAMS := $(if $(wildcard $(SHARED)/kube/build),$(or $(KUBE_NODE_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kube-node)/bin)
HELM := $(if $(PROGRAMS),$(PROGRAMS)/helm)
export PATH := $(PATH)$(if $(PROGRAMS),:$(PROGRAMS))

ifneq ($(HELM),)
$(HELM):
	@$(SHARED)/kube/build helm >/dev/null || echo "helm could not be made: the tests of the charts are skipped"
endif

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "setting up $(VENV) from requirements.lock"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@echo '$(CURDIR)' > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/pyrox-checkout.pth"
	@for module in roxctl services.scannerctl; do \
	  printf '#!%s\nimport sys\nfrom %s.main import main\nsys.exit(main())\n' "$$($(BIN)/python -c 'import sys; print(sys.executable)')" $$module > $(BIN)/$${module##*.}; \
	  chmod 755 $(BIN)/$${module##*.}; \
	done
	@touch $@

.PHONY: venv
venv: $(VENV)/.ready  ## the virtual environment with the locked dependencies

.PHONY: lock
lock: $(VENV)/.ready  ## write requirements.lock anew (hashes, no index address)
	$(BIN)/python tools/lock.py

.PHONY: proto
proto: $(VENV)/.ready  ## compile proto/ into pyrox/pb
	$(BIN)/python tools/gen_protos.py

.PHONY: bpf
bpf: $(VENV)/.ready  ## compile Collector's kernel program (needs clang)
	$(BIN)/python tools/gen_bpf.py

.PHONY: compatibility
compatibility: $(VENV)/.ready  ## write the tables of docs/compatibility.md
	$(BIN)/python tools/gen_compatibility.py

.PHONY: charts
charts: $(VENV)/.ready  ## write the charts' schemas and tables of values
	$(BIN)/python tools/gen_chart_docs.py

.PHONY: fmt
fmt: $(VENV)/.ready  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

.PHONY: lint
lint: $(VENV)/.ready  ## ruff, import contracts, the repository's own rules
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-logo --config pyproject.toml
	$(BIN)/python tools/lint_repo.py

.PHONY: types
types: $(VENV)/.ready  ## mypy, strict
	$(BIN)/mypy

.PHONY: check
check: lint types  ## everything that needs no run: format, lint, types, contracts, generated files
	$(BIN)/python tools/gen_protos.py --check
	$(BIN)/python tools/gen_bpf.py --check
	$(BIN)/python tools/gen_compatibility.py --check
	$(BIN)/python tools/gen_chart_docs.py --check

.PHONY: unit
unit: $(VENV)/.ready $(HELM)  ## tests without socket, clock or database
	$(PYTEST) -n 2 $(or $(T),tests/unit)

.PHONY: integration
integration: $(VENV)/.ready  ## tests on a real PostgreSQL and real processes
	$(PYTEST) $(or $(T),tests/integration)

.PHONY: conformance
conformance: $(VENV)/.ready  ## recorded conversations and wire tables against ours
	$(PYTEST) $(or $(T),tests/conformance)

.PHONY: e2e
e2e: $(VENV)/.ready $(HELM)  ## the charts on the cluster of KUBECONFIG: build, load, install, user stories, uninstall
	@if [ -z "$${KUBECONFIG:-}" ]; then echo 'e2e: skipped: KUBECONFIG names no cluster'; else \
	$(MAKE) images images-check images-load && $(PYTEST) -x -s $(or $(T),tests/e2e); fi

.PHONY: test
test: $(VENV)/.ready ui/dist/index.html $(HELM)  ## unit, integration, conformance, fuzzers for 5 s each: sets itself up on a fresh machine
	$(if $(T),$(PYTEST) $(T),$(PYTEST) -n 2 tests/unit && $(PYTEST) -n 2 --dist loadfile tests/integration tests/conformance && $(PYTEST) -n 4 tests/fuzz)

.PHONY: fuzz-short
fuzz-short: $(VENV)/.ready  ## every fuzzer for a minute
	PYROX_FUZZ_SECONDS=60 $(PYTEST) -n 2 $(or $(T),tests/fuzz)

.PHONY: fuzz
fuzz: $(VENV)/.ready  ## every fuzzer for ten minutes
	PYROX_FUZZ_SECONDS=600 $(PYTEST) -n 2 $(or $(T),tests/fuzz)

.PHONY: bench
bench: $(VENV)/.ready  ## figures and ratios, each against a peer or a stated limit of the same run
	$(BIN)/python -m tests.bench

.PHONY: ui
ui: ui/dist/index.html  ## build the portal's static files

ui/dist/index.html: $(VENV)/.ready $(shell find ui -path ui/node_modules -prune -o -path ui/dist -prune -o -type f -print 2>/dev/null)
	$(BIN)/python tools/build_ui.py

# What `make images` takes; see docs/how-to/build-images.md.
BASE ?=
REGISTRY ?= localhost/pyrox
TAG ?=
IMAGE_TOOL ?= auto
IMAGE_TOOL_ARGS ?=
IMAGES ?=
IMAGE_CACHE ?= build/images/cache
FEEDS ?= $(wildcard $(SHARED)/data/feeds)
IMAGE_LOAD ?= $(or $(wildcard $(SHARED)/kube/load-image),kind load image-archive)

.PHONY: images
images: $(VENV)/.ready ui/dist/index.html  ## build the container images below build/images (BASE= REGISTRY= TAG= IMAGE_TOOL=)
	$(BIN)/python -m tools.images --tool '$(IMAGE_TOOL)' --base '$(BASE)' --registry '$(REGISTRY)' --tag '$(TAG)' \
		--cache '$(IMAGE_CACHE)' --extra='$(IMAGE_TOOL_ARGS)' $(IMAGES)

.PHONY: images-check
images-check: $(VENV)/.ready  ## hold each built image against its SBOM and, by our scanner, against advisories (FEEDS=directory)
	$(BIN)/python -m tools.images.verify build/images/*.tar
	$(if $(FEEDS),$(BIN)/python -m tools.images.findings '$(FEEDS)' build/images/*.tar,@echo 'FEEDS names no advisories: only the SBOMs were checked')

.PHONY: images-load
images-load:  ## load the archives of `make images` into a cluster (IMAGE_LOAD=command)
	for archive in build/images/*.tar; do $(IMAGE_LOAD) "$$archive"; done

.PHONY: kind-up
kind-up: images  ## build the images and run PyRox in a kind cluster of this machine (Docker, kind, kubectl, helm)
	@deploy/kind/kind.sh up

.PHONY: kind-down
kind-down:  ## remove the cluster of `make kind-up`
	@deploy/kind/kind.sh down

.PHONY: up
up: $(VENV)/.ready ui/dist/index.html  ## start everything on this machine and run the main job
	$(BIN)/python -m services local up

.PHONY: down
down: $(VENV)/.ready  ## stop everything that `make up` started; data stay
	$(BIN)/python -m services local down

.PHONY: status
status: $(VENV)/.ready  ## every process and its health
	$(BIN)/python -m services local status

.PHONY: logs
logs: $(VENV)/.ready  ## the latest log lines of every process
	$(BIN)/python -m services local logs
