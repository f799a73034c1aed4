package api_test

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// log asks for events; parameters come as pairs. It gives all pages.
func (h *house) log(pairs ...string) []object {
	h.admin.t.Helper()
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	var all []object
	for range 1000 {
		p := h.admin.get("/events?"+q.Encode(), 200)
		all = append(all, items(p)...)
		next, more := p.Body["nextCursor"].(string)
		if !more {
			return all
		}
		q.Set("cursor", next)
	}
	h.admin.t.Fatal("the pages don't end")
	return nil
}

func typesOf(events []object) []string {
	out := []string{}
	for _, e := range events {
		out = append(out, e["type"].(string))
	}
	return out
}

// TestTheLogIsAskedByWhatEventsAreAbout finds the events of a user, of a run, of
// a source, of a type, of an outcome and of a time.
func TestTheLogIsAskedByWhatEventsAreAbout(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded", "ttl": 600})
		run := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
		made := h.ad.scim("POST", "/Users", asserted("ana@contoso.com", ""), lease, "Workspace-Run: "+run)
		ana := made.Body["id"].(string)
		h.clock.Add(24 * time.Hour)
		lease = h.ad.lease(h.adID, "default", object{"holder": "embedded", "ttl": 600})
		h.ad.scim("PATCH", "/Users/"+ana, title("Later"), lease)
		h.hr.scim("POST", "/Users", asserted("ana@contoso.com", "")) // refused
		for _, x := range []struct {
			query []string
			want  string
		}{
			{[]string{"subject", ana}, "[user.refused user.updated user.created]"},
			{[]string{"subject", ana, "order", "oldest", "limit", "1"}, "[user.created user.updated user.refused]"},
			{[]string{"run", run}, "[user.created]"},
			{[]string{"subject", ana, "source", h.hrID}, "[user.refused]"},
			{[]string{"outcome", "refused"}, "[user.refused]"},
			{[]string{"type", "user.", "until", "2026-11-23T00:00:00Z"}, "[user.created]"},
			{[]string{"type", "user.", "since", "2026-11-23T00:00:00Z"}, "[user.refused user.updated]"},
			{[]string{"type", "user.updated"}, "[user.updated]"},
			{[]string{"subject", h.hrID}, "[source.created]"},
			{[]string{"subject", "01234567-89ab-7cde-8f01-23456789abcd"}, "[]"},
		} {
			var got string
			// On PostgreSQL the oldest first waits for other transactions.
			for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				if got = fmt.Sprint(typesOf(h.log(x.query...))); got == x.want || time.Now().After(deadline) {
					break
				}
			}
			if got != x.want {
				t.Errorf("%v gives %s, want %s", x.query, got, x.want)
			}
		}
		e := h.log("type", "user.updated")[0]
		if e["subject"] != ana || e["source"] != h.adID || fmt.Sprint(e["after"]) != "map[title:Later]" || e["time"] != "2026-11-23T12:00:00Z" {
			t.Errorf("event %v", e)
		}
		for query, code := range map[string]string{
			"?outcome=x": "invalidValue", "?since=x": "invalidValue", "?order=x": "invalidValue", "?format=x": "invalidValue", "?who=x": "unknownField",
			"?since=2026-11-23T00:00:00Z&until=2026-11-22T00:00:00Z": "invalidValue", "?subject=%00": "invalidValue", "?format=csv&limit=5": "invalidQuery",
		} {
			h.admin.refused(400, code, "GET", "/events"+query, nil)
		}
		h.admin.refused(404, "notFound", "GET", "/events?source="+ana, nil)
		h.ad.refused(403, "forbidden", "GET", "/events", nil)
		if foreign := items(h.foreign.get("/events?subject="+ana, 200)); len(foreign) != 0 {
			t.Errorf("another tenant sees %v", foreign)
		}
	})
}

// TestE055TheLogIsAFile exports more events than a part has, with the filters of
// the list.
func TestE055TheLogIsAFile(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		ana := h.ad.made("/Users", asserted("ana@contoso.com", ""))
		const changes = 1100
		for part := range changes / 100 {
			var ops []string
			for i := range 100 {
				ops = append(ops, fmt.Sprintf(`{"method":"PATCH","path":"/Users/%s","data":%s}`, ana, title(fmt.Sprint("=", part, ".", i))))
			}
			r := h.ad.scim("POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`+strings.Join(ops, ",")+`]}`)
			if r.Status != 200 {
				t.Fatalf("%d %s", r.Status, r.Text)
			}
		}
		h.admin.scim("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"g"}`)
		for _, r := range []apptest.Response{
			h.admin.want(200, "GET", "/events?format=csv&subject="+ana, nil),
			h.admin.want(200, "GET", "/events?subject="+ana, nil, "Accept: text/csv"),
		} {
			lines, err := csv.NewReader(strings.NewReader(string(r.Text))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if len(lines) != 1+1+changes || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/csv") || lines[1][2] != "user.updated" || lines[len(lines)-1][2] != "user.created" {
				t.Errorf("%d lines, the first %q, as %q", len(lines), lines[1], r.Header.Get("Content-Type"))
			}
			if i := slices.IndexFunc(lines[1:], func(l []string) bool { return l[6] != ana || l[7] != "corp" }); i >= 0 {
				t.Errorf("line %q", lines[i+1])
			}
		}
	})
}
