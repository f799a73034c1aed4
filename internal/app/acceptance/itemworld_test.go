package acceptance_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// itemWorld is a tenant whose items follow groups of one directory.
type itemWorld struct {
	*tenant
	provider string
	dir      *client // the source that owns the groups
}

// eachProvider runs a test with items of Active Directory and of Entra ID (row
// A002), on each database.
func eachProvider(t *testing.T, test func(t *testing.T, w *itemWorld)) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.reconciling()
		for _, provider := range []string{"ad", "entra"} {
			w := &itemWorld{tenant: n, provider: provider, dir: n.entra}
			if provider == "ad" {
				w.dir = n.source(store.SourceAD, "ad", store.Policies{})
			}
			test(t, w)
		}
	})
}

// feature switches the feature of the tenant, and enables the job or not.
func (n *tenant) feature(on, job bool) {
	n.t.Helper()
	n.api("PATCH", "/features", object{"groupReconciliation": on}).status(200)
	n.api("PATCH", "/jobs/reconcile", object{"enabled": job}).status(200)
}

// reconciling switches on what items need to follow groups, and waits for the
// run that this begins.
func (n *tenant) reconciling() {
	n.t.Helper()
	n.feature(true, true)
	await(n.t, "the job's first run", func() bool {
		return n.api("GET", "/jobs", nil).status(200).at("items/0/lastRun") != nil && n.idle()
	})
}

// await waits for something that the server does by itself.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// idle says whether no comparison waits or goes on.
func (n *tenant) idle() bool {
	n.t.Helper()
	for _, state := range []string{"queued", "running"} {
		for _, run := range n.api("GET", "/runs?state="+state, nil).status(200).at("items").([]any) {
			if run.(object)["kind"] == "reconcile" {
				return false
			}
		}
	}
	return true
}

// compared waits until no comparison waits or goes on.
func (n *tenant) compared() {
	n.t.Helper()
	await(n.t, "the runs to end", n.idle)
}

// reconcile compares an item in a run of its own and gives the run.
func (n *tenant) reconcile(item string) *answer {
	n.t.Helper()
	id := n.api("POST", "/items/"+item+"/reconcile", nil).status(202).text("id")
	n.compared()
	return n.api("GET", "/runs/"+id, nil).status(200)
}

// item makes an item of a group; more are further attributes.
func (w *itemWorld) item(name, group string, more ...any) string {
	w.t.Helper()
	return w.admin.create("/WorkspaceItems", w.itemOf(name, group, more...))
}

func (w *itemWorld) itemOf(name, group string, more ...any) object {
	o := with(object{"displayName": name, "provider": w.provider}, more...)
	if group != "" {
		o["group"] = object{"value": group}
	}
	return o
}

// kept makes an item that is kept in sync, and waits for its first comparison.
func (w *itemWorld) kept(name, group string, more ...any) string {
	w.t.Helper()
	id := w.item(name, group, append([]any{"keepInSync", "on"}, more...)...)
	w.compared()
	return id
}

// users makes users of the directory, named for the item's test.
func (w *itemWorld) users(names ...string) []string {
	w.t.Helper()
	var out []string
	for _, name := range names {
		userName := strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "." + w.provider + "@contoso.com"
		out = append(out, w.dir.create("/Users", user(userName, "displayName", name, "externalId", "x-"+userName)))
	}
	return out
}

func (w *itemWorld) add(group string, users ...string) {
	w.t.Helper()
	w.dir.patch("/Groups/"+group, op("add", "members", refs(users...))).status(204)
}

func (w *itemWorld) remove(group string, users ...string) {
	w.t.Helper()
	w.dir.patch("/Groups/"+group, op("remove", "members", refs(users...))).status(204)
}

// has checks who has an item, by their ids, with all their reasons.
func (n *tenant) has(item, reason string, users ...string) {
	n.t.Helper()
	found := n.admin.find("/Grants", `target.value eq "`+item+`"`, "count=1000")
	got := []string{}
	for _, g := range plain(n.t, found.at("Resources")).([]any) {
		g := g.(object)
		for _, r := range g["reasons"].([]any) {
			got = append(got, g["subject"].(object)["value"].(string)+" "+r.(object)["value"].(string))
		}
	}
	want := []string{}
	for _, u := range users {
		want = append(want, u+" "+reason)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		n.t.Errorf("%s is had by %v, want %v", item, got, want)
	}
}

// told gives the events about items that do makes.
func (n *tenant) told(do func()) []store.Event {
	n.t.Helper()
	n.eventsAfter(&n.seq)
	do()
	return slices.DeleteFunc(n.eventsAfter(&n.seq), func(e store.Event) bool { return !strings.HasPrefix(e.Type, "item.") })
}

// only gives the one event of a type.
func only(t *testing.T, events []store.Event, typ string) store.Event {
	t.Helper()
	var found []store.Event
	for _, e := range events {
		if e.Type == typ {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d events %s in %v, want one", len(found), typ, types(events))
	}
	return found[0]
}

// facts reads what an event holds.
func facts(t *testing.T, b []byte) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return o
}
