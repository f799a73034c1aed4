package gormstore

import "github.com/workspace-scim/workspace/store"

// Pending implements store.ConnectorReader.
func (r *reader) Pending(source int64, after string, limit int) ([]store.Pending, error) {
	if !storable(after) {
		return nil, nil
	}
	var all []store.Pending
	err := r.eachOf(func(rs rows) error {
		p := store.Pending{Source: source}
		var changes string
		var at int64
		err := rs.Scan(&p.Tenant, &p.Key, &changes, &p.Hash, &at)
		p.Changes, p.At = []byte(changes), instant(at)
		all = append(all, p)
		return err
	}, "SELECT tenant, key, changes, hash, time FROM pending WHERE source = ? AND key > ? ORDER BY key LIMIT ?", source, after, limit)
	return all, err
}

// PendingHashes implements store.ConnectorReader.
func (r *reader) PendingHashes(source int64, row func(hash []byte) error) error {
	return r.eachOf(func(rs rows) error {
		var hash []byte
		if err := rs.Scan(&hash); err != nil {
			return err
		}
		return row(hash)
	}, "SELECT hash FROM pending WHERE source = ? ORDER BY key", source)
}

// PutPending implements store.ConnectorWriter.
func (t *tx) PutPending(p store.Pending) error {
	if err := storableAll(p.Key, string(p.Changes)); err != nil {
		return err
	}
	return t.exec(`INSERT INTO pending (source, key, tenant, changes, hash, time) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (source, key) DO UPDATE SET changes = excluded.changes, hash = excluded.hash, time = excluded.time`,
		p.Source, p.Key, p.Tenant, string(p.Changes), p.Hash, micros(p.At))
}

// DeletePending implements store.ConnectorWriter.
func (t *tx) DeletePending(source int64, key string) error {
	if key == "" {
		return t.exec("DELETE FROM pending WHERE source = ?", source)
	}
	if !storable(key) {
		return nil
	}
	return t.exec("DELETE FROM pending WHERE source = ? AND key = ?", source, key)
}
