package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/workspace-scim/workspace/"

// layers says which packages of the module must never reach which others, and
// why. A name ending in /... means everything below it too.
var layers = []struct {
	packages []string
	never    []string
	why      string
}{
	{
		[]string{"scim/schema", "scim/document", "scim/filter", "scim/patch", "scim/dialect"},
		[]string{"github.com/labstack/echo/v4/...", "gorm.io/...", "database/sql", module + "internal/...", module + "store/..."},
		"they are the vocabulary that everything else speaks",
	},
	{
		[]string{"store"},
		[]string{"gorm.io/...", "database/sql", "github.com/labstack/echo/v4/...", module + "store/gormstore", module + "internal/..."},
		"it is a contract; how a backend fulfils it stays behind it",
	},
	{
		[]string{"internal/reconcile"},
		[]string{module + "store/gormstore", module + "internal/directory", "gorm.io/...", "database/sql", "github.com/labstack/echo/v4/..."},
		"the rules are pure",
	},
	{
		[]string{"internal/mapping"},
		[]string{module + "store/...", module + "internal/directory", module + "internal/reconcile", module + "scim", "gorm.io/...", "database/sql", "github.com/labstack/echo/v4/..."},
		"what a source's rules make of a record is pure",
	},
	{
		[]string{"internal/mapping/expression"},
		[]string{module + "...", "gorm.io/...", "database/sql", "github.com/labstack/echo/v4/..."},
		"the language knows records, and nothing of SCIM or of us",
	},
	{
		[]string{"internal/csvrecords"},
		[]string{module + "internal/...", module + "scim/...", module + "store/..."},
		"it reads and writes files, and knows nothing of us",
	},
	{
		[]string{"internal/directory"},
		[]string{module + "store/gormstore", module + "scim", "gorm.io/...", "database/sql", "github.com/labstack/echo/v4/..."},
		"the core knows neither SQL nor a router",
	},
	{
		[]string{"scim", "scim/oauth", "internal/api", "internal/inbound", "internal/csvupload"},
		[]string{module + "store/gormstore", module + "internal/app", "gorm.io/...", "database/sql"},
		"a door opens on the core only",
	},
	{
		[]string{"internal/feed"},
		[]string{module + "store/gormstore", module + "scim", module + "internal/api", module + "internal/app", "gorm.io/...", "database/sql", "github.com/labstack/echo/v4/..."},
		"it delivers what the core tells, whichever door asked",
	},
	{
		[]string{"store/gormstore"},
		[]string{module + "internal/...", module + "scim", "github.com/labstack/echo/v4/..."},
		"a backend fulfils the contract and knows nothing above it",
	},
	{
		[]string{"connectors/ad/dirsync"},
		[]string{module + "internal/...", module + "scim/...", module + "store/...", module + "connectors/ad/adtest", "gorm.io/...", "database/sql", "github.com/labstack/echo/v4/..."},
		"it reads a directory, and knows nothing of SCIM or of us",
	},
	{
		[]string{"connectors/ad/kerberos"},
		[]string{module + "internal/...", module + "scim/...", module + "store/...", module + "connectors/ad/dirsync", "github.com/go-ldap/ldap/...", "github.com/jcmturner/gokrb5/v8/client", "github.com/jcmturner/gokrb5/v8/spnego"},
		"it proves an account to any service, and asks the KDC itself (decision 0010)",
	},
	{
		[]string{"connectors", "connectors/ad", "connectors/ad/adconfig", "connectors/scimclient", "connectors/runner", "connectors/connectortest"},
		[]string{module + "internal/...", module + "scim/...", module + "store/...", module + "connectors/ad/adtest", "gorm.io/...", "database/sql", "github.com/labstack/echo/v4/..."},
		"a connector is a client, so an agent carries no database",
	},
	{
		[]string{"internal/agent", "cmd/workspace-ad"},
		[]string{module + "internal/app", module + "internal/directory", module + "scim/...", module + "store/...", "gorm.io/...", "database/sql", "github.com/labstack/echo/v4/..."},
		"an agent is a client, and carries no database (row W014)",
	},
	{
		[]string{"internal/embedded"},
		[]string{module + "internal/app", module + "internal/api", module + "scim", module + "store/gormstore", "gorm.io/...", "database/sql", "github.com/labstack/echo/v4/..."},
		"a connector in the server comes in by the doors, as one from outside does",
	},
	{
		[]string{"..."},
		[]string{"github.com/elimity-com/scim"},
		"its server panics on some requests; it is an oracle for tests",
	},
}

// mayOpen are the packages that may reach the storage itself.
var mayOpen = []string{"internal/app", "internal/apptest", "internal/bench", "cmd/workspace", "store/gormstore"}

type goPackage struct {
	ImportPath string
	Deps       []string
}

// modulePackages are the module's packages with all that they reach, tests left
// out.
func modulePackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Deps", module+"...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// below says whether a package is the named one or, for a name ending in /...,
// one below it.
func below(pkg, name string) bool {
	if name == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(name, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return pkg == name
}

func TestArrowsGoDownOnly(t *testing.T) {
	all := modulePackages(t)
	for _, rule := range layers {
		for _, name := range rule.packages {
			found := false
			for _, p := range all {
				own := strings.TrimPrefix(p.ImportPath, module)
				if !below(own, name) {
					continue
				}
				found = true
				for _, dep := range p.Deps {
					for _, never := range rule.never {
						if below(dep, never) {
							t.Errorf("%s reaches %s: %s", own, dep, rule.why)
						}
					}
				}
			}
			if !found {
				t.Errorf("there is no package %s; the rule about it holds nothing", name)
			}
		}
	}
}

func TestOnlyTheAssemblyOpensTheStorage(t *testing.T) {
	for _, p := range modulePackages(t) {
		own := strings.TrimPrefix(p.ImportPath, module)
		if slices.Contains(p.Deps, module+"store/gormstore") && !slices.Contains(mayOpen, own) {
			t.Errorf("%s reaches store/gormstore; only %s may", own, strings.Join(mayOpen, ", "))
		}
	}
}
