package acceptance_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// Row H053: what a run found is signed, with the hash of its plan, so that who is
// shown the report later can tell that this server made it.
func TestH053TheReportOfARunIsSigned(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceAPI)
		verified := n.api("POST", "/sources/"+s.id+"/verify", nil).status(201).text("id")
		for _, run := range []string{verified, s.onlyHeld()} {
			shown := n.api("GET", "/runs/"+run, nil).status(200)
			token := n.api("GET", "/runs/"+run+"/signature", nil).status(200)
			if got := token.Header.Get("Content-Type"); got != "application/jwt" {
				t.Errorf("Content-Type %s", got)
			}
			var said struct {
				Iss, Source string
				Iat         int64
				Run         object
			}
			text := signed(t, n.house.URL+"/.well-known/jwks.json", "workspace-run+jwt", string(token.Text))
			if err := json.Unmarshal(text, &said); err != nil {
				t.Fatal(err)
			}
			if said.Iss != n.house.URL+"/tenants/"+n.slug || said.Source != s.id || said.Iat == 0 || !reflect.DeepEqual(said.Run, shown.Body) {
				t.Errorf("%s\n%s", text, shown.Text)
			}
		}
		_, hash := s.plan(s.onlyHeld())
		n.api("GET", "/runs/"+s.onlyHeld(), nil).is("planHash", hash)
		n.entra.do("GET", n.house.URL+"/api/v1/runs/"+verified+"/signature", nil).status(404)
	})
}
