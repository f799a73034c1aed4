package gormstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// found gives a lookup's error its meaning. Find, unlike Take, tells an absent
// row by the count, which no logger takes for an error.
func found(db *gorm.DB) error {
	if db.Error == nil && db.RowsAffected == 0 {
		return store.ErrNotFound
	}
	return controlError(db.Error)
}

func controlError(err error) error {
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return fmt.Errorf("%w: %w", errUnique, err)
	}
	if mapped, ended := sqliteError(err); ended {
		return mapped
	}
	return postgresError(err)
}

// Tenant implements store.ControlReader.
func (r *reader) Tenant(slug string) (store.Tenant, error) {
	if !storable(slug) {
		return store.Tenant{}, store.ErrNotFound
	}
	return r.oneTenant("slug = ?", slug)
}

// TenantByID implements store.ControlReader.
func (r *reader) TenantByID(id int64) (store.Tenant, error) { return r.oneTenant("id = ?", id) }

func (r *reader) oneTenant(where string, arg any) (store.Tenant, error) {
	tenants, err := r.tenants(where, arg)
	if err == nil && len(tenants) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Tenant{}, err
	}
	return tenants[0], nil
}

// Tenants implements store.ControlReader, in the order of their ids.
func (r *reader) Tenants() ([]store.Tenant, error) { return r.tenants("1 = 1") }

func (s *session) tenants(where string, args ...any) ([]store.Tenant, error) {
	db, err := s.orm()
	if err != nil {
		return nil, err
	}
	var found []tenantRow
	if err := db.Where(where, args...).Order("id").Find(&found).Error; err != nil {
		return nil, controlError(err)
	}
	var domains []domainRow
	ids := db.Session(&gorm.Session{}).Model(&tenantRow{}).Select("id").Where(where, args...)
	if err := db.Where("tenant IN (?)", ids).Order("tenant, position").Find(&domains).Error; err != nil {
		return nil, controlError(err)
	}
	of := map[int64][]string{}
	for _, d := range domains {
		of[d.Tenant] = append(of[d.Tenant], d.Domain)
	}
	var out []store.Tenant
	for _, t := range found {
		tenant, err := t.tenant(of[t.ID])
		if err != nil {
			return nil, err
		}
		out = append(out, tenant)
	}
	return out, nil
}

// Source implements store.ControlReader.
func (r *reader) Source(tenant int64, name string) (store.Source, error) {
	return r.source("tenant = ? AND name = ?", tenant, name)
}

// SourceByPublicID implements store.ControlReader.
func (r *reader) SourceByPublicID(id string) (store.Source, error) {
	return r.source("public_id = ?", id)
}

func (s *session) source(where string, args ...any) (store.Source, error) {
	if text, ok := args[len(args)-1].(string); ok && !storable(text) {
		return store.Source{}, store.ErrNotFound
	}
	db, err := s.orm()
	if err != nil {
		return store.Source{}, err
	}
	var row sourceRow
	if err := found(db.Where(where, args...).Limit(1).Find(&row)); err != nil {
		return store.Source{}, err
	}
	return row.source()
}

// Sources implements store.ControlReader.
func (r *reader) Sources(tenant int64) ([]store.Source, error) {
	db, err := r.orm()
	if err != nil {
		return nil, err
	}
	var found []sourceRow
	if err := db.Where("tenant = ?", tenant).Order("id").Find(&found).Error; err != nil {
		return nil, controlError(err)
	}
	var out []store.Source
	for _, row := range found {
		source, err := row.source()
		if err != nil {
			return nil, err
		}
		out = append(out, source)
	}
	return out, nil
}

// Tokens implements store.ControlReader.
func (r *reader) Tokens(tenant int64) ([]store.Token, error) {
	db, err := r.orm()
	if err != nil {
		return nil, err
	}
	var found []tokenRow
	err = db.Where("tenant = ?", tenant).Order("id").Find(&found).Error
	var out []store.Token
	for _, row := range found {
		out = append(out, row.token())
	}
	return out, controlError(err)
}

// Federations implements store.ControlReader.
func (r *reader) Federations(source int64) ([]store.Federation, error) {
	db, err := r.orm()
	if err != nil {
		return nil, err
	}
	var found []federationRow
	err = db.Where("source = ?", source).Order("issuer, tenant_id, subject").Find(&found).Error
	var out []store.Federation
	for _, row := range found {
		out = append(out, store.Federation(row))
	}
	return out, controlError(err)
}

// CustomAttributes implements store.ControlReader.
func (r *reader) CustomAttributes(tenant int64) ([]schema.Custom, error) {
	db, err := r.orm()
	if err != nil {
		return nil, err
	}
	var found []attributeRow
	err = db.Where("tenant = ?", tenant).Order("number").Find(&found).Error
	var out []schema.Custom
	for _, row := range found {
		out = append(out, row.custom())
	}
	return out, controlError(err)
}

// create inserts a row. What is taken is told by the count, because an error
// would end a transaction of PostgreSQL.
func (s *session) create(row any, texts ...string) error {
	if err := storableAll(texts...); err != nil {
		return err
	}
	db, err := s.orm()
	if err != nil {
		return err
	}
	db = db.Clauses(clause.OnConflict{DoNothing: true}).Create(row)
	if db.Error == nil && db.RowsAffected == 0 {
		return errUnique
	}
	return controlError(db.Error)
}

// CreateTenant implements store.ControlWriter.
func (t *tx) CreateTenant(n *store.Tenant, workspacePublicID string) error {
	row := tenantRow{Slug: n.Slug, DisplayName: n.DisplayName, SyncEnabled: n.SyncEnabled, SchemaVersion: n.SchemaVersion, Features: noFeatures, Created: micros(n.CreatedAt)}
	if err := t.create(&row, n.Slug, n.DisplayName); err != nil {
		return err
	}
	if err := t.putDomains(row.ID, n.Domains); err != nil {
		return err
	}
	n.ID = row.ID
	return t.CreateSource(&store.Source{Tenant: n.ID, PublicID: workspacePublicID, Name: string(store.SourceWorkspace),
		Kind: store.SourceWorkspace, Mode: store.ModeActive, CreatedAt: n.CreatedAt})
}

func (t *tx) putDomains(tenant int64, domains []string) error {
	if err := t.exec("DELETE FROM tenant_domains WHERE tenant = ?", tenant); err != nil {
		return err
	}
	for i, d := range domains {
		if err := t.exec("INSERT INTO tenant_domains (tenant, position, domain) VALUES (?, ?, ?)", tenant, i, d); err != nil {
			return err
		}
	}
	return nil
}

// UpdateTenant implements store.ControlWriter.
func (t *tx) UpdateTenant(n *store.Tenant) error {
	if err := storableAll(append([]string{n.DisplayName}, n.Domains...)...); err != nil {
		return err
	}
	err := t.update(&tenantRow{ID: n.ID}, "id = ?", n.ID, map[string]any{"display_name": n.DisplayName, "sync_enabled": n.SyncEnabled, "schema_version": n.SchemaVersion})
	if err != nil {
		return err
	}
	if err := t.putDomains(n.ID, n.Domains); err != nil {
		return err
	}
	return t.restamp()
}

// SetFeatures implements store.ControlWriter.
func (t *tx) SetFeatures(tenant int64, features map[string]bool) error {
	text := []byte(noFeatures)
	if len(features) > 0 {
		var err error
		if text, err = json.Marshal(features); err != nil {
			return err
		}
	}
	if err := storableAll(string(text)); err != nil {
		return err
	}
	if err := t.update(&tenantRow{ID: tenant}, "id = ?", tenant, map[string]any{"features": string(text)}); err != nil {
		return err
	}
	return t.restamp()
}

// update writes columns of one row; ErrNotFound if it isn't there, or isn't
// that tenant's.
func (t *tx) update(row any, where string, tenant int64, columns map[string]any) error {
	db, err := t.orm()
	if err != nil {
		return err
	}
	return found(db.Model(row).Where(where, tenant).Updates(columns))
}

// CreateSource implements store.ControlWriter.
func (t *tx) CreateSource(s *store.Source) error {
	row, err := newSourceRow(s)
	if err != nil {
		return err
	}
	if err := t.create(&row, row.PublicID, row.Name, row.DisplayName, row.DirectoryDomain, row.Policies); err != nil {
		return err
	}
	s.ID = row.ID
	return nil
}

// UpdateSource implements store.ControlWriter.
func (t *tx) UpdateSource(s *store.Source) error {
	row, err := newSourceRow(s)
	if err == nil {
		err = storableAll(row.DisplayName)
	}
	if err != nil {
		return err
	}
	err = t.update(&sourceRow{ID: s.ID}, "tenant = ?", s.Tenant, map[string]any{"display_name": row.DisplayName, "mode": row.Mode, "policies": row.Policies})
	if err != nil {
		return err
	}
	return t.restamp()
}

// CreateToken implements store.ControlWriter.
func (t *tx) CreateToken(n *store.Token) error {
	row := newTokenRow(n)
	if err := t.create(&row, row.Subject, row.Prefix); err != nil {
		return err
	}
	n.ID = row.ID
	return nil
}

// UpdateToken implements store.ControlWriter.
func (t *tx) UpdateToken(n *store.Token) error {
	err := t.update(&tokenRow{ID: n.ID}, "tenant = ?", n.Tenant, map[string]any{"expires": micros(n.ExpiresAt), "revoked": micros(n.RevokedAt), "last_used": micros(n.LastUsedAt)})
	if err != nil {
		return err
	}
	return t.restamp()
}

// UseToken implements store.ControlWriter.
func (t *tx) UseToken(id int64, at time.Time) error {
	return t.exec("UPDATE tokens SET last_used = ? WHERE id = ? AND last_used < ?", micros(at), id, micros(at))
}

// DeleteExpiredTokens implements store.ControlWriter.
func (t *tx) DeleteExpiredTokens(before time.Time) error {
	return t.exec("DELETE FROM tokens WHERE kind IN ('access', 'code') AND expires < ? AND expires <> ?", micros(before), micros(time.Time{}))
}

// PutFederation implements store.ControlWriter: one of a source is known by its
// issuer, tenant and subject.
func (t *tx) PutFederation(f *store.Federation) error {
	if err := storableAll(f.Issuer, f.TenantID, f.Audience, f.Subject, f.KeysURL); err != nil {
		return err
	}
	db, err := t.orm()
	if err != nil {
		return err
	}
	row := federationRow(*f)
	return controlError(db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error)
}

// maxCustomAttributes is how many a tenant may declare.
const maxCustomAttributes = 200

// DeclareAttribute implements store.ControlWriter.
func (t *tx) DeclareAttribute(tenant int64, c *schema.Custom) error {
	if err := t.lockTenant(tenant); err != nil {
		return err
	}
	declared, err := t.CustomAttributes(tenant)
	if err != nil {
		return err
	}
	number := schema.CustomIndex
	for _, d := range declared {
		if foldedAttribute(d) == foldedAttribute(*c) {
			*c = d
			return nil
		}
		number = max(number, d.Index+1)
	}
	if len(declared) >= maxCustomAttributes {
		return fmt.Errorf("gormstore: more than %d custom attributes: %w", maxCustomAttributes, store.ErrTooMany)
	}
	row := attributeRow{Tenant: tenant, Number: number, URN: c.URN, Name: c.Name, Folded: foldedAttribute(*c), Type: c.Type}
	if err := t.create(&row, c.URN, c.Name); err != nil {
		return err
	}
	c.Index = number
	if err := t.exec("UPDATE tenants SET schema_version = schema_version + 1 WHERE id = ?", tenant); err != nil {
		return err
	}
	return t.restamp()
}

// lockTenant makes declarations of one tenant wait for each other.
func (t *tx) lockTenant(tenant int64) error {
	sql := "SELECT id FROM tenants WHERE id = ?"
	if t.locks() {
		sql += " FOR UPDATE"
	}
	var id int64
	return t.one([]any{&id}, sql, tenant)
}

// Authenticate implements store.ControlReader. It runs for each request, so it
// is one statement, without gorm. An admin token stands for the tenant's
// workspace source.
func (r *reader) Authenticate(hash []byte) (store.Principal, error) {
	var k tokenRow
	var t tenantRow
	var s sourceRow
	var domains string
	var stamp int64
	r.single()
	err := r.one([]any{&k.ID, &k.Tenant, &k.Source, &k.Subject, &k.Kind, &k.Prefix, &k.Hash, &k.Created, &k.Expires, &k.Revoked, &k.LastUsed,
		&t.ID, &t.Slug, &t.DisplayName, &t.SyncEnabled, &t.SchemaVersion, &t.Features, &t.Created,
		&s.ID, &s.Tenant, &s.PublicID, &s.Name, &s.DisplayName, &s.Kind, &s.DirectoryDomain, &s.Mode, &s.Policies, &s.Created, &domains, &stamp},
		`SELECT k.id, k.tenant, k.source, k.subject, k.kind, k.prefix, k.hash, k.created, k.expires, k.revoked, k.last_used,
			t.id, t.slug, t.display_name, t.sync_enabled, t.schema_version, t.features, t.created,
			s.id, s.tenant, s.public_id, s.name, s.display_name, s.kind, s.directory_domain, s.mode, s.policies, s.created,
			COALESCE((SELECT string_agg(d.domain, ' ' ORDER BY d.position) FROM tenant_domains d WHERE d.tenant = t.id), ''), `+stampColumn+`
		FROM tokens k CROSS JOIN tenants t CROSS JOIN sources s
		WHERE k.hash = ? AND t.id = k.tenant AND s.tenant = k.tenant AND (s.id = k.source OR k.source = 0 AND s.kind = 'workspace')`, hash)
	if err != nil {
		return store.Principal{}, err
	}
	p := store.Principal{Token: k.token(), Stamp: stamp}
	if p.Tenant, err = t.tenant(strings.Fields(domains)); err != nil {
		return store.Principal{}, err
	}
	p.Source, err = s.source()
	return p, err
}
