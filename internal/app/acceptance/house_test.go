// Package acceptance_test talks to the whole program over HTTP, on real SQLite
// and real PostgreSQL, as clients do. What it knows of the program's inside is
// how an administrator makes tenants, sources and tokens, and the event log.
package acceptance_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// Names that many tests use.
const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	workspaceURN  = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User"
	wsGroupURN    = "urn:ietf:params:scim:schemas:extension:workspace:2.0:Group"
	originURN     = "urn:ietf:params:scim:schemas:extension:workspace:2.0:Origin"
	patchURN      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	bulkURN       = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	searchURN     = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	listURN       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	errorURN      = "urn:ietf:params:scim:api:messages:2.0:Error"
	dryRunURN     = "urn:workspace:scim:api:messages:2.0:DryRun"

	// nobody is an id that no resource ever has.
	nobody = "01234567-89ab-7cde-8f01-23456789abcd"
)

// object is a JSON object.
type object = map[string]any

// list is a JSON array.
type list = []any

// house is a running server. Tests share it and take tenants of their own,
// because a PostgreSQL database is dear to make.
type house struct{ *apptest.App }

// houses are the servers by the name of their database. TestMain fills it before
// the tests and nobody changes it.
var houses = map[string]*house{}

func TestMain(m *testing.M) {
	os.Exit(withHouses(m.Run))
}

// withHouses runs the tests while the servers run. An error in a server's log
// fails them, whoever caused it.
func withHouses(tests func() int) (code int) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	dir, err := os.MkdirTemp("", "acceptance")
	if err != nil {
		fail(err)
		return code
	}
	defer func() { fail(os.RemoveAll(dir)) }()
	databases := map[string]string{"sqlite": "sqlite:" + filepath.Join(dir, "workspace.db")}
	if server := os.Getenv("WORKSPACE_TEST_POSTGRES"); server != "" {
		database, drop, err := apptest.CreatePostgres(server)
		if err != nil {
			fail(err)
			return code
		}
		defer func() { fail(drop()) }()
		databases["postgres"] = database
	}
	for name, database := range databases {
		a, err := apptest.Run(apptest.On(database))
		if err != nil {
			fail(err)
			return code
		}
		defer func() { fail(a.Stop()) }()
		houses[name] = &house{a}
	}
	code = tests()
	for name, h := range houses {
		for line := range strings.Lines(h.Log.String()) {
			if strings.Contains(line, `"level":"ERROR"`) {
				fail(fmt.Errorf("logged on %s: %s", name, line))
			}
		}
	}
	return code
}

// each runs a test on each database; with options, on servers of its own.
func each(t *testing.T, test func(t *testing.T, h *house), options ...apptest.Option) {
	t.Parallel()
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			database := ""
			if name == "postgres" && (len(options) > 0 || houses[name] == nil) {
				database = apptest.Postgres(t) // which says what to do without a server
			} else if len(options) > 0 {
				database = apptest.SQLite(t)
			}
			if database == "" {
				test(t, houses[name])
				return
			}
			test(t, &house{apptest.Start(t, append(options, apptest.On(database), apptest.Bare())...)})
		})
	}
}

// eachTenant is each for a test that needs one tenant.
func eachTenant(t *testing.T, test func(t *testing.T, n *tenant), options ...apptest.Option) {
	t.Helper()
	each(t, func(t *testing.T, h *house) { test(t, h.tenant(t)) }, options...)
}
