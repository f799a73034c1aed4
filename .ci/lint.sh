#!/usr/bin/env bash
# lint.sh checks what needs no test to run: form, vet, staticcheck, generated
# files and go.mod.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== gofmt"
unformatted=$(gofmt -l cmd connectors internal scim store)
if [[ -n $unformatted ]]; then
	printf 'not in gofmt form:\n%s\n' "$unformatted" >&2
	exit 1
fi

echo "== go vet"
go vet ./...

echo "== go vet, the agent on Windows"
GOOS=windows CGO_ENABLED=0 go vet ./cmd/workspace-ad

echo "== staticcheck"
go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

echo "== go mod tidy"
go mod tidy -diff
go mod verify

echo "== go generate"
tree() { find cmd connectors internal scim store docs -type f -print0 | sort -z | xargs -0 sha256sum; }
before=$(tree)
go generate ./...
if ! diff <(echo "$before") <(tree); then
	echo "generated files were out of date" >&2
	exit 1
fi
