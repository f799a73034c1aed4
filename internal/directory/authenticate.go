package directory

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// AuthReason says why a credential is refused.
type AuthReason string

// The reasons for refusing a credential.
const (
	AuthMissing        AuthReason = "tokenMissing"
	AuthUnknown        AuthReason = "tokenUnknown"
	AuthWrongKind      AuthReason = "tokenWrongKind"
	AuthRevoked        AuthReason = "tokenRevoked"
	AuthExpired        AuthReason = "tokenExpired"
	AuthSourceDisabled AuthReason = "sourceDisabled"
)

// AuthError is the refusal of a credential: 401 in HTTP (row W023). All but the
// first two reasons are told only to who has the whole secret.
type AuthError struct {
	Reason AuthReason
	Detail string // one sentence, for the client; never holds the credential
}

// Bearer gives the token of an Authorization header (RFC 6750 §2.1), "" for none.
func Bearer(authorization string) string {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Error gives the sentence.
func (e *AuthError) Error() string { return e.Detail }

// Authenticate finds who a bearer token speaks for. It judges in this order,
// the first refusal counts:
//
//  1. empty or blank: AuthMissing
//  2. not of our form, or not in the database: AuthUnknown
//  3. a client secret, which only the token endpoint takes, or an enrolment
//     code: AuthWrongKind
//  4. revoked, then expired: AuthRevoked, AuthExpired
//  5. its source is disabled: AuthSourceDisabled
//  6. the tenant's hybrid-sync add-on is off, and the source isn't the manual
//     one: a *Violation of RuleSyncNotEnabled (row H049)
//
// 1 to 5 are *AuthError; whatever else is the store's. The answer is fresh from
// the database: a revocation by another process holds at once. That the token
// was used is noted in memory and written by FlushUses.
func (d *Directory) Authenticate(ctx context.Context, secret string) (store.Principal, error) {
	p, err := d.findToken(ctx, secret)
	if err != nil {
		return store.Principal{}, err
	}
	if err := d.admit(p); err != nil {
		return store.Principal{}, err
	}
	d.known.put(p)
	return p, nil
}

// AuthenticateControl is Authenticate without step 5: an agent has to hear that
// its source is disabled, and when it no longer is.
func (d *Directory) AuthenticateControl(ctx context.Context, secret string) (store.Principal, error) {
	p, err := d.findToken(ctx, secret)
	if err != nil {
		return store.Principal{}, err
	}
	q := p
	q.Source.Mode = store.ModeActive
	if err := d.admit(q); err != nil {
		return store.Principal{}, err
	}
	return p, nil
}

// admit does the steps 3 to 6 of Authenticate, and notes the use.
func (d *Directory) admit(p store.Principal) error {
	switch p.Token.Kind {
	case store.TokenSecret:
		return &AuthError{AuthWrongKind, "A client secret isn't a bearer token; buy an access token with it at the token endpoint."}
	case store.TokenCode:
		return &AuthError{AuthWrongKind, "An enrolment code isn't a bearer token; enrol an agent with it."}
	}
	now := d.now()
	if err := mayAct(p, now); err != nil {
		return err
	}
	d.use.note(p.Token, now)
	return nil
}

// mayAct does the steps 4 to 6 of Authenticate.
func mayAct(p store.Principal, now time.Time) error {
	if err := judge(p, now); err != nil {
		return err
	}
	if !p.Tenant.SyncEnabled && p.Source.Kind != store.SourceWorkspace {
		return &Violation{
			Rule:   RuleSyncNotEnabled,
			Detail: fmt.Sprintf("The hybrid-sync add-on is not enabled for the tenant %q.", p.Tenant.Slug),
			Way:    "Its provider enables it with: workspace tenant enable " + p.Tenant.Slug + ".",
		}
	}
	return nil
}

// AuthenticateClient finds the source of an OAuth client by its client_id (the
// source's public id) and one of its client secrets. Refusals are *AuthError; a
// secret of another client is AuthUnknown.
func (d *Directory) AuthenticateClient(ctx context.Context, clientID, secret string) (store.Principal, error) {
	p, err := d.findToken(ctx, secret)
	if err != nil {
		return store.Principal{}, err
	}
	if p.Token.Kind != store.TokenSecret || subtle.ConstantTimeCompare([]byte(p.Source.PublicID), []byte(clientID)) != 1 {
		return store.Principal{}, unknownToken()
	}
	now := d.now()
	if err := judge(p, now); err != nil {
		return store.Principal{}, err
	}
	d.use.note(p.Token, now)
	return p, nil
}

// Client finds the source of an OAuth client by its client_id, with the
// federations whose assertions it takes. Without such a source it is an
// *AuthError of AuthUnknown, for a disabled one of AuthSourceDisabled.
func (d *Directory) Client(ctx context.Context, clientID string) (store.Source, []store.Federation, error) {
	var s store.Source
	var f []store.Federation
	if _, err := uuid.Parse(clientID); err != nil {
		return store.Source{}, nil, unknownClient()
	}
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		if s, err = r.SourceByPublicID(clientID); err != nil {
			return err
		}
		f, err = r.Federations(s.ID)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return store.Source{}, nil, unknownClient()
	case err != nil:
		return store.Source{}, nil, err
	case s.Mode == store.ModeDisabled:
		return store.Source{}, nil, disabledSource(s)
	}
	return s, f, nil
}

// findToken does the steps 1 and 2 of Authenticate.
func (d *Directory) findToken(ctx context.Context, secret string) (store.Principal, error) {
	if strings.TrimSpace(secret) == "" {
		return store.Principal{}, &AuthError{AuthMissing, "A bearer token is required."}
	}
	if !wellFormed(secret) {
		return store.Principal{}, unknownToken()
	}
	hash := hashSecret(secret)
	var p store.Principal
	err := d.store.Look(ctx, func(r store.Reader) (err error) {
		p, err = r.Authenticate(hash)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return store.Principal{}, unknownToken()
	}
	if err != nil {
		return store.Principal{}, err
	}
	// The look-up by index compares too, but promises no constant time.
	if subtle.ConstantTimeCompare(hash, p.Token.Hash) != 1 {
		return store.Principal{}, unknownToken()
	}
	return p, nil
}

// judge does the steps 4 and 5 of Authenticate.
func judge(p store.Principal, now time.Time) error {
	switch {
	case !p.Token.RevokedAt.IsZero():
		return &AuthError{AuthRevoked, "The token was revoked at " + p.Token.RevokedAt.UTC().Format(time.RFC3339) + "."}
	case !p.Token.ExpiresAt.IsZero() && !now.Before(p.Token.ExpiresAt):
		return &AuthError{AuthExpired, "The token expired at " + p.Token.ExpiresAt.UTC().Format(time.RFC3339) + "."}
	case p.Source.Mode == store.ModeDisabled:
		return disabledSource(p.Source)
	}
	return nil
}

func unknownToken() error { return &AuthError{AuthUnknown, "The token is unknown."} }

func unknownClient() error { return &AuthError{AuthUnknown, "The client is unknown."} }

func disabledSource(s store.Source) error {
	return &AuthError{AuthSourceDisabled, fmt.Sprintf("The source %q is disabled.", s.Name)}
}
