# Every target is written for a fresh Debian 12 or 13 with Go, make and git; what else it needs it installs (as root) or
# names (as anybody else). Generated files are in the repository, so no target but css needs Node.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

BIN := bin/akashi
TOOL := go tool -modfile=tools/go.mod
# One package's tests never take this long; the whole run has 15 minutes.
TEST := CGO_ENABLED=1 timeout --foreground 15m go test -race -count=1 -timeout 10m

.PHONY: help
help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: needs-run build ## Run everything on this machine: portals, simulated outside systems, synthetic people
	exec ./$(BIN) demo

.PHONY: build
build: ## Build bin/akashi
	CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/akashi

.PHONY: test
test: needs-test ## Run all tests (real PostgreSQL, real browser, race detector)
	$(TEST) ./...

.PHONY: check
check: lint test ## Run all checks and all tests: what CI runs

.PHONY: lint
lint: ## Run the checks without the tests: format, vet, staticcheck, order of packages, generated files
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
css: ## Make the style sheet and the fonts again (needs Node and npm)
	cd web && npm ci && npm run build

.PHONY: golden
golden: needs-test ## Write the expected outputs of the tests again; look at the difference before committing
	AKASHI_GOLDEN=write CGO_ENABLED=1 go test -count=1 -run Golden ./...
	git diff --stat

.PHONY: shots
shots: needs-test ## Walk the whole story in a browser and keep pictures of every page in shots/
	rm -rf shots
	AKASHI_SHOTS=$(CURDIR)/shots CGO_ENABLED=0 timeout --foreground 15m go test -count=1 -timeout 14m ./test/story

.PHONY: needs-run needs-test
needs-run:
	@tools/install.sh run
needs-test:
	@tools/install.sh test
