package acceptance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/store"
)

// events gives the tenant's events about resources and attributes, those about
// its set-up left out.
func (n *tenant) events() []store.Event {
	n.t.Helper()
	return aboutResources(n.eventsAfter(new(int64)))
}

func aboutResources(events []store.Event) []store.Event {
	return slices.DeleteFunc(events, func(e store.Event) bool {
		kind, _, _ := strings.Cut(e.Type, ".")
		return kind != "user" && kind != "group" && kind != "attribute"
	})
}

// eventsAfter gives the events after a sequence number, and moves it on. On
// PostgreSQL an event shows only when every transaction that began before its
// own has ended, those of other tests too; so an event is made that comes after
// all that was done, and waited for.
func (n *tenant) eventsAfter(after *int64) []store.Event {
	n.t.Helper()
	n.marks++
	mark, policies := "mark "+strconv.Itoa(n.marks), store.Policies{Park: n.marks%2 == 1}
	if err := n.house.Directory.SetPolicies(n.t.Context(), mark, n.slug, "marks", policies); err != nil {
		n.t.Fatal(err)
	}
	var out []store.Event
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		for more := true; more; {
			more = false
			err := n.house.Directory.Events(n.t.Context(), n.slug, *after, 1000, func(e store.Event) error {
				*after, more = e.Seq, true
				if e.Actor == mark {
					return errMark
				}
				out = append(out, e)
				return nil
			})
			if errors.Is(err, errMark) {
				return out
			}
			if err != nil {
				n.t.Fatal(err)
			}
		}
	}
	n.t.Fatal("the events don't show")
	return nil
}

var errMark = errors.New("the mark")

// since gives the events that do writes.
func (n *tenant) since(do func()) []store.Event {
	n.t.Helper()
	n.eventsAfter(&n.seq)
	do()
	return aboutResources(n.eventsAfter(&n.seq))
}

// types names the events.
func types(events []store.Event) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.Type
	}
	return out
}

// conflicts gives what a person has to decide; no face of the program shows it
// yet, so it is read from the database.
func (n *tenant) conflicts() []store.Conflict {
	n.t.Helper()
	s, err := app.OpenStore(n.t.Context(), app.Database{Database: n.house.Database}, false, slog.New(slog.DiscardHandler))
	if err != nil {
		n.t.Fatal(err)
	}
	defer s.Close()
	var out []store.Conflict
	err = s.View(n.t.Context(), func(r store.Reader) error {
		t, err := r.Tenant(n.slug)
		if err != nil {
			return err
		}
		out, err = r.Conflicts(store.ConflictQuery{Tenant: t.ID, Limit: 100})
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return out
}

// state is a hash of all that the tenant's clients see, and of its event log:
// equal before and after means that nothing was written.
func (n *tenant) state() string {
	n.t.Helper()
	h := sha256.New()
	for _, c := range n.clients {
		h.Write([]byte(c.everything()))
	}
	events, err := json.Marshal(n.events())
	if err != nil {
		n.t.Fatal(err)
	}
	h.Write(events)
	return hex.EncodeToString(h.Sum(nil))
}

// unchanged fails the test if do changes the state.
func (n *tenant) unchanged(t *testing.T, do func()) {
	t.Helper()
	before := n.state()
	do()
	if n.state() != before {
		t.Error("the state changed")
	}
}
