package gormstore

import (
	"errors"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// returned runs a statement that ends in RETURNING and answers ErrExists if it
// touched no row. (An error would end a transaction of PostgreSQL.)
func (s *session) returned(sql string, args ...any) error {
	var ignored int64
	return s.returnedID(&ignored, sql, args...)
}

// returnedID is returned, and gives the number that the statement returns.
func (s *session) returnedID(id *int64, sql string, args ...any) error {
	err := s.one([]any{id}, sql, args...)
	if errors.Is(err, store.ErrNotFound) {
		return errUnique
	}
	return err
}

// locking gives what a SELECT ends in inside an Update, "" where there is
// nothing to lock.
func (s *session) locking(strength string) string {
	if !s.write || !s.locks() {
		return ""
	}
	return " FOR " + strength
}

const leaseColumns = "source, partition, holder, token, run, acquired, renewed, expires, "

func (s *session) lease(source int64, partition, strength string) (store.Lease, error) {
	var all []store.Lease
	err := s.eachOf(func(r rows) error {
		l, err := scanLease(r)
		all = append(all, l)
		return err
	}, "SELECT "+leaseColumns+s.clock()+" FROM leases WHERE source = ? AND partition = ?"+s.locking(strength), source, partition)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Lease{}, err
	}
	return all[0], nil
}

func scanLease(r rows) (store.Lease, error) {
	var l store.Lease
	var acquired, renewed, expires, now int64
	err := r.Scan(&l.Source, &l.Partition, &l.Holder, &l.Token, &l.Run, &acquired, &renewed, &expires, &now)
	l.AcquiredAt, l.RenewedAt, l.ExpiresAt, l.ReadAt = instant(acquired), instant(renewed), instant(expires), instant(now)
	return l, err
}

// Lease implements store.ConnectorReader.
func (r *reader) Lease(source int64, partition string) (store.Lease, error) {
	if !storable(partition) {
		return store.Lease{}, store.ErrNotFound
	}
	return r.lease(source, partition, "SHARE")
}

// Leases implements store.ConnectorReader.
func (r *reader) Leases(source int64) ([]store.Lease, error) {
	var all []store.Lease
	err := r.eachOf(func(rs rows) error {
		l, err := scanLease(rs)
		all = append(all, l)
		return err
	}, "SELECT "+leaseColumns+r.clock()+" FROM leases WHERE source = ? ORDER BY partition", source)
	return all, err
}

// LockLease implements store.ConnectorWriter.
func (t *tx) LockLease(source int64, partition string) (store.Lease, error) {
	if err := storableAll(partition); err != nil {
		return store.Lease{}, err
	}
	never := micros(time.Time{})
	err := t.exec(`INSERT INTO leases (source, partition, holder, token, run, acquired, renewed, expires)
		VALUES (?, ?, '', 0, '', ?, ?, ?) ON CONFLICT DO NOTHING`, source, partition, never, never, never)
	if err != nil {
		return store.Lease{}, err
	}
	return t.lease(source, partition, "UPDATE")
}

// PutLease implements store.ConnectorWriter.
func (t *tx) PutLease(l store.Lease) error {
	if err := storableAll(l.Holder, l.Run); err != nil {
		return err
	}
	return t.exec("UPDATE leases SET holder = ?, token = ?, run = ?, acquired = ?, renewed = ?, expires = ? WHERE source = ? AND partition = ?",
		l.Holder, l.Token, l.Run, micros(l.AcquiredAt), micros(l.RenewedAt), micros(l.ExpiresAt), l.Source, l.Partition)
}

// EndLeases implements store.ConnectorWriter.
func (t *tx) EndLeases(source int64, holder string) error {
	const end = "UPDATE leases SET holder = '', run = '', token = token + 1, expires = renewed WHERE source = ? AND holder <> ''"
	if holder == "" {
		return t.exec(end, source)
	}
	if !storable(holder) {
		return nil
	}
	return t.exec(end+" AND holder = ?", source, holder)
}

// Checkpoint implements store.ConnectorReader.
func (r *reader) Checkpoint(source int64, partition string) (store.Checkpoint, error) {
	c := store.Checkpoint{Source: source, Partition: partition}
	if !storable(partition) {
		return store.Checkpoint{}, store.ErrNotFound
	}
	var saved int64
	r.single()
	err := r.one([]any{&c.Tenant, &c.Version, &c.Data, &c.Token, &saved},
		"SELECT tenant, version, data, token, saved FROM checkpoints WHERE source = ? AND partition = ?"+r.locking("UPDATE"), source, partition)
	if err != nil {
		return store.Checkpoint{}, err
	}
	c.SavedAt = instant(saved)
	return c, nil
}

// PutCheckpoint implements store.ConnectorWriter.
func (t *tx) PutCheckpoint(c store.Checkpoint) error {
	if err := storableAll(c.Partition); err != nil {
		return err
	}
	if c.Version == 1 {
		return t.returned(`INSERT INTO checkpoints (source, partition, tenant, version, data, token, saved)
			VALUES (?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING version`,
			c.Source, c.Partition, c.Tenant, c.Data, c.Token, micros(c.SavedAt))
	}
	return t.returned("UPDATE checkpoints SET version = ?, data = ?, token = ?, saved = ? WHERE source = ? AND partition = ? AND version = ? RETURNING version",
		c.Version, c.Data, c.Token, micros(c.SavedAt), c.Source, c.Partition, c.Version-1)
}

// DeleteCheckpoints implements store.ConnectorWriter.
func (t *tx) DeleteCheckpoints(source int64) error {
	return t.exec("DELETE FROM checkpoints WHERE source = ?", source)
}
