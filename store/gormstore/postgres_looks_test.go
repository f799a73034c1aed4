package gormstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// together asks statements in one round trip and gives the error of each.
func together(t *testing.T, l *looks, asks ...func() error) []error {
	t.Helper()
	l.mu.Lock()
	l.running = l.senders // as if all were under way
	l.mu.Unlock()
	errs := make([]error, len(asks))
	var wg sync.WaitGroup
	for i, ask := range asks {
		wg.Go(func() { errs[i] = ask() })
		for n := 0; n <= i; runtime.Gosched() {
			l.mu.Lock()
			n = len(l.waiting)
			l.mu.Unlock()
		}
	}
	sent := l.sent.Load()
	l.mu.Lock()
	l.running = 1
	l.mu.Unlock()
	l.send()
	wg.Wait()
	if n := l.sent.Load() - sent; n != 1 {
		t.Errorf("%d round trips, want 1", n)
	}
	return errs
}

// Each Look has its own answer; who comes behind one that fails has to ask
// again, and who has many rows, or panics, keeps nobody from theirs.
func TestLooksAskedTogetherHaveTheirOwnAnswers(t *testing.T) {
	l := &openPostgresTest(t).engine.(*postgresEngine).looks
	var got [7]int
	ask := func(i int, sql string, args ...any) func() error {
		return func() error {
			return l.ask(t.Context(), sql, args, func(r rows) error {
				got[i] = 0
				return drain(t.Context(), r, func(r rows) error {
					var n int
					err := r.Scan(&n)
					got[i] += n
					return err
				})
			})
		}
	}
	refused := errors.New("refused")
	errs := together(t, l,
		ask(0, "SELECT 7"),
		ask(1, "SELECT 1 FROM generate_series(1, $1)", maxBrief+1),
		func() error {
			return l.ask(t.Context(), "SELECT 1", nil, func(rows) error { panic("oops") })
		},
		func() error {
			return l.ask(t.Context(), "SELECT 1", nil, func(rows) error { return refused })
		},
		ask(4, "SELECT 1 FROM generate_series(1, $1)", maxBrief-1),
		ask(5, "SELECT 1/$1::int", 0),
		ask(6, "SELECT 7"),
	)
	want := []error{nil, errApart, errApart, refused, nil, errApart, errApart}
	for i := range want {
		if !errors.Is(errs[i], want[i]) {
			t.Errorf("Look %d: %v, want %v", i, errs[i], want[i])
		}
	}
	if got[0] != 7 || got[4] != maxBrief-1 {
		t.Errorf("read %v", got)
	}
}

func TestALookThatIsGivenUpIsNotAsked(t *testing.T) {
	l := &openPostgresTest(t).engine.(*postgresEngine).looks
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan struct{})
	errs := together(t, l,
		func() error {
			defer close(gaveUp)
			return l.ask(ctx, "SELECT 1", nil, func(rows) error {
				t.Error("it was read")
				return nil
			})
		},
		func() error {
			cancel()
			<-gaveUp
			return l.ask(t.Context(), "SELECT 1", nil, func(r rows) error { return drain(t.Context(), r, func(rows) error { return nil }) })
		})
	if !errors.Is(errs[0], context.Canceled) || errs[1] != nil {
		t.Errorf("%v and %v", errs[0], errs[1])
	}
}

// What many ask at the same time is what each would be told alone, with and
// without a match, and while what is expected doesn't hold.
func TestConcurrentLooksSeeWhatAViewSees(t *testing.T) {
	engines(t, func(t *testing.T, s *Store) {
		w := newWorld(t, s)
		var ids []string
		w.update(func(tx store.Tx) error {
			ids = nil
			for i := range 50 {
				name := fmt.Sprint("user", i)
				r := w.user(name)
				if err := w.insert(tx, &r, name); err != nil {
					return err
				}
				ids = append(ids, r.ID)
			}
			return nil
		})
		stamp := int64(0)
		err := s.engine.view(t.Context(), false, func(x *session) error {
			return x.one([]any{&stamp}, "SELECT value FROM settings WHERE name = 'control'")
		})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 400 {
			wg.Go(func() {
				id, expected := ids[i%len(ids)], stamp
				if i%7 == 0 {
					id = "nobody"
				}
				if i%11 == 0 {
					expected = stamp - 1
				}
				err := s.Look(t.Context(), func(r store.Reader) error {
					if err := r.Expect(expected); err != nil {
						return err
					}
					rec, err := r.Record(store.View{Tenant: w.tenant}, schema.User, id, false)
					if err == nil && rec.ID != id {
						t.Errorf("asked for %s, got %s", id, rec.ID)
					}
					return err
				})
				switch {
				case i%11 == 0 && !errors.Is(err, store.ErrStale),
					i%11 != 0 && i%7 == 0 && !errors.Is(err, store.ErrNotFound),
					i%11 != 0 && i%7 != 0 && err != nil:
					t.Errorf("Look %d: %v", i, err)
				}
			})
		}
		wg.Wait()
	})
}
