# Everything here needs Go alone. The first run of either target builds the sandbox's servers and says so as it goes.

KIND ?= dataset-compromise

.PHONY: sandbox test test-platforms lint build fuzz

# Starts real servers on localhost, turns one real alert into a contained incident and leaves everything up to look at.
sandbox:
	go run -C deploy/sandbox . --kind $(KIND)

# The unit tests, then the end-to-end tests against the real servers and binaries.
test:
	go test ./...
	go run -C deploy/sandbox . --build
	go test -C deploy/sandbox -timeout 45m ./...

# What needs Python besides Go: servers and tools from PyPI, in the user's cache folder.
test-platforms:
	FIREBREAK_REQUIRE_PLATFORMS=1 go test -C deploy/sandbox -timeout 30m ./platforms/...

lint:
	bash .ci/lint

build:
	go build -o bin/ ./cmd/...

# Every fuzz target for a while each; their seeds run in make test.
fuzz:
	bash .ci/fuzz
