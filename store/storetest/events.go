package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func eventChecks() []check {
	return []check{
		{"events read back whole, in order, after a number and up to a limit", eventsReadBack},
		{"appending nothing is nothing", eventsNone},
		{"an undone event never shows", eventsUndone},
		{"an error of a row stops and is returned", eventRowError},
		{"a slow transaction's event is not skipped", eventsSlow},
		{"a reader that follows many writers sees each event once", eventsFollowed},
	}
}

func eventsAfter(w *world, after int64, limit int) []store.Event {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Event, error) { return eventsIn(r, w.tenant, after, limit) })
}

func eventsIn(r store.Reader, tenant, after int64, limit int) ([]store.Event, error) {
	var all []store.Event
	err := r.Events(tenant, after, limit, func(e store.Event) error {
		e.Before, e.After = slices.Clone(e.Before), slices.Clone(e.After)
		all = append(all, e)
		return nil
	})
	return all, err
}

func (w *world) newEvent(detail string) store.Event {
	return store.Event{Tenant: w.tenant, Time: at(1), Txn: "req-1", Actor: "wsp_abcd", Source: w.ad, Type: "user.updated", Outcome: "applied", Detail: detail}
}

func eventsReadBack(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	full, plain, last := w.newEvent("full"), w.newEvent("plain"), w.newEvent("last")
	full.Reason, full.Subject, full.SubjectRID, full.Run = "joinedByAnchor", uuid.NewString(), 42, uuid.NewString()
	full.Before, full.After = []byte(`{"title":"é 😀"}`), []byte(`{"title":null, "b":1.50}`)
	events := []store.Event{full, plain}
	w.update(func(tx store.Tx) error {
		events = []store.Event{full, plain}
		more := []store.Event{last}
		err := errors.Join(tx.AppendEvents(events), tx.AppendEvents([]store.Event{other.newEvent("foreign")}), tx.AppendEvents(more))
		events = append(events, more...)
		return err
	})
	for i := 1; i < len(events); i++ {
		if events[i-1].Seq <= 0 || events[i].Seq <= events[i-1].Seq {
			t.Fatalf("Seq %d is followed by %d", events[i-1].Seq, events[i].Seq)
		}
	}
	equal(w, "all", eventsAfter(w, 0, 100), events)
	equal(w, "two", eventsAfter(w, 0, 2), events[:2])
	equal(w, "after the first", eventsAfter(w, events[0].Seq, 100), events[1:])
	equal(w, "one after the first", eventsAfter(w, events[0].Seq, 1), events[1:2])
	equal(w, "after the last", eventsAfter(w, events[2].Seq, 100), nil)
	if got := eventsAfter(w, 0, 100)[1]; got.Before != nil || got.After != nil {
		t.Errorf("no value came back as %q, %q; want nil", got.Before, got.After)
	}
}

func eventsNone(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.update(func(tx store.Tx) error { return tx.AppendEvents(nil) })
	equal(w, "events", eventsAfter(w, 0, 100), nil)
}

func eventsUndone(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	failure := errors.New("failure")
	w.is(s.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(tx.AppendEvents([]store.Event{w.newEvent("undone")}), failure)
	}), failure)
	w.update(func(tx store.Tx) error {
		err := tx.Savepoint(func() error { return errors.Join(tx.AppendEvents([]store.Event{w.newEvent("undone too")}), failure) })
		return errors.Join(expect(err, failure), tx.AppendEvents([]store.Event{w.newEvent("kept")}))
	})
	equal(w, "events", details(eventsAfter(w, 0, 100)), []string{"kept"})
}

func details(events []store.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.Detail)
	}
	return out
}

func eventRowError(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.update(func(tx store.Tx) error {
		return tx.AppendEvents([]store.Event{w.newEvent("a"), w.newEvent("b"), w.newEvent("c")})
	})
	enough := errors.New("enough")
	rows := 0
	err := s.View(t.Context(), func(r store.Reader) error {
		return r.Events(w.tenant, 0, 100, func(store.Event) error {
			if rows++; rows == 2 {
				return enough
			}
			return nil
		})
	})
	if !errors.Is(err, enough) || rows != 2 {
		t.Errorf("error %v after %d rows, want %v after 2", err, rows, enough)
	}
}

// follow reads the events after seq and gives the last one's number.
func follow(w *world, seq int64, got *[]store.Event) int64 {
	w.Helper()
	var more []store.Event
	w.view(func(r store.Reader) (err error) {
		more, err = eventsIn(r, w.tenant, seq, 1000)
		return err
	})
	*got = append(*got, more...)
	if len(more) > 0 {
		seq = more[len(more)-1].Seq
	}
	return seq
}

// A sequence number is taken before the commit, so one that is taken first can
// become visible last: a reader in between must not pass over it.
func eventsSlow(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	m := newMeeting()
	errs := make(chan error, 2)
	go func() {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			if err := tx.AppendEvents([]store.Event{w.newEvent("slow")}); err != nil {
				return err
			}
			m.wait(0)
			return nil
		})
		m.arrive(0)
		errs <- err
	}()
	var got []store.Event
	<-m.arrived[0]
	go func() {
		errs <- s.Update(t.Context(), func(tx store.Tx) error { return tx.AppendEvents([]store.Event{w.newEvent("quick")}) })
	}()
	first := <-errs // the quick one where it may overtake, else the slow one
	seq := follow(w, 0, &got)
	m.wait(1)
	if err := errors.Join(first, <-errs); err != nil {
		t.Fatal(err)
	}
	follow(w, seq, &got)
	equal(w, "events, in any order", slices.Sorted(slices.Values(details(got))), []string{"quick", "slow"})
	sortedBySeq(t, got)
}

func sortedBySeq(t *testing.T, events []store.Event) {
	t.Helper()
	for i := 1; i < len(events); i++ {
		if events[i].Seq <= events[i-1].Seq {
			t.Errorf("event %d came after event %d", events[i].Seq, events[i-1].Seq)
		}
	}
}

func eventsFollowed(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	const writers, each = 8, 15
	done := make(chan []error)
	go func() {
		done <- together(writers, func(i int) error {
			for n := range each {
				err := s.Update(t.Context(), func(tx store.Tx) error {
					batch := []store.Event{w.newEvent(fmt.Sprintf("%d/%02d/a", i, n)), w.newEvent(fmt.Sprintf("%d/%02d/b", i, n))}
					return tx.AppendEvents(batch)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}()
	var got []store.Event
	var seq int64
	var errs []error
	for errs == nil {
		select {
		case errs = <-done:
		default:
		}
		seq = follow(w, seq, &got)
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	follow(w, seq, &got)
	sortedBySeq(t, got)
	var want []string
	for i := range writers {
		for n := range each {
			want = append(want, fmt.Sprintf("%d/%02d/a", i, n), fmt.Sprintf("%d/%02d/b", i, n))
		}
	}
	equal(w, "events that were seen", slices.Sorted(slices.Values(details(got))), want)
}
