package inbound

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
)

func parsed(text string) (alternatives, error) {
	req := httptest.NewRequest("GET", "/?"+url.Values{"$filter": {text}}.Encode(), nil)
	r := &request{c: echo.New().NewContext(req, httptest.NewRecorder())}
	return r.filter(logProperties)
}

func TestFiltersAreAlternativesOfComparisons(t *testing.T) {
	job, run := comparison{"jobid", "eq", "j"}, comparison{"cycleid", "eq", "it's (one)"}
	since := comparison{"activitydatetime", "ge", "2026-11-23T00:00:00Z"}
	for text, want := range map[string]alternatives{
		"":                 nil,
		"  ":               nil,
		"jobId eq 'j'":     {{job}},
		"JOBID  EQ\t'j'":   {{job}},
		"((jobid eq 'j'))": {{job}},
		"cycleId eq 'it''s (one)' and jobid eq 'j'":                                      {{run, job}},
		"jobid eq 'j' or cycleId eq 'it''s (one)' and jobid eq 'j'":                      {{job}, {run, job}},
		"(jobid eq 'j' or cycleId eq 'it''s (one)')and jobid eq 'j'":                     {{job, job}, {run, job}},
		"activityDateTime ge 2026-11-23T00:00:00Z and(jobid eq 'j')":                     {{since, job}},
		"jobid eq 'j' and (jobid eq 'j' or (jobid eq 'j' and cycleid eq 'it''s (one)'))": {{job, job}, {job, job, run}},
	} {
		got, err := parsed(text)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(comparison{})); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", text, err, diff)
		}
	}
}

// Whatever is sent as a filter ends in few alternatives or in an error.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{"jobid eq 'j'", "(jobid eq 'j' or jobid eq 'k') and (jobid eq 'j' or jobid eq 'k')", "jobid eq '", "((((", "activityDateTime ge 2026-01-01T00:00:00Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parsed(text)
		if err != nil {
			return
		}
		if len(got) > maxAlternatives {
			t.Fatalf("%d alternatives", len(got))
		}
		for _, all := range got {
			for _, c := range all {
				if logProperties[c.property] == nil {
					t.Fatalf("%+v", c)
				}
			}
		}
	})
}

// Whatever is uploaded is refused, or is as many records as are allowed, each a
// JSON object or refused by itself.
func FuzzUpload(f *testing.F) {
	for _, body := range []string{
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"POST","path":"/Users","bulkId":"1","data":{"userName":"a"}}],"failOnErrors":null}`,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:user"],"userName":"a"}`, `{"name":"John Doe"}`, `{"Operations":[{}]}`, `[`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := parseUpload(body, 3)
		if err != nil {
			if p := explain(err); p.status != 400 {
				t.Fatalf("%d %v", p.status, err)
			}
			return
		}
		if len(all) == 0 || len(all) > 3 {
			t.Fatalf("%d records", len(all))
		}
		for _, u := range all {
			var o map[string]any
			if (u.Refused == "") != (json.Unmarshal(u.Data, &o) == nil) {
				t.Fatalf("%q, refused %q", u.Data, u.Refused)
			}
		}
	})
}

// A record that is too large spoils no other, and alone is refused.
func TestARecordHasABound(t *testing.T) {
	user := func(size int) string {
		return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"1","title":"` + strings.Repeat("x", size) + `"}`
	}
	all, err := parseUpload([]byte(`{"schemas":["`+bulkURN+`"],"Operations":[{"method":"POST","path":"/Users","data":`+user(maxRecord)+`},{"method":"POST","path":"/Users","data":`+user(10)+`}]}`), 50)
	if err != nil || len(all) != 2 || all[0].Refused == "" || all[0].Data != nil || all[1].Refused != "" {
		t.Errorf("%v %d %.80q", err, len(all), all)
	}
	if _, err := parseUpload([]byte(user(maxRecord)), 50); err == nil || explain(err).status != 413 {
		t.Errorf("alone: %v", err)
	}
}
