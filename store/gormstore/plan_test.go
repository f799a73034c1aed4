package gormstore

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// recorder is a conn that remembers the queries.
type recorder struct {
	conn
	seen []statement
}

func (r *recorder) query(sql string, args ...any) (rows, error) {
	r.seen = append(r.seen, statement{sql, args})
	return r.conn.query(sql, args...)
}

// plansOf runs read in a View and gives the plans of its queries, one line per
// step.
func plansOf(w *world, read func(store.Reader) error) []string {
	w.Helper()
	var plans []string
	w.view(func(r store.Reader) error {
		s := r.(*reader).session
		rec := &recorder{conn: s.conn}
		s.conn = rec
		if err := read(r); err != nil {
			return err
		}
		s.conn = rec.conn
		for _, q := range rec.seen {
			plan, err := explain(s, q)
			if err != nil {
				return err
			}
			plans = append(plans, q.sql+"\n"+plan)
		}
		return nil
	})
	return plans
}

func explain(s *session, q statement) (string, error) {
	var plan strings.Builder
	keyword := "EXPLAIN QUERY PLAN "
	if s.locks() {
		keyword = "EXPLAIN "
	}
	err := s.each(func(r rows) error {
		var line string
		var err error
		if s.locks() {
			err = r.Scan(&line)
		} else {
			var a, b, c int
			err = r.Scan(&a, &b, &c, &line)
		}
		fmt.Fprintln(&plan, " ", line)
		return err
	}, keyword+q.sql, q.args...)
	return plan.String(), err
}

// A step that reads a whole table or index of those that grow. SQLite calls
// them SCAN with the alias; small ones (json_each, sources, m, up) may be.
// Nor may a search read all of a tenant.
var fullScan = regexp.MustCompile(`SEARCH r USING .*INDEX \w+ \(tenant=\?( AND kind=\?)?\)|SEARCH f USING PRIMARY KEY \(tenant=\?( AND attr=\?)?\)|SCAN (r|e|f|l|x|g|o|s|k|p|d)\b|Seq Scan on (resources|links|ix|members|link_docs)|Hash Join|Merge Join`)

// The look-ups that Entra ID sends, and those that each of our own requests
// makes, must not read more when there is more. SQLite has no statistics, ever;
// PostgreSQL has those that were taken during the load, and then fresh ones.
func TestLookUpsUseIndexes(t *testing.T) {
	engines(t, func(t *testing.T, s *Store) {
		w := newWorld(t, s)
		w.load(20_000)
		t.Run("as loaded", func(t *testing.T) { checkPlans(t, w) })
		if e, ok := s.engine.(*postgresEngine); ok {
			if _, err := e.db.Exec("ANALYZE resources, links, ix, members"); err != nil {
				t.Fatal(err)
			}
			t.Run("with fresh statistics", func(t *testing.T) { checkPlans(t, w) })
		}
	})
}

func checkPlans(t *testing.T, w *world) {
	user, group := w.record("u777@contoso.example"), w.groupOf("g77")
	list := func(q store.Query) func(store.Reader) error {
		return func(r store.Reader) error {
			page, err := r.List(q, func(*store.Record) error { return nil })
			if err == nil && page.Count == 0 {
				err = fmt.Errorf("nothing was found")
			}
			return err
		}
	}
	// Where several indexes begin with the same column, the one that is meant.
	indexes := map[string][]string{
		"keys":       {"resources_unique", "links_external", "links_anchor"},
		"record":     {"resources_id"},
		"references": {"resources_id"},
		"id":         {"resources_id"},
		"resources":  {"resources_id"},
	}
	for _, source := range []int64{0, w.source} {
		view := store.View{Tenant: w.tenant, Source: source}
		users := func(f string) store.Query { return w.query(w.set.User, source, f) }
		groups := func(f string) store.Query { return w.query(w.set.Group, source, f) }
		sorted := users("")
		sorted.SortBy = w.set.User.UserName
		whole := users(`userName eq "u777@contoso.example"`)
		whole.Groups = true
		deep := users("")
		deep.After, deep.Limit = &store.Position{RID: user.RID}, 10
		for name, read := range map[string]func(store.Reader) error{
			"userName":                 list(users(`userName eq "u777@contoso.example"`)),
			"externalId":               list(users(`externalId eq "ext-u777"`)),
			"work e-mail":              list(users(`emails[type eq "work" and value eq "u777@contoso.example"]`)),
			"any e-mail":               list(users(`emails.value eq "u777@contoso.example"`)),
			"employeeNumber":           list(users(`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "Eu777"`)),
			"one of two names":         list(users(`userName eq "u777@contoso.example" or userName eq "u778@contoso.example"`)),
			"e-mail and unindexed":     list(users(`emails[value eq "u777@contoso.example"].type eq "work"`)),
			"name and unindexed":       list(users(`userName eq "u777@contoso.example" and active eq true`)),
			"beginning of a name":      list(users(`userName sw "u777@"`)),
			"groups of a user":         list(users(fmt.Sprintf(`id eq %q and groups.value eq %q`, user.ID, group.ID))),
			"users of a group":         list(users(fmt.Sprintf(`groups eq %q`, group.ID))),
			"id":                       list(users(fmt.Sprintf(`id eq %q`, user.ID))),
			"group's displayName":      list(groups(`displayName eq "g77"`)),
			"group's externalId":       list(groups(`externalId eq "ext-g77"`)),
			"group with member":        list(groups(fmt.Sprintf(`id eq %q and members eq %q`, group.ID, user.ID))),
			"groups that name a user":  list(groups(fmt.Sprintf(`members.value eq %q`, user.ID))),
			"userName, with groups":    list(whole),
			"a page by position":       list(deep),
			"the first page by a name": list(sorted),
			"record": func(r store.Reader) error {
				_, err := r.Record(view, user.Kind, user.ID, false)
				return err
			},
			"record with groups": func(r store.Reader) error {
				_, err := r.Record(view, user.Kind, user.ID, true)
				return err
			},
			"references": func(r store.Reader) error {
				_, err := r.Refs(view, []string{user.ID, group.ID})
				return err
			},
			"resources": func(r store.Reader) error {
				_, err := r.Resources(w.tenant, []string{user.ID, group.ID})
				return err
			},
			"referrers": func(r store.Reader) error {
				manager, name := w.set.User.Manager.Value(), w.set.User.UserName
				_, err := r.ReferrersOf(w.tenant, manager.Index, []int64{user.RID, group.RID}, store.KeyIn{Attr: name.Index, Keys: []string{"u777@contoso.example", "u778@contoso.example"}})
				return err
			},
			"assignees": func(r store.Reader) error {
				_, err := r.Assignees(w.tenant, []int64{user.RID, group.RID})
				return err
			},
			"members behind one": func(r store.Reader) error {
				_, err := r.MembersAfter(w.tenant, group.RID, w.source, user.RID, 10)
				return err
			},
			"ids": func(r store.Reader) error {
				_, err := r.IDs(w.tenant, []int64{user.RID, group.RID})
				return err
			},
			"members": func(r store.Reader) error {
				return r.Members(view, group.RID, func(store.Member) error { return nil })
			},
			"memberships": func(r store.Reader) error {
				_, err := r.Groups(view, []int64{user.RID, group.RID})
				return err
			},
			"keys": func(r store.Reader) error {
				_, err := r.FindUnique(w.tenant, user.Kind, user.UniqueKey)
				if err == nil {
					_, err = r.FindExternalID(w.source, user.Kind, "ext-u777")
				}
				if err == nil {
					_, err = r.FindAnchor(w.tenant, user.Kind, "none")
				}
				if err == nil {
					_, err = r.Links(user.RID)
				}
				return err
			},
		} {
			for i, plan := range plansOf(w, read) {
				if want := indexes[name]; i < len(want) && !strings.Contains(plan, want[i]) {
					t.Errorf("%s in the view of source %d: not by %s in\n%s", name, source, want[i], plan)
				}
				if m := fullScan.FindString(plan); m != "" {
					t.Errorf("%s in the view of source %d: %s in\n%s", name, source, m, plan)
				}
			}
		}
	}
}

func (w *world) record(userName string) store.Resource {
	w.Helper()
	var out store.Resource
	w.view(func(r store.Reader) (err error) {
		out, err = r.FindUnique(w.tenant, w.set.User.Kind, userName)
		return err
	})
	return out
}

func (w *world) groupOf(name string) store.Resource {
	w.Helper()
	var out store.Resource
	w.view(func(r store.Reader) error {
		_, err := r.List(w.query(w.set.Group, 0, fmt.Sprintf("displayName eq %q", name)), func(rec *store.Record) error {
			out = rec.Resource
			return nil
		})
		return err
	})
	return out
}
