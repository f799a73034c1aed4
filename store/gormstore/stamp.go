package gormstore

import (
	"math/rand/v2"

	"github.com/workspace-scim/workspace/store"
)

// stampColumn is the number that stands for the state of tenants, sources and
// tokens.
const stampColumn = "(SELECT c.value FROM settings c WHERE c.name = 'control')"

// restamp gives the state that the transaction makes a number of its own. It is
// a random one: a database that is set back to an older state gets back that
// state's number.
func (t *tx) restamp() error {
	return t.exec("UPDATE settings SET value = ? WHERE name = 'control'", rand.Int64())
}

// Expect implements store.Reader. On PostgreSQL it goes with the next statement:
// a division by zero, which nothing else here divides, ends the transaction.
func (r *reader) Expect(stamp int64) error {
	if r.locks() {
		return r.exec("SELECT 1 / CAST(value = ? AS int) FROM settings WHERE name = 'control'", stamp)
	}
	var now int64
	r.single()
	if err := r.one([]any{&now}, "SELECT value FROM settings WHERE name = 'control'"); err != nil {
		return err
	}
	if now != stamp {
		return store.ErrStale
	}
	return nil
}
