package storetest

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func credentialChecks() []check {
	return []check{
		{"a token authenticates as its tenant and source", tokenAuthenticates},
		{"an admin token authenticates as the workspace source", adminTokenAuthenticates},
		{"an expired or revoked token is still found", endedTokenIsFound},
		{"an unknown hash is ErrNotFound", unknownToken},
		{"the same secret twice is ErrExists", tokenTwice},
		{"tokens come in the order of their ids", tokensInOrder},
		{"an update writes expiry, revocation and last use only", tokenUpdate},
		{"a use is written if it is later, and nothing else", tokenUse},
		{"an update of an unknown token is ErrNotFound", tokenUpdateUnknown},
		{"only access tokens that expired are deleted", expiredTokens},
		{"a federation reads back and is put once", federationPut},
		{"a change of what a token stands for is noticed, in any kind of transaction", stampNoticed},
		{"what changes nobody's rights leaves the stamp", stampKept},
		{"a transaction that expected something else writes nothing", stampWritesNothing},
	}
}

// expects tries a stamp in a View, a Look and an Update, with and without a
// statement after it.
func expects(w *world, stamp int64) error {
	w.Helper()
	expect := func(r store.Reader) error { return r.Expect(stamp) }
	read := func(r store.Reader) error {
		if err := r.Expect(stamp); err != nil {
			return err
		}
		_, err := r.Tenants()
		return err
	}
	single := func(r store.Reader) error {
		if err := r.Expect(stamp); err != nil {
			return err
		}
		_, err := r.Record(w.as(0), schema.User, uuid.NewString(), false)
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	}
	var errs []error
	for _, fn := range []func(store.Reader) error{expect, read, single} {
		errs = append(errs, w.s.View(w.Context(), fn), w.s.Look(w.Context(), fn), w.s.Update(w.Context(), func(tx store.Tx) error { return fn(tx) }))
	}
	for _, err := range errs {
		if sentinel(err) != sentinel(errs[0]) {
			w.Fatalf("a stamp is judged in different ways: %v", errs)
		}
	}
	return errs[0]
}

func stamped(w *world) (token store.Token, stamp func() int64) {
	w.Helper()
	token = newToken(w, w.hr, store.TokenBearer)
	w.update(func(tx store.Tx) error { return tx.CreateToken(&token) })
	return token, func() int64 {
		p, err := authenticate(w, token.Hash)
		if err != nil {
			w.Fatalf("%v", err)
		}
		return p.Stamp
	}
}

func stampNoticed(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	token, stamp := stamped(w)
	p, err := authenticate(w, token.Hash)
	w.is(err, nil)
	for name, change := range map[string]func(store.Tx) error{
		"the token is revoked":   func(tx store.Tx) error { k := token; k.RevokedAt = at(9); return tx.UpdateToken(&k) },
		"the token expires":      func(tx store.Tx) error { k := token; k.ExpiresAt = at(9); return tx.UpdateToken(&k) },
		"the source is disabled": func(tx store.Tx) error { x := p.Source; x.Mode = store.ModeDisabled; return tx.UpdateSource(&x) },
		"the add-on is on":       func(tx store.Tx) error { x := p.Tenant; x.SyncEnabled = true; return tx.UpdateTenant(&x) },
		"an attribute is declared": func(tx store.Tx) error {
			return tx.DeclareAttribute(w.tenant, &schema.Custom{URN: customURN, Name: "badge", Type: schema.String})
		},
	} {
		before := stamp()
		w.is(expects(w, before), nil)
		w.update(change)
		if err := expects(w, before); !errors.Is(err, store.ErrStale) {
			t.Errorf("%s: the error is %v, want %v", name, err, store.ErrStale)
		}
		w.is(expects(w, stamp()), nil)
	}
}

func stampKept(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	token, stamp := stamped(w)
	before := stamp()
	w.user(w.ad, "anna", "")
	_, _ = stamped(w)
	w.update(func(tx store.Tx) error { return tx.UseToken(token.ID, at(9)) })
	w.is(expects(w, before), nil)
	// A change that is undone was none.
	w.is(w.s.Update(t.Context(), func(tx store.Tx) error {
		k := token
		k.RevokedAt = at(9)
		return errors.Join(tx.UpdateToken(&k), errUndo)
	}), errUndo)
	w.is(expects(w, before), nil)
}

func stampWritesNothing(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	_, stamp := stamped(w)
	r, another := w.newUser(w.ad, "anna", ""), stamp()+1
	err := w.s.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.Expect(another); err != nil {
			return err
		}
		return tx.InsertResource(&r)
	})
	w.is(err, store.ErrStale)
	w.finds("users", w.users(0))
}

func newToken(w *world, source int64, kind store.TokenKind) store.Token {
	secret := uuid.NewString()
	hash := sha256.Sum256([]byte(secret))
	return store.Token{Tenant: w.tenant, Source: source, Kind: kind, Prefix: secret[:8], Hash: hash[:], CreatedAt: at(0)}
}

func authenticate(w *world, hash []byte) (store.Principal, error) {
	w.Helper()
	return tryRead(w, func(r store.Reader) (store.Principal, error) { return r.Authenticate(hash) })
}

func tokens(w *world) []store.Token {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Token, error) { return r.Tokens(w.tenant) })
}

func tokenAuthenticates(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	token := newToken(w, w.hr, store.TokenBearer)
	token.Subject = uuid.NewString()
	token.ExpiresAt, token.LastUsedAt = at(600), at(1).Truncate(time.Minute)
	w.update(func(tx store.Tx) error { return tx.CreateToken(&token) })
	if token.ID == 0 {
		t.Error("CreateToken left the ID at 0")
	}
	p, err := authenticate(w, token.Hash)
	if err != nil {
		t.Fatal(err)
	}
	equal(w, "token", p.Token, token)
	equal(w, "tenant", p.Tenant, tenantOf(w, p.Tenant.Slug))
	equal(w, "tenant's id", p.Tenant.ID, w.tenant)
	equal(w, "source", p.Source, sourceOf(w, w.tenant, "hr"))
}

func adminTokenAuthenticates(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	token := newToken(w, 0, store.TokenBearer)
	w.update(func(tx store.Tx) error { return tx.CreateToken(&token) })
	p, err := authenticate(w, token.Hash)
	if err != nil {
		t.Fatal(err)
	}
	equal(w, "token", p.Token, token)
	equal(w, "source", p.Source.ID, w.manual)
	equal(w, "kind of source", p.Source.Kind, store.SourceWorkspace)
}

func endedTokenIsFound(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	expired, revoked := newToken(w, w.ad, store.TokenBearer), newToken(w, w.ad, store.TokenSecret)
	expired.ExpiresAt, revoked.RevokedAt = at(-600), at(-600)
	w.update(func(tx store.Tx) error { return errors.Join(tx.CreateToken(&expired), tx.CreateToken(&revoked)) })
	for _, token := range []store.Token{expired, revoked} {
		p, err := authenticate(w, token.Hash)
		if err != nil {
			t.Fatal(err)
		}
		equal(w, "token", p.Token, token)
	}
}

func unknownToken(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	token := newToken(w, w.ad, store.TokenBearer)
	w.update(func(tx store.Tx) error { return tx.CreateToken(&token) })
	for _, hash := range [][]byte{nil, {}, token.Hash[:31], append(token.Hash[:31:31], token.Hash[31]^1)} {
		_, err := authenticate(w, hash)
		w.is(err, store.ErrNotFound)
	}
}

func tokenTwice(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	first := newToken(w, w.ad, store.TokenBearer)
	second := first
	second.Source = w.hr
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.CreateToken(&first), expect(tx.CreateToken(&second), store.ErrExists))
	})
	equal(w, "tokens", tokens(w), []store.Token{first})
}

func tokensInOrder(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	a, b, c := newToken(w, w.hr, store.TokenBearer), newToken(other, other.ad, store.TokenBearer), newToken(w, 0, store.TokenAccess)
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.CreateToken(&a), tx.CreateToken(&b), tx.CreateToken(&c))
	})
	want := []store.Token{a, c}
	if c.ID < a.ID {
		want = []store.Token{c, a}
	}
	equal(w, "tokens", tokens(w), want)
}

func tokenUpdate(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	before := newToken(w, w.hr, store.TokenBearer)
	w.update(func(tx store.Tx) error { return tx.CreateToken(&before) })
	want := before
	want.ExpiresAt, want.RevokedAt, want.LastUsedAt = at(10), at(20), at(30).Truncate(time.Minute)
	given := want
	given.Source, given.Subject, given.Kind, given.Prefix, given.Hash, given.CreatedAt = w.ad, "x", store.TokenAccess, "x", make([]byte, 32), at(1)
	w.update(func(tx store.Tx) error { return tx.UpdateToken(&given) })
	equal(w, "updated token", tokens(w), []store.Token{want})

	w.update(func(tx store.Tx) error { return tx.UpdateToken(&before) })
	equal(w, "token with its times cleared", tokens(w), []store.Token{before})
}

func tokenUse(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	token := newToken(w, w.hr, store.TokenBearer)
	w.update(func(tx store.Tx) error { return tx.CreateToken(&token) })
	token.RevokedAt = at(20)
	w.update(func(tx store.Tx) error { return tx.UpdateToken(&token) })
	late, early := at(300).Truncate(time.Minute), at(100).Truncate(time.Minute)
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.UseToken(token.ID, late), tx.UseToken(token.ID, early), tx.UseToken(1<<40, late))
	})
	token.LastUsedAt = late
	equal(w, "used token", tokens(w), []store.Token{token})
}

func tokenUpdateUnknown(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	unknown := newToken(w, w.hr, store.TokenBearer)
	unknown.ID = 1 << 40
	w.is(s.Update(t.Context(), func(tx store.Tx) error { return tx.UpdateToken(&unknown) }), store.ErrNotFound)
}

func expiredTokens(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	old, oldElsewhere := newToken(w, w.ad, store.TokenAccess), newToken(other, other.ad, store.TokenAccess)
	code := newToken(w, w.ad, store.TokenCode)
	onTime, never := newToken(w, w.ad, store.TokenAccess), newToken(w, w.ad, store.TokenAccess)
	bearer, secret := newToken(w, w.ad, store.TokenBearer), newToken(w, w.ad, store.TokenSecret)
	for _, token := range []*store.Token{&old, &oldElsewhere, &code, &bearer, &secret} {
		token.ExpiresAt = at(-1)
	}
	onTime.ExpiresAt = at(0)
	w.update(func(tx store.Tx) error {
		for _, token := range []*store.Token{&old, &oldElsewhere, &code, &onTime, &never, &bearer, &secret} {
			if err := tx.CreateToken(token); err != nil {
				return err
			}
		}
		return tx.DeleteExpiredTokens(at(0))
	})
	for _, token := range []store.Token{old, oldElsewhere, code} {
		_, err := authenticate(w, token.Hash)
		w.is(err, store.ErrNotFound)
	}
	for _, token := range []store.Token{onTime, never, bearer, secret} {
		if _, err := authenticate(w, token.Hash); err != nil {
			t.Errorf("%s token that expires at %v: %v", token.Kind, token.ExpiresAt, err)
		}
	}
}

func federationPut(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	f := store.Federation{
		Source: w.hr, Issuer: "https://login.example/Tid/v2.0", TenantID: uuid.NewString(),
		Audience: "api://workspace", Subject: uuid.NewString(), KeysURL: "https://login.example/keys",
	}
	g := f
	g.Issuer = "https://login.example/tid/v2.0" // compared exactly, so another one
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.PutFederation(&f), tx.PutFederation(&f), tx.PutFederation(&g))
	})
	of := func(source int64) []store.Federation {
		return read(w, func(r store.Reader) ([]store.Federation, error) { return r.Federations(source) })
	}
	got := of(w.hr)
	if len(got) == 2 && got[0].Issuer == g.Issuer {
		got[0], got[1] = got[1], got[0]
	}
	equal(w, "federations", got, []store.Federation{f, g})
	equal(w, "federations of another source", of(w.ad), []store.Federation{})
}
