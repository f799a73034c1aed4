package gormstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

const pushColumns = "p.tenant, p.source, p.run, p.started, p.last, p.counts, p.over_limit, p.held"

func scanPush(r rows, more ...any) (store.Push, error) {
	var p store.Push
	var counts string
	var started, last int64
	err := r.Scan(append([]any{&p.Tenant, &p.Source, &p.Run, &started, &last, &counts, &p.Over, &p.Held}, more...)...)
	if err != nil {
		return p, err
	}
	p.StartedAt, p.LastAt = instant(started), instant(last)
	if err := json.Unmarshal([]byte(counts), &p.Counts); err != nil {
		return p, fmt.Errorf("gormstore: counts of the push of source %d: %w", p.Source, err)
	}
	return p, nil
}

// LockPush implements store.PushWriter. What stands beside the row is read by a
// statement of its own, after the lock: that one sees what those before it wrote.
func (t *tx) LockPush(tenant, source int64) (store.Push, error) {
	never := micros(time.Time{})
	err := t.exec(`INSERT INTO pushes (source, tenant, run, started, last, counts, over_limit, held)
		SELECT s.id, s.tenant, '', CAST(? AS BIGINT), CAST(? AS BIGINT), '{}', '', 0 FROM sources s WHERE s.id = ? AND s.tenant = ? ON CONFLICT DO NOTHING`, never, never, source, tenant)
	if err == nil && t.locks() {
		err = t.effect("SELECT 1 FROM pushes p WHERE p.source = ? FOR UPDATE", source)
	}
	if err != nil {
		return store.Push{}, err
	}
	const kind = "(SELECT COALESCE(SUM(c.n), 0) FROM counts c WHERE c.scope = p.source AND c.kind = ?)"
	var all []store.Push
	err = t.each(func(r rows) error {
		var document string
		var users, groups, members int64
		p, err := scanPush(r, &document, &users, &groups, &members)
		if document != "" {
			p.Configuration = []byte(document)
		}
		p.Users, p.Groups = users+t.deltas[counter{source, schema.User}], groups+t.deltas[counter{source, schema.Group}]
		p.Memberships = members + t.deltas[counter{source, countedMemberships}]
		all = append(all, p)
		return err
	}, "SELECT "+pushColumns+", COALESCE((SELECT c.document FROM configurations c WHERE c.source = p.source ORDER BY c.version DESC LIMIT 1), ''), "+
		kind+", "+kind+", "+kind+" FROM pushes p WHERE p.source = ? AND p.tenant = ?", schema.User, schema.Group, countedMemberships, source, tenant)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Push{}, err
	}
	return all[0], nil
}

// PutPush implements store.PushWriter.
func (t *tx) PutPush(p store.Push) error {
	if err := storableAll(p.Run, p.Over); err != nil {
		return err
	}
	counts, err := json.Marshal(p.Counts)
	if err != nil {
		return err
	}
	return t.exec("UPDATE pushes SET run = ?, started = ?, last = ?, counts = ?, over_limit = ?, held = ? WHERE source = ? AND tenant = ?",
		p.Run, micros(p.StartedAt), micros(p.LastAt), string(counts), p.Over, p.Held, p.Source, p.Tenant)
}

// Pushes implements store.PushReader.
func (r *reader) Pushes(before time.Time, limit int) ([]store.Push, error) {
	var all []store.Push
	err := r.eachOf(func(rs rows) error {
		p, err := scanPush(rs)
		all = append(all, p)
		return err
	}, "SELECT "+pushColumns+" FROM pushes p WHERE p.run <> '' AND p.last < ? ORDER BY p.last LIMIT ?", micros(before), limit)
	return all, err
}

// Losses implements store.PushReader.
func (r *reader) Losses(source, group int64, push time.Time, most int64) (removed, left int64, err error) {
	err = r.one([]any{&removed, &left}, `SELECT COALESCE((SELECT l.removed FROM push_losses l WHERE l.source = ? AND l.grp = ? AND l.started = ?), 0),
		(SELECT COUNT(*) FROM (SELECT 1 FROM members WHERE grp = ? AND source = ? LIMIT ?) m)`, source, group, micros(push), group, source, most)
	return removed, left, err
}

// AddLosses implements store.PushWriter.
func (t *tx) AddLosses(source, group int64, push time.Time, removed int64) error {
	return t.exec(`INSERT INTO push_losses (source, grp, started, removed) VALUES (?, ?, ?, ?)
		ON CONFLICT (source, grp) DO UPDATE SET started = excluded.started,
			removed = excluded.removed + CASE WHEN push_losses.started = excluded.started THEN push_losses.removed ELSE 0 END`, source, group, micros(push), removed)
}

// CountMemberships implements store.PushReader.
func (r *reader) CountMemberships(source, rid, most int64) (int64, error) {
	var n int64
	err := r.one([]any{&n}, `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM members WHERE member = ? AND source = ? LIMIT ?) a)
		+ (SELECT COUNT(*) FROM (SELECT 1 FROM members WHERE grp = ? AND source = ? LIMIT ?) b)`, rid, source, most, rid, source, most)
	return min(n, most), err
}

// CountRun implements store.PushWriter.
func (t *tx) CountRun(tenant int64, run string, counts *store.RunCounts, at time.Time) error {
	b := (&builder{}).add("UPDATE runs SET updated = ?, version = version + 1, plan_hash = NULL, plan_size = 0", micros(at))
	if counts != nil {
		text, err := json.Marshal(counts)
		if err != nil {
			return err
		}
		b.add(", counts = ?", string(text))
	}
	b.add(" WHERE public_id = ? AND tenant = ? AND state IN ('running', 'held')", run, tenant)
	return t.exec(b.sql(), b.args...)
}

const heldColumns = `h.id, h.tenant, h.source, h.rid, h.run, h.gone, h.attributes, h.at,
	(SELECT COUNT(*) FROM held_members m WHERE m.source = h.source AND m.grp = h.rid)`

func (s *session) held(where string, args ...any) ([]store.HeldChange, error) {
	var all []store.HeldChange
	err := s.eachOf(func(r rows) error {
		var h store.HeldChange
		var gone, at int64
		var attributes string
		err := r.Scan(&h.ID, &h.Tenant, &h.Source, &h.RID, &h.Run, &gone, &attributes, &at, &h.Members)
		if h.Delete, h.At = gone == 1, instant(at); attributes != "" {
			h.Attributes = []byte(attributes)
		}
		all = append(all, h)
		return err
	}, "SELECT "+heldColumns+" FROM held h WHERE "+where, args...)
	return all, err
}

// HeldChange implements store.PushReader.
func (r *reader) HeldChange(source, rid int64) (store.HeldChange, error) {
	all, err := r.held("h.source = ? AND h.rid = ?", source, rid)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.HeldChange{}, err
	}
	return all[0], nil
}

// HeldChanges implements store.PushReader.
func (r *reader) HeldChanges(source int64, run string, after int64, limit int) ([]store.HeldChange, error) {
	if !storable(run) {
		return nil, nil
	}
	return r.held("h.run = ? AND h.source = ? AND h.id > ? ORDER BY h.id LIMIT ?", run, source, after, limit)
}

// HeldMembers implements store.PushReader.
func (r *reader) HeldMembers(source, group, after int64, limit int) ([]store.Member, error) {
	var all []store.Member
	err := r.eachOf(func(rs rows) error {
		var m store.Member
		err := rs.Scan(&m.RID, &m.ID, &m.Kind, &m.Display)
		all = append(all, m)
		return err
	}, "SELECT r.rid, r.id, r.kind, r.display FROM held_members m"+r.lookup("resources", "r", "rid", "m.member")+
		" WHERE m.source = ? AND m.grp = ? AND m.member > ? ORDER BY m.member LIMIT ?", source, group, after, limit)
	return all, err
}

// HeldAmong implements store.PushReader.
func (r *reader) HeldAmong(source, group int64, members []int64) ([]int64, error) {
	in, arg := r.idList(unique(members))
	return r.ids("SELECT member FROM held_members WHERE source = ? AND grp = ? AND member "+in+" ORDER BY member", source, group, arg)
}

// DecidedPushes implements store.PushReader.
func (r *reader) DecidedPushes(limit int) ([]store.Run, error) {
	return r.runs("public_id IN (SELECT h.run FROM held h) AND kind = 'push' AND state NOT IN ('running', 'held') ORDER BY id LIMIT ?", limit)
}

// PutHeld implements store.PushWriter.
func (t *tx) PutHeld(h store.HeldChange) error {
	if err := storableAll(h.Run, string(h.Attributes)); err != nil {
		return err
	}
	if err := t.owned(h.Tenant, h.RID); err != nil {
		return err
	}
	return t.exec(`INSERT INTO held (tenant, source, rid, run, gone, attributes, at) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (source, rid) DO UPDATE SET gone = excluded.gone, attributes = excluded.attributes`,
		h.Tenant, h.Source, h.RID, h.Run, one(h.Delete), string(h.Attributes), micros(h.At))
}

// HoldMembers implements store.PushWriter.
func (t *tx) HoldMembers(source, group int64, members []int64) ([]int64, error) {
	list, arg := t.intRows(unique(members))
	return t.sorted("INSERT INTO held_members (source, grp, member) SELECT h.source, h.rid, v FROM "+list+
		" CROSS JOIN held h WHERE h.source = ? AND h.rid = ? ON CONFLICT DO NOTHING RETURNING member", arg, source, group)
}

// ReleaseMembers implements store.PushWriter.
func (t *tx) ReleaseMembers(source, group int64, members []int64) ([]int64, error) {
	in, arg := t.idList(unique(members))
	return t.sorted("DELETE FROM held_members WHERE source = ? AND grp = ? AND member "+in+" RETURNING member", source, group, arg)
}

// DeleteHeld implements store.PushWriter.
func (t *tx) DeleteHeld(source, rid int64) error {
	return errors.Join(
		t.exec("DELETE FROM held_members WHERE source = ? AND grp = ?", source, rid),
		t.exec("DELETE FROM held WHERE source = ? AND rid = ?", source, rid))
}
