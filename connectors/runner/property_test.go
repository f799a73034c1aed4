package runner_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/connectortest"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/internal/apptest"
)

var (
	steps = flag.Int("history.steps", 120, "steps of a random history")
	seed  = flag.Uint64("history.seed", 0, "its seed; 0 for a new one")
)

// TestW015TheViewEqualsTheDirectory runs random histories of a directory, with
// connections that break before and after the request, refusals, pulls that
// fail, runners that are killed at any request while another takes over, and
// servers that are started again. Whenever it is quiet, what the source sees in
// Workspace equals the directory; no write named an object of another source;
// and two pulls of a directory that is still write nothing.
func TestW015TheViewEqualsTheDirectory(t *testing.T) {
	for _, parts := range []int{1, 2} {
		t.Run(fmt.Sprint(parts, " parts"), func(t *testing.T) { randomHistory(t, parts) })
	}
}

func randomHistory(t *testing.T, parts int) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		s := *seed
		if s == 0 {
			s = rand.Uint64()
		}
		t.Logf("-history.seed=%d", s)
		hist := &history{house: newHouse(t, database, s), random: rand.New(rand.NewPCG(s, 0))}
		hist.parts = parts
		hist.limits.Deletes, hist.limits.Disables, hist.limits.Emptied = parts, parts, 2 // often over them
		hist.foreign()
		for i := 1; i <= *steps && !t.Failed(); i++ {
			hist.step()
			if i%20 == 0 || i == *steps {
				hist.quiet()
			}
		}
	})
}

type history struct {
	*house
	random  *rand.Rand
	made    int
	deleted []connectortest.Object
	holder  int
	theirs  []string // URLs of resources of another source
	before  []string // as they were
	stopped func() error
}

// foreign makes a user and a group of another source, which must stay as they
// are.
func (h *history) foreign() {
	h.t.Helper()
	for _, x := range [][2]string{
		{"/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"cloud@contoso.com","externalId":"cloud"}`},
		{"/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"cloud group","externalId":"cloudgroup"}`},
	} {
		r := h.call("POST", "/scim/v2"+x[0], h.Token, x[1])
		if r.Status != 201 {
			h.t.Fatalf("%d %s", r.Status, r.Text)
		}
		path := "/scim/v2" + x[0] + "/" + r.Body["id"].(string)
		h.theirs = append(h.theirs, path)
		h.before = append(h.before, h.resource(path))
	}
}

// resource is a resource of the other source, wherever the server listens now.
func (h *history) resource(path string) string {
	h.t.Helper()
	return strings.ReplaceAll(string(h.call("GET", path, h.Token, "").Text), h.URL, "")
}

// step changes the directory a little and runs a cycle on a bad day.
func (h *history) step() {
	for range 1 + h.random.IntN(4) {
		h.mutate()
	}
	if h.random.IntN(12) == 0 {
		h.restart()
	}
	h.wire.Faults([]float64{0, 0.05, 0.3}[h.random.IntN(3)])
	if h.random.IntN(4) == 0 {
		h.dir.FailAfter(h.random.IntN(20))
	}
	ctx, kill := context.WithCancel(context.Background())
	defer kill()
	killed := h.random.IntN(4) == 0
	if killed {
		h.wire.KillAt(1+h.random.IntN(25), kill)
	}
	_, _ = h.cycle(ctx, h.random.IntN(h.parts), fmt.Sprintf("agent-%d", h.holder), runner.Options{Resync: h.random.IntN(15) == 0})
	h.wire.KillAt(0, nil)
	if killed || h.random.IntN(6) == 0 {
		h.holder = 1 - h.holder
		h.clock.Add(31 * time.Second) // the lease of the killed one ends
	}
	h.decide()
}

// decide is the person who approves or rejects what is held.
func (h *history) decide() {
	h.t.Helper()
	for _, x := range h.api("GET", "/runs?state=held", h.AdminToken, "")["items"].([]any) {
		n := x.(map[string]any)
		if h.random.IntN(3) == 0 {
			h.api("POST", "/runs/"+n["id"].(string)+"/reject", h.AdminToken, "{}")
		} else {
			h.api("POST", "/runs/"+n["id"].(string)+"/approve", h.AdminToken, fmt.Sprintf(`{"planHash":%q}`, n["planHash"]))
		}
	}
}

// approve is a person who approves everything.
func (h *history) approve() {
	h.t.Helper()
	for _, x := range h.api("GET", "/runs?state=held", h.AdminToken, "")["items"].([]any) {
		n := x.(map[string]any)
		h.api("POST", "/runs/"+n["id"].(string)+"/approve", h.AdminToken, fmt.Sprintf(`{"planHash":%q}`, n["planHash"]))
	}
}

func (h *history) restart() {
	h.t.Helper()
	stop := h.Stop
	if h.stopped != nil {
		stop = h.stopped
	}
	if err := stop(); err != nil {
		h.t.Fatal(err)
	}
	a, err := apptest.Run(apptest.On(h.Database), apptest.WithClock(h.clock))
	if err != nil {
		h.t.Fatal(err)
	}
	h.stopped = a.Stop
	h.t.Cleanup(func() { _ = a.Stop() })
	h.URL = a.URL
	h.wire.Lead(host(h.t, a.URL))
	h.Directory = a.Directory
}

// mutate is one change in the directory.
func (h *history) mutate() {
	anchors := h.dir.Anchors()
	pick := func() (connectortest.Object, bool) {
		if len(anchors) == 0 {
			return connectortest.Object{}, false
		}
		return h.dir.Get(anchors[h.random.IntN(len(anchors))])
	}
	o, ok := pick()
	switch k := h.random.IntN(12); {
	case !ok || k < 3 && len(anchors) < 60:
		h.made++
		name := fmt.Sprintf("u%d", h.made)
		if h.random.IntN(3) > 0 {
			h.dir.Put(person(fmt.Sprintf("anchor-%d", h.made), name, h.random.IntN(4) > 0))
			return
		}
		g := group(fmt.Sprintf("anchor-%d", h.made), fmt.Sprintf("g%d", h.random.IntN(9)))
		for range h.random.IntN(6) {
			if m, _ := pick(); m.Anchor != "" && !contains(g.Members, m.Anchor) {
				g.Members = append(g.Members, m.Anchor)
			}
		}
		h.dir.Put(g)
	case k < 5:
		h.dir.Delete(o.Anchor)
		if o.Attributes["userName"] != nil && h.random.IntN(2) == 0 { // another one under the same name
			h.made++
			o.Anchor, o.OutOfScope = fmt.Sprintf("anchor-%d", h.made), false
			h.dir.Put(o)
		} else {
			h.deleted = append(h.deleted, o)
		}
	case k == 5 && len(h.deleted) > 0 && h.random.IntN(2) == 0:
		h.restoreOne(anchors)
	case k < 6:
		o.OutOfScope = !o.OutOfScope
		h.dir.Put(o)
	case o.Attributes["userName"] == nil:
		if m, _ := pick(); m.Anchor != "" && m.Anchor != o.Anchor {
			if i := index(o.Members, m.Anchor); i >= 0 {
				o.Members = append(o.Members[:i], o.Members[i+1:]...)
			} else {
				o.Members = append(o.Members, m.Anchor)
			}
		}
		h.dir.Put(o)
	default:
		switch h.random.IntN(5) {
		case 0:
			o.Attributes["active"] = !o.Attributes["active"].(bool)
		case 1:
			o.Attributes["title"] = fmt.Sprint("title ", h.random.IntN(9))
		case 2:
			delete(o.Attributes, "title")
		case 3:
			h.made++
			o.Attributes["userName"] = fmt.Sprintf("r%d@contoso.com", h.made)
		case 4:
			o.Attributes["emails"] = []any{map[string]any{"type": "work", "value": fmt.Sprintf("m%d@contoso.com", h.random.IntN(99))}}
		}
		h.dir.Put(o)
	}
}

// restoreOne restores an object that was deleted, with some of its members and in
// some groups that may not have had it before.
func (h *history) restoreOne(anchors []string) {
	i := h.random.IntN(len(h.deleted))
	o := h.deleted[i]
	h.deleted = append(h.deleted[:i], h.deleted[i+1:]...)
	var groups, members []string
	for _, anchor := range anchors {
		x, _ := h.dir.Get(anchor)
		if x.Attributes["userName"] == nil && h.random.IntN(3) == 0 {
			groups = append(groups, anchor)
		}
		if contains(o.Members, anchor) && h.random.IntN(2) == 0 {
			members = append(members, anchor)
		}
	}
	o.Members = members
	h.dir.Restore(o, groups...)
}

func contains(list []string, s string) bool { return index(list, s) >= 0 }

func index(list []string, s string) int {
	for i, e := range list {
		if e == s {
			return i
		}
	}
	return -1
}

// quiet lets the runner finish undisturbed and looks.
func (h *history) quiet() {
	h.t.Helper()
	h.wire.Faults(0)
	h.dir.FailAfter(-1)
	h.clock.Add(31 * time.Second)
	still, last := 0, ""
	for i := 0; still < 3; i++ {
		if i == 20 {
			h.t.Fatalf("it doesn't come to rest: %s", last)
		}
		h.wire.Writes()
		r := h.pull()
		h.approve()
		still++
		if writes := h.wire.Writes(); len(writes) > 0 || r.State != "succeeded" {
			still = 0
			last = fmt.Sprintf("%+v wrote %v; problems %v", r, writes, h.api("GET", "/sources/"+h.source+"/problems", h.AdminToken, "")["items"])
		}
	}
	h.same()
	for i, path := range h.theirs {
		if now := h.resource(path); now != h.before[i] {
			h.t.Errorf("an object of another source became %s, was %s", now, h.before[i])
		}
	}
	for _, n := range h.api("GET", "/runs?state=held", h.AdminToken, "")["items"].([]any) {
		h.t.Errorf("a run is held still: %v", n)
	}
}
