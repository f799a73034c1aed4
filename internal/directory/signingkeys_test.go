package directory_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// A key signs for its life. The next one is published for ten minutes before it
// signs, so that no receiver gets what it finds no key for; then the old one's
// public half stays for 400 days. Those who begin at once end up with one key.
func TestSigningKeysTakeTurns(t *testing.T) {
	const life = 90 * 24 * time.Hour
	eachControl(t, func(t *testing.T, c *control) {
		var made atomic.Int64
		keys := func() []directory.SigningKey {
			all, err := c.SigningKeys(context.Background(), life, func() (directory.SigningKey, error) {
				id := fmt.Sprint("k", made.Add(1))
				return directory.SigningKey{ID: id, Public: []byte(`{"kid":"` + id + `"}`), Private: []byte("private " + id)}, nil
			})
			if err != nil {
				t.Error(err)
				return make([]directory.SigningKey, 1)
			}
			return all
		}
		found := make(chan directory.SigningKey, 8)
		for range cap(found) {
			go func() { found <- keys()[0] }()
		}
		first := <-found
		for range cap(found) - 1 {
			if other := <-found; other.ID != first.ID || string(other.Private) != "private "+first.ID {
				t.Errorf("keys %+v and %+v", first, other)
			}
		}
		c.clock.Add(life - time.Hour)
		if all := keys(); len(all) != 1 || all[0].ID != first.ID {
			t.Errorf("too early: %+v", all)
		}
		c.clock.Add(time.Hour)
		all := keys()
		if len(all) != 2 || all[0].ID == first.ID || len(all[0].Public) == 0 || all[0].Private != nil || string(all[1].Private) != "private "+first.ID {
			t.Errorf("while the next one is published: %+v", all)
		}
		next := all[0].ID
		c.clock.Add(10*time.Minute - time.Second)
		if all := keys(); len(all) != 2 || all[1].Private == nil {
			t.Errorf("a second too early: %+v", all)
		}
		c.clock.Add(time.Second)
		if all := keys(); len(all) != 2 || string(all[0].Private) != "private "+next || all[1].ID != first.ID || all[1].Private != nil || len(all[1].Public) == 0 {
			t.Errorf("the next: %+v", all)
		}
		err := c.store.Look(t.Context(), func(r store.Reader) error {
			kept, err := r.SigningKeys()
			if err == nil && (kept[1].Private != nil || kept[1].RetiredAt.IsZero()) {
				t.Errorf("the old one is kept as %+v", kept[1])
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		for range 6 {
			c.clock.Add(life)
			keys()
			c.clock.Add(10 * time.Minute)
			keys()
		}
		if all := keys(); len(all) != 6 || all[5].ID == first.ID {
			t.Errorf("after two years: %+v", all)
		}
	})
}
