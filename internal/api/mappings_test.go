package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
)

const itOnly = `{"scope":[[{"attribute":"dept","operator":"eq","value":"IT"}]],"match":["externalId"],"flows":[{"target":"externalId","kind":"direct","source":"no"},{"target":"userName","kind":"direct","source":"name"},{"target":"title","kind":"direct","source":"job"}]}`

// uploaded has the HR tool say something of people, and waits until it is worked
// on.
func (h *house) uploaded(t *testing.T, records ...string) {
	t.Helper()
	p, err := h.Directory.Authenticate(t.Context(), h.hr.token)
	if err != nil {
		t.Fatal(err)
	}
	a := directory.NewActor(p, "txn")
	var all []directory.Uploaded
	for _, r := range records {
		all = append(all, directory.Uploaded{Data: []byte(r)})
	}
	if _, err := h.Directory.AcceptUpload(t.Context(), a, all); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		j, err := h.Directory.UploadJob(t.Context(), a, p.Source)
		if err != nil || time.Now().After(deadline) {
			t.Fatal("the records are not worked on: ", err)
		}
		if j.Waiting == 0 {
			return
		}
	}
}

// Rows E058 and E092: rules are read, edited, saved over the version that was
// read, cloned and taken away, and each version stays.
func TestRulesOfASource(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		at := "/sources/" + h.hrID + "/mapping"
		none := h.admin.want(200, "GET", at, nil)
		if none.Body["rules"] != nil || none.Header.Get("ETag") != `"none"` {
			t.Errorf("%s", none.Text)
		}
		one := h.admin.want(200, "PUT", at, someRules, `If-Match: "none"`)
		if len(one.Body["version"].(string)) != 64 || one.Body["number"] != 1.0 || one.Header.Get("ETag") != fmt.Sprintf("%q", one.Body["version"]) {
			t.Errorf("%s", one.Text)
		}
		h.admin.want(412, "PUT", at, itOnly, `If-Match: "none"`)
		two := h.admin.want(200, "PUT", at, itOnly, "If-Match: "+one.Header.Get("ETag"))
		if got := h.hr.want(200, "GET", at, nil); string(got.Text) != string(two.Text) {
			t.Errorf("%s, then %s", two.Text, got.Text)
		}
		h.admin.want(412, "DELETE", at, nil, "If-Match: "+one.Header.Get("ETag"))
		clone := h.admin.want(200, "POST", "/sources/"+h.adID+"/mapping", object{"from": "hr"})
		if clone.Body["version"] != two.Body["version"] || clone.Body["number"] != 1.0 {
			t.Errorf("%s", clone.Text)
		}
		h.admin.want(400, "POST", at, object{"from": "nobody"})
		h.admin.want(204, "DELETE", at, nil, "If-Match: "+two.Header.Get("ETag"))
		items := h.admin.want(200, "GET", at+"/versions?limit=2", nil)
		all := items.Body["items"].([]any)
		if len(all) != 2 || all[0].(object)["rules"] != nil || all[1].(object)["version"] != two.Body["version"] || items.Body["nextCursor"] == nil {
			t.Errorf("%s", items.Text)
		}
		next := h.admin.want(200, "GET", fmt.Sprint(at, "/versions?limit=2&cursor=", items.Body["nextCursor"]), nil)
		if all := next.Body["items"].([]any); len(all) != 1 || all[0].(object)["version"] != one.Body["version"] || all[0].(object)["by"] == "" {
			t.Errorf("%s", next.Text)
		}
	})
}

func TestRulesAreRefusedWithEachFault(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		at := "/sources/" + h.hrID + "/mapping"
		bad := strings.Replace(itOnly, `"userName"`, `"nme"`, 1)
		for _, x := range []struct {
			status       int
			method, path string
			body         any
		}{{400, "PUT", at, bad}, {400, "POST", at + "/simulate", `{"rules":` + bad + `}`}} {
			r := h.admin.want(x.status, x.method, x.path, x.body)
			faults, _ := r.Body["faults"].([]any)
			if r.Body["code"] != "invalidMapping" || len(faults) != 2 {
				t.Fatalf("%s", r.Text)
			}
			if f := faults[0].(object); f["at"] != "flows[1].target" || f["code"] != "invalidTarget" || !strings.Contains(f["message"].(string), "/Schemas") {
				t.Errorf("%s", r.Text)
			}
		}
		h.admin.want(400, "PUT", at, `[]`)
		h.admin.want(400, "PUT", at, `{"flows":[],"flows":[]}`)
		h.admin.want(413, "PUT", at, `{"flows":"`+strings.Repeat("x", 1<<20)+`"}`)
	})
}

// Row E092: what changed rules would do, by name, page by page, before they are
// saved; and what was said of people, as it was said.
func TestSimulateRules(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		at := "/sources/" + h.hrID + "/mapping"
		h.admin.want(200, "PUT", at, someRules)
		h.uploaded(t, `{"no":"1","name":"ana@contoso.com","dept":"IT","job":"Clerk"}`, `{"no":"2","name":"bo@contoso.com","dept":"HR"}`, `{"no":"3","name":"cy@contoso.com","dept":"IT"}`)
		h.unchanged(t, func() {
			whole := h.admin.want(200, "POST", at+"/simulate", `{"rules":`+itOnly+`}`).Body
			for name, want := range map[string]float64{"people": 3, "inScope": 2, "leave": 1, "change": 1, "unchanged": 1, "comeIn": 0, "fail": 0} {
				if whole[name] != want {
					t.Errorf("%s is %v, want %v", name, whole[name], want)
				}
			}
			if fmt.Sprint(whole["attributes"]) != "map[title:1]" || whole["nextCursor"] != nil {
				t.Errorf("%v", whole)
			}
			part := h.admin.want(200, "POST", at+"/simulate?limit=1", `{"rules":`+itOnly+`}`).Body
			named := part["named"].([]any)
			if len(named) != 1 || named[0].(object)["what"] != "changes" || named[0].(object)["display"] != "ana@contoso.com" {
				t.Fatalf("%v", part)
			}
			rest := h.admin.want(200, "POST", fmt.Sprint(at, "/simulate?limit=9&cursor=", part["nextCursor"]), `{"rules":`+itOnly+`}`).Body
			if left := rest["named"].([]any)[0].(object); rest["people"] != 2.0 || left["what"] != "leaves" || left["externalId"] != "2" || left["user"] == nil {
				t.Errorf("%v", rest)
			}
			if now := h.admin.want(200, "POST", at+"/simulate", `{}`).Body; now["unchanged"] != 3.0 {
				t.Errorf("%v", now)
			}
		})
		all := h.hr.want(200, "GET", at+"/records?limit=2", nil).Body
		first := all["items"].([]any)[0].(object)
		if fmt.Sprint(first["record"]) != "map[dept:IT job:Clerk name:ana@contoso.com no:1]" || first["inScope"] != true || first["rules"] != 1.0 || all["nextCursor"] == nil {
			t.Errorf("%v", all)
		}
		one := h.admin.want(200, "GET", fmt.Sprint(at, "/records?user=", first["user"]), nil).Body
		if items := one["items"].([]any); len(items) != 1 || items[0].(object)["user"] != first["user"] {
			t.Errorf("%v", one)
		}
		h.admin.want(400, "GET", at+"/records?user=", nil)
	})
}

// Row E092: saved rules are worked out over everybody at once, without the source.
func TestRulesAreAppliedToEverybody(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		at := "/sources/" + h.hrID + "/mapping"
		h.admin.want(400, "POST", at+"/apply", nil)
		h.admin.want(200, "PUT", at, someRules)
		h.uploaded(t, `{"no":"1","name":"ana@contoso.com","dept":"IT","job":"Clerk"}`, `{"no":"2","name":"bo@contoso.com","dept":"HR"}`)
		h.admin.want(200, "PUT", at, itOnly)
		h.unchanged(t, func() {
			if x := h.admin.want(202, "POST", at+"/apply?dryRun=true", nil); x.Body["people"] != 2.0 || len(x.Body["runs"].([]any)) != 1 {
				t.Errorf("%s", x.Text)
			}
		})
		x := h.admin.want(202, "POST", at+"/apply", nil)
		run := "/runs/" + x.Body["runs"].([]any)[0].(string)
		var n object
		for deadline := time.Now().Add(60 * time.Second); n["state"] != "succeeded"; time.Sleep(10 * time.Millisecond) {
			if n = h.admin.want(200, "GET", run, nil).Body; time.Now().After(deadline) {
				t.Fatalf("the run is %v", n)
			}
		}
		if c := n["counts"].(object); n["kind"] != "upload" || c["updated"] != 1.0 || c["disabled"] != 1.0 {
			t.Errorf("the run is %v", n)
		}
	})
}
