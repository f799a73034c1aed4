package directory

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// How many live credentials one holder has at most: two static tokens so that
// one can be rotated, and as many client secrets as Entra keeps side by side.
const (
	maxBearers = 2
	maxSecrets = 5
)

// TokenSpec says what credential to add.
type TokenSpec struct {
	// Tenant is the tenant's slug.
	Tenant string
	// Source is the name of the source that the token speaks for; "" together
	// with Admin for a token that sees and changes the resolved view.
	Source string
	Admin  bool
	// Kind is bearer (also when empty) or secret. An admin has no secrets.
	Kind store.TokenKind
	// Expires is how long the token lives; 0 for ever.
	Expires time.Duration
	// User is the id of the user that /Me stands for, "" for none.
	User string
}

// AddToken creates a credential and returns its secret, which is shown this
// once: only its SHA-256 is stored. At most two bearer tokens and five client
// secrets of one source, or of the admin, live at the same time, counted
// separately for each user that they are bound to; one more is a *Violation of
// RuleTooMany. An unknown tenant, source or user is store.ErrNotFound.
func (d *Directory) AddToken(ctx context.Context, by string, spec TokenSpec) (secret string, t store.Token, err error) {
	if spec.Kind == "" {
		spec.Kind = store.TokenBearer
	}
	if err := spec.check(); err != nil {
		return "", store.Token{}, err
	}
	secret = newSecret(spec.Kind)
	err = d.store.Update(ctx, func(tx store.Tx) error {
		now := d.now()
		t = store.Token{
			Subject: spec.User, Kind: spec.Kind, Prefix: secret[:prefixLength],
			Hash: hashSecret(secret), CreatedAt: now,
		}
		if spec.Expires > 0 {
			t.ExpiresAt = now.Add(spec.Expires)
		}
		if err := place(tx, spec, &t); err != nil {
			return err
		}
		if err := checkRoom(tx, t, now); err != nil {
			return err
		}
		if err := tx.CreateToken(&t); err != nil {
			return fmt.Errorf("token: %w", err)
		}
		return d.tell(tx, controlEvent{
			tenant: t.Tenant, source: t.Source, by: by, typ: "token.created", subject: t.Prefix,
			after: tokenFacts(t),
		})
	})
	if err != nil {
		return "", store.Token{}, err
	}
	return secret, t, nil
}

func (spec TokenSpec) check() error {
	invalid := func(attribute, detail, way string) error {
		return &Violation{Rule: RuleInvalid, Attribute: attribute, Detail: detail, Way: way}
	}
	switch {
	case spec.Admin == (spec.Source != ""):
		return invalid("source", "A token is either for a source or for the admin.", "Name the source, or ask for an admin token.")
	case spec.Kind != store.TokenBearer && spec.Kind != store.TokenSecret:
		return invalid("kind", fmt.Sprintf("A token of kind %q can't be added.", spec.Kind), "Use bearer or secret.")
	case spec.Kind == store.TokenSecret && spec.Admin:
		return invalid("kind", "A client secret belongs to a source.", "Use a bearer token for the admin.")
	case spec.Expires < 0:
		return invalid("expires", "A token can't expire in the past.", "")
	}
	return nil
}

// place fills the tenant and source of a token and checks its user.
func place(r store.Reader, spec TokenSpec, t *store.Token) error {
	tenant, err := tenantOf(r, spec.Tenant)
	if err != nil {
		return err
	}
	t.Tenant = tenant.ID
	if !spec.Admin {
		s, err := r.Source(tenant.ID, spec.Source)
		if err != nil {
			return fmt.Errorf("source %q of tenant %q: %w", spec.Source, spec.Tenant, err)
		}
		t.Source = s.ID
	}
	if spec.User == "" {
		return nil
	}
	refs, err := r.Refs(store.View{Tenant: tenant.ID}, []string{spec.User})
	if err != nil {
		return err
	}
	if len(refs) != 1 || refs[0].Kind != schema.User || !refs[0].State.Visible() {
		return fmt.Errorf("user %q of tenant %q: %w", spec.User, spec.Tenant, store.ErrNotFound)
	}
	return nil
}

// checkRoom refuses one live credential too many.
func checkRoom(r store.Reader, t store.Token, now time.Time) error {
	all, err := r.Tokens(t.Tenant)
	if err != nil {
		return err
	}
	n := 0
	for _, o := range all {
		if o.Kind == t.Kind && o.Source == t.Source && o.Subject == t.Subject && alive(o, now) {
			n++
		}
	}
	most := maxBearers
	if t.Kind == store.TokenSecret {
		most = maxSecrets
	}
	if n < most {
		return nil
	}
	return &Violation{
		Rule: RuleTooMany, Attribute: "token",
		Detail: fmt.Sprintf("There are %d live tokens of kind %s here already.", n, t.Kind),
		Way:    "Revoke the one that is no longer used, then add the new one.",
	}
}

func alive(t store.Token, now time.Time) bool {
	return t.RevokedAt.IsZero() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// Tokens gives a tenant's credentials in the order of their creation, expired
// and revoked ones included.
func (d *Directory) Tokens(ctx context.Context, tenant string) ([]store.Token, error) {
	var all []store.Token
	err := d.store.View(ctx, func(r store.Reader) error {
		t, err := tenantOf(r, tenant)
		if err != nil {
			return err
		}
		all, err = r.Tokens(t.ID)
		return err
	})
	return all, err
}

// RevokeToken ends the credential with this prefix or this decimal id, at once
// and for good. With a client secret end the access tokens that it bought.
// Revoking a revoked one changes nothing. It is store.ErrNotFound if the tenant
// has none, and a *Violation of RuleInvalid if two live ones share the prefix.
func (d *Directory) RevokeToken(ctx context.Context, by, tenant, which string) error {
	return d.store.Update(ctx, func(tx store.Tx) error {
		t, err := tenantOf(tx, tenant)
		if err != nil {
			return err
		}
		all, err := tx.Tokens(t.ID)
		if err != nil {
			return err
		}
		now := d.now()
		target, err := pick(all, which, now)
		if err != nil {
			return err
		}
		for _, o := range all {
			bought := target.Kind == store.TokenSecret && o.Kind == store.TokenAccess &&
				o.Source == target.Source && o.Prefix == target.Prefix
			if o.ID != target.ID && !bought || !o.RevokedAt.IsZero() {
				continue
			}
			if err := d.revoke(tx, by, o, now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *Directory) revoke(tx store.Tx, by string, t store.Token, now time.Time) error {
	t.RevokedAt = now
	if err := tx.UpdateToken(&t); err != nil {
		return fmt.Errorf("token %s: %w", t.Prefix, err)
	}
	return d.tell(tx, controlEvent{
		tenant: t.Tenant, source: t.Source, by: by, typ: "token.revoked", subject: t.Prefix,
		before: tokenFacts(t),
	})
}

// pick finds the credential that which means. An access token has the prefix of
// the secret that bought it, so the secret is meant.
func pick(all []store.Token, which string, now time.Time) (store.Token, error) {
	id, _ := strconv.ParseInt(which, 10, 64)
	var found []store.Token
	for _, t := range all {
		if id > 0 && t.ID == id {
			return t, nil
		}
		if t.Prefix == which {
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return store.Token{}, fmt.Errorf("token %q: %w", which, store.ErrNotFound)
	}
	best := found[0]
	for _, t := range found[1:] {
		switch {
		case rank(t, now) > rank(best, now):
			best = t
		case rank(t, now) == rank(best, now) && rank(t, now) == rankLive:
			return store.Token{}, &Violation{
				Rule: RuleInvalid, Attribute: "token",
				Detail: fmt.Sprintf("Two live tokens begin with %q.", which),
				Way:    "Name the one by its id.",
			}
		}
	}
	return best, nil
}

const (
	rankAccess = iota
	rankDead
	rankLive
)

// rank orders the credentials that share a prefix by how likely they are meant.
func rank(t store.Token, now time.Time) int {
	switch {
	case t.Kind == store.TokenAccess:
		return rankAccess
	case alive(t, now):
		return rankLive
	default:
		return rankDead
	}
}

// AccessSpec says for whom an access token is issued.
type AccessSpec struct {
	Tenant, Source int64
	// Prefix is that of the client secret which buys; "" when an assertion does.
	Prefix string
	// Expires is how long the access token lives, more than 0.
	Expires time.Duration
	// NotAfter is when the client secret expires: the access token doesn't
	// outlive it. Zero for never.
	NotAfter time.Time
}

// IssueAccessToken creates an access token of a source (RFC 6749 §5.1) and
// returns its secret and what is left of its life, to the second. It carries
// the prefix of the secret that bought it, so that the log names the credential
// that the administrator knows. Who asks has been authenticated by the caller.
func (d *Directory) IssueAccessToken(ctx context.Context, spec AccessSpec) (secret string, expires time.Duration, err error) {
	if spec.Expires <= 0 {
		return "", 0, errors.New("access token: the life time has to be positive")
	}
	secret = newSecret(store.TokenAccess)
	prefix := spec.Prefix
	if prefix == "" {
		prefix = secret[:prefixLength]
	}
	err = d.store.Update(ctx, func(tx store.Tx) error {
		now := d.now()
		t := store.Token{
			Tenant: spec.Tenant, Source: spec.Source, Kind: store.TokenAccess, Prefix: prefix,
			Hash: hashSecret(secret), CreatedAt: now, ExpiresAt: now.Add(spec.Expires),
		}
		if !spec.NotAfter.IsZero() && spec.NotAfter.Before(t.ExpiresAt) {
			t.ExpiresAt = spec.NotAfter
		}
		expires = t.ExpiresAt.Sub(now).Truncate(time.Second)
		if err := tx.CreateToken(&t); err != nil {
			return fmt.Errorf("access token: %w", err)
		}
		return d.tell(tx, controlEvent{
			tenant: t.Tenant, source: t.Source, by: prefix, typ: "token.issued", subject: prefix,
			after: tokenFacts(t),
		})
	})
	if err != nil {
		return "", 0, err
	}
	return secret, expires, nil
}

// tokenFacts is what the log says of a token: nothing that helps to use it.
func tokenFacts(t store.Token) map[string]any {
	facts := map[string]any{"kind": t.Kind, "admin": t.Source == 0}
	if t.Subject != "" {
		facts["user"] = t.Subject
	}
	if !t.ExpiresAt.IsZero() {
		facts["expiresAt"] = t.ExpiresAt
	}
	return facts
}

// keepExpired is how long an expired access token or enrolment code stays known,
// so that its client hears "expired" and not "unknown".
const keepExpired = 7 * 24 * time.Hour

// SweepTokens forgets the access tokens and enrolment codes, spent ones
// included, whose life ended a week ago. Bearer tokens
// and client secrets stay, because an administrator made them. Several processes
// may do it at once.
func (d *Directory) SweepTokens(ctx context.Context) error {
	err := d.store.Update(ctx, func(tx store.Tx) error {
		return tx.DeleteExpiredTokens(d.now().Add(-keepExpired))
	})
	if err != nil {
		return fmt.Errorf("expired tokens: %w", err)
	}
	return nil
}
