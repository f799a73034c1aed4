package api_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"mime/multipart"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// settled waits until all rows of an upload are worked on, and gives its run.
func (c *client) settled(location string) object {
	c.t.Helper()
	path := strings.TrimPrefix(location, "/api/v1")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		n := c.get(path, 200).Body
		if n["state"] == "succeeded" {
			return n
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%v", n)
		}
	}
}

// formOf makes a form of parts: names and texts.
func formOf(t *testing.T, parts ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		p, err := w.CreateFormFile(parts[i], "x")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte(parts[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), "Content-Type: " + w.FormDataContentType()
}

const people = "externalId;userName;title\r\n1;ana@contoso.com;=1+1\r\n2;;Clerk\r\n3;cy@contoso.com;\"open\r\n4;di@contoso.com;Clerk\r\n"

// TestE006AFileIsUploaded uploads a file by the source itself and by an
// administrator: nobody says create or update (row E006).
func TestE006AFileIsUploaded(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		uploads := "/sources/" + h.hrID + "/uploads"
		h.unchanged(t, func() {
			sum := h.hr.want(200, "POST", uploads+"?dryRun=true", people, "Content-Type: text/csv; charset=utf-8").Body
			if got := fmt.Sprint(sum["counts"]); got != "map[changed:0 created:2 disabled:0 refused:2 skipped:0 unchanged:0]" {
				t.Errorf("dry run: %s", got)
			}
			if got := fmt.Sprint(sum["names"].(object)["created"]); got != "[ana@contoso.com (1) di@contoso.com (4)]" {
				t.Errorf("dry run: %s", got)
			}
		})
		first := h.hr.want(202, "POST", uploads, people)
		location := first.Header.Get("Location")
		n := h.hr.settled(location)
		if got := n["counts"].(object); n["kind"] != "upload" || n["total"] != 4.0 || n["done"] != 4.0 || got["created"] != 2.0 || got["failed"] != 2.0 {
			t.Errorf("%v", n)
		}
		results := strings.TrimPrefix(location, "/api/v1") + "/results"
		var rows []object
		for cursor := ""; ; {
			page := h.admin.get(results+"?limit=3"+cursor, 200)
			rows = append(rows, items(page)...)
			next, more := page.Body["nextCursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprint(r["row"], " ", r["key"], " ", r["action"], " ", r["status"], " ", r["code"]))
		}
		want := "[1 1 create success <nil> 2 2 other failure invalidValue 3 <nil> other failure unclosedQuote 4 4 create success <nil>]"
		if fmt.Sprint(got) != want {
			t.Errorf("%v, want %s", got, want)
		}
		for _, file := range []apptest.Response{h.hr.get(results+"?format=csv", 200), h.hr.want(200, "GET", results, nil, "Accept: text/csv")} {
			lines, err := csv.NewReader(bytes.NewReader(file.Text)).ReadAll()
			if err != nil || len(lines) != 5 || lines[2][5] != "invalidValue" || lines[1][7] != rows[0]["userId"] {
				t.Errorf("%v %q", err, lines)
			}
		}
		h.admin.refused(400, "invalidQuery", "GET", results+"?format=csv&limit=1", nil)
		h.admin.refused(400, "invalidCursor", "GET", results+"?cursor=WyJ4IiwieCJd", nil)

		again := h.admin.want(202, "POST", uploads+"?separator=semicolon", people)
		if n := h.admin.settled(again.Header.Get("Location")); n["counts"].(object)["unchanged"] != 2.0 || again.Header.Get("Location") == location {
			t.Errorf("%v", n)
		}
		h.ad.want(404, "GET", strings.TrimPrefix(location, "/api/v1"), nil)
		h.admin.want(404, "GET", strings.Replace(results, h.hrID, h.adID, 1), nil)
	})
}

// A form brings rules with the file, in any order.
func TestAFormBringsRules(t *testing.T) {
	const rules = "match: [externalId]\nflows:\n- {target: externalId, kind: direct, source: No}\n- {target: userName, kind: expression, expression: 'Join(\"@\", [No], \"contoso.com\")'}\n"
	eachHouse(t, func(t *testing.T, h *house) {
		uploads := "/sources/" + h.hrID + "/uploads"
		for _, parts := range [][]string{{"mapping", rules, "file", "No\n7\n"}, {"file", "No\n7\n8\n", "mapping", rules}} {
			body, form := formOf(t, parts...)
			n := h.hr.settled(h.hr.want(202, "POST", uploads, body, form).Header.Get("Location"))
			if n["counts"].(object)["created"] != 1.0 {
				t.Errorf("%v", n)
			}
		}
		for code, parts := range map[string][]string{
			"invalidMapping": {"mapping", "flows: 1", "file", "No\n"}, "invalidSyntax": {"mapping", rules}, "unknownColumn": {"file", "externalId,No\n"},
		} {
			body, form := formOf(t, parts...)
			h.hr.refused(400, code, "POST", uploads, body, form)
		}
		for _, parts := range [][]string{{"file", "No\n", "file", "No\n"}, {"other", "x", "file", "No\n"}, {}} {
			body, form := formOf(t, parts...)
			h.hr.refused(400, "invalidSyntax", "POST", uploads, body, form)
		}
		h.hr.refused(400, "invalidSyntax", "POST", uploads, "x", "Content-Type: multipart/form-data; boundary=y")
		h.hr.refused(415, "unsupportedMediaType", "POST", uploads, "externalId\n", "Content-Type: application/json")
		h.hr.refused(400, "noHeader", "POST", uploads, "")
		h.hr.refused(400, "matchMissing", "POST", uploads, "userName\n")
		h.hr.refused(400, "duplicateColumn", "POST", uploads, "userName,username\n")
		h.hr.refused(400, "unknownEncoding", "POST", uploads+"?encoding=ebcdic", "userName\n")
		h.hr.refused(400, "invalidValue", "POST", uploads+"?separator=x", "userName\n")
	})
}

// A file over the bound is refused, whatever it says of itself.
func TestAFileHasABound(t *testing.T) {
	h := newHouse(t, &apptest.HandClock{}, apptest.With(func(c *app.Config) { c.MaxUpload = 1 }))
	large := "externalId,userName\n" + strings.Repeat("1,a@contoso.com\n", 1<<16+1)
	uploads := "/sources/" + h.hrID + "/uploads"
	h.hr.refused(413, "tooLarge", "POST", uploads, large)
	body, form := formOf(t, "file", large)
	h.hr.refused(413, "tooLarge", "POST", uploads, body, form)
	if runs := items(h.hr.get("/sources/"+h.hrID+"/runs", 200)); len(runs) != 0 {
		t.Errorf("%v", runs)
	}
}
