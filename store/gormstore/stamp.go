package gormstore

import "math/rand/v2"

// stampColumn is the number that stands for the state of tenants, sources and
// tokens.
const stampColumn = "(SELECT c.value FROM settings c WHERE c.name = 'control')"

// restamp gives the state that the transaction makes a number of its own. It is
// a random one: a database that is set back to an older state gets back that
// state's number.
func (t *tx) restamp() error {
	return t.exec("UPDATE settings SET value = ? WHERE name = 'control'", rand.Int64())
}

// Expect implements store.Reader.
func (r *reader) Expect(stamp int64) error {
	if err := r.ready(); err != nil {
		return err
	}
	return r.expect(stamp)
}
