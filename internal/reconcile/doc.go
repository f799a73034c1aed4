// Package reconcile holds the rules, as pure functions: no I/O, no clock, no
// state. Same inputs, same result (law 7); that is what makes a preview equal
// to the run.
package reconcile
