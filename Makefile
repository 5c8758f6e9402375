# Rollcall. The steps are scripts/: each says what it does, and does only what is missing.
ADDR ?= $(or $(ROLLCALL_ADDR),127.0.0.1:3000)
.DEFAULT_GOAL := help

run: ## Set up, build, and start the demo at http://127.0.0.1:3000 (ADDR=127.0.0.1:3100 for another)
	@scripts/run.sh --address $(ADDR)

test: ## Set up, then check everything: format, lints, both databases, browser, dependencies
	@scripts/test.sh

build: ## Leave dist/rollcall: one self-contained release executable
	@scripts/build.sh

setup: ## Install and build whatever `run` and `test` need and this machine lacks
	@scripts/setup.sh test

front: ## The pages' assets in target/site
	@scripts/setup.sh build
	@scripts/front.sh

fmt: ## Format the Rust code
	@cargo fmt

lint: ## Format check, clippy for the server and for the browser part, shellcheck
	@scripts/test.sh lint

test-rust: ## Unit and HTTP tests (RUST="name filter" for some of them)
	@scripts/test.sh rust $(RUST)

torture: ## Crashes, faults, races and attacks, at length, with figures (TORTURE="--seed 7 kills" for some)
	@scripts/test.sh torture $(TORTURE)

planted: ## Plants defects, one after the other, and expects the harnesses of torture to catch each
	@scripts/setup.sh test
	@scripts/planted.sh $(PLANTED)

e2e: ## Browser tests (E2E="login.spec.ts --project=js-off" for some of them)
	@scripts/test.sh e2e $(E2E)

shots: ## Every page as pictures in end2end/shots; end2end/references where one looks different; docs/integrations.png
	@scripts/test.sh shots

bench: ## How long the admin's pages take with 50,000 accounts (ACCOUNTS=5000; ROLLCALL_BIN=dist/rollcall for the release)
	@scripts/test.sh bench

lighthouse: ## Lighthouse on five pages: accessibility and best practices 100, performance 95 on a throttled phone
	@scripts/test.sh lighthouse

audit: ## Licences, sources, banned and duplicate crates, known vulnerabilities
	@scripts/test.sh audit

clean: ## Remove what was built here (the cache of tools stays)
	@rm -rf target dist end2end/node_modules end2end/lighthouse/node_modules end2end/test-results end2end/playwright-report

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

.PHONY: run test build setup front fmt lint test-rust torture planted e2e shots bench lighthouse audit clean help
