package gormstore

import (
	"strings"
	"time"

	"github.com/workspace-scim/workspace/store"
)

const uploadColumns = "id, tenant, source, run, position, actor, txn, accepted, settled, data, status, action, external_id, display, subject, code, detail"

func (s *session) uploads(where string, args ...any) ([]store.UploadRecord, error) {
	var all []store.UploadRecord
	err := s.eachOf(func(r rows) error {
		var u store.UploadRecord
		var accepted, settled int64
		var data string
		err := r.Scan(&u.ID, &u.Tenant, &u.Source, &u.Run, &u.Position, &u.Actor, &u.Txn, &accepted, &settled, &data, &u.Status, &u.Action,
			&u.ExternalID, &u.Display, &u.Subject, &u.Code, &u.Detail)
		u.AcceptedAt, u.Data = instant(accepted), docOrNil(data)
		if u.Status != store.UploadWaiting {
			u.SettledAt = instant(settled)
		}
		all = append(all, u)
		return err
	}, "SELECT "+uploadColumns+" FROM uploads WHERE "+where, args...)
	return all, err
}

func (s *session) uploadJobs(sql string, args ...any) ([]store.UploadJob, error) {
	var all []store.UploadJob
	err := s.eachOf(func(r rows) error {
		var j store.UploadJob
		err := r.Scan(&j.Tenant, &j.Source, &j.Paused)
		all = append(all, j)
		return err
	}, "SELECT j.tenant, j.source, j.paused FROM upload_jobs j "+sql, args...)
	return all, err
}

// UploadJob implements store.UploadReader.
func (r *reader) UploadJob(source int64) (store.UploadJob, error) {
	all, err := r.uploadJobs("WHERE j.source = ?", source)
	if err != nil || len(all) == 0 {
		return store.UploadJob{Source: source}, err
	}
	return all[0], nil
}

// WaitingUploads implements store.UploadReader.
func (r *reader) WaitingUploads() ([]store.UploadJob, error) {
	return r.uploadJobs(`WHERE NOT j.paused AND EXISTS (SELECT 1 FROM uploads u WHERE u.source = j.source AND u.status = '')
		AND EXISTS (SELECT 1 FROM sources s WHERE s.id = j.source AND s.mode <> 'disabled') ORDER BY j.source`)
}

// CountUploads implements store.UploadReader.
func (r *reader) CountUploads(source int64, limit int) (n int, err error) {
	r.single()
	err = r.one([]any{&n}, "SELECT COUNT(*) FROM (SELECT 1 FROM uploads WHERE source = ? AND status = '' LIMIT ?) w", source, limit)
	return n, err
}

// Uploads implements store.UploadReader.
func (r *reader) Uploads(q store.UploadQuery) ([]store.UploadRecord, error) {
	b := (&builder{}).add("source = ? AND status <> ''", q.Source)
	if q.Status == store.UploadFailure {
		b.add(" AND status = 'failure'") // as its index has it
	}
	for _, c := range []struct{ column, text string }{
		{"run", q.Run}, {"external_id", q.ExternalID}, {"subject", q.Subject}, {"action", q.Action}, {"status", string(q.Status)},
	} {
		if !storable(c.text) {
			return nil, nil
		}
		if c.text != "" {
			b.add(" AND "+c.column+" = ?", c.text)
		}
	}
	for _, run := range q.NotRuns {
		if storable(run) {
			b.add(" AND run <> ?", run)
		}
	}
	if q.ID != 0 {
		b.add(" AND id = ?", q.ID)
	}
	if !q.Since.IsZero() {
		b.add(" AND settled >= ?", micros(q.Since))
	}
	if !q.Until.IsZero() {
		b.add(" AND settled < ?", micros(q.Until))
	}
	behind, order := "<", " DESC"
	if q.Oldest {
		behind, order = ">", ""
	}
	if !q.After.IsZero() {
		b.add(" AND (settled, id) "+behind+" (?, ?)", micros(q.After), q.AfterID)
	}
	b.add(" ORDER BY settled"+order+", id"+order+" LIMIT ?", q.Limit)
	return r.uploads(b.sql(), b.args...)
}

// Speaker implements store.UploadReader.
func (r *reader) Speaker(source int64) (store.Principal, error) {
	var t tenantRow
	var s sourceRow
	var domains string
	var stamp int64
	r.single()
	err := r.one([]any{&t.ID, &t.Slug, &t.DisplayName, &t.SyncEnabled, &t.SchemaVersion, &t.Features, &t.Created,
		&s.ID, &s.Tenant, &s.PublicID, &s.Name, &s.DisplayName, &s.Kind, &s.DirectoryDomain, &s.Mode, &s.Policies, &s.Created, &domains, &stamp},
		`SELECT t.id, t.slug, t.display_name, t.sync_enabled, t.schema_version, t.features, t.created,
			s.id, s.tenant, s.public_id, s.name, s.display_name, s.kind, s.directory_domain, s.mode, s.policies, s.created,
			COALESCE((SELECT string_agg(d.domain, ' ' ORDER BY d.position) FROM tenant_domains d WHERE d.tenant = t.id), ''), `+stampColumn+`
		FROM sources s CROSS JOIN tenants t WHERE s.id = ? AND t.id = s.tenant`, source)
	if err != nil {
		return store.Principal{}, err
	}
	p := store.Principal{Stamp: stamp}
	if p.Tenant, err = t.tenant(strings.Fields(domains)); err != nil {
		return store.Principal{}, err
	}
	p.Source, err = s.source()
	return p, err
}

// LockUploads implements store.UploadWriter.
func (t *tx) LockUploads(tenant, source int64) (store.UploadJob, error) {
	if err := t.exec("INSERT INTO upload_jobs (source, tenant, paused) VALUES (?, ?, FALSE) ON CONFLICT (source) DO NOTHING", source, tenant); err != nil {
		return store.UploadJob{}, err
	}
	all, err := t.uploadJobs("WHERE j.source = ?"+t.locking("UPDATE"), source)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.UploadJob{}, err
	}
	return all[0], nil
}

// PutUploadJob implements store.UploadWriter.
func (t *tx) PutUploadJob(j store.UploadJob) error {
	return t.exec("UPDATE upload_jobs SET paused = ? WHERE source = ?", j.Paused, j.Source)
}

// InsertUploads implements store.UploadWriter.
func (t *tx) InsertUploads(all []store.UploadRecord) error {
	for _, u := range all {
		if err := storableAll(u.Run, u.Actor, u.Txn, string(u.Data), u.Code, u.Detail); err != nil {
			return err
		}
		err := t.exec(`INSERT INTO uploads (tenant, source, run, position, actor, txn, accepted, settled, data, status, action, external_id, display, subject, code, detail)
			VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, '', '', '', '', '', ?, ?)`,
			u.Tenant, u.Source, u.Run, u.Position, u.Actor, u.Txn, micros(u.AcceptedAt), string(u.Data), u.Code, u.Detail)
		if err != nil {
			return err
		}
	}
	if len(all) == 0 {
		return nil
	}
	return t.exec("INSERT INTO upload_jobs (source, tenant, paused) VALUES (?, ?, FALSE) ON CONFLICT (source) DO NOTHING", all[0].Source, all[0].Tenant)
}

// NextUploads implements store.UploadWriter.
func (t *tx) NextUploads(source int64, limit int) ([]store.UploadRecord, error) {
	return t.uploads("source = ? AND status = '' ORDER BY id LIMIT ?", source, limit)
}

// SettleUpload implements store.UploadWriter.
func (t *tx) SettleUpload(u store.UploadRecord) error {
	if err := storableAll(u.ExternalID, u.Display, u.Subject, u.Code, u.Detail); err != nil {
		return err
	}
	return t.exec(`UPDATE uploads SET settled = ?, data = '', status = ?, action = ?, external_id = ?, display = ?, subject = ?, code = ?, detail = ?
		WHERE id = ? AND status = ''`,
		micros(u.SettledAt), string(u.Status), u.Action, u.ExternalID, u.Display, u.Subject, u.Code, u.Detail, u.ID)
}

// DeleteUploads implements store.UploadWriter.
func (t *tx) DeleteUploads(before time.Time, limit int) (int, error) {
	return t.deleteSome("uploads", `SELECT u.id FROM upload_jobs j CROSS JOIN uploads u WHERE u.source = j.source AND u.status <> '' AND u.settled < ? LIMIT ?`, micros(before), limit)
}

// DeleteRuns implements store.UploadWriter.
func (t *tx) DeleteRuns(kind string, before time.Time, limit int) (int, error) {
	return t.deleteSome("runs", `SELECT id FROM runs WHERE kind = ? AND state NOT IN ('queued', 'running', 'held', 'approved') AND ended < ? ORDER BY id LIMIT ?`,
		kind, micros(before), limit)
}

// deleteSome deletes the rows of a table whose ids a query gives.
func (t *tx) deleteSome(table, which string, args ...any) (int, error) {
	ids, err := t.ids(which, args...)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	in, list := t.idList(ids)
	return len(ids), t.exec("DELETE FROM "+table+" WHERE id "+in, list)
}
