package gormstore

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// The rows of the control plane as gorm reads and writes them.

type tenantRow struct {
	ID            int64 `gorm:"primaryKey"`
	Slug          string
	DisplayName   string
	SyncEnabled   bool
	SchemaVersion int
	Features      string
	Created       int64 `gorm:"autoCreateTime:false"`
}

func (tenantRow) TableName() string { return "tenants" }

func (r tenantRow) tenant(domains []string) (store.Tenant, error) {
	t := store.Tenant{ID: r.ID, Slug: r.Slug, DisplayName: r.DisplayName, Domains: domains, SyncEnabled: r.SyncEnabled,
		SchemaVersion: r.SchemaVersion, CreatedAt: instant(r.Created)}
	if r.Features == noFeatures {
		return t, nil
	}
	if err := json.Unmarshal([]byte(r.Features), &t.Features); err != nil {
		return t, fmt.Errorf("gormstore: features of tenant %d: %w", r.ID, err)
	}
	return t, nil
}

// noFeatures is what stands where no feature was switched.
const noFeatures = "{}"

type domainRow struct {
	Tenant   int64 `gorm:"primaryKey;autoIncrement:false"`
	Position int   `gorm:"primaryKey;autoIncrement:false"`
	Domain   string
}

func (domainRow) TableName() string { return "tenant_domains" }

type sourceRow struct {
	ID              int64 `gorm:"primaryKey"`
	Tenant          int64
	PublicID        string
	Name            string
	DisplayName     string
	Kind            store.SourceKind
	DirectoryDomain string
	Mode            store.Mode
	Policies        string
	Created         int64
}

func (sourceRow) TableName() string { return "sources" }

func newSourceRow(s *store.Source) (sourceRow, error) {
	policies, err := json.Marshal(s.Policies)
	return sourceRow{ID: s.ID, Tenant: s.Tenant, PublicID: s.PublicID, Name: s.Name, DisplayName: s.DisplayName, Kind: s.Kind, DirectoryDomain: s.DirectoryDomain,
		Mode: s.Mode, Policies: string(policies), Created: micros(s.CreatedAt)}, err
}

func (r sourceRow) source() (store.Source, error) {
	s := store.Source{ID: r.ID, Tenant: r.Tenant, PublicID: r.PublicID, Name: r.Name, DisplayName: r.DisplayName, Kind: r.Kind, DirectoryDomain: r.DirectoryDomain,
		Mode: r.Mode, CreatedAt: instant(r.Created)}
	if err := json.Unmarshal([]byte(r.Policies), &s.Policies); err != nil {
		return s, fmt.Errorf("gormstore: policies of source %d: %w", r.ID, err)
	}
	return s, nil
}

type tokenRow struct {
	ID       int64 `gorm:"primaryKey"`
	Tenant   int64
	Source   int64
	Subject  string
	Kind     store.TokenKind
	Prefix   string
	Hash     []byte
	Created  int64
	Expires  int64
	Revoked  int64
	LastUsed int64
}

func (tokenRow) TableName() string { return "tokens" }

func newTokenRow(t *store.Token) tokenRow {
	return tokenRow{ID: t.ID, Tenant: t.Tenant, Source: t.Source, Subject: t.Subject, Kind: t.Kind, Prefix: t.Prefix, Hash: t.Hash,
		Created: micros(t.CreatedAt), Expires: micros(t.ExpiresAt), Revoked: micros(t.RevokedAt), LastUsed: micros(t.LastUsedAt)}
}

func (r tokenRow) token() store.Token {
	return store.Token{ID: r.ID, Tenant: r.Tenant, Source: r.Source, Subject: r.Subject, Kind: r.Kind, Prefix: r.Prefix, Hash: r.Hash,
		CreatedAt: instant(r.Created), ExpiresAt: instant(r.Expires), RevokedAt: instant(r.Revoked), LastUsedAt: instant(r.LastUsed)}
}

type federationRow struct {
	Source   int64  `gorm:"primaryKey;autoIncrement:false"`
	Issuer   string `gorm:"primaryKey"`
	TenantID string `gorm:"primaryKey"`
	Audience string
	Subject  string `gorm:"primaryKey"`
	KeysURL  string
}

func (federationRow) TableName() string { return "federations" }

type attributeRow struct {
	Tenant int64 `gorm:"primaryKey;autoIncrement:false"`
	Number int   `gorm:"primaryKey;autoIncrement:false"`
	URN    string
	Name   string
	Folded string
	Type   schema.Type
}

func (attributeRow) TableName() string { return "custom_attributes" }

func (r attributeRow) custom() schema.Custom {
	return schema.Custom{URN: r.URN, Name: r.Name, Type: r.Type, Index: r.Number}
}

// foldedAttribute names an attribute as RFC 7643 §2.1 compares names.
func foldedAttribute(c schema.Custom) string { return strings.ToLower(c.URN + ":" + c.Name) }
