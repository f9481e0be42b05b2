# Every target is written for a fresh Debian 12 or 13 with Go, make and git; what else it needs it installs (as root) or
# names (as anybody else). Generated files are in the repository, so Node is needed by css and by the tests against other
# programs, not by the program.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# Installing comes before building, with -j too; go build keeps all cores busy by itself.
.NOTPARALLEL:

BIN := bin/akashi
TOOL := go tool -modfile=tools/go.mod
# Bounds for a hanging test, far above what a run takes; the aim for the whole is fifteen minutes on two processors. Vetting is
# part of lint. Three packages at a time use the pauses in which one waits for its browser; without symbols for debuggers test
# programs link faster; collecting garbage less often costs memory alone.
TEST := CGO_ENABLED=1 GOGC=200 timeout --foreground 60m go test -p 3 -race -vet=off -trimpath -ldflags=-w -count=1 -timeout 30m

.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: needs-run build ## Run everything on this machine: portals, simulated outside systems, synthetic people
	exec ./$(BIN) demo $(ARGS)

.PHONY: build
build: needs-build ## Build bin/akashi
	CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/akashi

.PHONY: build-pkcs11
build-pkcs11: ## Build bin/akashi with cgo, so that signing keys can be on a token (PKCS #11); needs a C compiler
	CGO_ENABLED=1 go build -tags pkcs11 -trimpath -o $(BIN) ./cmd/akashi

.PHONY: test
test: needs-test interop-packages ## Run all tests (real PostgreSQL, real browser, other programs' verifiers, race detector)
	$(TEST) ./test/story ./... # the longest first, so that the others fill its pauses
	$(TEST) -tags pkcs11 ./internal/connector/signer/token
	$(TEST) -tags pkcs11 -run Token ./internal/system ./internal/demo

.PHONY: check
check: needs-test web-packages lint test ## Run all checks and all tests: what CI runs

.PHONY: lint
lint: needs-build ## Run the checks without the tests: format, vet, staticcheck, order of packages, generated files
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change: $$unformatted" >&2; exit 1; fi
	go vet ./...
	$(TOOL) staticcheck ./...
	go test -count=1 ./internal/archtest
	tools/generated.sh

.PHONY: bench
bench: needs-run build ## Measure against the stated aims
	./$(BIN) bench

.PHONY: generate
generate: ## Make the Go files of the page components again
	$(TOOL) templ generate -include-version=false -log-level error

.PHONY: css
css: web/node_modules/.package-lock.json ## Make the style sheet and the fonts again (needs Node and npm)
	cd web && npm run build

# The compiler of the style sheet needs Node 20; on an older one lint says that the style sheet was not compared.
.PHONY: web-packages
web-packages: ## Bring the pinned Node packages that make the style sheet, where Node is new enough
	@if node -e 'process.exitCode = Number(process.versions.node.split(".")[0] < 20)'; then $(MAKE) --no-print-directory web/node_modules/.package-lock.json; fi

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci
	@touch $@

.PHONY: interop-packages
interop-packages: test/interop/node_modules/.package-lock.json ## Bring the pinned Node packages that check what we sign

test/interop/node_modules/.package-lock.json: test/interop/package-lock.json
	cd test/interop && npm ci
	@touch $@

.PHONY: golden
golden: needs-test ## Write the expected outputs of the tests again; look at the difference before committing
	AKASHI_GOLDEN=write CGO_ENABLED=1 go test -count=1 -run Golden ./...
	git diff --stat

.PHONY: shots
shots: needs-test ## Walk the whole story in a browser and keep pictures of every page in shots/
	rm -rf shots
	AKASHI_SHOTS=$(CURDIR)/shots CGO_ENABLED=0 timeout --foreground 15m go test -count=1 -timeout 14m ./test/story

.PHONY: needs-build needs-run needs-test
needs-build:
	@tools/install.sh build
needs-run:
	@tools/install.sh run
needs-test:
	@tools/install.sh test
