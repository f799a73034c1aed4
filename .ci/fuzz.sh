#!/usr/bin/env bash
# fuzz.sh [COUNT] runs each fuzz target of the module for that many executions
# (20000x). The targets are found in the tests, so a new one takes part by
# itself.
#
# The measure is a count and not a time: at the end of a time Go 1.26 may report
# "context deadline exceeded" as a failure of the target, with no input that
# fails (https://go.dev/issue/75804). Minimising is counted for the same reason.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-20000x}

grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' cmd connectors internal scim store |
	sed -E 's|/[^/]+_test\.go:func | |' | sort -u |
	while read -r package target; do
		echo "== $target in ./$package"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$count" -fuzzminimizetime 100x "./$package" </dev/null
	done
