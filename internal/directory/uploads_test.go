package directory_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// hr gives an actor for an HR tool of a tenant.
func (c *control) hr(tenant, name string) directory.Actor {
	c.t.Helper()
	must(c.AddSource(c.t.Context(), "test", tenant, directory.SourceSpec{Name: name, Kind: store.SourceAPI}))(c.t)
	secret, _ := c.token(directory.TokenSpec{Tenant: tenant, Source: name})
	return directory.NewActor(must(c.Authenticate(c.t.Context(), secret))(c.t), "txn")
}

// record is a User of an HR tool; more is JSON behind a comma.
func record(id, more string) directory.Uploaded {
	return directory.Uploaded{Data: fmt.Appendf(nil, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":%q,"userName":"%[1]s@contoso.com"%s}`, id, more)}
}

// drain works until nothing waits.
func drain(ctx context.Context, d *directory.Directory) error {
	for {
		found, err := d.WorkUploads(ctx)
		if err != nil || !found {
			return err
		}
	}
}

func (c *control) log(a directory.Actor) []store.UploadRecord {
	c.t.Helper()
	return must(c.UploadLog(c.t.Context(), store.UploadQuery{Source: a.Source.ID, Oldest: true, Limit: 10_000}))(c.t)
}

// users gives the documents of what a source sees, by externalId.
func (c *control) users(a directory.Actor) map[string]string {
	c.t.Helper()
	set := must(c.Schema(c.t.Context(), a.Tenant))(c.t)
	names, docs := map[string]string{}, map[string]string{}
	err := c.Read(c.t.Context(), a, func(r *directory.Reading) error {
		_, err := r.List(store.Query{Type: set.User, Limit: 10_000}, func(rec *store.Record) error {
			name, _, _ := strings.Cut(rec.Display, "@")
			names[rec.ID], docs[name] = name, string(rec.Doc)
			return nil
		})
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for name, doc := range docs { // ids differ from tenant to tenant
		for id, other := range names {
			doc = strings.ReplaceAll(doc, id, "<"+other+">")
		}
		docs[name] = doc
	}
	return docs
}

// Several servers on one database work on the uploads of several sources: each
// record is carried out once, and of one source in the order of acceptance.
func TestServersShareTheUploads(t *testing.T) {
	const sources, servers, files, people = 3, 3, 4, 60
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		var tools []directory.Actor
		for i := range sources {
			tools = append(tools, c.hr("a", fmt.Sprint("hr", i)))
		}
		for file := range files {
			for i, a := range tools {
				var all []directory.Uploaded
				for p := range people {
					all = append(all, record(fmt.Sprint("s", i, "p", p), fmt.Sprintf(`,"title":"file %d"`, file)))
				}
				must(c.AcceptUpload(t.Context(), a, all))(t)
			}
		}
		var wg sync.WaitGroup
		errs := make([]error, servers)
		for i := range servers {
			d := directory.New(c.store, directory.Options{Clock: c.clock})
			wg.Go(func() { errs[i] = drain(t.Context(), d) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for _, a := range tools {
			log, got := c.log(a), map[string]int{}
			for i, u := range log {
				got[u.Action+" "+string(u.Status)]++
				if i > 0 && u.ID < log[i-1].ID && u.SettledAt.After(log[i-1].SettledAt) {
					t.Errorf("record %d was settled after %d", u.ID, log[i-1].ID)
				}
			}
			if len(log) != files*people || got["create success"] != people || got["update success"] != people*(files-1) {
				t.Errorf("source %s: %v", a.Source.Name, got)
			}
			for name, doc := range c.users(a) {
				if !strings.Contains(doc, fmt.Sprintf(`"file %d"`, files-1)) {
					t.Errorf("%s is %s", name, doc)
				}
			}
		}
		kinds := map[string]int{}
		for _, e := range c.events("a", sources*files*people) {
			kinds[e.Type]++
		}
		if kinds["user.created"] != sources*people || kinds["user.updated"] != sources*people*(files-1) {
			t.Errorf("events %v", kinds)
		}
	})
}

// RELIABILITY R14: what is delivered twice, or with the people in another order,
// ends in the same state, however it is cut into uploads.
func TestUploadsDeliveredTwiceOrOutOfOrderEndTheSame(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		const enterprise = `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":`
		manager := func(id string) string { return enterprise + `{"manager":{"value":"` + id + `"}}` }
		lives := [][]directory.Uploaded{
			{record("boss", `,"title":"Director"`), record("boss", `,"active":false`), record("boss", `,"active":true,"title":""`)},
			{record("kj", `,"title":"Lead"`+manager("boss")), record("kj", `,"title":"Engineer"`+manager("nm")), record("kj", `,"displayName":"Kath"`)},
			{record("nm", manager("late")+`,"emails":[{"type":"work","value":"n@contoso.com"}]`), record("nm", `,"emails":[{"type":"home","value":"n@home.example"}]`), record("nm", `,"active":"False"`)},
			{record("late", ``), record("late", `,"name":{"givenName":"L"}`), record("late", `,"name":{"familyName":"M"}`+manager("late"))},
			{record("bad", `,"active":"perhaps"`), record("bad", `,"title":null`), record("bad", `,"timezone":"Europe/Dublin"`)},
		}
		seeds := 250 // on each of two databases
		if underRace {
			seeds = 10
		}
		var want map[string]string
		for seed := range seeds {
			random := rand.New(rand.NewPCG(uint64(seed), 14))
			slug := fmt.Sprint("t", seed)
			c.tenant(slug)
			a := c.hr(slug, "hr")
			for _, all := range cut(random, deliver(random, lives, seed > 0)) {
				must(c.AcceptUpload(t.Context(), a, all))(t)
			}
			if err := drain(t.Context(), c.Directory); err != nil {
				t.Fatal(err)
			}
			got := c.users(a)
			if seed == 0 {
				want = got
				continue
			}
			for name := range want {
				if len(got) != len(want) || got[name] != want[name] {
					t.Fatalf("seed %d: %s is %s, want %s", seed, name, got[name], want[name])
				}
			}
		}
	})
}

// deliver gives the records of several lives, each life in its order: one after
// the other, or in a random order of the people, with some records twice and then
// everything again.
func deliver(random *rand.Rand, lives [][]directory.Uploaded, shuffled bool) []directory.Uploaded {
	if !shuffled {
		return slices.Concat(lives...)
	}
	var out []directory.Uploaded
	for range 2 {
		at := make([]int, len(lives))
		for left := len(slices.Concat(lives...)); left > 0; {
			i := random.IntN(len(lives))
			if at[i] == len(lives[i]) {
				continue
			}
			for range 1 + random.IntN(2) {
				out = append(out, lives[i][at[i]])
			}
			at[i]++
			left--
		}
	}
	return out
}

// cut cuts records into uploads.
func cut(random *rand.Rand, all []directory.Uploaded) (out [][]directory.Uploaded) {
	for len(all) > 0 {
		n := min(len(all), 1+random.IntN(20))
		out, all = append(out, all[:n]), all[n:]
	}
	return out
}

// poisoned is a store in which a user of one name can't be written.
type poisoned struct {
	store.Store
	name string
}

type poisonedTx struct {
	store.Tx
	name string
}

func (p *poisoned) Update(ctx context.Context, fn func(store.Tx) error) error {
	return p.Store.Update(ctx, func(tx store.Tx) error { return fn(&poisonedTx{tx, p.name}) })
}

func (p *poisonedTx) InsertResource(r *store.Resource) error {
	if strings.HasPrefix(r.UniqueKey, p.name) {
		return errors.New("a fault that no one foresaw")
	}
	return p.Tx.InsertResource(r)
}

// One bad record stops only itself, also if what is wrong with it is the server's
// fault (law 10).
func TestARecordAtWhichTheServerFailsStopsOnlyItself(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		a := c.hr("a", "hr")
		run := must(c.AcceptUpload(t.Context(), a, []directory.Uploaded{record("one", ""), record("poison", ""), record("two", ""), record("poison2", ""), record("three", "")}))(t)
		if err := drain(t.Context(), directory.New(&poisoned{c.store, "poison"}, directory.Options{Clock: c.clock})); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, u := range c.log(a) {
			got = append(got, fmt.Sprint(u.Position, " ", u.Status, " ", u.Code))
		}
		slices.Sort(got)
		if want := []string{"0 success ", "1 failure internal", "2 success ", "3 failure internal", "4 success "}; !slices.Equal(got, want) {
			t.Errorf("the log says %q, want %q", got, want)
		}
		if n := must(c.Run(t.Context(), a, run.PublicID))(t); n.State != store.RunSucceeded || n.Counts.Created != 3 || n.Counts.Failed != 2 {
			t.Errorf("the run is %+v", n)
		}
	})
}

// Of a run that is cancelled nothing more is carried out.
func TestOfACancelledUploadNothingIsCarriedOut(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		a := c.hr("a", "hr")
		secret, _ := c.token(directory.TokenSpec{Tenant: "a", Admin: true})
		admin := directory.NewActor(must(c.Authenticate(t.Context(), secret))(t), "txn")
		run := must(c.AcceptUpload(t.Context(), a, []directory.Uploaded{record("one", "")}))(t)
		cancelled := store.RunCancelled
		must(c.UpdateRun(t.Context(), admin, run.PublicID, nil, directory.RunChange{State: &cancelled}))(t)
		if err := drain(t.Context(), c.Directory); err != nil {
			t.Fatal(err)
		}
		if log := c.log(a); len(log) != 1 || log[0].Status != store.UploadSkipped || log[0].Code != "cancelled" || len(c.users(a)) > 0 {
			t.Errorf("the log says %+v", log)
		}
	})
}

// awaited is a store in which somebody always waits to write.
type awaited struct{ store.Store }

type awaitedTx struct{ store.Tx }

func (s *awaited) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return fn(&awaitedTx{tx}) })
}

func (awaitedTx) Awaited() bool { return true }

// Who wants to write while a backlog is worked on waits for a part of a batch, and
// nothing is lost where it is cut.
func TestABatchEndsEarlyForWhoWaits(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		a := c.hr("a", "hr")
		const records = 34
		var all []directory.Uploaded
		for i := range records {
			all = append(all, record(fmt.Sprint("u", i), ""))
		}
		run := must(c.AcceptUpload(t.Context(), a, all))(t)
		for wait, dir := records, directory.New(&awaited{c.store}, directory.Options{Clock: c.clock}); wait > 0; {
			if found := must(dir.WorkUploads(t.Context()))(t); !found {
				t.Fatalf("%d wait, and nothing was found", wait)
			}
			wait = max(0, wait-10)
			if n := must(c.UploadJob(t.Context(), a, a.Source))(t); n.Waiting != wait {
				t.Fatalf("%d wait, want %d", n.Waiting, wait)
			}
		}
		if n := must(c.Run(t.Context(), a, run.PublicID))(t); n.State != store.RunSucceeded || n.Counts.Created != records || len(c.users(a)) != records {
			t.Errorf("the run is %+v", n)
		}
	})
}

// Who uploads doesn't wait for who works on what was uploaded before.
func TestAcceptingDoesNotWaitForTheWork(t *testing.T) {
	t.Parallel()
	c := onPostgres(t, slog.New(slog.DiscardHandler)) // on SQLite writers take turns, batch by batch
	c.tenant("a")
	a := c.hr("a", "hr")
	must(c.AcceptUpload(t.Context(), a, []directory.Uploaded{record("one", "")}))(t)
	begun, done := make(chan struct{}), make(chan struct{})
	worker := directory.New(&paused{c.store, func() { close(begun); <-done }}, directory.Options{})
	worked := make(chan error, 1)
	go func() { _, err := worker.WorkUploads(t.Context()); worked <- err }()
	<-begun // the batch is worked on and not yet committed
	must(c.AcceptUpload(t.Context(), a, []directory.Uploaded{record("two", "")}))(t)
	close(done)
	if err := <-worked; err != nil {
		t.Fatal(err)
	}
	if err := drain(t.Context(), c.Directory); err != nil {
		t.Fatal(err)
	}
	if got := len(c.users(a)); got != 2 {
		t.Errorf("%d users, want 2", got)
	}
}
