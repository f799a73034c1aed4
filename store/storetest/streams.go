package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func streamChecks() []check {
	return []check{
		{"a stream is found by its id in its tenant, and comes back as it was written", streamRoundTrip},
		{"streams are listed in pages, all or those of a source", streamPages},
		{"what is pushed is found over all tenants, unless it is paused", streamsPushed},
		{"the last event is the one that reading ends with", lastEvent},
		{"links to resources are those of one source, ended ones included", linksTo},
		{"signing keys come newest first, and keep what is public", signingKeys},
	}
}

func (w *world) newStream(source int64, d store.Delivery) store.Stream {
	return store.Stream{
		Tenant: w.tenant, Source: source, PublicID: uuid.NewString(), Description: "d", Delivery: d, Issuer: "https://a.example",
		Audience: []string{"b"}, Events: []string{"x", "y"}, CreatedBy: "ws_b1234", CreatedAt: at(1),
	}
}

func (w *world) stream(source int64, d store.Delivery) store.Stream {
	w.Helper()
	x := w.newStream(source, d)
	w.update(func(tx store.Tx) error { return tx.InsertStream(&x) })
	return x
}

func (w *world) foundStream(id string) store.Stream {
	w.Helper()
	return read(w, func(r store.Reader) (store.Stream, error) { return r.Stream(w.tenant, id) })
}

func streamRoundTrip(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	x := w.stream(w.ad, store.DeliveryPush)
	equal(w, "as it was inserted", w.foundStream(x.PublicID), x)
	for _, tenant := range []int64{other.tenant, w.tenant + 1_000_000} {
		err := s.View(t.Context(), func(r store.Reader) error { _, err := r.Stream(tenant, x.PublicID); return err })
		equal(w, "of another tenant", errors.Is(err, store.ErrNotFound), true)
	}
	y := x
	y.Description, y.Subjects, y.Issuer, y.Audience, y.Events = "e", w.hr, "https://c.example", []string{"c", "d"}, []string{"z"}
	y.Endpoint, y.Authorization, y.Paused, y.Reason = "https://r.example/sets", []byte("sealed"), true, "why"
	y.StreamState = store.StreamState{
		Position: 7, Acked: []int64{9, 12}, DeliveredAt: at(2), Refused: 3, LastError: "x", LastErrorAt: at(3), Failures: 4, FailingSince: at(4), NextAt: at(5),
		Holder: "server-1", HolderUntil: at(6),
	}
	w.update(func(tx store.Tx) error {
		if _, err := tx.Stream(w.tenant, y.PublicID); err != nil {
			return err
		}
		changed := y
		changed.Tenant, changed.Source, changed.PublicID, changed.Delivery, changed.CreatedBy, changed.CreatedAt = 0, 0, "", "", "", time.Time{}
		return tx.UpdateStream(changed)
	})
	equal(w, "as it was updated", w.foundStream(x.PublicID), y)
	w.update(func(tx store.Tx) error { return tx.DeleteStream(x.ID) })
	err := s.View(t.Context(), func(r store.Reader) error { _, err := r.Stream(w.tenant, x.PublicID); return err })
	equal(w, "deleted", errors.Is(err, store.ErrNotFound), true)
}

func streamPages(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	a, b, c := w.stream(w.ad, store.DeliveryPoll), w.stream(0, store.DeliveryPoll), w.stream(w.ad, store.DeliveryPush)
	other.stream(other.ad, store.DeliveryPoll)
	page := func(source, after int64, limit int) []int64 {
		return streamIDs(read(w, func(r store.Reader) ([]store.Stream, error) { return r.Streams(w.tenant, source, after, limit) }))
	}
	equal(w, "all", page(0, 0, 10), []int64{a.ID, b.ID, c.ID})
	equal(w, "of a source", page(w.ad, 0, 10), []int64{a.ID, c.ID})
	equal(w, "a page", page(0, 0, 2), []int64{a.ID, b.ID})
	equal(w, "the next", page(0, b.ID, 2), []int64{c.ID})
	equal(w, "of a source that has none", page(w.hr, 0, 10), nil)
}

func streamIDs(all []store.Stream) (ids []int64) {
	for _, x := range all {
		ids = append(ids, x.ID)
	}
	return ids
}

func streamsPushed(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	a, b := w.stream(w.ad, store.DeliveryPush), other.stream(0, store.DeliveryPush)
	paused, polled := w.newStream(0, store.DeliveryPush), w.stream(0, store.DeliveryPoll)
	paused.Paused = true
	w.update(func(tx store.Tx) error { return tx.InsertStream(&paused) })
	found := func(what string, want map[int64]bool) {
		all := streamIDs(read(w, store.Reader.PushStreams))
		equal(w, "is in order", slices.IsSorted(all), true)
		for id, is := range want {
			equal(w, what, slices.Contains(all, id), is)
		}
	}
	off := w.stream(w.hr, store.DeliveryPush)
	w.update(func(tx store.Tx) error {
		tenant, err := tx.TenantByID(w.tenant)
		tenant.SyncEnabled = true
		return errors.Join(err, tx.UpdateTenant(&tenant))
	})
	found("found", map[int64]bool{a.ID: true, b.ID: true, paused.ID: false, polled.ID: false, off.ID: true})
	w.update(func(tx store.Tx) error {
		all, err := tx.Sources(w.tenant)
		i := slices.IndexFunc(all, func(s store.Source) bool { return s.ID == w.hr })
		all[i].Mode = store.ModeDisabled
		return errors.Join(err, tx.UpdateSource(&all[i]))
	})
	found("with a source disabled", map[int64]bool{a.ID: true, off.ID: false})
	w.update(func(tx store.Tx) error {
		tenant, err := tx.TenantByID(w.tenant)
		tenant.SyncEnabled = false
		return errors.Join(err, tx.UpdateTenant(&tenant))
	})
	found("with the hybrid sync off", map[int64]bool{a.ID: false, b.ID: true})
}

func lastEvent(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	last := func() int64 {
		return read(w, func(r store.Reader) (int64, error) { return r.LastEvent(w.tenant) })
	}
	equal(w, "without events", last(), int64(0))
	events := []store.Event{{Tenant: w.tenant, Time: at(1), Type: "user.created"}, {Tenant: w.tenant, Time: at(1), Type: "user.updated"}}
	w.update(func(tx store.Tx) error { return tx.AppendEvents(events) })
	w.update(func(tx store.Tx) error {
		return tx.AppendEvents([]store.Event{{Tenant: other.tenant, Time: at(1), Type: "user.created"}})
	})
	// On PostgreSQL an event shows when all that began before it has ended.
	deadline := time.Now().Add(30 * time.Second)
	for last() == 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	equal(w, "the last of the tenant", last(), events[1].Seq)
}

func linksTo(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	a, b := w.user(w.ad, "a@contoso.com", ""), w.user(w.ad, "b@contoso.com", "")
	c := w.user(w.hr, "c@contoso.com", "")
	w.update(func(tx store.Tx) error {
		all, err := tx.Links(b.RID)
		if err != nil {
			return err
		}
		ended := all[0]
		ended.State, ended.ExternalID = store.LinkEnded, "x"
		return tx.PutLink(&all[0], &ended)
	})
	all := read(w, func(r store.Reader) ([]store.Link, error) {
		return r.LinksTo(w.ad, []int64{c.RID, b.RID, a.RID, a.RID})
	})
	equal(w, "how many", len(all), 2)
	equal(w, "the first", all[0], newLink(w.ad, a))
	equal(w, "the ended one", []any{all[1].RID, all[1].State, all[1].ExternalID}, []any{b.RID, store.LinkEnded, "x"})
	equal(w, "of nothing", len(read(w, func(r store.Reader) ([]store.Link, error) { return r.LinksTo(w.ad, nil) })), 0)
}

func signingKeys(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	old := store.SigningKey{ID: "k1", Public: []byte(`{"kid":"k1"}`), Private: []byte("p1"), CreatedAt: at(1)}
	young := store.SigningKey{ID: "k2", Public: []byte(`{"kid":"k2"}`), Private: []byte("p2"), CreatedAt: at(2)}
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.LockSigningKeys(), tx.PutSigningKey(old), tx.PutSigningKey(young))
	})
	equal(w, "both", read(w, store.Reader.SigningKeys), []store.SigningKey{young, old})
	old.Private, old.RetiredAt = nil, at(2)
	w.update(func(tx store.Tx) error {
		changed := old
		changed.Public, changed.CreatedAt = []byte("{}"), at(9)
		return tx.PutSigningKey(changed)
	})
	equal(w, "one retired", read(w, store.Reader.SigningKeys), []store.SigningKey{young, old})
	w.update(func(tx store.Tx) error { return tx.DeleteSigningKey("k1") })
	equal(w, "one forgotten", read(w, store.Reader.SigningKeys), []store.SigningKey{young})
	w.update(func(tx store.Tx) error { return tx.DeleteSigningKey("k2") })
}
