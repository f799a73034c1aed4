package gormstore

import (
	"math"

	"github.com/workspace-scim/workspace/store"
)

// LockSource implements store.ConnectorWriter.
func (t *tx) LockSource(source int64) error {
	var id int64
	return t.one([]any{&id}, "SELECT id FROM sources WHERE id = ?"+t.locking("UPDATE"), source)
}

const configurationColumns = "tenant, source, version, document, hash, author, created"

func (s *session) configurations(where string, args ...any) ([]store.Configuration, error) {
	var all []store.Configuration
	err := s.eachOf(func(r rows) error {
		var c store.Configuration
		var document string
		var created int64
		err := r.Scan(&c.Tenant, &c.Source, &c.Version, &document, &c.Hash, &c.By, &created)
		c.Document, c.CreatedAt = []byte(document), instant(created)
		all = append(all, c)
		return err
	}, "SELECT "+configurationColumns+" FROM configurations WHERE "+where, args...)
	return all, err
}

// Configuration implements store.ConnectorReader.
func (r *reader) Configuration(source, version int64) (store.Configuration, error) {
	where, args := "source = ? ORDER BY version DESC LIMIT 1", []any{source}
	if version != 0 {
		where, args = "source = ? AND version = ?", []any{source, version}
	}
	all, err := r.configurations(where, args...)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Configuration{}, err
	}
	return all[0], nil
}

// Configurations implements store.ConnectorReader.
func (r *reader) Configurations(source, before int64, limit int) ([]store.Configuration, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return r.configurations("source = ? AND version < ? ORDER BY version DESC LIMIT ?", source, before, limit)
}

// InsertConfiguration implements store.ConnectorWriter.
func (t *tx) InsertConfiguration(c store.Configuration) error {
	if err := storableAll(string(c.Document), c.By); err != nil {
		return err
	}
	return t.returned("INSERT INTO configurations ("+configurationColumns+") VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING version",
		c.Tenant, c.Source, c.Version, string(c.Document), c.Hash, c.By, micros(c.CreatedAt))
}
