package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func historyChecks() []check {
	return []check{
		{"events are found by what they are about, by run, source, type, outcome and time", historyFound},
		{"pages of events go on where the last one ended, in both orders", historyPaged},
		{"a search that looks at many events goes on in pages", historyScanned},
		{"who asserts a member is told, by source", historyAsserting},
	}
}

// find gives all events that fit, page by page. It waits until want are there:
// elsewhere a transaction may run before which the oldest are held back.
func (w *world) findEvents(q store.EventQuery, want int) []store.Event {
	w.Helper()
	q.Tenant = w.tenant
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var all []store.Event
		for from := int64(0); ; {
			q.From = from
			var next int64
			var page []store.Event
			w.view(func(r store.Reader) (err error) {
				page = nil
				next, err = r.FindEvents(q, func(e store.Event) error {
					e.Before, e.After = slices.Clone(e.Before), slices.Clone(e.After)
					page = append(page, e)
					return nil
				})
				return err
			})
			all = append(all, page...)
			if from = next; next == 0 {
				break
			}
		}
		if len(all) >= want || time.Now().After(deadline) {
			return all
		}
	}
}

// history makes events of two resources, two runs, two sources, four types and
// three outcomes, in four transactions whose times are an hour apart; and those
// of another tenant that look alike.
func history(t *testing.T, s store.Store) (w *world, anna, bertha store.Resource, all []store.Event) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, bertha = w.user(w.ad, "anna", ""), w.user(w.ad, "bertha", "")
	runs := []string{uuid.NewString(), "", uuid.NewString()}
	types := []string{"user.created", "user.updated", "group.updated", "userx.updated"}
	for batch := range 4 {
		var made []store.Event
		w.update(func(tx store.Tx) error {
			made = nil
			for n := range 12 {
				e := w.newEvent("")
				e.Time, e.Run, e.Type = at(60*batch), runs[n%3], types[n%4]
				e.Outcome = []string{"applied", "refused", "applied", "skipped"}[(n+batch)%4]
				if n%2 == 0 {
					e.Source = w.hr
				}
				switch n % 5 {
				case 0, 1:
					e.Subject, e.SubjectRID = anna.ID, anna.RID
				case 2:
					e.Subject, e.SubjectRID = bertha.ID, bertha.RID
				case 3:
					e.Subject = "wsp_abcd"
				}
				made = append(made, e)
			}
			foreign := slices.Clone(made)
			for i := range foreign {
				foreign[i].Tenant = other.tenant
			}
			return errors.Join(tx.AppendEvents(made), tx.AppendEvents(foreign))
		})
		all = append(all, made...)
	}
	return w, anna, bertha, all
}

func historyFound(t *testing.T, s store.Store) {
	w, anna, bertha, all := history(t, s)
	for what, q := range map[string]store.EventQuery{
		"all":                    {},
		"a resource":             {Subject: anna.ID},
		"another resource":       {Subject: bertha.ID},
		"what is no resource":    {Subject: "wsp_abcd"},
		"what there isn't":       {Subject: uuid.NewString()},
		"what can't be stored":   {Subject: "a\x00b"},
		"a run":                  {Run: all[0].Run},
		"a run and a resource":   {Run: all[0].Run, Subject: anna.ID},
		"a source":               {Source: w.hr},
		"a type":                 {Type: "user.updated"},
		"a kind of types":        {Type: "user."},
		"an outcome":             {Outcome: "refused"},
		"since":                  {Since: at(60)},
		"just after":             {Since: at(60).Add(time.Microsecond)},
		"until":                  {Until: at(60)},
		"between":                {Since: at(60), Until: at(121)},
		"a time without any":     {Since: at(300)},
		"a time before any":      {Until: at(-10)},
		"everything at once":     {Subject: anna.ID, Run: all[0].Run, Source: w.hr, Type: "user.", Outcome: "applied", Since: at(0), Until: at(200)},
		"a resource, in a time":  {Subject: anna.ID, Since: at(60), Until: at(61)},
		"a run, with an outcome": {Run: all[0].Run, Outcome: "skipped"},
	} {
		q.Tenant, q.Limit = w.tenant, 7
		want := filtered(all, q.Fits)
		if what == "what can't be stored" {
			want = nil
		}
		q.Oldest = true
		equal(w, what+", the oldest first", w.findEvents(q, len(want)), want)
		q.Oldest = false
		slices.Reverse(want)
		equal(w, what, w.findEvents(q, len(want)), want)
	}
}

func filtered[T any](all []T, fits func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool { return !fits(v) })
}

func historyPaged(t *testing.T, s store.Store) {
	w, _, _, all := history(t, s)
	for _, oldest := range []bool{true, false} {
		for _, limit := range []int{1, 5, len(all), len(all) + 1} {
			want := slices.Clone(all)
			if !oldest {
				slices.Reverse(want)
			}
			equal(w, "pages", w.findEvents(store.EventQuery{Oldest: oldest, Limit: limit}, len(all)), want)
		}
	}
	enough := errors.New("enough")
	err := s.View(t.Context(), func(r store.Reader) error {
		_, err := r.FindEvents(store.EventQuery{Tenant: w.tenant, Limit: 10}, func(store.Event) error { return enough })
		return err
	})
	w.is(err, enough)
}

// The events that fit stand before and behind more than one page looks at.
func historyScanned(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	const many = store.EventScan + 10
	w.update(func(tx store.Tx) error {
		events := make([]store.Event, many)
		for i := range events {
			events[i] = w.newEvent("")
		}
		for _, i := range []int{0, 1, many - 1} {
			events[i].Outcome, events[i].Detail = "refused", "wanted"
		}
		return tx.AppendEvents(events)
	})
	for _, oldest := range []bool{true, false} {
		got := w.findEvents(store.EventQuery{Outcome: "refused", Oldest: oldest, Limit: 100}, 3)
		equal(w, "found", details(got), []string{"wanted", "wanted", "wanted"})
	}
}

func historyAsserting(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, g := w.user(w.ad, "anna", ""), w.group(w.ad, "Sales", "")
	for _, source := range []int64{w.hr, w.ad} {
		w.update(func(tx store.Tx) error {
			_, _, err := tx.ChangeMembers(w.tenant, g.RID, source, []int64{anna.RID}, nil)
			return err
		})
	}
	for _, x := range []struct {
		tenant, member int64
		want           []int64
	}{{w.tenant, anna.RID, []int64{w.ad, w.hr}}, {w.tenant, g.RID, nil}, {other.tenant, anna.RID, nil}} {
		equal(w, "asserting", read(w, func(r store.Reader) ([]int64, error) { return r.Asserting(x.tenant, g.RID, x.member) }), x.want)
	}
}
