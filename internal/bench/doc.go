// Command bench measures Workspace and prints the table of speeds of
// docs/operations.md: `make bench`. It tells, and never judges by the clock: a
// slow machine makes other figures, not a failure. It fails only when a request
// is answered wrongly.
//
// It builds the program, starts real server processes, each with a database of
// its own that is dropped at the end, and drives them over HTTP with keep-alive
// connections. Beside a figure stands its floor: what the same machine reaches
// in the same run with the least that the work could be. For a create that is
// the same rows written durably with no HTTP, in this process, to a copy of the
// database; for everything else a plain Echo handler, in a process of its own,
// that decodes and encodes the same bodies.
//
// All servers run during the whole measurement. Each figure is measured in
// short rounds that alternate between the servers and the floors, so that a
// noisy minute of the machine falls on all of them; rates and ratios are the
// medians of the rounds, percentiles are of all requests together.
//
// The way from Active Directory is measured with a real domain controller, the
// server and workspace-ad, each in processes of their own; its floor is DirSync
// alone, read by this process from the same directory in the same round.
package main
