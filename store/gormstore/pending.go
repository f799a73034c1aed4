package gormstore

import (
	"fmt"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Parked implements store.Reader.
func (r *reader) Parked(source int64, ref string) ([]store.Parked, error) {
	if !storable(ref) || r.free[parkedMemo(source, ref)] {
		return nil, nil
	}
	if err := r.meet(refPoint(source, ref)); err != nil {
		return nil, err
	}
	// Who doesn't wait any more since, by a change that isn't committed yet, isn't
	// found afterwards.
	if err := r.lock("SELECT 1 FROM resources r WHERE r.rid IN (SELECT p.rid FROM parked p WHERE p.source = ? AND p.ref = ?)", source, ref); err != nil {
		return nil, err
	}
	var out []store.Parked
	err := r.each(func(rs rows) error {
		p := store.Parked{Source: source, Ref: ref}
		err := rs.Scan(&p.Tenant, &p.Kind, &p.RID)
		out = append(out, p)
		return err
	}, "SELECT tenant, kind, rid FROM parked WHERE source = ? AND ref = ? ORDER BY kind, rid", source, ref)
	return out, err
}

// ParkedMembers implements store.Reader.
func (r *reader) ParkedMembers(source, group int64) ([]string, error) {
	var out []string
	err := r.each(func(rs rows) error {
		var ref string
		err := rs.Scan(&ref)
		out = append(out, ref)
		return err
	}, "SELECT ref FROM parked WHERE rid = ? AND source = ? AND kind = ? ORDER BY ref", group, source, store.ParkedMember)
	return out, err
}

func parkedMemo(source int64, ref string) string { return fmt.Sprint("p", source, "/", ref) }

// Park implements store.Tx.
func (t *tx) Park(p store.Parked) error {
	if !storable(p.Ref) {
		return errUnstorable
	}
	if err := t.stillMissing(p); err != nil {
		return err
	}
	delete(t.free, parkedMemo(p.Source, p.Ref))
	return t.exec("INSERT INTO parked (source, ref, kind, rid, tenant) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", p.Source, p.Ref, p.Kind, p.RID, p.Tenant)
}

// stillMissing looks, once nobody can interfere, whether what this transaction
// has not found has arrived since. Then it is run again, and finds it.
func (t *tx) stillMissing(p store.Parked) error {
	if !t.locks() {
		return nil
	}
	if err := t.meet(refPoint(p.Source, p.Ref)); err != nil {
		return err
	}
	arrived, err := t.ids(`SELECT kind FROM links WHERE source = ? AND kind IN (1, 2) AND external_id = ?
		UNION SELECT 0 - kind FROM links WHERE source = ? AND kind IN (1, 2) AND anchor = ?`, p.Source, p.Ref, p.Source, p.Ref)
	for _, kind := range arrived {
		memo := externalMemo(p.Source, schema.Kind(kind), p.Ref)
		if kind < 0 { // by its anchor
			memo = anchorMemo(p.Tenant, schema.Kind(-kind), p.Ref)
		}
		if t.free[memo] {
			return t.lose(errOvertaken)
		}
	}
	return err
}

// Unpark implements store.Tx.
func (t *tx) Unpark(p store.Parked) error {
	if !storable(p.Ref) {
		return nil
	}
	return t.exec("DELETE FROM parked WHERE source = ? AND ref = ? AND kind = ? AND rid = ?", p.Source, p.Ref, p.Kind, p.RID)
}
