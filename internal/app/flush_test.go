package app

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// failing is a store that writes nothing while err is set.
type failing struct {
	store.Store
	err error
}

func (f *failing) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.Update(ctx, fn)
}

// ahead is a clock that goes on by an hour with every look.
type ahead struct{ now time.Time }

func (c *ahead) Now() time.Time { c.now = c.now.Add(time.Hour); return c.now }

func TestMissedFlushIsOneWarningUntilOneSucceeds(t *testing.T) {
	ctx := t.Context()
	st, err := OpenStore(ctx, Database{Database: "sqlite:" + filepath.Join(t.TempDir(), "w.db")}, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	db := &failing{Store: st}
	var log strings.Builder
	s := &Server{log: slog.New(slog.NewTextHandler(&log, nil)), directory: directory.New(db, directory.Options{Clock: &ahead{now: time.Now()}})}
	if _, err := s.directory.AddTenant(ctx, "test", "a", "", nil); err != nil {
		t.Fatal(err)
	}
	secret, _, err := s.directory.AddToken(ctx, "test", directory.TokenSpec{Tenant: "a", Admin: true})
	if err != nil {
		t.Fatal(err)
	}
	for outage := 1; outage <= 2; outage++ {
		db.err = store.ErrUnavailable
		for range 3 {
			if _, err := s.directory.Authenticate(ctx, secret); err != nil {
				t.Fatal(err)
			}
			s.flush(ctx, time.Minute)
		}
		db.err = nil
		s.flush(ctx, time.Minute)
		if n := strings.Count(log.String(), "level=WARN"); n != outage || strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("after outage %d:\n%s", outage, &log)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	log.Reset()
	if _, err := s.directory.Authenticate(ctx, secret); err != nil {
		t.Fatal(err)
	}
	if s.flush(ended, time.Minute); log.Len() > 0 {
		t.Errorf("a flush that was called off is no news:\n%s", &log)
	}
	tokens, err := s.directory.Tokens(ctx, "a")
	if err != nil || len(tokens) != 1 || tokens[0].LastUsedAt.IsZero() {
		t.Errorf("%+v %v", tokens, err)
	}
}
