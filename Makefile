# What everyone runs. `make run` and `make test` need Go, Node and make; test installs the rest.
GO ?= go
BIN = bin/samtykke

.PHONY: run build test bench fmt fuzz deps pictures

run: build
	$(BIN) serve --demo --data data/demo

build:
	$(GO) build -o $(BIN) ./cmd/samtykke

# Everything that .ci/run runs. Steps in the order in which they fail fastest.
test: deps
	@.ci/static
	$(GO) test -race -timeout 25m ./...
	@.ci/fuzz 20000x

fuzz:
	@.ci/fuzz 300000x

bench: build
	$(GO) test -run '^$$' -bench . -benchtime 1s ./consent ./widget ./scanner/cookiedb
	$(GO) test -run "^$$" -bench . -benchtime 5x -timeout 30m ./bench

pictures:
	mkdir -p docs/images
	SAMTYKKE_PICTURES=$(CURDIR)/docs/images $(GO) test -count=1 -run TestPictures ./cmd/samtykke

fmt:
	$(GO) tool gofumpt -w $$(git ls-files '*.go')

deps:
	@.ci/deps
