# What everyone runs. `make run` and `make test` need Go, Node and make; test installs the rest.
GO ?= go
BIN = bin/samtykke

.PHONY: run build test bench fmt fuzz deps pictures knowledge

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

# The scanner's tables and its model, from the packages of package.json and Prebid.js, which is too heavy to be among
# them. Run it after a change of those or of many vendors' files; it also tells how good the model is.
PREBID = prebid.js-11.36.0.tgz
knowledge: deps
	mkdir -p node_modules/.cache
	test -e node_modules/.cache/$(PREBID) || npm pack --silent --pack-destination node_modules/.cache $(PREBID:prebid.js-%.tgz=prebid.js@%)
	$(GO) run ./scanner/cookiedb/knowledge -measure

fmt:
	$(GO) tool gofumpt -w $$(git ls-files '*.go')

deps:
	@.ci/deps
