package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// tb is what *testing.T and *rapid.T have in common.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// world is a tenant with three sources, in a store that other tenants share.
//
// A function that a store runs in a transaction may be run by another goroutine
// than the test's, so it returns errors and never calls Fatalf.
type world struct {
	tb
	s      store.Store
	set    *schema.Set
	tenant int64
	// The sources, in the order of their ids: the tenant's workspace source,
	// an AD and an HR tool.
	manual, ad, hr int64
}

func newWorld(t tb, s store.Store) *world {
	t.Helper()
	w := &world{tb: t, s: s, set: schema.Must()}
	w.update(func(tx store.Tx) error {
		tenant := newTenant()
		if err := tx.CreateTenant(&tenant, uuid.NewString()); err != nil {
			return err
		}
		sources, err := tx.Sources(tenant.ID)
		if err != nil {
			return err
		}
		if len(sources) != 1 {
			return fmt.Errorf("a new tenant has %d sources, want its workspace source", len(sources))
		}
		ad, hr := newSource(tenant.ID, store.SourceAD, "ad"), newSource(tenant.ID, store.SourceAPI, "hr")
		w.tenant, w.manual = tenant.ID, sources[0].ID
		err = errors.Join(tx.CreateSource(&ad), tx.CreateSource(&hr))
		w.ad, w.hr = ad.ID, hr.ID
		return err
	})
	return w
}

func newTenant() store.Tenant {
	return store.Tenant{Slug: "t-" + uuid.NewString(), DisplayName: "Contoso", CreatedAt: at(0)}
}

func newSource(tenant int64, kind store.SourceKind, name string) store.Source {
	return store.Source{Tenant: tenant, PublicID: uuid.NewString(), Name: name, Kind: kind, Mode: store.ModeActive, CreatedAt: at(0)}
}

// at gives a time with microseconds, n minutes after a fixed one.
func at(n int) time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC).Add(time.Duration(n) * time.Minute)
}

// update runs fn in a transaction that must succeed.
func (w *world) update(fn func(store.Tx) error) {
	w.Helper()
	if err := w.s.Update(w.Context(), fn); err != nil {
		w.Fatalf("update: %v", err)
	}
}

// view runs fn on a snapshot and must succeed.
func (w *world) view(fn func(store.Reader) error) {
	w.Helper()
	if err := w.s.View(w.Context(), fn); err != nil {
		w.Fatalf("view: %v", err)
	}
}

// read gives what fn, which calls one method, reads. It must be the same on a
// snapshot, without one, and inside a transaction, where rows are locked and
// other statements may be used.
func read[T any](w *world, fn func(store.Reader) (T, error)) T {
	w.Helper()
	v, err := tryRead(w, fn)
	if err != nil {
		w.Fatalf("read: %v", err)
	}
	return v
}

// tryRead is read for what may end in an error: then it is the error of both.
func tryRead[T any](w *world, fn func(store.Reader) (T, error)) (T, error) {
	w.Helper()
	var got, inside, looked T
	err := w.s.View(w.Context(), func(r store.Reader) (err error) {
		got, err = fn(r)
		return err
	})
	lookErr := w.s.Look(w.Context(), func(r store.Reader) (err error) {
		looked, err = fn(r)
		return err
	})
	if sentinel(err) != sentinel(lookErr) {
		w.Errorf("the error is %v in a View and %v in a Look", err, lookErr)
	}
	if diff := cmp.Diff(got, looked, loosely); err == nil && diff != "" {
		w.Errorf("a View and a Look read different things (-view +look):\n%s", diff)
	}
	insideErr := w.s.Update(w.Context(), func(tx store.Tx) (err error) {
		inside, err = fn(tx)
		return err
	})
	if sentinel(err) != sentinel(insideErr) {
		w.Errorf("the error is %v in a View and %v in an Update", err, insideErr)
	}
	if diff := cmp.Diff(got, inside, loosely); err == nil && diff != "" {
		w.Errorf("a View and an Update read different things (-view +update):\n%s", diff)
	}
	return got, err
}

// equal compares what was read with what is expected.
func equal[T any](w *world, what string, got, want T) {
	w.Helper()
	if diff := cmp.Diff(want, got, loosely); diff != "" {
		w.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// loosely makes no difference between an empty list and none. Times are equal
// if they are the same instant. Bytes are compared at once, for documents are
// long.
var loosely = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.FilterValues(func(x, y []byte) bool { return len(x) > 0 && len(y) > 0 }, cmp.Comparer(bytes.Equal)),
}

// is says that err should be want.
func (w *world) is(err, want error) {
	w.Helper()
	if e := expect(err, want); e != nil {
		w.Fatalf("%v", e)
	}
}

// expect gives an error if err isn't want; for use inside a transaction.
func expect(err, want error) error {
	if errors.Is(err, want) {
		return nil
	}
	return fmt.Errorf("the error is %v, want %v", err, want)
}

// sentinel gives the fact of state that an error stands for, else the error.
func sentinel(err error) error {
	for _, s := range []error{store.ErrNotFound, store.ErrExists, store.ErrStale, store.ErrUnavailable, store.ErrTooMany, store.ErrUnfilterable, store.ErrUnsupported} {
		if errors.Is(err, s) {
			return s
		}
	}
	return err
}
