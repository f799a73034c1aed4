package scim_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim"
	"github.com/workspace-scim/workspace/store"
)

// backlog is requests of the sources a and b that wait in a database until a test
// has one of its servers carry them out.
type backlog struct {
	t       *testing.T
	tokens  map[string]string // of a source
	echoes  []*echo.Echo
	servers []*scim.Server
	stores  []*holding
}

func newBacklog(t *testing.T, database string, servers int) *backlog {
	t.Helper()
	b := &backlog{t: t, tokens: map[string]string{}}
	var dir *directory.Directory
	for range servers {
		st, err := app.OpenStore(t.Context(), app.Database{Database: database}, false, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		held := &holding{Store: st, begun: make(chan struct{}), release: make(chan struct{})}
		dir = directory.New(held, directory.Options{})
		s, e := scim.New(scim.Config{Directory: dir}), echo.New()
		s.Mount(e)
		b.servers, b.echoes, b.stores = append(b.servers, s), append(b.echoes, e), append(b.stores, held)
	}
	ctx := t.Context()
	if _, err := dir.AddTenant(ctx, "test", "a", "", []string{"contoso.com"}); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.EnableTenant(ctx, "test", "a"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if _, err := dir.AddSource(ctx, "test", "a", directory.SourceSpec{Name: name, Kind: store.SourceAPI}); err != nil {
			t.Fatal(err)
		}
		token, _, err := dir.AddToken(ctx, "test", directory.TokenSpec{Tenant: "a", Source: name})
		if err != nil {
			t.Fatal(err)
		}
		b.tokens[name] = token
	}
	return b
}

// holding is a store whose transaction that settles a request of source a waits, for
// as long as a test has it, before it is committed, as a long one would.
type holding struct {
	store.Store
	source  int64
	begun   chan struct{} // closed when one waits
	release chan struct{}
	once    sync.Once
}

// Update fulfils store.Store.
func (h *holding) Update(ctx context.Context, fn func(store.Tx) error) error {
	return h.Store.Update(ctx, func(tx store.Tx) error { return fn(heldTx{tx, h}) })
}

type heldTx struct {
	store.Tx
	store *holding
}

// SettleRequest fulfils store.RequestWriter.
func (x heldTx) SettleRequest(q store.Request) error {
	if h := x.store; h.source == q.Source {
		h.once.Do(func() { close(h.begun) })
		<-h.release
	}
	return x.Tx.SettleRequest(q)
}

// accept has a user created later, and says where to read what became of it.
func (b *backlog) accept(source, user string) (location string) {
	b.t.Helper()
	r := b.send("POST", source, "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q}`, user))
	if r.Code != http.StatusAccepted {
		b.t.Fatalf("%d %s", r.Code, r.Body)
	}
	_, location, _ = strings.Cut(r.Header().Get("Location"), scim.Prefix)
	return location
}

func (b *backlog) send(method, source, path, body string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, scim.Prefix+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+b.tokens[source])
	if body != "" {
		req.Header.Set("Prefer", "respond-async")
	}
	w := httptest.NewRecorder()
	b.echoes[0].ServeHTTP(w, req)
	return w
}

// done says how many of the requests were carried out.
func (b *backlog) done(source string, locations ...string) (n int) {
	b.t.Helper()
	for _, l := range locations {
		r := b.send("GET", source, l, "")
		switch {
		case r.Code == http.StatusOK && strings.Contains(r.Body.String(), `"status":"201"`):
			n++
		case r.Code != http.StatusAccepted:
			b.t.Errorf("%s: %d %s", l, r.Code, r.Body)
		}
	}
	return n
}

// work has a server carry out one request of each source that it can have.
func (b *backlog) work(server int) (found bool) {
	b.t.Helper()
	found, err := b.servers[server].WorkRequests(b.t.Context())
	if err != nil {
		b.t.Errorf("server %d: %v", server, err)
	}
	return found
}

// While a request of a source is carried out, those of others are, by the same
// server and by another one, and no second one of its own. (SQLite has one writer.)
func TestALongRequestHoldsUpNoOtherSource(t *testing.T) {
	t.Parallel()
	for servers := 1; servers <= 2; servers++ {
		t.Run(fmt.Sprint(servers, " servers"), func(t *testing.T) {
			b := newBacklog(t, apptest.Postgres(t), servers)
			held, second := b.accept("a", "a1@contoso.com"), b.accept("a", "a2@contoso.com")
			b.hold(0)
			var long sync.WaitGroup
			long.Go(func() { b.work(0) })
			<-b.stores[0].begun

			others := []string{b.accept("b", "b1@contoso.com"), b.accept("b", "b2@contoso.com")}
			for range others {
				if !b.work(servers - 1) {
					t.Error("nothing was found to be done")
				}
			}
			if b.work(servers - 1) {
				t.Error("there was more to be done")
			}
			if a, b := b.done("a", held, second), b.done("b", others...); a != 0 || b != len(others) {
				t.Errorf("meanwhile %d of the long source's were carried out, and %d of the other's", a, b)
			}
			close(b.stores[0].release)
			long.Wait()
			for b.work(servers - 1) {
			}
			if n := b.done("a", held, second); n != 2 {
				t.Errorf("%d were carried out in the end", n)
			}
		})
	}
}

// hold has a server's transactions for source a wait.
func (b *backlog) hold(server int) {
	b.t.Helper()
	err := b.stores[server].View(b.t.Context(), func(r store.Reader) error {
		n, err := r.Tenant("a")
		if err != nil {
			return err
		}
		s, err := r.Source(n.ID, "a")
		b.stores[server].source = s.ID
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// However many requests of a source wait, another one has its turn after one of
// them.
func TestSourcesTakeTurns(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		b := newBacklog(t, database, 1)
		var many []string
		for i := range directory.MaxRequests {
			many = append(many, b.accept("a", fmt.Sprintf("a%d@contoso.com", i)))
		}
		one := b.accept("b", "b@contoso.com")
		b.work(0)
		if n := b.done("b", one); n != 1 {
			t.Error("the one that waited alone waits still")
		}
		if n, first := b.done("a", many...), b.done("a", many[0]); n != 1 || first != 1 {
			t.Errorf("%d of the many were carried out", n)
		}
	})
}
