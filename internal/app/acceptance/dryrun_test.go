package acceptance_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/store"
)

// TestDryRunTellsWhatTheRunDoes previews each kind of write, shows that nothing
// changed, and then that the real run does what the preview told (law 5).
func TestDryRunTellsWhatTheRunDoes(t *testing.T) {
	const custom = "urn:ietf:params:scim:schemas:extension:Preview:2.0:User"
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		joined := n.join(ad, "joined")
		ids := n.row(3)
		g := n.entra.create("/Groups", group("G", "members", refs(ids[0])))
		manual := n.admin.create("/Users", user("manual@contoso.com"))
		me := n.me("entra", ids[2])
		for _, w := range []struct {
			c            *client
			method, path string
			body         any
		}{
			{n.entra, "POST", "/Users", user("new@contoso.com", "externalId", "new", "displayName", "New")},
			{n.entra, "POST", "/Users", user("foreign@fabrikam.com", custom, object{"shade": "red"})},
			{n.entra, "POST", "/Users", user("U00@contoso.com")},    // 409
			{n.entra, "POST", "/Users", user("manual@contoso.com")}, // 409 and a conflict
			{n.entra, "POST", "/Users", object{"schemas": list{userURN}}},
			{n.entra, "POST", "/Groups", group("G", "members", refs(ids[0], ids[1]))},
			{n.entra, "POST", "/Groups", group("H", "members", refs(nobody))},
			{n.entra, "PUT", "/Users/" + ids[0], user("u00@contoso.com", "displayName", "Zero")},
			{n.entra, "PUT", "/Groups/" + g, group("G", "members", refs(ids[1]))},
			{n.entra, "PATCH", "/Users/" + ids[0], patchOf(op("replace", "active", "False"), op("add", enterpriseURN+":manager", ids[1]))},
			{n.entra, "PATCH", "/Users/" + ids[0], patchOf(op("replace", "active", false))}, // nothing left to do
			{n.entra, "PATCH", "/Users/" + ids[0], patchOf(op("add", custom+":size", "XL"))},
			{n.entra, "PATCH", "/Users/" + ids[0], patchOf(op("replace", "id", "x"))},
			{n.entra, "PATCH", "/Users/" + joined, patchOf(op("replace", "displayName", "Not mine"))},
			{n.entra, "PATCH", "/Groups/" + g, patchOf(op("Add", "members", refs(ids[0])), op("Remove", "members", refs(ids[1])))},
			{n.entra, "PATCH", "/Groups/" + g + "?attributes=members", patchOf(op("replace", "displayName", "Gs"))},
			{n.entra, "POST", "/Bulk", bulkOf(
				bulkOp("POST", "/Groups", "g", group("B", "members", refs("bulkId:u"))), bulkOp("POST", "/Users", "u", user("bulk@contoso.com")),
				bulkOp("PATCH", "/Users/bulkId:u", "", patchOf(op("add", "title", "T"))), bulkOp("POST", "/Users", "v", user("bulk@contoso.com")))},
			{me, "PATCH", "/Me", patchOf(op("replace", "displayName", "Myself"))},
			{n.admin, "PATCH", "/Users/" + manual, patchOf(op("replace", "displayName", "By hand"))},
			{n.admin, "PATCH", "/Users/" + ids[0], patchOf(op("replace", "displayName", "By hand"))}, // 409 sourceManaged
			{n.entra, "DELETE", "/Users/" + ids[1], nil},
			{ad, "DELETE", "/Users/" + joined, nil},
			{n.entra, "DELETE", "/Groups/" + g, nil},
			{n.entra, "DELETE", "/Groups/" + g, nil}, // 404
			{me, "DELETE", "/Me", nil},
			{n.admin, "DELETE", "/Users/" + manual, nil},
		} {
			dryPath := w.path + "?dryRun=true"
			if strings.Contains(w.path, "?") {
				dryPath = w.path + "&dryRun=true"
			}
			var preview, run *answer
			n.unchanged(t, func() { preview = w.c.do(w.method, dryPath, w.body) })
			events := n.since(func() { run = w.c.do(w.method, w.path, w.body) })
			comparePreview(t, preview, run, events)
		}
	})
}

func comparePreview(t *testing.T, preview, run *answer, events []store.Event) {
	t.Helper()
	if run.Status >= 400 {
		if preview.Status != run.Status || string(preview.Text) != string(run.Text) {
			t.Errorf("%s\npreview %d %s\n    run %d %s", run.asked, preview.Status, preview.Text, run.Status, run.Text)
		}
		return
	}
	body, _ := preview.Body.(object)
	told, _ := body[dryRunURN].(object)
	if told == nil {
		t.Fatalf("%s: no preview: %d %s", run.asked, preview.Status, preview.Text)
	}
	delete(body, dryRunURN)
	if got := told["status"]; got != strconv.Itoa(run.Status) {
		t.Errorf("%s: told %v, was %d", run.asked, got, run.Status)
	}
	if run.Status == 204 {
		if preview.Status != 200 || cmp.Diff(object{"schemas": list{dryRunURN}}, body) != "" {
			t.Errorf("%s: preview %d %v", run.asked, preview.Status, body)
		}
	} else {
		if preview.Status != run.Status {
			t.Errorf("%s: previewed %d, was %d", run.asked, preview.Status, run.Status)
		}
		if diff := cmp.Diff(anonymous(body), anonymous(run.Body)); diff != "" {
			t.Errorf("%s: the body (-preview +run)\n%s", run.asked, diff)
		}
	}
	// A bulk request is one transaction in a preview and several in a run, so the
	// order of its events is another.
	if diff := cmp.Diff(sortedTexts(anonymous(told["events"])), sortedTexts(anonymous(toldEvents(t, events)))); diff != "" {
		t.Errorf("%s: the events (-preview +run)\n%s", run.asked, diff)
	}
}

func sortedTexts(v any) []string {
	var out []string
	all, _ := v.(list)
	for _, e := range all {
		out = append(out, jsonText(e))
	}
	slices.Sort(out)
	return out
}

// toldEvents are logged events in the form of a preview.
func toldEvents(t *testing.T, events []store.Event) any {
	t.Helper()
	out := list{}
	for _, e := range events {
		o := object{"type": e.Type, "outcome": e.Outcome, "subject": e.Subject, "time": e.Time}
		maps.DeleteFunc(o, func(_ string, v any) bool { return v == "" })
		for name, text := range map[string]string{"reason": e.Reason, "detail": e.Detail, "before": string(e.Before), "after": string(e.After)} {
			switch {
			case text == "":
			case name == "before" || name == "after":
				o[name] = json.RawMessage(text)
			default:
				o[name] = text
			}
		}
		out = append(out, o)
	}
	return plain(t, out)
}

var times = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)

var uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// anonymous replaces the ids and times that differ from run to run.
func anonymous(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for name, inner := range v {
			switch name {
			case "time", "created", "lastModified":
				out[name] = "a time"
			default:
				out[name] = anonymous(inner)
			}
		}
		return out
	case list:
		out := list{}
		for _, inner := range v {
			out = append(out, anonymous(inner))
		}
		return out
	case string:
		return uuids.ReplaceAllString(v, "an id")
	}
	return v
}
