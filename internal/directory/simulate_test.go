package directory_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// raws gives what is kept of the people of the tool.
func (x *tool) raws() (all []store.Raw) {
	x.t.Helper()
	err := x.store.View(x.t.Context(), func(r store.Reader) (err error) {
		all, err = r.Raws(x.hr.Source.ID, 0, 10_000)
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	return all
}

func (x *tool) simulate(document string, limit int) (all directory.Simulation) {
	x.t.Helper()
	all.Attributes = map[string]int64{}
	for after := int64(0); ; {
		var rules []byte
		if document != "" {
			rules = []byte(document)
		}
		s := must(x.Simulate(x.t.Context(), x.admin, x.hr.Source.PublicID, rules, after, limit))(x.t)
		if len(s.Named) > limit {
			x.t.Errorf("%d are named, at most %d were wanted", len(s.Named), limit)
		}
		all.People, all.InScope, all.ComeIn, all.Leave = all.People+s.People, all.InScope+s.InScope, all.ComeIn+s.ComeIn, all.Leave+s.Leave
		all.Change, all.Fail, all.Warn, all.Unchanged = all.Change+s.Change, all.Fail+s.Fail, all.Warn+s.Warn, all.Unchanged+s.Unchanged
		all.Memberships, all.Revoked = all.Memberships+s.Memberships, all.Revoked+s.Revoked
		for path, n := range s.Attributes {
			all.Attributes[path] += n
		}
		all.Version, all.Named, all.Products = s.Version, append(all.Named, s.Named...), append(all.Products, s.Products...)
		if after = s.Next; after == 0 {
			return all
		}
	}
}

// someRules are rules of which one changes into another.
func someRules(r *rand.Rand) string {
	scope := []string{"", `[[{"attribute":"Dept","operator":"eq","value":"IT"}]]`, `[[{"attribute":"Dept","operator":"ne","value":"HR"}],[{"attribute":"Job","operator":"isNull"}]]`}
	flow := []string{
		"", `,{"target":"nickName","kind":"expression","expression":"ToUpper([First])"}`, `,{"target":"nickName","kind":"direct","source":"Job","null":"ignore"}`,
		`,{"target":"nickName","kind":"expression","expression":"Left([First], [Job])"}`, `,{"target":"active","kind":"expression","expression":"Switch([Job], \"True\", \"Boss\", \"False\")"}`,
		`,{"target":"` + enterprise + `:manager","kind":"direct","source":"Chief"}`,
	}
	out := hrRules(scope[r.IntN(len(scope))], flow[r.IntN(len(flow))])
	if r.IntN(4) == 0 {
		out = strings.Replace(out, `"match"`, `"clearOmitted":true,"match"`, 1)
	}
	return out
}

func someRecord(r *rand.Rand, no int) string {
	o := map[string]any{"No": fmt.Sprint(no)}
	for _, a := range []struct {
		name   string
		values []any
	}{
		{"First", []any{"Ana", "Bo", "Cy"}}, {"Last", []any{"Silva", "Berg"}}, {"Dept", []any{"IT", "HR", nil}}, {"Job", []any{"Boss", "Clerk", nil}}, {"Chief", []any{"1", "2", "77", nil}},
	} {
		if n := r.IntN(len(a.values) + 1); n < len(a.values) {
			o[a.name] = a.values[n]
		}
	}
	b, _ := json.Marshal(o)
	return string(b)
}

// Law 5, row E092: what a simulation says of changed rules is what comes of them
// when they are saved and the source says everything again, and the simulation
// itself writes nothing.
func TestASimulationIsTheRunWithoutTheCommit(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		const people = 40
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 5))
		must(x.ChangeSource(t.Context(), x.admin, x.hr.Source.PublicID, nil, directory.SourceChange{Limits: []byte(allOff)}))(t)
		for round := range 4 {
			x.rules(someRules(r))
			var said []string
			for no := range people {
				if r.IntN(5) > 0 || round == 0 {
					said = append(said, someRecord(r, no))
				}
			}
			x.upload(said...)
			changed := someRules(r)
			raws, users, log := x.raws(), x.users(x.hr), len(x.log(x.hr))
			got, paged := x.simulate(changed, directory.MaxSimulated), x.simulate(changed, 3)
			if !reflect.DeepEqual(x.raws(), raws) || !maps.Equal(x.users(x.hr), users) || len(x.log(x.hr)) != log {
				t.Fatalf("seed %d: the simulation wrote something", seed)
			}
			if got.People != int64(len(raws)) || got.People != got.ComeIn+got.Leave+got.Change+got.Fail+got.Unchanged {
				t.Errorf("seed %d: %d people, of whom %+v", seed, len(raws), got)
			}
			// In pages, those who want one userName needn't meet.
			if paged.People != got.People || got.Fail == 0 && (paged.Leave != got.Leave || paged.ComeIn != got.ComeIn) {
				t.Errorf("seed %d: in pages it is\n%+v, not\n%+v", seed, paged, got)
			}

			x.rules(changed)
			var again []string
			for _, raw := range raws {
				again = append(again, string(raw.Data))
			}
			want, done := directory.Simulation{}, map[string]string{}
			for i, outcome := range x.upload(again...) {
				what := ""
				switch {
				case strings.Contains(outcome, "failure"):
					want.Fail, what = want.Fail+1, directory.SimulatedFails
				case strings.HasPrefix(outcome, "create"):
					want.ComeIn, what = want.ComeIn+1, directory.SimulatedComes
				case outcome == "disable success outOfScope":
					want.Leave, what = want.Leave+1, directory.SimulatedLeaves
				case strings.HasPrefix(outcome, "update"), strings.HasPrefix(outcome, "disable"):
					want.Change, what = want.Change+1, directory.SimulatedChanges
				default:
					want.Unchanged++
				}
				var o struct{ No string }
				if err := json.Unmarshal(raws[i].Data, &o); err != nil {
					t.Fatal(err)
				}
				done[o.No] = what
			}
			if got.ComeIn != want.ComeIn || got.Leave != want.Leave || got.Change != want.Change || got.Fail != want.Fail || got.Unchanged != want.Unchanged {
				t.Errorf("seed %d, round %d: the simulation says %+v, the run %+v", seed, round, got, want)
			}
			for _, p := range got.Named {
				if done[p.ExternalID] != p.What {
					t.Errorf("seed %d: %s %s, and in the run %s", seed, p.ExternalID, p.What, done[p.ExternalID])
				}
			}
			if inScope := int64(len(slices.DeleteFunc(x.raws(), func(r store.Raw) bool { return !r.InScope }))); inScope > got.InScope || inScope < got.InScope-got.Fail {
				t.Errorf("seed %d: %d are in scope, the simulation says %d, of whom %d fail", seed, inScope, got.InScope, got.Fail)
			}
		}
	})
}

// Who leaves loses what follows from being there, and people are told by name.
func TestASimulationSaysWhoLosesWhat(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules("", ""))
		x.wantUpload("create success; create success", `{"No":"1","First":"Ana","Last":"Silva","Dept":"IT"}`, `{"No":"2","First":"Bo","Last":"Berg","Dept":"HR"}`)
		id := x.log(x.hr)[1].Subject
		set := must(x.Schema(t.Context(), x.hr.Tenant))(t)
		doc := must(document.MustDecode(set.Group, []byte(`{"displayName":"HR"}`)))(t)
		must(x.Write(t.Context(), x.hr, false, func(w *directory.Writer) error {
			_, err := w.Create(set.Group, directory.Input{Doc: doc, Members: []string{id}})
			return err
		}))(t)
		got := x.simulate(hrRules(`[[{"attribute":"Dept","operator":"eq","value":"IT"}]]`, `,{"target":"nickName","kind":"direct","source":"First"}`), 9)
		if got.Leave != 1 || got.Change != 1 || got.Memberships != 1 || got.InScope != 1 || !maps.Equal(got.Attributes, map[string]int64{"nickName": 1}) {
			t.Errorf("%+v", got)
		}
		if len(got.Named) != 2 || got.Named[1].What != directory.SimulatedLeaves || got.Named[1].Display != "Bo Berg" || got.Named[1].User != id || len(got.Named[1].Groups) != 1 {
			t.Errorf("%+v", got.Named)
		}
		// The rules that are there already change nothing, and so says it.
		if now := x.simulate("", 9); now.Unchanged != 2 || len(now.Named) != 0 {
			t.Errorf("%+v", now)
		}
		_, err := x.Simulate(t.Context(), x.hr, x.hr.Source.PublicID, nil, 0, 9)
		wantRule(t, err, directory.RuleForbidden)
	})
}

// Nobody is brought back whom the source deleted, unless it speaks of them again
// (law 2).
func TestRulesBringNobodyBackWhomTheSourceDeleted(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules("", ""))
		ana := `{"No":"1","First":"Ana","Last":"Silva"}`
		x.wantUpload("create success; create success", ana, `{"No":"2","First":"Bo","Last":"Berg"}`)
		id := x.log(x.hr)[0].Subject
		set := must(x.Schema(t.Context(), x.hr.Tenant))(t)
		must(x.Write(t.Context(), x.hr, false, func(w *directory.Writer) error { return w.Delete(set.User, id, nil) }))(t)
		x.rules(hrRules("", `,{"target":"nickName","kind":"direct","source":"First"}`))
		if got := x.simulate("", 9); got.People != 1 || got.Change != 1 {
			t.Errorf("%+v", got)
		}
		runs, people, err := x.ReapplyMapping(t.Context(), x.admin, x.hr.Source.PublicID)
		if err != nil || len(runs) != 1 || people != 1 {
			t.Errorf("%v %d %v", runs, people, err)
		}
		if err := drain(t.Context(), x.Directory); err != nil {
			t.Fatal(err)
		}
		if users := x.users(x.hr); len(users) != 1 {
			t.Errorf("the source sees %v", users)
		}
		x.wantUser("Bo Berg", `"nickName":"Bo"`)
		x.wantUpload("create success", ana)
	})
}

// However many people something was said of, and however much, rules are applied over
// all of them, in runs of a bounded size.
func TestRulesAreAppliedOverMuchThatWasSaid(t *testing.T) {
	for name, c := range map[string]struct{ people, each, runs int }{
		"by much": {120, 200 << 10, 3}, "by many": {directory.MaxUploadOperations + 50, 10, 2},
	} {
		t.Run(name, func(t *testing.T) {
			eachTool(t, func(t *testing.T, x *tool) {
				x.rules(hrRules("", ""))
				x.said(c.people, c.each)
				runs, about, err := x.ReapplyMapping(t.Context(), x.admin, x.hr.Source.PublicID)
				if err != nil || len(runs) != c.runs || about != int64(c.people) {
					t.Fatalf("%d runs about %d people: %v", len(runs), about, err)
				}
				x.wantWaiting(runs, c.people)
			})
		})
	}
}

// wantWaiting wants a record of each of so many people, in runs within their bounds.
func (x *tool) wantWaiting(runs []string, people int) {
	x.t.Helper()
	var waiting []store.UploadRecord
	err := x.store.Update(x.t.Context(), func(tx store.Tx) (err error) {
		waiting, err = tx.NextUploads(x.hr.Source.ID, 2*people)
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	seen, records, size := map[string]bool{}, map[string]int{}, map[string]int{}
	for _, u := range waiting {
		var said struct{ No string }
		if err := json.Unmarshal(u.Data, &said); err != nil {
			x.t.Fatal(err)
		}
		seen[said.No], records[u.Run], size[u.Run] = true, records[u.Run]+1, size[u.Run]+len(u.Data)
	}
	if len(waiting) != people || len(seen) != people {
		x.t.Errorf("%d records about %d people wait", len(waiting), len(seen))
	}
	for _, run := range runs {
		if records[run] == 0 || records[run] > directory.MaxUploadOperations || size[run] > 20<<20 {
			x.t.Errorf("a run has %d records of %d bytes", records[run], size[run])
		}
	}
}

// said keeps something of that many bytes, and a few, of people.
func (x *tool) said(people, bytes int) {
	x.t.Helper()
	err := x.store.Update(x.t.Context(), func(tx store.Tx) error {
		for i := range people {
			err := tx.PutRaw(store.Raw{
				Tenant: x.hr.Tenant.ID, Source: x.hr.Source.ID, Key: fmt.Sprint(i), At: x.clock.Now(),
				Data: fmt.Appendf(nil, `{"No":"%d","Note":%q}`, i, strings.Repeat("x", bytes)),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		x.t.Fatal(err)
	}
}

// Who left the scope and can't come back yet, since somebody took the userName, is
// not one whom the source deleted: they come back by the rules when the name is
// free (row E092).
func TestRulesBringBackWhoFailedToComeBack(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		named := hrRules(`[[{"attribute":"Dept","operator":"eq","value":"IT"}]]`, "")
		named = strings.Replace(named, "SelectUniqueValue(", "", 1)
		x.rules(strings.Replace(named, `, [No] + \"@contoso.com\")`, "", 1))
		x.wantUpload("create success", `{"No":"1","First":"Ana","Last":"Silva","Dept":"IT"}`)
		x.wantUpload("disable success outOfScope", `{"No":"1","Dept":"HR"}`)
		set := must(x.Schema(t.Context(), x.hr.Tenant))(t)
		id := ""
		must(x.Write(t.Context(), x.admin, false, func(w *directory.Writer) error {
			res, err := w.Create(set.User, directory.Input{Doc: must(document.MustDecode(set.User, []byte(`{"userName":"ana.silva@contoso.com"}`)))(t)})
			id = res.Record.ID
			return err
		}))(t)
		x.wantUpload("other failure manualAccount", `{"No":"1","Dept":"IT"}`)
		if got := x.simulate("", 9); got.People != 1 || got.Fail != 1 {
			t.Errorf("%+v", got)
		}
		must(x.Write(t.Context(), x.admin, false, func(w *directory.Writer) error { return w.Delete(set.User, id, nil) }))(t)
		if got := x.simulate("", 9); got.People != 1 || got.ComeIn != 1 {
			t.Errorf("%+v", got)
		}
		if _, people, err := x.ReapplyMapping(t.Context(), x.admin, x.hr.Source.PublicID); err != nil || people != 1 {
			t.Errorf("%d %v", people, err)
		}
		if err := drain(t.Context(), x.Directory); err != nil {
			t.Fatal(err)
		}
		x.wantUser("Ana Silva", `"externalId":"1"`)
	})
}

// Who comes back when somebody else has the userName gets another one, if the rules
// make one: it isn't the source that could change it (row E008).
func TestWhoComesBackGetsAUserNameThatIsFree(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules(`[[{"attribute":"Dept","operator":"eq","value":"IT"}]]`, ""))
		x.wantUpload("create success", `{"No":"1","First":"Ana","Last":"Silva","Dept":"IT"}`)
		x.wantUpload("disable success outOfScope", `{"No":"1","Dept":"HR"}`)
		x.wantUpload("create success", `{"No":"1","Dept":"IT"}`)
		x.wantUser("Ana Silva", `"userName":"ana.silva@contoso.com"`) // which nobody took
		x.wantUpload("disable success outOfScope", `{"No":"1","Dept":"HR"}`)
		set := must(x.Schema(t.Context(), x.hr.Tenant))(t)
		must(x.Write(t.Context(), x.admin, false, func(w *directory.Writer) error {
			_, err := w.Create(set.User, directory.Input{Doc: must(document.MustDecode(set.User, []byte(`{"userName":"Ana.Silva@contoso.com"}`)))(t)})
			return err
		}))(t)
		x.wantUpload("create success", `{"No":"1","Dept":"IT"}`)
		x.wantUser("Ana Silva", `"userName":"1@contoso.com"`, `"externalId":"1"`)
		x.wantUpload("update success", `{"No":"1","Last":"Costa"}`)
		x.wantUser("Ana Costa", `"userName":"1@contoso.com"`)
	})
}
