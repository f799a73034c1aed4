#!/usr/bin/env bash
# fuzz.sh [TIME] runs each fuzz target of the module for that long (5s). The
# targets are found in the tests, so a new one takes part by itself.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}

grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' cmd connectors internal scim store |
	sed -E 's|/[^/]+_test\.go:func | |' | sort -u |
	while read -r package target; do
		echo "== $target in ./$package"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$package" </dev/null
	done
