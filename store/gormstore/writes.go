package gormstore

import (
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// tx implements store.Tx.
type tx struct{ reader }

var _ store.Tx = (*tx)(nil)

// uniqueMemo names a unique key in what a transaction has learned.
func uniqueMemo(tenant int64, kind schema.Kind, key string) string {
	return fmt.Sprint("u", tenant, "/", kind, "/", key)
}

// checkFree answers ErrExists if a row that would break a unique key is there:
// where writes are kept for later, a broken key would end the transaction. The
// query must give the rows in the way. SQLite tells by itself, at once.
func (s *session) checkFree(sql string, args ...any) error {
	if !s.locks() {
		return nil
	}
	taken, err := s.ids(sql+" LIMIT 1", args...)
	if err == nil && len(taken) > 0 {
		err = errUnique
	}
	return err
}

// nullable gives NULL for "", so that it holds no unique key.
func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// InsertResource implements store.Tx.
func (t *tx) InsertResource(r *store.Resource) error {
	if err := storableAll(r.ID, r.UniqueKey, r.Display, r.Class); err != nil {
		return err
	}
	memo := uniqueMemo(r.Tenant, r.Kind, r.UniqueKey)
	if t.verify || !t.free[memo] {
		err := t.checkFree(`SELECT r.rid FROM resources r WHERE r.tenant = ? AND r.id = ?
			UNION ALL SELECT r.rid FROM resources r WHERE r.tenant = ? AND r.kind = ? AND r.unique_key = ? AND r.state <= 2 AND ?`,
			r.Tenant, r.ID, r.Tenant, r.Kind, r.UniqueKey, r.State.Visible())
		if err != nil {
			return err
		}
	}
	if err := t.changing(r.Tenant); err != nil {
		return err
	}
	rid, err := t.rids.next(t.session)
	if err != nil {
		return err
	}
	err = t.exec(`INSERT INTO resources (rid, tenant, kind, id, unique_key, display, authority, chosen, class, state, state_at, version, created, modified, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		rid, r.Tenant, r.Kind, r.ID, nullable(r.UniqueKey), r.Display, r.Authority, r.Chosen, r.Class, r.State, micros(r.StateAt),
		r.Version, micros(r.CreatedAt), micros(r.ModifiedAt), string(r.Doc))
	if err != nil {
		return err
	}
	r.RID = rid
	delete(t.free, memo)
	t.learn(rid, r.Tenant)
	t.fresh[rid] = true
	t.entered(-r.Tenant, r.Kind, one(r.State.Visible()), true)
	return t.reindex(indexRows{tenant: r.Tenant, rid: rid}, nil, r.Keys)
}

// UpdateResource implements store.Tx.
func (t *tx) UpdateResource(before, r *store.Resource) error {
	if err := storableAll(r.UniqueKey, r.Display, r.Class); err != nil {
		return err
	}
	if err := t.owned(r.Tenant, r.RID); err != nil {
		return err
	}
	holds := r.State.Visible() && r.UniqueKey != ""
	if holds && (!before.State.Visible() || before.UniqueKey != r.UniqueKey) {
		err := t.checkFree("SELECT r.rid FROM resources r WHERE r.tenant = ? AND r.kind = ? AND r.unique_key = ? AND r.state <= 2 AND r.rid <> ?",
			r.Tenant, r.Kind, r.UniqueKey, r.RID)
		if err != nil {
			return err
		}
		delete(t.free, uniqueMemo(r.Tenant, r.Kind, r.UniqueKey))
	}
	if err := t.changing(r.Tenant); err != nil {
		return err
	}
	err := t.exec(`UPDATE resources SET unique_key = ?, display = ?, authority = ?, chosen = ?, class = ?, state = ?, state_at = ?, version = ?, created = ?, modified = ?, doc = ?
		WHERE rid = ? AND tenant = ?`,
		nullable(r.UniqueKey), r.Display, r.Authority, r.Chosen, r.Class, r.State, micros(r.StateAt), r.Version, micros(r.CreatedAt), micros(r.ModifiedAt), string(r.Doc),
		r.RID, r.Tenant)
	if err != nil {
		return err
	}
	t.entered(-r.Tenant, r.Kind, one(r.State.Visible())-one(before.State.Visible()), false)
	return t.reindex(indexRows{tenant: r.Tenant, rid: r.RID}, before.Keys, r.Keys)
}

// Touch implements store.Tx.
func (t *tx) Touch(rid, source int64, resource, link bool, at time.Time) error {
	if resource {
		if err := t.exec("UPDATE resources SET version = version + 1, modified = ? WHERE rid = ?", micros(at), rid); err != nil {
			return err
		}
	}
	if link {
		return t.exec("UPDATE links SET version = version + 1, modified = ? WHERE rid = ? AND source = ?", micros(at), rid, source)
	}
	return nil
}

func storableAll(texts ...string) error {
	for _, s := range texts {
		if !storable(s) {
			return errUnstorable
		}
	}
	return nil
}
