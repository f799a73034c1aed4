package acceptance_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// TestForeignAndUnknownIDsAnswerAlike puts the ids of another source and of
// another tenant wherever an id can stand: each answer is the one that an id
// which never was gets, and nothing of the others changes.
func TestForeignAndUnknownIDsAnswerAlike(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n, other := h.tenant(t), h.tenant(t)
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		strangers := map[string]*client{"another source": ad, "another tenant": other.entra, "another tenant's admin": other.admin}
		for name, stranger := range strangers {
			u := stranger.create("/Users", user(strings.ReplaceAll(name, " ", ".")+"@strange.example", "externalId", "foreign"))
			g := stranger.create("/Groups", group("Strangers", "members", refs(u)))
			speakers := []*client{n.entra}
			if stranger != ad {
				speakers = append(speakers, n.admin, ad) // an administrator sees each source of the tenant
			}
			for _, speaker := range speakers {
				own := speaker.create("/Groups", group("Probe"))
				before, beforeAll := stranger.everything(), other.state()
				for _, probe := range probes {
					unknown := comparable(probe(speaker, own, nobody), nobody)
					for _, id := range []string{u, g} {
						foreign := probe(speaker, own, id)
						if got := comparable(foreign, id); got != unknown {
							t.Errorf("%s: %s\nforeign %s\nunknown %s", name, foreign.asked, got, unknown)
						}
					}
				}
				if stranger.everything() != before || other.state() != beforeAll {
					t.Errorf("%s: its state changed", name)
				}
			}
		}
	})
}

// probes ask for, write to and refer to a resource by its id; g is a group of
// the speaker's own.
var probes = []func(c *client, _, id string) *answer{
	func(c *client, _, id string) *answer { return c.get("/Users/" + id) },
	func(c *client, _, id string) *answer { return c.get("/Groups/" + id + "?attributes=members") },
	func(c *client, _, id string) *answer { return c.do("HEAD", "/Users/"+id, nil) },
	func(c *client, _, id string) *answer { return c.get("/Users/"+id, `If-None-Match: W/"1"`) },
	func(c *client, _, id string) *answer { return c.get("/Groups/"+id, "If-None-Match: *") },
	func(c *client, _, id string) *answer { return c.put("/Users/"+id, user("probe@contoso.com")) },
	func(c *client, _, id string) *answer { return c.put("/Groups/"+id, group("Probe"), "If-Match: *") },
	func(c *client, _, id string) *answer { return c.patch("/Users/"+id, op("replace", "active", false)) },
	func(c *client, _, id string) *answer { return c.patch("/Groups/"+id, op("remove", "members", nil)) },
	func(c *client, _, id string) *answer {
		return c.patch("/Groups/"+id+"?dryRun=true", op("remove", "members", nil))
	},
	func(c *client, _, id string) *answer { return c.delete("/Users/" + id) },
	func(c *client, _, id string) *answer { return c.delete("/Groups/"+id, `If-Match: W/"1"`) },
	func(c *client, _, id string) *answer { return c.delete("/Users/" + id + "?dryRun=true") },
	// As a member and as a manager.
	func(c *client, _, id string) *answer {
		return c.post("/Groups?dryRun=true", group("Probe", "members", refs(id)))
	},
	func(c *client, g, id string) *answer { return c.patch("/Groups/"+g, op("Add", "members", refs(id))) },
	func(c *client, g, id string) *answer { return c.patch("/Groups/"+g, op("Remove", "members", refs(id))) },
	func(c *client, g, id string) *answer { return c.put("/Groups/"+g, group("Probe", "members", refs(id))) },
	func(c *client, g, id string) *answer {
		return c.patch("/Groups/"+g, op("replace", "members", refs(id)))
	},
	func(c *client, _, id string) *answer {
		return c.post("/Users?dryRun=true", user("probe@contoso.com", enterpriseURN, object{"manager": object{"value": id}}))
	},
	// In filters and searches.
	func(c *client, _, id string) *answer { return c.find("/Users", `id eq "`+id+`"`) },
	func(c *client, _, id string) *answer {
		return c.find("/Groups", `members eq "`+id+`" or id eq "`+id+`"`)
	},
	func(c *client, _, id string) *answer { return c.find("", `id eq "`+id+`"`, "cursor=") },
	func(c *client, _, id string) *answer {
		return c.find("/Users", `groups.value eq "`+id+`" or manager eq "`+id+`"`)
	},
	func(c *client, _, id string) *answer {
		return c.post("/.search", object{"schemas": list{searchURN}, "filter": `id eq "` + id + `"`})
	},
	func(c *client, _, id string) *answer {
		return c.post("/Groups/.search", object{"schemas": list{searchURN}, "filter": `members[value eq "` + id + `"]`})
	},
	// In bulk requests.
	func(c *client, _, id string) *answer {
		return c.post("/Bulk", bulkOf(
			bulkOp("PUT", "/Users/"+id, "", user("probe@contoso.com")), bulkOp("PATCH", "/Groups/"+id, "", patchOf(op("remove", "members", nil))),
			with(bulkOp("DELETE", "/Users/"+id, "", nil), "version", `W/"1"`), bulkOp("DELETE", "/Groups/bulkId:"+id, "", nil)))
	},
	func(c *client, _, id string) *answer {
		return c.post("/Bulk?dryRun=true", bulkOf(bulkOp("POST", "/Groups", "1", group("Probe", "members", refs(id)))))
	},
}

// comparable is what of an answer may not depend on the id that was asked for.
func comparable(a *answer, id string) string {
	text := strings.ReplaceAll(string(a.Text), id, "THE ID")
	text = times.ReplaceAllString(uuids.ReplaceAllString(text, "an id"), "a time")
	return fmt.Sprint(a.Status, a.Header.Get("ETag"), strings.ReplaceAll(a.Header.Get("Location"), id, "THE ID") == "", " ", text)
}

// TestNamesAnchorsAndCursorsStayInTheirTenant shows the rest of what could tell
// one tenant of another.
func TestNamesAnchorsAndCursorsStayInTheirTenant(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n, other := h.tenant(t), h.tenant(t)
		body := user("same@contoso.com", "externalId", "same", workspaceURN, object{"originAnchor": "same"})
		mine, theirs := n.entra.create("/Users", body), other.entra.create("/Users", body)
		if mine == theirs {
			t.Fatal("two tenants share a user")
		}
		other.entra.find("/Users", `userName eq "same@contoso.com"`).total(1).is("Resources/0/id", theirs)
		if len(n.conflicts())+len(other.conflicts()) > 0 {
			t.Error("a conflict between tenants")
		}
		// A token is bound to a user of its tenant only, and sees no more by /Me.
		_, _, err := h.Directory.AddToken(t.Context(), "provider", directory.TokenSpec{Tenant: n.slug, Source: "entra", User: theirs})
		if err == nil {
			t.Error("a token is bound to another tenant's user")
		}
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		foreign := ad.create("/Users", user("ad@contoso.com"))
		n.me("entra", foreign).get("/Me").refused(404, "")
		n.me("entra", foreign).delete("/Me").refused(404, "")
		ad.get("/Users/" + foreign).status(200)
		// The sources of a tenant are named to its own tokens only.
		id := n.admin.get("/Users/" + mine).text(originURN + "/authority/value")
		other.admin.find("/Users", originURN+`:authority.value eq "`+id+`"`).total(0)
	})
}

// route is a method and a path; {u} and {g} are a user and a group.
var routes = []string{
	"GET ", "GET /Users", "POST /Users", "GET /Users/{u}", "PUT /Users/{u}", "PATCH /Users/{u}", "DELETE /Users/{u}", "POST /Users/.search",
	"GET /Groups", "POST /Groups", "GET /Groups/{g}", "PUT /Groups/{g}", "PATCH /Groups/{g}", "DELETE /Groups/{g}", "POST /Groups/.search",
	"POST /.search", "POST /Bulk", "GET /Me", "PUT /Me", "PATCH /Me", "DELETE /Me", "GET /Schemas", "GET /Schemas/" + userURN,
	"GET /ResourceTypes", "GET /ResourceTypes/User", "GET /ServiceProviderConfig", "GET /Nothing", "DELETE /Users", "BREW /Users", "HEAD /Users",
}

func TestEveryRouteNeedsATokenThatIsGood(t *testing.T) {
	var now clock
	each(t, func(t *testing.T, h *house) {
		n, off := h.tenant(t), h.bareTenant(t)
		d := h.Directory
		u := n.entra.create("/Users", user("there@contoso.com"))
		g := n.entra.create("/Groups", group("There", "members", refs(u)))
		expired := n.client(directory.TokenSpec{Source: "entra", Expires: time.Minute}).token
		now.move(time.Hour)
		revoked := n.source(store.SourceAPI, "revoked", store.Policies{}).token
		disabled := n.source(store.SourceAPI, "disabled", store.Policies{}).token
		secret := n.client(directory.TokenSpec{Source: "entra", Kind: store.TokenSecret}).token
		n.clients = []*client{n.entra, n.admin}
		if err := d.RevokeToken(t.Context(), "provider", n.slug, prefix(revoked)); err != nil {
			t.Fatal(err)
		}
		if err := d.DisableSource(t.Context(), "provider", n.slug, "disabled"); err != nil {
			t.Fatal(err)
		}
		refusals := []struct {
			authorization, reason string
			status                int
		}{
			{"", "tokenMissing", 401},
			{"Bearer", "tokenMissing", 401},
			{"Bearer    ", "tokenMissing", 401},
			{"Basic " + n.entra.token, "tokenMissing", 401},
			{n.entra.token, "tokenMissing", 401},
			{"Bearer null", "tokenUnknown", 401},
			{"Bearer undefined", "tokenUnknown", 401},
			{"Bearer " + strings.ToUpper(n.entra.token), "tokenUnknown", 401},
			{"Bearer " + n.entra.token + "x", "tokenUnknown", 401},
			{"Bearer " + n.entra.token[:len(n.entra.token)-1], "tokenUnknown", 401},
			{"Bearer " + secret, "tokenWrongKind", 401},
			{"Bearer " + revoked, "tokenRevoked", 401},
			{"Bearer " + expired, "tokenExpired", 401},
			{"Bearer " + disabled, "sourceDisabled", 401},
			{"Bearer " + off.entra.token, "", 403},
		}
		details := map[string]string{}
		n.unchanged(t, func() {
			for _, route := range routes {
				method, path, _ := strings.Cut(strings.NewReplacer("{u}", u, "{g}", g).Replace(route), " ")
				for _, r := range refusals {
					a := (&client{t, n.entra.base, ""}).do(method, path, object{}, "Authorization: "+r.authorization)
					if challenge := a.Header.Get("WWW-Authenticate"); a.Status != r.status || (r.status == 401) != strings.HasPrefix(challenge, "Bearer") {
						t.Errorf("%s with %q: %d %s %s", route, r.authorization, a.Status, challenge, short(a.Text))
					}
					if method == "HEAD" {
						continue
					}
					if r.status == 403 {
						a.refused(403, "syncNotEnabled")
					} else {
						a.refused(401, "").is("reason", r.reason)
					}
					details[a.text("detail")] = r.reason
				}
			}
		})
		if len(details) != 7 {
			t.Errorf("details: %v", details)
		}
		// The scheme's name has no case.
		(&client{t, n.entra.base, ""}).do("GET", "/Users", nil, "Authorization: bEARER  "+n.entra.token).status(200)
	}, apptest.WithClock(&now))
}

// TestOtherSpellingsOfAPathReachNothing sends requests without a token whose
// paths are spelled so that a router and a guard could read them differently.
func TestOtherSpellingsOfAPathReachNothing(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("secret.person@contoso.com"))
		n.unchanged(t, func() {
			for _, target := range []string{
				"//scim/v2/Users", "/scim//v2/Users", "/scim/v2//Users", "/scim%2Fv2/Users", "/scim/v2%2FUsers", "/%73cim/v2/Users", "/scim/%76%32/Users",
				"/SCIM/v2/Users", "/Scim/V2/users", "/scim/v2/Users/", "/scim/v2/Users//", "/scim/v2/./Users", "/scim/v2/../v2/Users", "/x/../scim/v2/Users",
				"/scim/v2/%2e%2e/v2/Users", "/scim/v2/Users;x=1", "/scim;a/v2/Users", "/scim/v2/Users.", "/scim/v2/Users..", "/scim/v2/Users%20", "/scim/v2/Users%00",
				"/scim/v2/Users%23", "/scim/v2/Users%3Fx", "/scim/v2\\Users", "\\scim\\v2\\Users", n.house.URL + "/scim/v2/Users", "http://elsewhere.example/scim/v2/Users",
				"/healthz/../scim/v2/Users", "/scim/v2/Users?authorization=Bearer%20" + n.entra.token, "/scim/v2/Users?access_token=" + n.entra.token, "*",
			} {
				for _, request := range []string{"GET " + target, "DELETE " + strings.Replace(target, "Users", "Users/"+u, 1), "POST " + target} {
					status, text := n.raw(request)
					if status != 400 && status != 401 && status != 404 && status != 405 || strings.Contains(text, "secret.person") || strings.Contains(text, "totalResults") {
						t.Errorf("%s: %d %s", request, status, text)
					}
				}
			}
		})
	})
}

// raw sends a request line as it is, without a token.
func (n *tenant) raw(line string) (status int, text string) {
	n.t.Helper()
	u, err := url.Parse(n.house.URL)
	if err != nil {
		n.t.Fatal(err)
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(n.t.Context(), "tcp", u.Host)
	if err != nil {
		n.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: 2\r\nContent-Type: application/scim+json\r\n\r\n{}", line, u.Host)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		n.t.Fatalf("%s: %v", line, err)
	}
	a := read(n.t, resp, line)
	return a.Status, string(a.Text)
}
