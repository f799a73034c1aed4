package runner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// preview shows what a full pull would do, and fails if anything is there
// afterwards that wasn't before: an event, a run, a lease, a checkpoint,
// something pending, another view.
func (h *house) preview(unseen bool) (runner.Result, []runner.Line) {
	h.t.Helper()
	before := h.everything()
	var lines []runner.Line
	r, err := runner.Preview(context.Background(), runner.Config{Client: h.client, Source: h.source, Partition: "default", Part: runner.Part{Of: h.parts}, Limits: h.limits, Now: h.clock.Now},
		h.dir, unseen, func(l runner.Line) error {
			lines = append(lines, l)
			return nil
		})
	if err != nil {
		h.t.Fatal(err)
	}
	if after := h.everything(); after != before {
		h.t.Errorf("a preview left something behind:\n%s\nbefore:\n%s", after, before)
	}
	return r, lines
}

// everything is all that a preview could change, as text.
func (h *house) everything() string {
	h.t.Helper()
	all := h.contents()
	for _, path := range []string{"/runs", "/sources/" + h.source + "/leases"} {
		all[path] = h.api("GET", path, h.AdminToken, "")
	}
	all["events"] = len(h.Events(0, 1))
	return text(h.t, all)
}

// contents is all that a pull brings.
func (h *house) contents() map[string]any {
	h.t.Helper()
	all := map[string]any{}
	for _, path := range []string{"/sources/" + h.source + "/pending", "/sources/" + h.source + "/problems"} {
		all[path] = h.api("GET", path, h.AdminToken, "")
	}
	checkpoint := h.call("GET", "/api/v1/sources/"+h.source+"/checkpoints/default", h.AdminToken, "")
	all["checkpoint"] = fmt.Sprint(checkpoint.Status, checkpoint.Header["Etag"])
	for _, endpoint := range []string{"/Users", "/Groups"} {
		all[endpoint] = h.call("GET", "/scim/v2"+endpoint+"?count=1000", h.AdminToken, "").Body
	}
	return all
}

// brief is a line without its anchor.
func brief(l runner.Line) string {
	s := fmt.Sprintf("%s %s %s", l.Verb, l.Kind, l.Name)
	for _, f := range l.Fields {
		s += fmt.Sprintf(" %s:%v->%v", f.Path, f.Before, f.After)
	}
	if l.Joining+l.Leaving > 0 {
		s += fmt.Sprintf(" +%d-%d", l.Joining, l.Leaving)
	}
	if l.Why != "" {
		why, _, _ := strings.Cut(l.Why, ":")
		s += " " + why
	}
	return s
}

func TestPreviewSaysWhatEachObjectIsInFor(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		h := newHouse(t, database, 11)
		for _, name := range []string{"ada", "bob", "eve", "leo"} {
			h.dir.Put(person(name, name, true))
		}
		h.dir.Put(group("crew", "Crew", "ada", "bob"))
		if r, lines := h.preview(false); r.Counts.Created != 5 || len(lines) != 5 || r.State != "succeeded" {
			t.Errorf("initially %+v %v", r, lines)
		}
		h.pull()
		if r, lines := h.preview(false); r.Counts.Unchanged != 5 || len(lines) != 0 {
			t.Errorf("of what is there %+v %v", r, lines)
		}
		h.call("POST", "/scim/v2/Users", h.Token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"taken@contoso.com","externalId":"c1"}`)
		h.dir.Put(person("mia", "mia", true))
		h.dir.Put(person("new", "taken", true))
		titled := person("ada", "ada", true)
		titled.Attributes["title"] = "Countess"
		h.dir.Put(titled)
		h.dir.Put(person("bob", "bob", false))
		h.dir.Put(group("crew", "Crew", "ada", "eve", "mia"))
		out := person("leo", "leo", true)
		out.OutOfScope = true
		h.dir.Put(out)
		h.dir.Delete("eve")
		h.limits.Deletes = 1
		r, lines := h.preview(false)
		var got []string
		for _, l := range lines {
			got = append(got, brief(l))
		}
		slices.Sort(got)
		want := []string{
			"created User mia",
			"deleted User eve absent",
			"deleted User  outOfScope",
			"disabled User bob active:true->false",
			"refused User taken 409 uniqueness",
			"updated Group Crew +1-1", // mia comes, bob leaves; eve has gone with her membership
			"updated User ada title:<nil>->Countess",
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if r.State != "held" || !strings.Contains(r.Detail, "2 of 5 objects would be deleted") {
			t.Errorf("%+v", r)
		}
	})
}

// A full pull does what the preview said: who is created, updated, disabled and
// deleted is the same, and then a preview has nothing to say. A group's members
// may also come or go by another object's line.
func TestPreviewSaysWhatTheRunDoes(t *testing.T) {
	t.Parallel()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-history.seed=%d", s)
	hist := &history{house: newHouse(t, apptest.SQLite(t), s), random: rand.New(rand.NewPCG(s, 0))}
	hist.limits = runner.Limits{Deletes: 1000, DeletesPercent: 100, Disables: 1000, DisablesPercent: 100, MembershipRemovals: 1000, MembershipRemovalsPercent: 100, PercentFrom: 1000, Emptied: 1000}
	for range 15 {
		for range 5 {
			hist.mutate()
		}
		before := hist.view()
		want, lines := hist.preview(false)
		if want.State != "succeeded" {
			t.Fatalf("%+v", want)
		}
		if _, err := hist.cycle(context.Background(), 0, "a", runner.Options{Resync: true}); err != nil {
			t.Fatal(err)
		}
		after := hist.view()
		verbs := map[string]string{}
		for _, l := range lines {
			verbs[l.Anchor] = l.Verb
			if was, is := text(t, before[l.Anchor]), text(t, after[l.Anchor]); l.Kind == connectors.User && l.Verb != "refused" && was == is {
				t.Errorf("%+v, and it is as it was: %s", l, is)
			}
		}
		for anchor := range maps.Keys(merged(before, after)) {
			was, there := before[anchor]
			is, stays := after[anchor]
			verb := verbs[anchor]
			var ok bool
			switch {
			case verb == "refused":
				ok = true // a name that this very run freed
			case !there:
				ok = verb == "created" || verb == "revived"
			case !stays:
				ok = verb == "deleted"
			case text(t, was.Attributes) == text(t, is.Attributes):
				ok = verb == "" || is.Attributes["userName"] == nil
			default:
				ok = verb == "updated" || verb == "disabled" || verb == "enabled"
			}
			if !ok {
				t.Errorf("%s: %q, and from %s it became %s", anchor, verb, text(t, was), text(t, is))
			}
		}
		if again, lines := hist.preview(false); again.Counts.Created+again.Counts.Updated+again.Counts.Deleted+again.Counts.Disabled > 0 {
			t.Errorf("after the run a preview says %+v", lines)
		}
	}
}

func merged(a, b map[string]seen) map[string]seen {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// E011: in staging the preview is what staging will list, and nothing is listed
// for it; of a disabled source nothing can be read, and it says so by showing
// everything as created.
func TestPreviewOfASourceInAnyMode(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 12)
	h.dir.Put(person("ada", "ada", true))
	h.dir.Put(group("crew", "Crew", "ada"))
	h.pull()
	h.dir.Put(person("bob", "bob", true))
	mode := func(m string) {
		t.Helper()
		h.api("PATCH", "/sources/"+h.source, h.AdminToken, fmt.Sprintf(`{"mode":%q}`, m))
	}
	mode("staging")
	if r, lines := h.preview(false); r.Counts.Created != 1 || r.Counts.Unchanged != 2 || len(lines) != 1 {
		t.Errorf("staging %+v %v", r, lines)
	}
	mode("disabled")
	if r, lines := h.preview(true); r.Counts.Created != 3 || len(lines) != 3 || r.State != "succeeded" {
		t.Errorf("disabled %+v %v", r, lines)
	}
}

// skipping is a directory that leaves things out.
type skipping struct{ connectors.Source }

func (s skipping) Pull(ctx context.Context, after []byte, to connectors.Sink) error {
	if err := s.Source.Pull(ctx, after, to); err != nil {
		return err
	}
	if err := to.Skip(connectors.Problem{Kind: connectors.User, Anchor: "zoe", Name: "zoe", Code: "nameRequired", Sentence: "No surname.", Dropped: true}); err != nil {
		return err
	}
	return to.Skip(connectors.Problem{Code: "deviceObject", Dropped: true, Count: 7})
}

func TestSkippedIsCountedByReason(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 13)
	want := map[string]int64{"nameRequired": 1, "deviceObject": 7}
	config := runner.Config{Client: h.client, Source: h.source, Partition: "default", Limits: h.limits}
	var lines []string
	r, err := runner.Preview(t.Context(), config, skipping{h.dir}, false, func(l runner.Line) error {
		lines = append(lines, brief(l))
		return nil
	})
	if err != nil || !reflect.DeepEqual(r.Counts.Skipped, want) || !slices.Equal(lines, []string{"skipped User zoe nameRequired"}) {
		t.Errorf("preview: %+v %v %q", r, err, lines)
	}
	held, lease, release, err := runner.Hold(t.Context(), h.client, runner.Claim{Source: h.source, Partition: "default", Holder: "a", TTL: 30e9})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	r, err = runner.Cycle(held, config, lease, skipping{h.dir}, runner.Options{})
	if err != nil || !reflect.DeepEqual(r.Counts.Skipped, want) {
		t.Errorf("run: %+v %v", r, err)
	}
	b, err := json.Marshal(h.api("GET", "/runs/"+r.Run, h.AdminToken, "")["counts"].(map[string]any)["skipped"])
	if err != nil || string(b) != `{"deviceObject":7,"nameRequired":1}` {
		t.Errorf("%s %v", b, err)
	}
}

// TestPreviewJudgesEachPartition: three of 40 are no more than the source's
// limit, and two of them in one partition are more than its share.
func TestPreviewJudgesEachPartition(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 12)
	h.parts, h.limits.Deletes = 2, 3
	for i := range 40 {
		h.dir.Put(person(fmt.Sprint("u", i), fmt.Sprint("u", i), true))
	}
	h.pull()
	if r, _ := h.preview(false); r.State != "succeeded" {
		t.Errorf("%+v, and nothing changed", r)
	}
	for i := range 3 {
		h.dir.Delete(fmt.Sprint("u", i))
	}
	previewed, _ := h.preview(false)
	if ran := h.pull(); previewed.State != "held" || ran.State != "held" {
		t.Errorf("the preview says %+v, the run %+v", previewed, ran)
	}
}
