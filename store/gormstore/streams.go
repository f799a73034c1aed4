package gormstore

import (
	"encoding/json"
	"errors"

	"github.com/workspace-scim/workspace/store"
)

const streamColumns = `id, tenant, source, public_id, description, delivery, subjects, issuer, audience, events, endpoint, secret, paused, reason, created_by, created,
	position, acked, delivered, refused, last_error, last_error_at, failures, failing_since, next, holder, holder_until`

func (s *session) streams(where string, args ...any) ([]store.Stream, error) {
	var all []store.Stream
	err := s.eachOf(func(r rows) error {
		x, err := scanStream(r)
		all = append(all, x)
		return err
	}, "SELECT "+streamColumns+" FROM streams WHERE "+where, args...)
	return all, err
}

func scanStream(r rows) (store.Stream, error) {
	var x store.Stream
	var audience, events, acked, secret string
	var created, delivered, failedAt, since, next, until int64
	err := r.Scan(&x.ID, &x.Tenant, &x.Source, &x.PublicID, &x.Description, &x.Delivery, &x.Subjects, &x.Issuer, &audience, &events, &x.Endpoint, &secret,
		&x.Paused, &x.Reason, &x.CreatedBy, &created, &x.Position, &acked, &delivered, &x.Refused, &x.LastError, &failedAt, &x.Failures, &since, &next,
		&x.Holder, &until)
	if err != nil {
		return x, err
	}
	x.CreatedAt, x.DeliveredAt, x.LastErrorAt, x.FailingSince = instant(created), instant(delivered), instant(failedAt), instant(since)
	x.NextAt, x.HolderUntil, x.Authorization = instant(next), instant(until), docOrNil(secret)
	return x, errors.Join(json.Unmarshal([]byte(audience), &x.Audience), json.Unmarshal([]byte(events), &x.Events), json.Unmarshal([]byte(acked), &x.Acked))
}

// Stream implements store.StreamReader.
func (r *reader) Stream(tenant int64, id string) (store.Stream, error) {
	if !storable(id) {
		return store.Stream{}, store.ErrNotFound
	}
	all, err := r.streams("tenant = ? AND public_id = ?"+r.locking("UPDATE"), tenant, id)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Stream{}, err
	}
	return all[0], nil
}

// Streams implements store.StreamReader.
func (r *reader) Streams(tenant, source, after int64, limit int) ([]store.Stream, error) {
	if source == 0 {
		return r.streams("tenant = ? AND id > ? ORDER BY id LIMIT ?", tenant, after, limit)
	}
	return r.streams("tenant = ? AND source = ? AND id > ? ORDER BY id LIMIT ?", tenant, source, after, limit)
}

// PushStreams implements store.StreamReader.
func (r *reader) PushStreams() ([]store.Stream, error) {
	return r.streams(`delivery = 'push' AND NOT paused AND (source = 0 OR EXISTS (SELECT 1 FROM sources s CROSS JOIN tenants t
		WHERE s.id = streams.source AND s.mode <> 'disabled' AND t.id = s.tenant AND t.sync_enabled)) ORDER BY id`)
}

// LastEvent implements store.StreamReader.
func (r *reader) LastEvent(tenant int64) (int64, error) {
	before, _, err := r.seqs.settled(r.session)
	if err != nil {
		return 0, err
	}
	var last int64
	err = r.one([]any{&last}, "SELECT COALESCE(MAX(seq), 0) FROM events WHERE tenant = ? AND seq < ?", tenant, before)
	return last, err
}

// LinksTo implements store.StreamReader.
func (r *reader) LinksTo(source int64, rids []int64) ([]store.Link, error) {
	in, list := r.idList(rids)
	return r.readLinks(`SELECT l.rid, l.tenant, l.kind, l.source, COALESCE(l.external_id, ''), COALESCE(l.anchor, ''), l.state, l.version, l.created, l.modified, 0, ''
		FROM links l WHERE l.source = ? AND l.rid `+in+` ORDER BY l.rid`, source, list)
}

// SigningKeys implements store.StreamReader.
func (r *reader) SigningKeys() ([]store.SigningKey, error) {
	var all []store.SigningKey
	err := r.eachOf(func(rs rows) error {
		var k store.SigningKey
		var public, private string
		var created, retired int64
		err := rs.Scan(&k.ID, &public, &private, &created, &retired)
		k.Public, k.Private, k.CreatedAt, k.RetiredAt = []byte(public), docOrNil(private), instant(created), instant(retired)
		all = append(all, k)
		return err
	}, "SELECT id, public_key, private_key, created, retired FROM signing_keys ORDER BY created DESC, id")
	return all, err
}

// streamFields are the values of what UpdateStream writes, in its order.
func streamFields(x store.Stream) ([]any, error) {
	var texts []string
	for _, list := range []any{x.Audience, x.Events, x.Acked} {
		b, err := json.Marshal(list)
		if err != nil {
			return nil, err
		}
		texts = append(texts, string(b))
	}
	if err := storableAll(x.Description, x.Issuer, texts[0], texts[1], x.Endpoint, string(x.Authorization), x.Reason, x.LastError, x.Holder); err != nil {
		return nil, err
	}
	return []any{
		x.Description, x.Subjects, x.Issuer, texts[0], texts[1], x.Endpoint, string(x.Authorization), x.Paused, x.Reason, x.Position, texts[2],
		micros(x.DeliveredAt), x.Refused, x.LastError, micros(x.LastErrorAt), x.Failures, micros(x.FailingSince), micros(x.NextAt), x.Holder, micros(x.HolderUntil),
	}, nil
}

// InsertStream implements store.StreamWriter.
func (t *tx) InsertStream(x *store.Stream) error {
	fields, err := streamFields(*x)
	if err != nil {
		return err
	}
	if err := storableAll(x.PublicID, x.CreatedBy); err != nil {
		return err
	}
	return t.one([]any{&x.ID}, `INSERT INTO streams (description, subjects, issuer, audience, events, endpoint, secret, paused, reason, position, acked, delivered, refused,
		last_error, last_error_at, failures, failing_since, next, holder, holder_until, tenant, source, public_id, delivery, created_by, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		append(fields, x.Tenant, x.Source, x.PublicID, string(x.Delivery), x.CreatedBy, micros(x.CreatedAt))...)
}

// UpdateStream implements store.StreamWriter.
func (t *tx) UpdateStream(x store.Stream) error {
	fields, err := streamFields(x)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE streams SET description = ?, subjects = ?, issuer = ?, audience = ?, events = ?, endpoint = ?, secret = ?, paused = ?, reason = ?, position = ?,
		acked = ?, delivered = ?, refused = ?, last_error = ?, last_error_at = ?, failures = ?, failing_since = ?, next = ?, holder = ?, holder_until = ? WHERE id = ?`,
		append(fields, x.ID)...)
}

// DeleteStream implements store.StreamWriter.
func (t *tx) DeleteStream(id int64) error { return t.exec("DELETE FROM streams WHERE id = ?", id) }

// LockSigningKeys implements store.StreamWriter. On SQLite a writer is alone.
func (t *tx) LockSigningKeys() error {
	if !t.locks() {
		return nil
	}
	return t.effect("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
}

// PutSigningKey implements store.StreamWriter.
func (t *tx) PutSigningKey(k store.SigningKey) error {
	if err := storableAll(k.ID, string(k.Public), string(k.Private)); err != nil {
		return err
	}
	return t.exec(`INSERT INTO signing_keys (id, public_key, private_key, created, retired) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET private_key = excluded.private_key, retired = excluded.retired`,
		k.ID, string(k.Public), string(k.Private), micros(k.CreatedAt), micros(k.RetiredAt))
}

// DeleteSigningKey implements store.StreamWriter.
func (t *tx) DeleteSigningKey(id string) error {
	return t.exec("DELETE FROM signing_keys WHERE id = ?", id)
}
