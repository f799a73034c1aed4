package gormstore

import "github.com/workspace-scim/workspace/store"

func (s *session) seals(where string, args ...any) ([]store.Seal, error) {
	var all []store.Seal
	err := s.eachOf(func(r rows) error {
		var x store.Seal
		var at int64
		err := r.Scan(&x.Tenant, &x.Seq, &x.Prev, &x.Events, &x.Hash, &at)
		x.SealedAt = instant(at)
		all = append(all, x)
		return err
	}, "SELECT tenant, seq, prev, events, hash, sealed FROM seals WHERE tenant = ?"+where, args...)
	return all, err
}

// Seals implements store.SealReader.
func (r *reader) Seals(tenant, after int64, limit int) ([]store.Seal, error) {
	return r.seals(" AND seq > ? ORDER BY seq LIMIT ?", tenant, after, limit)
}

// LastSeal implements store.SealReader.
func (r *reader) LastSeal(tenant int64) (store.Seal, error) {
	all, err := r.seals(" ORDER BY seq DESC LIMIT 1", tenant)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Seal{}, err
	}
	return all[0], nil
}

// SealedEvents implements store.SealReader.
func (r *reader) SealedEvents(tenant, after, upTo int64, limit int, row func(store.Event) error) error {
	return r.each(func(rs rows) error {
		e, err := scanEvent(rs, tenant)
		if err != nil {
			return err
		}
		return row(e)
	}, "SELECT "+eventColumns+" FROM events WHERE tenant = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?", tenant, after, upTo, limit)
}

// NewestEvent implements store.SealReader.
func (r *reader) NewestEvent() (seq int64, err error) {
	r.single()
	err = r.one([]any{&seq}, "SELECT COALESCE(MAX(seq), 0) FROM events")
	return seq, err
}

// InsertSeal implements store.SealWriter.
func (t *tx) InsertSeal(x store.Seal) error {
	return t.returned("INSERT INTO seals (tenant, seq, prev, events, hash, sealed) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING seq",
		x.Tenant, x.Seq, x.Prev, x.Events, x.Hash, micros(x.SealedAt))
}
