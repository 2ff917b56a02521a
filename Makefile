# The few commands of this project. Each first installs what is missing (scripts/setup), then calls xtask.
# ARGS goes to the program that is run: `make run ARGS='--cluster kubeconfig'`, `make test-browser ARGS='--headed'`.

SHELL := /bin/bash
SETTINGS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kai-server/env
XTASK := . $(SETTINGS) && cargo run -p xtask --

.PHONY: help run watch test test-browser test-cluster soak bench image pictures release

help:
	@echo 'make run           set up, build, and serve http://127.0.0.1:3000 with the runtime "Demo"'
	@echo 'make watch         the same, and again whenever a source file changes'
	@echo 'make test          set up and run every check: format, lints, tests, wasm, browser'
	@echo 'make test-browser  only the tests in the browser'
	@echo 'make test-cluster  the tests on the cluster that KUBECONFIG names'
	@echo 'make soak          many random runs with faults and a hundred kills; takes minutes'
	@echo 'make bench         measures speed and size against their limits; ARGS="intake thousand" picks some'
	@echo 'make image         packs the test runner into images: ARGS=runners.tar'
	@echo 'make pictures      takes the pictures of the README again'
	@echo 'make release       the server and its pages, small and fast, in one folder'
	@echo "ARGS='...' is passed on, as in: make run ARGS='--help'"

run watch:
	@scripts/setup run
	@$(XTASK) $@ -- $(ARGS)

test test-cluster soak:
	@scripts/setup test
	@$(XTASK) $@

test-browser:
	@scripts/setup test
	@$(XTASK) $@ -- $(ARGS)

bench:
	@scripts/setup test
	@$(XTASK) $@ $(ARGS)

image:
	@scripts/setup image
	@$(XTASK) $@ $(or $(ARGS),runners.tar)

pictures:
	@scripts/setup test
	@export KAI_PICTURES=$(CURDIR)/docs/pictures; $(XTASK) test-browser -- tests/tour.spec.ts -g walked

release:
	@scripts/setup release
	@$(XTASK) build --release
