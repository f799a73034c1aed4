package directory_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// paused is a store whose Updates wait before they commit.
type paused struct {
	store.Store
	commit func()
}

func (p *paused) Update(ctx context.Context, fn func(store.Tx) error) error {
	return p.Store.Update(ctx, func(tx store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		p.commit()
		return nil
	})
}

// The revocation has written its row and not yet committed when the flush
// begins. (On SQLite writers take turns.)
func TestFlushUsesDoesNotUndoARevocationBesideIt(t *testing.T) {
	t.Parallel()
	c := onPostgres(t, slog.New(slog.DiscardHandler))
	c.tenant("a")
	c.source("a", "entra")
	secret, token := c.token(directory.TokenSpec{Tenant: "a", Source: "entra"})
	must(c.Authenticate(t.Context(), secret))(t)

	written, flushing, revoked := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	revoker := directory.New(&paused{c.store, func() { close(written); <-flushing }}, directory.Options{})
	go func() { revoked <- revoker.RevokeToken(t.Context(), "test", "a", token.Prefix) }()
	<-written
	time.AfterFunc(50*time.Millisecond, func() { close(flushing) }) // by then the flush waits for the row
	if err := c.FlushUses(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-revoked; err != nil {
		t.Error(err)
	}
	_, err := c.Authenticate(t.Context(), secret)
	wantReason(t, err, directory.AuthRevoked)
}

// A flush that meets a lock when its time is over is no error of the database.
func TestFlushUsesThatIsLateLogsNoError(t *testing.T) {
	t.Parallel()
	log := &apptest.Log{}
	c := onPostgres(t, slog.New(slog.NewTextHandler(log, nil)))
	c.tenant("a")
	c.source("a", "entra")
	secret, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "entra"})
	must(c.Authenticate(t.Context(), secret))(t)

	conn := must(pgx.Connect(t.Context(), c.database))(t)
	defer conn.Close(context.Background())
	tx := must(conn.Begin(t.Context()))(t)
	if _, err := tx.Exec(t.Context(), "SELECT 1 FROM tokens FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	unlocked := make(chan error, 1)
	context.AfterFunc(ctx, func() { unlocked <- tx.Rollback(context.Background()) })
	if err := c.FlushUses(ctx); err != nil {
		t.Errorf("the lock was gone in time: %v", err)
	}
	if err := <-unlocked; err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Error(log)
	}
	if k := must(c.Tokens(t.Context(), "a"))(t)[0]; k.LastUsedAt.IsZero() {
		t.Error("the use isn't written")
	}
}

// onPostgres is a Directory on an empty PostgreSQL database.
func onPostgres(t *testing.T, log *slog.Logger) *postgresControl {
	t.Helper()
	database := apptest.Postgres(t)
	st, err := app.OpenStore(t.Context(), app.Database{Database: database}, false, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return &postgresControl{control{Directory: directory.New(st, directory.Options{}), t: t, store: st}, database}
}

type postgresControl struct {
	control
	database string
}
