// Package gormstore is the contract of package store on SQLite and PostgreSQL,
// with gorm. All SQL of the server is in this package.
//
// # Two engines, one body of statements
//
// A statement is written once, with ? for its arguments, for both engines;
// where they differ in nature the difference is a method of dialect. Nothing is
// folded, parsed or compared by the database's idea of language: texts that
// compare are stored in comparison form, times are integer microseconds.
//
// Control-plane records (tenants, sources, tokens) go through gorm's models;
// statements that run once per request or per row are SQL on the connection
// beneath it.
//
// # SQLite
//
// One goroutine owns the one connection that writes. It runs the functions of
// concurrent Updates one by one in one transaction, each in a savepoint of its
// own, and commits them with one fsync (group commit). Readers have
// connections of their own and read a snapshot while it writes (WAL).
//
// # PostgreSQL
//
// Each Update has a connection and a READ COMMITTED transaction; what the
// contract says is locked is locked before it is read. Writes are kept and sent
// together with the next read or the commit, so that a create costs few round
// trips. A transaction that loses against another one is run again as a whole.
//
// # Index rows
//
// Table ix holds, for each value of an indexed attribute, the resource and the
// document it stands in: 0 for the resolved one, else the source with a link
// document of its own. A link's column view says which of the two a source
// reads, so one equality joins a source to its rows.
package gormstore
