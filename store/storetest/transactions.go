package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func transactionChecks() []check {
	return []check{
		{"an error keeps nothing and comes back as it is", updateError},
		{"an error of a view comes back as it is", viewError},
		{"a panic keeps nothing and the store goes on", updatePanic},
		{"every read in an update sees its own writes", updateReadsItself},
		{"nobody sees an update before it is committed", updateHidden},
		{"a view is one snapshot", viewSnapshot},
	}
}

// everything writes one of each kind of record and gives a number of the group
// and the user that it made.
func everything(w *world, tx store.Tx) (anna, sales store.Resource, err error) {
	anna, sales = w.newUser(w.ad, "anna", `{"displayName":"Anna"}`), w.newGroup(w.ad, "Sales", "")
	if err := errors.Join(tx.InsertResource(&anna), tx.InsertResource(&sales)); err != nil {
		return anna, sales, err
	}
	l, token, source := newLink(w.ad, anna), newToken(w, w.ad, store.TokenBearer), newSource(w.tenant, store.SourcePeer, "peer")
	l.ExternalID, l.Anchor = "E-1", "A-1"
	c := w.newConflict(anna.RID, "E-1", 1)
	return anna, sales, errors.Join(
		tx.PutLink(nil, &l),
		assert(tx, w, sales, w.ad, anna),
		tx.Park(store.Parked{Tenant: w.tenant, Source: w.ad, Ref: "E-9", Kind: store.ParkedManager, RID: anna.RID}),
		tx.PutConflict(&c),
		tx.AppendEvents([]store.Event{w.newEvent("x")}),
		tx.CreateToken(&token),
		tx.CreateSource(&source),
		tx.PutFederation(&store.Federation{Source: w.ad, Issuer: "i", Subject: "s"}),
		tx.DeclareAttribute(w.tenant, &schema.Custom{URN: customURN, Name: "badge", Type: schema.String}),
	)
}

// trace counts what everything wrote, as each method of Reader finds it.
func trace(w *world, r store.Reader, anna, sales store.Resource) (map[string]int, error) {
	found := map[string]int{}
	var errs []error
	count := func(what string, n int, err error) {
		if found[what] = n; err != nil && !errors.Is(err, store.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	one := func(what string, err error) {
		n := 1
		if err != nil {
			n = 0
		}
		count(what, n, err)
	}
	_, err := r.Resource(w.tenant, anna.RID)
	one("Resource", err)
	_, err = r.Record(w.as(0), anna.Kind, anna.ID, false)
	one("Record, resolved", err)
	_, err = r.Record(w.as(w.ad), anna.Kind, anna.ID, false)
	one("Record, of a source", err)
	_, err = r.FindUnique(w.tenant, anna.Kind, "anna")
	one("FindUnique", err)
	_, err = r.FindExternalID(w.ad, anna.Kind, "E-1")
	one("FindExternalID", err)
	links, err := r.FindAnchor(w.tenant, anna.Kind, "A-1")
	count("FindAnchor", len(links), err)
	links, err = r.Links(anna.RID)
	count("Links", len(links), err)
	refs, err := r.Refs(w.as(w.ad), []string{anna.ID})
	count("Refs", len(refs), err)
	ids, err := r.IDs(w.tenant, rids(anna))
	count("IDs", len(ids), err)
	l, err := listIn(r, w.users(0))
	count("List", l.Page.Total, err)
	l, err = listIn(r, w.where(w.users(w.ad), `displayName eq "anna"`))
	count("List, filtered", l.Page.Total, err)
	n := 0
	err = r.Members(w.as(0), sales.RID, func(store.Member) error { n++; return nil })
	count("Members", n, err)
	groups, err := r.Groups(w.as(0), rids(anna))
	count("Groups", len(groups[anna.RID]), err)
	referrers, err := r.Referrers(w.tenant, w.set.User.DisplayName.Index, "anna")
	count("Referrers", len(referrers), err)
	parked, err := r.Parked(w.ad, "E-9")
	count("Parked", len(parked), err)
	conflicts, err := r.Conflicts(store.ConflictQuery{Tenant: w.tenant, Limit: 10})
	count("Conflicts", len(conflicts), err)
	events, err := eventsIn(r, w.tenant, 0, 10)
	count("Events", len(events), err)
	tokens, err := r.Tokens(w.tenant)
	count("Tokens", len(tokens), err)
	_, err = r.Source(w.tenant, "peer")
	one("Source", err)
	federations, err := r.Federations(w.ad)
	count("Federations", len(federations), err)
	customs, err := r.CustomAttributes(w.tenant)
	count("CustomAttributes", len(customs), err)
	return found, errors.Join(errs...)
}

// traces says that everything is found n times.
func traces(w *world, r store.Reader, anna, sales store.Resource, n int) error {
	found, err := trace(w, r, anna, sales)
	for what, got := range found {
		if got != n {
			err = errors.Join(err, fmt.Errorf("%s finds %d, want %d", what, got, n))
		}
	}
	return err
}

func updateError(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	failure := errors.New("failure")
	var anna, sales store.Resource
	err := s.Update(t.Context(), func(tx store.Tx) (err error) {
		if anna, sales, err = everything(w, tx); err != nil {
			return err
		}
		return failure
	})
	if err != failure { //nolint:errorlint // as it is, not wrapped
		t.Errorf("the error came back as %#v, want it as it was", err)
	}
	w.view(func(r store.Reader) error { return traces(w, r, anna, sales, 0) })
}

func viewError(t *testing.T, s store.Store) {
	failure := errors.New("failure")
	if err := s.View(t.Context(), func(store.Reader) error { return failure }); err != failure { //nolint:errorlint // as it is, not wrapped
		t.Errorf("the error came back as %#v, want it as it was", err)
	}
}

func updatePanic(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var anna, sales store.Resource
	err := caught(func() error {
		return s.Update(t.Context(), func(tx store.Tx) (err error) {
			if anna, sales, err = everything(w, tx); err != nil {
				return err
			}
			panic("a bug of the caller")
		})
	})
	if err == nil {
		t.Error("an update that panicked succeeded")
	}
	if err := caught(func() error { return s.View(t.Context(), func(store.Reader) error { panic("a bug of the caller") }) }); err == nil {
		t.Error("a view that panicked succeeded")
	}
	w.view(func(r store.Reader) error { return traces(w, r, anna, sales, 0) })
	w.user(w.ad, "after", "")
}

func updateReadsItself(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var anna, sales store.Resource
	w.update(func(tx store.Tx) (err error) {
		if anna, sales, err = everything(w, tx); err != nil {
			return err
		}
		return traces(w, tx, anna, sales, 1)
	})
	w.view(func(r store.Reader) error { return traces(w, r, anna, sales, 1) })
}

func updateHidden(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	m := newMeeting()
	var anna, sales store.Resource
	var ended atomic.Bool // the function of the update, and so perhaps its commit
	done := make(chan error)
	go func() {
		err := s.Update(t.Context(), func(tx store.Tx) (err error) {
			ended.Store(false)
			anna, sales, err = everything(w, tx)
			m.wait(0)
			ended.Store(true)
			return err
		})
		m.arrive(0)
		done <- err
	}()
	<-m.arrived[0]
	var page listed
	err := s.View(t.Context(), func(r store.Reader) (err error) {
		page, err = listIn(r, w.users(0))
		return err
	})
	if n := page.Page.Total; n != 0 && !ended.Load() {
		t.Errorf("%d users are visible before the commit", n)
	}
	m.arrive(1)
	w.is(errors.Join(err, <-done), nil)
	w.view(func(r store.Reader) error { return traces(w, r, anna, sales, 1) })
}

func viewSnapshot(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", "")
	total := func(r store.Reader) (int, error) {
		page, err := r.List(w.users(0), func(*store.Record) error { return nil })
		return page.Total, err
	}
	w.view(func(r store.Reader) error {
		before, err := total(r)
		if err != nil {
			return err
		}
		done := make(chan error)
		go func() {
			late := w.newUser(w.ad, "late", "")
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			done <- s.Update(ctx, func(tx store.Tx) error {
				return errors.Join(tx.InsertResource(&late), tx.Touch(anna.RID, 0, true, false, at(1)))
			})
		}()
		// An error here means that the writer waits for readers, which is no
		// breach of a snapshot.
		<-done
		after, err := total(r)
		if after != before {
			return fmt.Errorf("a view counts %d, then %d", before, after)
		}
		rec, recErr := r.Record(w.as(0), anna.Kind, anna.ID, false)
		if rec.Version != 1 {
			return fmt.Errorf("a view shows version %d of what it had before", rec.Version)
		}
		return errors.Join(err, recErr)
	})
}
