package api_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// bundle reads a support bundle: its files by name.
func (c *client) bundle() map[string]string {
	c.t.Helper()
	r := c.get("/support-bundle", 200)
	if r.Header.Get("Content-Type") != "application/zip" {
		c.t.Fatalf("%v", r.Header)
	}
	z, err := zip.NewReader(bytes.NewReader([]byte(r.Text)), int64(len(r.Text)))
	if err != nil {
		c.t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range z.File {
		body, err := f.Open()
		if err != nil {
			c.t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			c.t.Fatal(err)
		}
		out[f.Name] = string(text)
	}
	return out
}

// Secrets and values of people that are planted wherever one can stand don't
// come into a support bundle; what support needs does (row H054, S15).
func TestH054SupportBundleHoldsNoSecret(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		secrets := map[string]string{
			"admin token": h.AdminToken, "source token": h.Token, "AD token": h.ad.token, "HR token": h.hr.token,
			"bind password": "Tr0ub4dor&3-bind", "short password": "hunter2", "plain word password": "Correcthorsebattery", "password in a list": "Pa55word-in-list",
			"password in a URL": "url-pa55word", "key file's text": "-----BEGIN PRIVATE KEY-----MIIEvQIBADAN", "password under a known key": "ws_" + strings.Repeat("b1", 25), "password as a key": "k3y is the password",
			"constant of a mapping": "constant-s3cret", "run's detail": "bind failed for svc:detail-s3cret", "problem's detail": "the value detail-pa55 is bad", "problem's display": "Zoë Display",
			"phone": "+31 6 12345678", "user name": "planted.person@contoso.com", "title": "Planted Title", "group name": "Planted Group",
			"source's display name": "displayed-s3cret", "agent's host": "host-of-s3cret", "value of a discrepancy": "differing-s3cret", "word of a discrepancy": "Namedsecret", "number as a password": "93847562910384",
		}
		bought, _, err := h.Directory.AddToken(t.Context(), "test", directory.TokenSpec{Tenant: "default", Source: "entra", Kind: store.TokenSecret})
		if err != nil {
			t.Fatal(err)
		}
		secrets["client secret"] = bought
		code := h.admin.want(201, "POST", "/sources/"+h.adID+"/enrolment-codes", object{}).Body["code"].(string)
		secrets["enrolment code"] = code
		nobody := &client{t, h.App, ""}
		secrets["agent token"] = nobody.want(201, "POST", "/agents/enrol", object{"code": code, "name": secrets["agent's host"]}).Body["token"].(string)
		s := func(name string) string { return secrets[name] }
		h.admin.want(200, "PATCH", "/sources/"+h.adID, object{
			"displayName": s("source's display name"),
			"configuration": object{
				"limits": object{"deletes": 7},
				"scope":  object{"containers": object{"include": []any{"6f1c2f0e-2b6b-4a7e-9d0c-0a1b2c3d4e5f"}}},
				"bind":   object{"password": s("bind password"), "passwords": []any{s("password in a list")}, "url": "ldaps://svc:" + s("password in a URL") + "@dc1", "pin": json.Number(s("number as a password"))},
				"secret": s("short password"), "note": s("plain word password"), "key": s("key file's text"), s("password as a key"): true,
				"mapping": object{"users": []any{object{"target": "title", "kind": "constant", "value": s("constant of a mapping")}, object{"target": s("password under a known key"), "kind": "direct"}}},
			},
		})
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded", "configuration": h.admin.get("/sources/"+h.adID, 200).Body["configuration"].(object)["hash"]})
		run := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
		header := "Workspace-Run: " + run
		made := h.ad.scim("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+s("user name")+`","externalId":"x","title":"`+s("title")+`","phoneNumbers":[{"value":"`+s("phone")+`"}]}`, lease, header)
		if made.Status != 201 {
			t.Fatalf("%s", made.Text)
		}
		h.ad.scim("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"`+s("group name")+`","externalId":"g"}`, lease, header)
		h.ad.want(204, "POST", "/runs/"+run+"/objects", object{"objects": []any{object{"anchor": "6f1c", "code": "nameRequired", "kind": "user", "display": s("problem's display"), "detail": s("problem's detail"), "retry": "waiting"}}}, lease)
		h.ad.want(200, "PATCH", "/runs/"+run, object{"state": "failed", "detail": s("run's detail")}, lease)

		under := h.ad.lease(h.adID, "verify", object{"holder": "embedded", "configuration": h.admin.get("/sources/"+h.adID, 200).Body["configuration"].(object)["hash"]})
		verified := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "verify"}, under).Body["id"].(string)
		h.ad.want(200, "PUT", "/runs/"+verified+"/plan", `{"kind":"attribute","object":"User","anchor":"77ab","name":"`+s("word of a discrepancy")+`","attributes":[{"path":"title","workspace":"`+s("value of a discrepancy")+`","source":null}]}
{"kind":"member","subject":"`+made.Body["id"].(string)+`","stored":"`+s("value of a discrepancy")+`","expected":"`+s("word of a discrepancy")+`","detail":"`+s("word of a discrepancy")+`","missingMembers":3}
`, under)
		h.ad.want(200, "PATCH", "/runs/"+verified, object{"state": "succeeded"}, under)

		files := h.admin.bundle()
		var all strings.Builder
		for _, name := range []string{"README.txt", "about.json", "tenant.json", "sources.json", "credentials.json", "agents.json", "runs.json", "discrepancies.json", "problems.json", "conflicts.json", "events.json", "totals.json"} {
			if files[name] == "" {
				t.Errorf("%s is missing", name)
			}
			if strings.HasSuffix(name, ".json") && !json.Valid([]byte(files[name])) {
				t.Errorf("%s is no JSON", name)
			}
			all.WriteString(files[name])
		}
		text := all.String()
		for name, secret := range secrets {
			sum := sha256.Sum256([]byte(secret))
			for _, form := range []string{secret, hex.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString(sum[:]), base64.StdEncoding.EncodeToString([]byte(secret))} {
				if strings.Contains(text, form) {
					t.Errorf("%s is in the bundle, as %q", name, form)
				}
			}
		}
		for file, want := range map[string][]string{
			"sources.json":       {`"deletes": 7`, "6f1c2f0e-2b6b-4a7e-9d0c-0a1b2c3d4e5f", `"constant"`, `"target": "title"`, h.adID},
			"runs.json":          {run, `"failed"`, `"hasDetail": true`},
			"problems.json":      {"nameRequired", "6f1c"},
			"discrepancies.json": {verified, "77ab", `"attribute"`, `"title"`, `"missingMembers": 3`},
			"events.json":        {"user.created", `"phoneNumbers"`, made.Body["id"].(string), "run.failed"},
			"totals.json":        {`"user"`}, "about.json": {`"databaseVersion"`, `"metrics"`}, "credentials.json": {h.AdminToken[:8]}, "agents.json": {`"enrolledAt"`},
		} {
			for _, w := range want {
				if !strings.Contains(files[file], w) {
					t.Errorf("%s isn't in %s: %s", w, file, files[file])
				}
			}
		}
		h.ad.refused(403, "forbidden", "GET", "/support-bundle", nil)
		if foreign := h.foreign.bundle(); strings.Contains(foreign["sources.json"]+foreign["events.json"]+foreign["runs.json"], h.adID) || strings.Contains(foreign["events.json"], run) {
			t.Error("a bundle holds what is another tenant's")
		}
		if len(secrets) < 20 {
			t.Errorf("%d secrets", len(secrets))
		}
	})
}
