package api_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/mattn/go-sqlite3"
)

// rows gives a hash of each table: of all that is stored, but for when tokens
// were last used, and for the seals, which come by themselves.
func (h *house) rows(t *testing.T) map[string]string {
	t.Helper()
	driver, dsn, names := "pgx", h.Database, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	if file, ok := strings.CutPrefix(h.Database, "sqlite:"); ok {
		driver, dsn, names = "sqlite3", "file:"+file+"?mode=ro", "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string]string{}
	for _, name := range column(t, db, names) {
		if name == "seals" {
			continue
		}
		lines := column(t, db, map[string]string{
			"pgx":     "SELECT (to_jsonb(x) - 'last_used')::text FROM " + name + " x",
			"sqlite3": "SELECT " + asText(t, db, driver, name) + " FROM " + name,
		}[driver])
		slices.Sort(lines)
		sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
		all[name] = fmt.Sprint(len(lines), " ", hex.EncodeToString(sum[:]))
	}
	return all
}

// asText gives an expression that is a row's columns.
func asText(t *testing.T, db *sql.DB, driver, table string) string {
	if driver != "sqlite3" {
		return ""
	}
	columns := column(t, db, "SELECT 'quote(' || name || ')' FROM pragma_table_info('"+table+"') WHERE name <> 'last_used'")
	return strings.Join(columns, " || ',' || ")
}

func column(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	found, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer found.Close()
	var all []string
	for found.Next() {
		var s string
		if err := found.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// write is a request that changes something.
type write struct {
	by           *client
	method, path string
	body         any
	headers      []string
}

const sharedAnchor = `"urn:ietf:params:scim:schemas:extension:workspace:2.0:Group":{"originAnchor":"guid-s"}`

// writes are one for each operation that changes something, in an order in which
// each can be done in earnest too.
func (h *house) writes(t *testing.T) []write {
	lease := h.ad.lease(h.adID, "default", object{"holder": "embedded", "ttl": 600})
	run := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
	var held, hashes []string
	for _, partition := range []string{"a", "b"} {
		l := h.ad.lease(h.adID, partition, object{"holder": "embedded", "ttl": 600})
		id := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, l).Body["id"].(string)
		hash := h.ad.want(200, "PUT", "/runs/"+id+"/plan", "plan "+partition, l).Body["planHash"].(string)
		h.ad.want(200, "PATCH", "/runs/"+id, object{"state": "held"}, l)
		held, hashes = append(held, id), append(hashes, hash)
	}
	_, conflict := h.collide(h.ad, "ana@contoso.com", "")
	agent, agentID := h.agent(h.adID, "dc1")
	code := h.admin.want(201, "POST", "/sources/"+h.adID+"/enrolment-codes", object{}).Body["code"]
	h.ad.made("/Groups", group("Waiting", "nobody"))
	shared := h.ad.made("/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"S",`+sharedAnchor+`}`)
	(&client{t, h.App, h.Token}).made("/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"S",`+sharedAnchor+`}`)
	source := "/sources/" + h.adID
	checkpoint, bytes := source+"/checkpoints/default", "Content-Type: application/octet-stream"
	streams := object{"delivery": "poll", "audience": []string{"receiver"}}
	stream := "/streams/" + h.admin.want(201, "POST", "/streams", streams).Body["id"].(string)
	for _, name := range []string{"Told 1", "Told 2", "Told 3"} {
		h.ad.made("/Groups", group(name))
	}
	jti := h.polled(stream)
	return []write{
		{h.admin, "POST", stream + "/poll", object{"ack": []string{jti}, "maxEvents": 1}, nil},
		{h.ad, "POST", "/streams", streams, nil},
		{h.admin, "PATCH", stream, object{"paused": true}, nil},
		{h.admin, "DELETE", stream, nil, nil},
		{agent, "POST", "/agents/" + agentID + "/heartbeat", object{"version": "1", "acknowledged": 0}, nil},
		{&client{t, h.App, ""}, "POST", "/agents/enrol", object{"code": code, "name": "dc2"}, nil},
		{h.ad, "POST", source + "/leases/c", object{"ttl": 30, "holder": "embedded"}, nil},
		{h.ad, "PUT", checkpoint, "x", []string{lease, bytes, "If-None-Match: *"}},
		{h.ad, "PUT", "/runs/" + run + "/plan", "a plan", []string{lease, bytes}},
		{h.admin, "PUT", "/groups/" + shared + "/authority", object{"source": "entra"}, nil},
		{h.admin, "POST", source + "/commands", object{"command": "resync"}, nil},
		{h.admin, "POST", source + "/enrolment-codes", object{}, nil},
		{h.ad, "POST", "/runs/" + run + "/objects", object{"objects": []object{{"anchor": "x", "code": "c", "retry": "waiting"}}}, []string{lease}},
		{h.ad, "POST", source + "/departed", object{"anchors": []string{"nobody"}}, []string{lease}},
		{h.ad, "PATCH", "/runs/" + run, object{"done": 5}, []string{lease}},
		{h.admin, "POST", "/runs/" + held[0] + "/approve", object{"planHash": hashes[0]}, nil},
		{h.admin, "POST", "/runs/" + held[1] + "/reject", object{}, nil},
		{h.ad, "POST", source + "/runs", object{"kind": "delta"}, []string{lease}},
		{h.ad, "DELETE", source + "/leases/default", nil, []string{lease}},
		{h.admin, "POST", conflict, object{"decision": "adopt"}, nil},
		{h.admin, "DELETE", "/agents/" + agentID, nil, nil},
		{h.admin, "PATCH", source, object{"displayName": "New", "configuration": object{"a": 1}, "mode": "staging"}, nil},
		{h.admin, "PUT", source + "/mapping", someRules, nil},
		{h.admin, "POST", "/sources/" + h.hrID + "/mapping", object{"from": h.adID}, nil},
		{h.admin, "DELETE", source + "/mapping", nil, nil},
		{h.admin, "PATCH", "/features", object{"groupReconciliation": true}, nil},
		{h.admin, "PATCH", "/jobs/reconcile", object{"enabled": true}, nil},
	}
}

// polled polls a stream until it has a token, and gives the token's id.
func (h *house) polled(stream string) string {
	for range 100 {
		for jti := range h.admin.want(200, "POST", stream+"/poll", object{"maxEvents": 1}).Body["sets"].(object) {
			return jti
		}
	}
	return ""
}

// answersOtherwise are the writes whose previews are answers of their own; their
// tests hold that these change nothing.
var answersOtherwise = []string{
	"POST /items/{id}/reconcile", "POST /runs/{id}/undo", "POST /sources/{id}/uploads", "POST /sources/{id}/mapping/apply",
}

// changesNothing are requests that ask, and compare, and have no dry run.
var changesNothing = regexp.MustCompile(`/(\.search|drill|verify|simulate)$`)

// unchanged holds that what is done changes no row of any table.
func (h *house) unchanged(t *testing.T, do func()) {
	t.Helper()
	before := h.rows(t)
	do()
	for table, rows := range h.rows(t) {
		if rows != before[table] {
			t.Errorf("%s changed from %s to %s", table, before[table], rows)
		}
	}
}

// TestADryRunChangesNothing does each write of the API as a dry run: it is
// answered as the write itself is, and no row of any table is another. Then it
// does it in earnest, which shows that there was something to change.
func TestADryRunChangesNothing(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		done := map[string]bool{}
		for _, w := range h.writes(t) {
			before := h.rows(t)
			preview := w.by.do(w.method, w.path+"?dryRun=true", w.body, w.headers...)
			after := h.rows(t)
			for table, rows := range before {
				if after[table] != rows {
					t.Errorf("%s %s: the dry run changed %s from %s to %s", w.method, w.path, table, rows, after[table])
				}
			}
			real := w.by.do(w.method, w.path+"?dryRun=false", w.body, w.headers...)
			if real.Status >= 300 || preview.Status != real.Status || fmt.Sprint(fieldsOf(preview.Body)) != fmt.Sprint(fieldsOf(real.Body)) {
				t.Errorf("%s %s: the dry run is answered %d %s, the write %d %s", w.method, w.path, preview.Status, preview.Text, real.Status, real.Text)
			}
			if fmt.Sprint(h.rows(t)) == fmt.Sprint(before) {
				t.Errorf("%s %s changed nothing in earnest either", w.method, w.path)
			}
			for _, r := range describedAPI().routes {
				if r.method == w.method && r.match.MatchString("/api/v1"+w.path) {
					done[r.method+" "+r.path] = true
				}
			}
		}
		for _, r := range describedAPI().routes {
			switch name := r.method + " " + r.path; {
			case slices.Contains(answersOtherwise, name):
			case r.takes("dryRun") && !done[name]:
				t.Errorf("the dry run of %s isn't tested: add it to writes", name)
			case r.method != "GET" && !r.takes("dryRun") && !changesNothing.MatchString(r.path):
				t.Errorf("%s has no dry run", name)
			case r.method != "GET" && changesNothing.MatchString(r.path):
				h.admin.refused(400, "noDryRun", r.method, strings.ReplaceAll(r.path, "{id}", h.adID)+"?dryRun=true", nil)
			}
		}
		for _, value := range []string{"", "1", "TRUE", "yes"} {
			h.admin.refused(400, "invalidValue", "PATCH", "/sources/"+h.adID+"?dryRun="+value, object{"displayName": "x"})
		}
		h.admin.refused(400, "unknownField", "GET", "/sources?dryRun=true", nil)
	})
}

func fieldsOf(o object) []string {
	names := []string{}
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// What opens nothing isn't given out.
func TestTheDryRunOfASecretHasNone(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := h.admin.want(201, "POST", "/sources/"+h.adID+"/enrolment-codes?dryRun=true", object{})
		if r.Body["code"] != "" {
			t.Errorf("%s", r.Text)
		}
		code := h.admin.want(201, "POST", "/sources/"+h.adID+"/enrolment-codes", object{}).Body["code"]
		r = h.admin.want(201, "POST", "/agents/enrol?dryRun=true", object{"code": code, "name": "dc1"})
		if r.Body["token"] != "" {
			t.Errorf("%s", r.Text)
		}
	})
}
