// Package cliconfig is what the programs' command lines have in common: a
// configuration file, and how to log.
package cliconfig
