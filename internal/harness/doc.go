// Command harness breaks a built server on purpose and looks what is left. It
// knows the server from outside only: the program, its flags, HTTP and, to look
// a second time, the database file.
//
//	go run ./internal/harness -kind kill9 -database sqlite -rounds 200
//
// The kinds, and what each must show (0 faults):
//
//	kill9        SIGKILL under load: every acknowledged write is there after the restart
//	powercut     the same, and what was not fsynced is gone (SQLite)
//	diskerror    the disk is full, or can't sync: 503, reads go on, and so does all when it ends (SQLite)
//	sigterm      SIGTERM under load: what was applied was answered, an orderly end
//	hangup       clients break off their requests: each was carried out whole or not at all
//	dbrestart    the PostgreSQL server is killed and started again under load
//	locked       another process locks the SQLite file: 503, and nothing lost
//	lostupdate   many writers on one user and one group, with and without If-Match
//	nodes        two servers on one PostgreSQL
//	backup       a copy taken under load has all that was acknowledged before it
//	ratelimit    a source above its rate hears 429 and loses nothing by waiting
//	slowclients  hundreds of half-sent requests keep nobody else waiting
//
// How the load is judged: each fact (a user's state, a group's, one membership)
// is changed by one writer only, which waits for each answer. So at any moment a
// fact is what its last acknowledged write made it, or what the one write after
// it, whose answer never came, would have made it. All values of a user change
// together in one request, so that half a write shows.
//
// The same kinds run as Go tests in a quick form.
package main
