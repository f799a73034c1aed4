package runner_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// verify compares, and fails if the comparison changes anything, or if the server
// has another report or tells another hash than the verification.
func (h *house) verify() (runner.Verification, []string) {
	h.t.Helper()
	before, events := text(h.t, h.contents()), len(h.Events(0, 1))
	ctx, lease, release, err := runner.Hold(context.Background(), h.client, runner.Claim{Source: h.source, Partition: runner.VerifyPartition, Holder: "test", TTL: time.Minute})
	if err != nil {
		h.t.Fatal(err)
	}
	defer release()
	v, report, err := runner.Verify(ctx, runner.Config{Client: h.client, Source: h.source, Part: runner.Part{Of: h.parts}, Limits: h.limits, Now: h.clock.Now}, lease, h.dir)
	if err != nil {
		h.t.Fatal(err)
	}
	if after := text(h.t, h.contents()); after != before {
		h.t.Errorf("a verification changed something:\n%s\nbefore:\n%s", after, before)
	}
	n := h.api("GET", "/runs/"+v.Run, h.AdminToken, "")
	counts := n["counts"].(map[string]any)
	if n["kind"] != "verify" || n["state"] != "succeeded" || counts["unchanged"] != float64(v.Agree) || counts["failed"] != float64(v.Differ) {
		h.t.Errorf("run %v of %+v", n, v)
	}
	told := h.Events(0, 1)[events:]
	if len(told) != 1 || told[0].Type != "run.succeeded" || !strings.Contains(string(told[0].After), v.SHA256) {
		h.t.Errorf("told %+v", told)
	}
	if len(report) > 0 {
		kept := h.call("GET", "/api/v1/runs/"+v.Run+"/plan", h.AdminToken, "")
		if sum := sha256.Sum256(report); v.SHA256 != hex.EncodeToString(sum[:]) || string(kept.Text) != string(report) {
			h.t.Errorf("the server keeps %s, and the hash is %s", kept.Text, v.SHA256)
		}
	}
	var all []string
	for line := range strings.Lines(string(report)) {
		var d runner.Discrepancy
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			h.t.Fatalf("%s: %v", line, err)
		}
		s := fmt.Sprintf("%s %s %s", d.Kind, d.Object, d.Anchor)
		for _, a := range d.Attributes {
			s += fmt.Sprintf(" %s:%v/%v", a.Path, a.Workspace, a.Source)
		}
		if d.Kind == runner.Member {
			s += fmt.Sprintf(" -%d+%d", d.MissingMembers, d.ExtraMembers)
		}
		all = append(all, s)
	}
	slices.Sort(all)
	return v, all
}

// A discrepancy of each kind, planted behind the connector's back, is found, and
// nothing else is; once a full pull has set it right there is none (row H053).
func TestH053VerificationFindsEachPlantedDiscrepancy(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		h := newHouse(t, database, 7)
		for _, name := range []string{"ada", "bob", "eve", "leo"} {
			h.dir.Put(person(name, name, true))
		}
		h.dir.Put(group("crew", "Crew", "ada", "bob"))
		h.pull()
		if v, found := h.verify(); v.Agree != 5 || v.Differ != 0 || len(found) != 0 {
			t.Fatalf("%+v %v", v, found)
		}
		id := func(endpoint, anchor string) string {
			r := h.call("GET", "/scim/v2/"+endpoint+"?filter=externalId+eq+%22"+anchor+"%22", h.token, "").Body
			return r["Resources"].([]any)[0].(map[string]any)["id"].(string)
		}
		plant := func(method, path, body string) {
			t.Helper()
			if r := h.call(method, "/scim/v2"+path, h.token, body); r.Status/100 != 2 {
				t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Text)
			}
		}
		patch := func(op string) string {
			return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + op + `]}`
		}
		plant("DELETE", "/Users/"+id("Users", "leo"), "")
		plant("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ghost@contoso.com","externalId":"ghost"}`)
		plant("PATCH", "/Users/"+id("Users", "ada"), patch(`{"op":"replace","path":"title","value":"Planted"}`))
		plant("PATCH", "/Groups/"+id("Groups", "crew"), patch(`{"op":"remove","path":"members[value eq \"`+id("Users", "bob")+`\"]"},{"op":"add","path":"members","value":[{"value":"`+id("Users", "eve")+`"}]}`))

		v, found := h.verify()
		want := []string{"attribute User ada title:Planted/<nil>", "extra User ghost", "member Group crew -1+1", "missing User leo"}
		if !slices.Equal(found, want) || v.Agree != 2 || v.Differ != 4 || len(v.Found) != 4 {
			t.Errorf("found\n%s\nwant\n%s\n%+v", strings.Join(found, "\n"), strings.Join(want, "\n"), v)
		}
		h.resync(true)
		if v, found := h.verify(); len(found) != 0 {
			t.Errorf("after a full pull %+v %v", v, found)
		}
	})
}
