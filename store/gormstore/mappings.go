package gormstore

import (
	"math"

	"github.com/workspace-scim/workspace/store"
)

const mappingColumns = "tenant, source, number, document, version, author, created"

func (s *session) mappings(where string, args ...any) ([]store.Mapping, error) {
	var all []store.Mapping
	err := s.eachOf(func(r rows) error {
		var m store.Mapping
		var document string
		var created int64
		err := r.Scan(&m.Tenant, &m.Source, &m.Number, &document, &m.Version, &m.By, &created)
		m.Document, m.CreatedAt = docOrNil(document), instant(created)
		all = append(all, m)
		return err
	}, "SELECT "+mappingColumns+" FROM mappings WHERE "+where, args...)
	return all, err
}

// Mapping implements store.MappingReader.
func (r *reader) Mapping(source, number int64) (store.Mapping, error) {
	where, args := "source = ? ORDER BY number DESC LIMIT 1", []any{source}
	if number != 0 {
		where, args = "source = ? AND number = ?", []any{source, number}
	}
	return only(r.mappings(where, args...))
}

// only gives the one record that there is; store.ErrNotFound if there is none.
func only[T any](all []T, err error) (T, error) {
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return all[0], nil
}

// Mappings implements store.MappingReader.
func (r *reader) Mappings(source, before int64, limit int) ([]store.Mapping, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return r.mappings("source = ? AND number < ? ORDER BY number DESC LIMIT ?", source, before, limit)
}

// InsertMapping implements store.MappingWriter.
func (t *tx) InsertMapping(m store.Mapping) error {
	if err := storableAll(string(m.Document), m.Version, m.By); err != nil {
		return err
	}
	return t.returned("INSERT INTO mappings ("+mappingColumns+") VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING number",
		m.Tenant, m.Source, m.Number, string(m.Document), m.Version, m.By, micros(m.CreatedAt))
}

const rawColumns = "tenant, source, rid, recognized, data, rules, in_scope, at"

func (s *session) raws(where string, args ...any) ([]store.Raw, error) {
	var all []store.Raw
	err := s.eachOf(func(r rows) error {
		var x store.Raw
		var data string
		var at int64
		err := r.Scan(&x.ID, &x.Tenant, &x.Source, &x.RID, &x.Key, &data, &x.Rules, &x.InScope, &at)
		x.Data, x.At = []byte(data), instant(at)
		all = append(all, x)
		return err
	}, "SELECT id, "+rawColumns+" FROM raws WHERE "+where, args...)
	return all, err
}

// RawOf implements store.MappingReader.
func (r *reader) RawOf(source, rid int64) (store.Raw, error) {
	return only(r.raws("source = ? AND rid = ? AND rid <> 0", source, rid))
}

// RawsByKey implements store.MappingReader.
func (r *reader) RawsByKey(source int64, keys []string, limit int) ([]store.Raw, error) {
	b := (&builder{}).add("source = ? AND (", source)
	n := 0
	for _, key := range keys {
		if !storable(key) {
			continue
		}
		if n++; n > 1 {
			b.add(" OR ")
		}
		b.add("recognized = ?", key)
	}
	if n == 0 {
		return nil, nil
	}
	b.add(") ORDER BY id LIMIT ?", limit)
	return r.raws(b.sql(), b.args...)
}

// Raws implements store.MappingReader.
func (r *reader) Raws(source, after int64, limit int) ([]store.Raw, error) {
	return r.raws("source = ? AND id > ? ORDER BY id LIMIT ?", source, after, limit)
}

// PutRaw implements store.MappingWriter.
func (t *tx) PutRaw(r store.Raw) error {
	if err := storableAll(r.Key, string(r.Data)); err != nil {
		return err
	}
	if r.ID != 0 {
		return t.exec("UPDATE raws SET rid = ?, recognized = ?, data = ?, rules = ?, in_scope = ?, at = ? WHERE id = ?",
			r.RID, r.Key, string(r.Data), r.Rules, r.InScope, micros(r.At), r.ID)
	}
	return t.exec("INSERT INTO raws ("+rawColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		r.Tenant, r.Source, r.RID, r.Key, string(r.Data), r.Rules, r.InScope, micros(r.At))
}

// DeleteRaw implements store.MappingWriter.
func (t *tx) DeleteRaw(id int64) error { return t.exec("DELETE FROM raws WHERE id = ?", id) }

// ForgetRaws implements store.MappingWriter.
func (t *tx) ForgetRaws(tenant, rid int64) error {
	return t.exec("DELETE FROM raws WHERE tenant = ? AND rid = ? AND rid <> 0", tenant, rid)
}

// ForgetSaid implements store.MappingWriter.
func (t *tx) ForgetSaid(source int64) error {
	return t.exec("DELETE FROM raws WHERE source = ?", source)
}
