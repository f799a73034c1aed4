//go:build !race

package directory_test

// underRace says that the race detector watches, which takes several times as long.
const underRace = false
