# Everything a newcomer needs: `make run` and `make test`.
GO ?= go
export CGO_ENABLED ?= 0
export GOFLAGS ?= -trimpath

BIN := bin/proctor
LDFLAGS := -s -w

CODEX_DIR ?= bin/codex

.PHONY: run test test-codex compare-otel codex check cross build install bench soak mutate lint vet format generate fuzz clean budget

run: build ## set up and run the main job
	$(BIN) demo

build: ## build the front and the whole program, which belong in one folder
	@mkdir -p bin
	$(GO) build -tags lean -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/proctor
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)-full ./cmd/proctor

PREFIX ?= /usr/local
install: build ## install both files to $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0755 $(BIN)-full $(BIN) $(DESTDIR)$(PREFIX)/bin

test: ## set up and run all tests
	$(GO) test -timeout 12m ./...

CODEX_VERSION := 0.169.0
test-codex: ## the scripts that drive the real Codex CLI, of $CODEX or PATH; they are skipped without it
	$(GO) test -count=1 -timeout 12m -v -run 'TestScripts/codex_' ./cmd/proctor

compare-otel: build ## the telemetry of the real CLI, of $CODEX or PATH, beside ours; fails on a difference without a row in doc/compatibility.md
	$(GO) run ./internal/compareotel -proctor $(BIN)

codex: ## install the Codex CLI of the version that these scripts are for into $(CODEX_DIR)
	npm install --no-audit --no-fund --prefix $(CODEX_DIR) @openai/codex@$(CODEX_VERSION)

check: format vet cross lint test budget ## what must hold before a change is handed in

format:
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "not formatted:"; echo "$$out"; exit 1; fi

vet:
	$(GO) vet ./...
	$(GO) vet -tags lean ./cmd/proctor

cross: ## what is not run here must at least be right: macOS, Windows and 64-bit ARM
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	GOOS=windows GOARCH=amd64 $(GO) vet ./...
	GOOS=linux GOARCH=arm64 $(GO) vet ./...

lint: bin/golangci-lint ## pinned apart from the product's modules, in tools/go.mod
	bin/golangci-lint run ./...

bin/golangci-lint: tools/go.mod tools/go.sum
	@mkdir -p bin
	cd tools && $(GO) build -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

generate: ## rewrite generated pages
	$(GO) generate ./...

budget: build ## size and number of modules of both files
	sh tools/budget.sh $(BIN) 9437184 20       # 9 MB
	sh tools/budget.sh $(BIN)-full 50331648 115 # 48 MiB: cluster, SIEM targets, the Codex CLI as a client

bench: build ## benchmarks, as ratios against a baseline in the same run
	sh tools/bench.sh

soak: ## longer runs of the crash, fault and fuzz tests
	PROCTOR_SOAK=1 $(GO) test -count=1 -timeout 90m ./ledger ./bus ./executor/sandbox/... ./internal/app
	PROCTOR_SOAK_CUTS=$(SOAK_CUTS) $(GO) test -count=1 -timeout 120m ./ledger -run 'TestPowerCutKeepsWhatWasAcknowledged'
	PROCTOR_SOAK_KILLS=$(SOAK_KILLS) $(GO) test -count=1 -timeout 120m ./ledger -run 'TestKilledOwner'
	sh tools/fuzz.sh 60s

mutate: ## remove each sync, dedupe and hash compare of the ledger in turn: a test must fail
	$(GO) run ./internal/mutate ledger/testdata/mutations.txt

# Power cuts and kills of a soak; smaller numbers make it run in parts.
SOAK_CUTS ?= 100000
SOAK_KILLS ?= 1000

fuzz: ## every fuzz test for ten seconds
	sh tools/fuzz.sh 10s

clean:
	rm -rf bin
