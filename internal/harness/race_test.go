//go:build race

package main

// raced says that the tests run with the race detector; then the server does
// too.
const raced = true
