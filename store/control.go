package store

import (
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
)

// SourceKind is the kind of a source.
type SourceKind string

// The kinds of sources.
const (
	SourceAD        SourceKind = "ad"
	SourceEntra     SourceKind = "entra"
	SourceAPI       SourceKind = "api"
	SourcePeer      SourceKind = "peer"
	SourceWorkspace SourceKind = "workspace" // manual; every tenant has exactly one
)

// Mode is the mode of a source.
type Mode string

// The modes of a source.
const (
	ModeActive   Mode = "active"
	ModeStaging  Mode = "staging"  // its writes are worked out and not carried out (row E011)
	ModeDisabled Mode = "disabled" // its tokens are refused
)

// Tenant is one organisation.
type Tenant struct {
	ID          int64
	Slug        string // lower case, unique
	DisplayName string
	Domains     []string // verified domains, lower case
	SyncEnabled bool     // the hybrid-sync add-on (row H049)
	// Features are the features that were switched on or off for the tenant, by
	// their names; for the others the server's choice holds.
	Features map[string]bool
	// SchemaVersion grows whenever a custom attribute is declared.
	SchemaVersion int
	CreatedAt     time.Time
}

// Source is an external directory or tool, or the portal.
type Source struct {
	ID              int64
	Tenant          int64
	PublicID        string // UUID; the OAuth client_id, and what Origin shows
	Name            string // unique in the tenant
	DisplayName     string // for people; "" for the name
	Kind            SourceKind
	DirectoryDomain string // owned by one source of a tenant (row H012); "" for none
	Mode            Mode
	Policies        Policies
	CreatedAt       time.Time
}

// Policies are the choices of docs/model.md for one source. The zero value is the
// default of each.
type Policies struct {
	// Names is what to do when first or last name is missing: "" or "accept",
	// "require", "derive" (row W009).
	Names string `json:"names,omitempty" yaml:"names"`
	// Park keeps an account that hits a manual one aside instead of refusing it.
	Park bool `json:"park,omitempty" yaml:"park"`
	// AnyDisables lets active:false of this source disable a user whose
	// authority is another.
	AnyDisables bool `json:"anyDisables,omitempty" yaml:"anyDisables"`
	// RequireVerifiedDomain refuses userNames outside the tenant's domains.
	RequireVerifiedDomain bool `json:"requireVerifiedDomain,omitempty" yaml:"requireVerifiedDomain"`
	// MatchUserName declares the match rule "same userName on a verified
	// domain" for joining users of other sources.
	MatchUserName bool `json:"matchUserName,omitempty" yaml:"matchUserName"`
	// KnownAttributesOnly ignores undeclared custom attributes instead of
	// declaring them on first use, which is what Entra's administrators expect.
	KnownAttributesOnly bool `json:"knownAttributesOnly,omitempty" yaml:"knownAttributesOnly"`
	// Trusts are the names of sources of the same kind whose users may be members
	// of this source's groups, as a trust between two domains allows.
	Trusts []string `json:"trusts,omitempty" yaml:"trusts"`
	// MailEnabledGroups lets orders use mail-enabled security groups and
	// distribution lists of Entra ID, which somebody then fills in Exchange.
	MailEnabledGroups bool `json:"mailEnabledGroups,omitempty" yaml:"mailEnabledGroups"`
	// Match is the attribute by which uploaded records are matched with users of
	// the source: its path, "" for externalId (row E063).
	Match string `json:"match,omitempty" yaml:"match"`
	// ClearOmitted makes an uploaded record clear what it leaves out, as far as
	// that has a single value.
	ClearOmitted bool `json:"clearOmitted,omitempty" yaml:"clearOmitted"`
	// UploadOperations is how many records one upload may have, 0 for 50, and
	// UploadCalls how many uploads may come in five seconds, 0 for 40.
	UploadOperations int `json:"uploadOperations,omitempty" yaml:"uploadOperations"`
	UploadCalls      int `json:"uploadCalls,omitempty" yaml:"uploadCalls"`
}

// TokenKind is what a token is used for.
type TokenKind string

// The kinds of tokens.
const (
	TokenBearer TokenKind = "bearer" // static, pasted into the client
	TokenSecret TokenKind = "secret" // an OAuth client secret; buys access tokens
	TokenAccess TokenKind = "access" // issued by the token endpoint
	TokenAgent  TokenKind = "agent"  // an agent's own; Subject is the agent's id
	TokenCode   TokenKind = "code"   // enrols one agent, once
)

// Token is a credential. The secret itself is never stored, only its SHA-256.
type Token struct {
	ID         int64
	Tenant     int64
	Source     int64  // 0 for an admin token
	Subject    string // the id of the user that /Me is, or of the agent; "" for none
	Kind       TokenKind
	Prefix     string // the first characters, to tell tokens apart
	Hash       []byte // SHA-256 of the secret, 32 bytes
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: not revoked
	LastUsedAt time.Time // zero: never; to the minute
}

// Principal is a token with its tenant and source.
type Principal struct {
	Token  Token
	Tenant Tenant
	Source Source // of an admin token: the tenant's workspace source
	// Stamp stands for the state of the database in which this was true; see
	// Reader.Expect.
	Stamp int64
}

// Federation lets a workload of another issuer buy access tokens for a source
// (RFC 7523; Entra workload identity federation).
type Federation struct {
	Source   int64
	Issuer   string // compared exactly
	TenantID string // the tid that is pinned
	Audience string
	Subject  string
	KeysURL  string
}

// ControlReader reads tenants, sources and credentials.
type ControlReader interface {
	Tenant(slug string) (Tenant, error)
	TenantByID(id int64) (Tenant, error)
	Tenants() ([]Tenant, error)
	Source(tenant int64, name string) (Source, error)
	// SourceByPublicID finds a source of any tenant by its OAuth client_id.
	SourceByPublicID(id string) (Source, error)
	// Sources gives a tenant's sources in the order of their ids.
	Sources(tenant int64) ([]Source, error)
	// Authenticate finds a token by the SHA-256 of its secret, whatever its
	// expiry or revocation; judging those is the caller's.
	Authenticate(hash []byte) (Principal, error)
	// Tokens gives a tenant's tokens in the order of their ids.
	Tokens(tenant int64) ([]Token, error)
	Federations(source int64) ([]Federation, error)
	// CustomAttributes gives a tenant's custom attributes in the order of their
	// index numbers.
	CustomAttributes(tenant int64) ([]schema.Custom, error)
}

// ControlWriter writes tenants, sources and credentials.
type ControlWriter interface {
	// CreateTenant sets t.ID and creates the tenant's workspace source with the
	// given public id. ErrExists if the slug is taken.
	CreateTenant(t *Tenant, workspacePublicID string) error
	// UpdateTenant writes every field but ID, Slug, Features and CreatedAt.
	UpdateTenant(t *Tenant) error
	// SetFeatures writes the features of a tenant.
	SetFeatures(tenant int64, features map[string]bool) error
	// CreateSource sets s.ID. ErrExists if the name or the directory domain is
	// taken in the tenant.
	CreateSource(s *Source) error
	// UpdateSource writes DisplayName, Mode and Policies.
	UpdateSource(s *Source) error
	// CreateToken sets t.ID.
	CreateToken(t *Token) error
	// UpdateToken writes ExpiresAt, RevokedAt and LastUsedAt.
	UpdateToken(t *Token) error
	// UseToken writes LastUsedAt of a token, unless it is that late already or
	// the token is gone. What else the token says is not touched, so it may run
	// beside an UpdateToken.
	UseToken(id int64, at time.Time) error
	// DeleteExpiredTokens removes access tokens and enrolment codes that expired
	// before t.
	DeleteExpiredTokens(before time.Time) error
	PutFederation(f *Federation) error
	// DeclareAttribute adds a custom attribute to a tenant, sets c.Index and
	// raises the tenant's SchemaVersion. If it is declared already, c becomes
	// the declared one and nothing changes. ErrTooMany above 200 of a tenant.
	DeclareAttribute(tenant int64, c *schema.Custom) error
}
