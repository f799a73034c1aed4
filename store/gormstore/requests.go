package gormstore

import (
	"errors"
	"time"

	"github.com/workspace-scim/workspace/store"
)

func (s *session) requests(where string, args ...any) ([]store.Request, error) {
	var all []store.Request
	err := s.eachOf(func(r rows) error {
		var q store.Request
		var body, result string
		var accepted, settled int64
		err := r.Scan(&q.ID, &q.Tenant, &q.Source, &q.Admin, &q.Actor, &q.Txn, &q.Method, &q.Endpoint, &q.Target, &q.Query, &q.IfMatch, &q.Base, &body,
			&accepted, &settled, &result)
		q.Body, q.Result, q.AcceptedAt = docOrNil(body), docOrNil(result), instant(accepted)
		if settled != 0 {
			q.SettledAt = instant(settled)
		}
		all = append(all, q)
		return err
	}, `SELECT q.id, q.tenant, q.source, q.admin, q.actor, q.txn, q.method, q.endpoint, q.target, q.query, q.if_match, q.base, q.body, q.accepted, q.settled, q.result
		FROM requests q WHERE `+where, args...)
	return all, err
}

// Request implements store.RequestReader.
func (r *reader) Request(tenant int64, txn string) (store.Request, error) {
	if !storable(txn) {
		return store.Request{}, store.ErrNotFound
	}
	all, err := r.requests("q.tenant = ? AND q.txn = ?", tenant, txn)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Request{}, err
	}
	return all[0], nil
}

// WaitingRequests implements store.RequestReader.
func (r *reader) WaitingRequests() ([]int64, error) {
	r.single()
	return r.ids("SELECT DISTINCT source FROM requests WHERE settled = 0 ORDER BY source")
}

// CountRequests implements store.RequestReader.
func (r *reader) CountRequests(source int64, limit int) (n int, err error) {
	r.single()
	err = r.one([]any{&n}, "SELECT COUNT(*) FROM (SELECT 1 FROM requests WHERE source = ? AND settled = 0 LIMIT ?) w", source, limit)
	return n, err
}

// InsertRequest implements store.RequestWriter.
func (t *tx) InsertRequest(q *store.Request) error {
	if err := storableAll(q.Actor, q.Txn, q.Method, q.Endpoint, q.Target, q.Query, q.IfMatch, q.Base, string(q.Body)); err != nil {
		return err
	}
	var id int64
	err := t.returnedID(&id, `INSERT INTO requests (tenant, source, admin, actor, txn, method, endpoint, target, query, if_match, base, body, accepted, settled, result)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '') ON CONFLICT (txn) DO NOTHING RETURNING id`,
		q.Tenant, q.Source, q.Admin, q.Actor, q.Txn, q.Method, q.Endpoint, q.Target, q.Query, q.IfMatch, q.Base, string(q.Body), micros(q.AcceptedAt))
	if err == nil {
		q.ID = id
	}
	return err
}

// ClaimRequests implements store.RequestWriter. Who has the lock reads after it, in
// a statement of its own, and so sees what the one before it committed.
func (t *tx) ClaimRequests(source int64) (next string, err error) {
	if free, err := t.tryRequests(source); err != nil || !free {
		return "", err
	}
	err = t.one([]any{&next}, "SELECT txn FROM requests WHERE source = ? AND settled = 0 ORDER BY id LIMIT 1", source)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return next, err
}

// SettleRequest implements store.RequestWriter.
func (t *tx) SettleRequest(q store.Request) error {
	if err := storableAll(string(q.Result)); err != nil {
		return err
	}
	return t.exec("UPDATE requests SET settled = ?, result = ?, body = '' WHERE id = ?", micros(q.SettledAt), string(q.Result), q.ID)
}

// DeleteRequests implements store.RequestWriter.
func (t *tx) DeleteRequests(before time.Time, limit int) (int, error) {
	return t.deleteSome("requests", "SELECT id FROM requests WHERE settled <> 0 AND settled < ? ORDER BY settled LIMIT ?", micros(before), limit)
}
