# make run     start Workspace on workspace.db here; prints the URL and the token
# make demo    the story of a tenant, told against a fresh server
# make test    every test, on SQLite and PostgreSQL, with real domain controllers
# make bench   the tables of speeds in docs/operations.md and docs/ad.md
# make lint    what .ci/run checks without running tests

export CGO_ENABLED = 1

.PHONY: run demo build test race bench lint fuzz-short fmt

run:
	go run ./cmd/workspace serve --first-run $(ARGS)

demo:
	cd cmd/workspace && go test -count=1 -run '^TestStory$$' -args -aloud

build:
	go build -trimpath -o bin/ ./cmd/...

# Needs PostgreSQL: .ci/postgres.sh installs it on Debian, starts one of its own
# and sets WORKSPACE_TEST_POSTGRES, unless that is set. Needs Samba and, to listen
# on its ports, root: .ci/samba.sh installs it, unless WORKSPACE_TEST_SAMBA is set.
test:
	.ci/postgres.sh .ci/samba.sh go test -timeout 30m $(ARGS) ./...

# Everything but the tests that watch a server in a process of its own.
race:
	.ci/postgres.sh .ci/samba.sh go test -race -timeout 40m $(ARGS) $$(go list ./... | grep -vE '/internal/(bench|harness)$$')

# Needs what make test needs; ARGS='-ad none' leaves the domain controller out.
bench:
	.ci/postgres.sh --durable .ci/samba.sh go run ./internal/bench $(ARGS)

lint:
	.ci/lint.sh

fuzz-short:
	.ci/fuzz.sh $(FUZZTIME)

fmt:
	gofmt -w cmd connectors internal scim store
