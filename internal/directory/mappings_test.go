package directory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// hrRules are those of an HR tool that knows nothing of SCIM; more are flows
// behind a comma.
func hrRules(scope, more string) string {
	if scope != "" {
		scope = `"scope":` + scope + `,`
	}
	return `{` + scope + `"match":["externalId"],"flows":[
		{"target":"externalId","kind":"direct","source":"No"},
		{"target":"userName","kind":"expression","apply":"once","expression":"SelectUniqueValue(Append(ToLower(Join(\".\", [First], [Last])), \"@contoso.com\"), [No] + \"@contoso.com\")"},
		{"target":"displayName","kind":"expression","expression":"Join(\" \", [First], [Last])"},
		{"target":"title","kind":"direct","source":"Job","default":"New"},
		{"target":"` + enterprise + `:department","kind":"direct","source":"Dept","null":"ignore"},
		{"target":"userType","kind":"constant","value":"Employee"}` + more + `]}`
}

// tool is an HR tool of a tenant with an administrator of it.
type tool struct {
	*control
	admin, hr directory.Actor
}

func (c *control) tool() *tool {
	c.t.Helper()
	c.tenant("a")
	secret, _ := c.token(directory.TokenSpec{Tenant: "a", Admin: true})
	return &tool{c, directory.NewActor(must(c.Authenticate(c.t.Context(), secret))(c.t), "admin-txn"), c.hr("a", "hr")}
}

func (x *tool) rules(document string) store.Mapping {
	x.t.Helper()
	return must(x.SetMapping(x.t.Context(), x.admin, x.hr.Source.PublicID, nil, []byte(document)))(x.t)
}

// upload uploads records as JSON and gives what the log says of each.
func (x *tool) upload(records ...string) (out []string) {
	x.t.Helper()
	var all []directory.Uploaded
	for _, r := range records {
		all = append(all, directory.Uploaded{Data: []byte(r)})
	}
	n := must(x.AcceptUpload(x.t.Context(), x.hr, all))(x.t)
	if err := drain(x.t.Context(), x.Directory); err != nil {
		x.t.Fatal(err)
	}
	for _, u := range x.log(x.hr) {
		if u.Run == n.PublicID {
			out = append(out, strings.TrimSpace(fmt.Sprint(u.Action, " ", u.Status, " ", u.Code)))
		}
	}
	return out
}

func (x *tool) wantUpload(want string, records ...string) {
	x.t.Helper()
	if got := strings.Join(x.upload(records...), "; "); got != want {
		x.t.Errorf("the log says %q, want %q", got, want)
	}
}

// shown gives an attribute of a user as the source sees it, by the document's
// text.
func (x *tool) wantUser(display string, parts ...string) {
	x.t.Helper()
	doc := x.users(x.hr)[display]
	for _, p := range parts {
		absent := strings.HasPrefix(p, "!")
		if strings.Contains(doc, strings.TrimPrefix(p, "!")) == absent {
			x.t.Errorf("%s is %s, want %s", display, doc, p)
		}
	}
}

func eachTool(t *testing.T, test func(t *testing.T, x *tool)) {
	eachControl(t, func(t *testing.T, c *control) { test(t, c.tool()) })
}

// Row E008: direct, constant, expression, once, default and null, and what a
// record leaves out, on what an HR tool sends.
func TestRulesMakeUsersOfRecords(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules("", ""))
		ana := `{"No":"1","First":"Ana","Last":"Silva","Dept":"IT"}`
		x.wantUpload("create success; create success", ana, `{"No":2,"First":"ANA","Last":"Silva","Job":"Clerk","Dept":"HR"}`)
		x.wantUser("Ana Silva", `"userType":"Employee"`)
		x.wantUpload("other skipped noChange", ana)
		x.wantUpload("update success", `{"No":"1","Last":"Costa"}`)
		x.wantUser("Ana Costa", `"userName":"ana.silva@contoso.com"`, `"title":"New"`, `"department":"IT"`)
		x.wantUpload("update success; other skipped noChange", `{"No":"2","Job":null}`, `{"No":"2","Dept":null}`)
		x.wantUser("ANA Silva", `"userName":"2@contoso.com"`, "!title", `"department":"HR"`)
		x.wantUpload("other failure matchMissing; create warning invalidValue; other failure invalidValue", `{"First":"No"}`, `{"No":"3","First":"Bo","Last":"Berg","Job":["Clerk","Boss"]}`, `[1]`)
	})
}

// Row E008: null clears what this source said, ignore leaves it, and authoritative
// outdoes the source behind; a value, and other rules, take that back.
func TestE008NullOfEachMeaningBesideAnotherSource(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		payroll := x.control.hr("a", "payroll")
		const anchor = `,"urn:ietf:params:scim:schemas:extension:workspace:2.0:User":{"originAnchor":"g-1"}`
		must(x.AcceptUpload(t.Context(), payroll, []directory.Uploaded{record("p1", anchor+`,"title":"Payroll's"`)}))(t)
		rules := func(null string) {
			t.Helper()
			x.rules(strings.Replace(hrRules("", `,{"target":"urn:ietf:params:scim:schemas:extension:workspace:2.0:User:originAnchor","kind":"direct","source":"Guid"}`),
				`"source":"Job","default":"New"`, `"source":"Job","null":"`+null+`"`, 1))
		}
		title := func() string {
			t.Helper()
			for _, doc := range x.users(x.admin) {
				if strings.Contains(doc, "authoritativeNulls") {
					t.Errorf("the resolved user has %s", doc)
				}
				if _, rest, there := strings.Cut(doc, `"title":"`); there {
					got, _, _ := strings.Cut(rest, `"`)
					return got
				}
			}
			return ""
		}
		step := func(record, want string) {
			t.Helper()
			x.upload(record)
			if n := len(x.users(x.admin)); n != 1 {
				t.Fatalf("%d users", n)
			}
			said := x.users(x.hr)["Ana Silva"]
			if named := strings.Contains(said, `"authoritativeNulls":["title"]`); named != (want == "") || !named && strings.Contains(said, "authoritativeNulls") {
				t.Errorf("after %s the source has %s", record, said)
			}
			if got := title(); got != want {
				t.Errorf("after %s the title is %q, want %q", record, got, want)
			}
		}
		rules("authoritative")
		step(`{"No":"1","First":"Ana","Last":"Silva","Guid":"g-1"}`, "Payroll's")
		step(`{"No":"1","Job":"Boss"}`, "Boss")
		step(`{"No":"1","Job":null}`, "")
		step(`{"No":"1","Dept":"IT"}`, "")
		step(`{"No":"1","Job":"Clerk"}`, "Clerk")
		step(`{"No":"1","Job":""}`, "")
		rules("clear")
		step(`{"No":"1","Dept":"HR"}`, "Payroll's")
		step(`{"No":"1","Job":"Boss"}`, "Boss")
		step(`{"No":"1","Job":null}`, "Payroll's")
		rules("ignore")
		step(`{"No":"1","Job":"Boss"}`, "Boss")
		step(`{"No":"1","Job":null}`, "Boss")
		rules("authoritative")
		step(`{"No":"1","Job":null}`, "")
		// Without a flow to the title there is nobody who could ever take it back.
		x.rules(strings.Replace(hrRules("", ""), `{"target":"title","kind":"direct","source":"Job","default":"New"},`, "", 1))
		step(`{"No":"1","Dept":"IT"}`, "Payroll's")
	})
}

// Row E092: changed rules count for all that is known of a person with the next
// record, whatever that names.
func TestChangedRulesTakeEffectAtTheNextRecord(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules("", ""))
		x.wantUpload("create success", `{"No":"1","First":"Ana","Last":"Silva","Mail":"ana@contoso.com","Dept":"IT"}`)
		x.wantUser("Ana Silva", "!emails")
		x.rules(hrRules("", `,{"target":"emails[type eq \"work\"].value","kind":"direct","source":"Mail"}`))
		x.wantUser("Ana Silva", "!emails")
		x.wantUpload("update success", `{"No":"1","Dept":"IT"}`)
		x.wantUser("Ana Silva", `"value":"ana@contoso.com"`)
	})
}

// Row E007, laws 2 and 9: who isn't in scope isn't brought; who leaves it is
// disabled and not deleted; who comes back is the same person with the same name.
func TestScopeDecidesWhoIsBrought(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules(`[[{"attribute":"Dept","operator":"eq","value":"IT"}]]`, ""))
		x.wantUpload("create success; other skipped outOfScope", `{"No":"1","First":"Ana","Last":"Silva","Dept":"IT"}`, `{"No":"2","First":"Bo","Last":"Berg","Dept":"HR"}`)
		id := x.log(x.hr)[0].Subject
		x.wantUpload("disable success outOfScope", `{"No":"1","Dept":"HR"}`)
		if users := x.users(x.hr); len(users) != 0 {
			t.Errorf("the source sees %v", users)
		}
		x.wantAdmin(id, `"active":false`)
		x.wantUpload("other skipped outOfScope", `{"No":"1","Dept":"HR"}`)
		x.wantUpload("create success; create success", `{"No":"1","Last":"Costa","Dept":"IT"}`, `{"No":"2","Dept":"IT"}`)
		x.wantUser("Ana Costa", `"userName":"ana.silva@contoso.com"`, `"active":true`, `"department":"IT"`)
		x.wantUser("Bo Berg", `"userName":"bo.berg@contoso.com"`)
		x.wantAdmin(id, `"active":true`)
		x.rules(hrRules("", ""))
		x.wantUpload("update success", `{"No":"1","Job":"Boss"}`)
	})
}

func (x *tool) wantAdmin(id, part string) {
	x.t.Helper()
	set := must(x.Schema(x.t.Context(), x.admin.Tenant))(x.t)
	err := x.Read(x.t.Context(), x.admin, func(r *directory.Reading) error {
		rec, err := r.Get(set.User, id, false)
		if err == nil && !strings.Contains(string(rec.Doc), part) {
			x.t.Errorf("%s, want %s", rec.Doc, part)
		}
		return err
	})
	if err != nil {
		x.t.Error(err)
	}
}

// Law 2: that many leave the scope at once waits for a person.
func TestWhoLeavesTheScopeIsUnderTheLimits(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules("", ""))
		must(x.ChangeSource(t.Context(), x.admin, x.hr.Source.PublicID, nil, directory.SourceChange{Limits: []byte(`{"deletes":1,"deletesPercent":-1}`)}))(t)
		var all []string
		for i := range 3 {
			all = append(all, fmt.Sprintf(`{"No":"%d","First":"P","Last":"%d"}`, i, i))
		}
		x.wantUpload("create success; create success; create success", all...)
		nobody := hrRules(`[[{"attribute":"No","operator":"isNull"}]]`, "")
		if got := x.simulate(nobody, 9); got.Leave != 3 { // which asks no limits
			t.Errorf("%+v", got)
		}
		x.rules(nobody)
		x.wantUpload("disable success outOfScope; other warning overLimit; other warning overLimit", all...)
		if users := x.users(x.hr); len(users) != 2 {
			t.Errorf("the source sees %v", users)
		}
	})
}

// What waits for a person is told before what a rule couldn't do, and a record
// that changed nothing isn't counted as a change.
func TestAProblemHidesNothingElse(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules("", `,{"target":"nickName","kind":"expression","expression":"Left([First], [Job])"},{"target":"active","kind":"expression","expression":"Switch([Dept], \"True\", \"Left\", \"False\")"}`))
		must(x.ChangeSource(t.Context(), x.admin, x.hr.Source.PublicID, nil, directory.SourceChange{Limits: []byte(`{"disables":1,"disablesPercent":-1,"emptied":-1}`)}))(t)
		ana, bo := `{"No":"1","First":"Ana","Last":"Silva","Job":"Boss"`, `{"No":"2","First":"Bo","Last":"Berg","Job":"Clerk"`
		x.wantUpload("create warning expressionFailed; create warning expressionFailed", ana+`}`, bo+`}`)
		x.wantUpload("other warning expressionFailed; disable warning expressionFailed; update warning overLimit; other warning overLimit",
			ana+`}`, ana+`,"Dept":"Left"}`, bo+`,"Dept":"Left"}`, bo+`}`)
		all := x.log(x.hr)
		for _, part := range []string{"waits for an administrator", "nickName: "} {
			if last := all[len(all)-2]; !strings.Contains(last.Detail, part) {
				t.Errorf("%q doesn't have %q", last.Detail, part)
			}
		}
		n := must(x.Run(t.Context(), x.admin, all[len(all)-1].Run))(t)
		if c := n.Counts; c.Unchanged != 1 || c.Disabled != 1 || c.Updated != 1 || c.Held != 1 {
			t.Errorf("%+v", c)
		}
	})
}

// Match rules in their order: the second finds whom the first doesn't.
func TestMatchRulesFindTheUser(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		more := `,{"target":"` + enterprise + `:employeeNumber","kind":"direct","source":"Badge"}`
		x.rules(strings.Replace(hrRules("", more), `["externalId"]`, `["`+enterprise+`:employeeNumber","externalId"]`, 1))
		x.wantUpload("create success", `{"No":"1","Badge":"b1","First":"Ana","Last":"Silva"}`)
		x.wantUpload("update success", `{"No":"9","Badge":"b1"}`)
		x.wantUpload("update success", `{"No":"9","Badge":"b2"}`)
		x.wantUser("Ana Silva", `"employeeNumber":"b2"`, `"externalId":"9"`)
		x.wantUpload("create success", `{"No":"1","Badge":"b1","First":"Bo","Last":"Berg"}`)
	})
}

// The manager is named by externalId, as without rules (row E057).
func TestRulesBringTheManager(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules("", `,{"target":"`+enterprise+`:manager","kind":"direct","source":"Boss"}`))
		ana := `{"No":"1","First":"Ana","Last":"Silva","Boss":"2"}`
		x.wantUpload("create success; create success", ana, `{"No":"2","First":"Bo","Last":"Berg","Boss":"2"}`)
		x.wantUser("Ana Silva", `"manager":{"value":"<Bo Berg>"}`)
		x.wantUser("Bo Berg", `"manager":{"value":"<Bo Berg>"}`)
		x.wantUpload("other skipped noChange", ana)
		x.wantUpload("update success", `{"No":"1","Boss":null}`)
		x.wantUser("Ana Silva", "!manager")
	})
}

// Row E058: versions, who wrote them, and a clone that goes its own way.
func TestRulesAreVersionedForEachSource(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		other := x.hrNamed("hr2")
		ctx, id := t.Context(), x.hr.Source.PublicID
		if m := must(x.Mapping(ctx, x.hr, id, 0))(t); m.Number != 0 {
			t.Errorf("%+v", m)
		}
		one := x.rules(hrRules("", ""))
		if again := x.rules(" " + hrRules("", "")); again.Number != 1 || len(one.Version) != 64 || one.By != x.admin.Token {
			t.Errorf("%+v, then %+v", one, again)
		}
		two := x.rules(hrRules(`[[{"attribute":"Dept","operator":"EQUALS","value":"IT"}]]`, ""))
		stale := func(tag string) bool { return tag == one.Version }
		_, err := x.SetMapping(ctx, x.admin, id, stale, []byte(hrRules("", "")))
		wantRule(t, err, directory.RuleVersionMismatch)
		wantRule(t, x.RemoveMapping(ctx, x.admin, id, stale), directory.RuleVersionMismatch)

		clone := must(x.CloneMapping(ctx, x.admin, other.Source.PublicID, func(tag string) bool { return tag == "none" }, "hr"))(t)
		if clone.Version != two.Version || clone.Number != 1 {
			t.Errorf("the clone is %+v", clone)
		}
		if err := x.RemoveMapping(ctx, x.admin, id, nil); err != nil {
			t.Fatal(err)
		}
		_, err = x.CloneMapping(ctx, x.admin, other.Source.PublicID, nil, "hr")
		wantRule(t, err, directory.RuleInvalid)
		_, err = x.CloneMapping(ctx, x.admin, other.Source.PublicID, nil, "nobody")
		wantRule(t, err, directory.RuleInvalid)
		all := must(x.Mappings(ctx, x.hr, id, 0, 9))(t)
		if len(all) != 3 || all[0].Document != nil || all[0].Version != "" || string(all[2].Document) != string(one.Document) {
			t.Errorf("the versions are %+v", all)
		}
		if m := must(x.Mapping(ctx, other, other.Source.PublicID, 0))(t); m.Version != two.Version {
			t.Errorf("the clone is %+v", m)
		}
		x.wantUpload("other failure matchMissing", `{"No":"1"}`)
		told := map[string]int{}
		for _, e := range x.events("a", 1) {
			told[e.Type]++
		}
		if told["source.mappingChanged"] != 3 || told["source.mappingRemoved"] != 1 {
			t.Errorf("told %v", told)
		}
	})
}

func (x *tool) hrNamed(name string) directory.Actor { return x.control.hr("a", name) }

// Rules are refused with all that is wrong, and where.
func TestRulesThatCantBeCarriedOutAreRefused(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		refuse := func(document string, want ...string) {
			t.Helper()
			_, err := x.SetMapping(t.Context(), x.admin, x.hr.Source.PublicID, nil, []byte(document))
			wantRule(t, err, directory.RuleMapping)
			var refused *directory.MappingRefused
			errors.As(err, &refused)
			var got []string
			for _, f := range refused.Faults {
				got = append(got, f.At+" "+string(f.Code))
				if f.Message == "" {
					t.Errorf("%s says nothing", f.At)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", document, got, want)
			}
		}
		refuse(`{"flows":[]`, " invalidSyntax")
		refuse(`{"flow":[]}`, "flow unknownName")
		refuse(hrRules("", `,{"target":"nick","kind":"direct","source":"x"},{"target":"title","kind":"constant","value":"x"},{"target":"nickName","kind":"expression","expression":"Left("}`),
			"flows[6].target invalidTarget", "flows[7].target twice", "flows[8].expression invalidExpression")
		refuse(hrRules(`[[{"attribute":"x","operator":"like","value":"y"}]]`, ""), "scope[0][0] invalidClause")
		refuse(hrRules("", `,{"target":"nickName","kind":"expression","expression":"Redact([x])"}`), "flows[6].expression notSupported")
		refuse(hrRules("", `,{"target":"nickName","kind":"expression","apply":"once","expression":"SelectUniqueValue([x], [y])"}`), "flows[6].expression notSupported")
		refuse(strings.Replace(hrRules("", ""), `["externalId"]`, `["title"]`, 1), "match[0] notSupported")
		refuse(strings.Replace(hrRules("", ""), `"match":["externalId"],`, ``, 1), "match requiredMissing")
		_, err := x.SetMapping(t.Context(), x.hr, x.hr.Source.PublicID, nil, []byte(hrRules("", "")))
		wantRule(t, err, directory.RuleForbidden)
		_, err = x.SetMapping(t.Context(), x.admin, x.admin.Source.PublicID, nil, []byte(hrRules("", "")))
		wantRule(t, err, directory.RuleInvalid)
		if all := must(x.Mappings(t.Context(), x.admin, x.hr.Source.PublicID, 0, 9))(t); len(all) != 0 {
			t.Errorf("%+v", all)
		}
	})
}

// What a source said by rules that were taken away doesn't come back with others:
// it has said something else since.
func TestRulesThatComeAgainBringNothingBack(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules("", ""))
		x.wantUpload("create success", `{"No":"1","First":"Ana","Last":"Silva","Job":"Clerk"}`)
		if err := x.RemoveMapping(t.Context(), x.admin, x.hr.Source.PublicID, nil); err != nil {
			t.Fatal(err)
		}
		x.wantUpload("update success", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"1","title":"Boss"}`)
		x.rules(hrRules("", ""))
		x.wantUpload("update success", `{"No":"1","Dept":"IT"}`)
		x.wantUser("Ana Silva", `"title":"Boss"`, `"department":"IT"`)
	})
}

// A password that a record brings is read by no rule and kept nowhere.
func TestNoPasswordIsKept(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules("", `,{"target":"nickName","kind":"direct","source":"password"}`))
		x.wantUpload("create success", `{"No":"1","First":"Ana","Last":"Silva","passWord":"hunter2"}`)
		x.wantUser("Ana Silva", "!hunter2")
		for _, s := range must(x.Said(t.Context(), x.admin, x.hr.Source.PublicID, "", 0, 10))(t) {
			if strings.Contains(string(s.Data), "hunter2") {
				t.Errorf("kept: %s", s.Data)
			}
		}
	})
}

// Nothing is kept of a user who is purged.
func TestWhatWasSaidIsForgottenWithTheUser(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules(`[[{"attribute":"Dept","operator":"ne","value":"gone"}]]`, ""))
		x.wantUpload("create success; create success", `{"No":"1","First":"Ana","Last":"Silva","Dept":"IT"}`, `{"No":"2","First":"Bo","Last":"Berg","Dept":"IT"}`)
		x.wantUpload("disable success outOfScope", `{"No":"1","Dept":"gone"}`)
		x.clock.Add(200 * 24 * time.Hour)
		for range 2 {
			if err := x.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			x.clock.Add(200 * 24 * time.Hour)
		}
		var kept []store.Raw
		err := x.store.View(t.Context(), func(r store.Reader) (err error) {
			kept, err = r.Raws(x.hr.Source.ID, 0, 9)
			return err
		})
		if err != nil || len(kept) != 1 || !strings.Contains(string(kept[0].Data), "Berg") {
			t.Errorf("%v, kept %+v", err, kept)
		}
		x.wantUpload("create success", `{"No":"1","Dept":"IT"}`)
		x.wantUser("1", `"userName":"1@contoso.com"`, "!Ana")
	})
}

// Records that waited before rules are applied again count: what is kept when the
// turn of a person comes is worked out, and nobody whom the source has deleted by
// then comes back.
func TestApplyingRulesAgainTakesNothingBack(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.rules(hrRules(`[[{"attribute":"Status","operator":"eq","value":"A"}]]`, ""))
		for _, no := range []string{"1", "2"} {
			x.wantUpload("create success", `{"No":"`+no+`","First":"Ana`+no+`","Last":"Silva","Status":"A"}`)
		}
		// Both wait, then everybody is worked out anew behind them.
		must(x.AcceptUpload(t.Context(), x.hr, []directory.Uploaded{{Data: []byte(`{"No":"1","Last":"Costa"}`)}, {Data: []byte(`{"No":"2","Status":"L"}`)}}))(t)
		if _, people, err := x.ReapplyMapping(t.Context(), x.admin, x.hr.Source.PublicID); err != nil || people != 2 {
			t.Fatal(people, err)
		}
		if err := drain(t.Context(), x.Directory); err != nil {
			t.Fatal(err)
		}
		users := x.users(x.hr)
		if len(users) != 1 || !strings.Contains(users["Ana1 Costa"], `"active":true`) && users["Ana1 Costa"] == "" {
			t.Errorf("the source sees %v", users)
		}
	})
}

// Nobody leaves the scope by what a record doesn't say (law 2): a user whom the
// source made before it had rules, and of whom a part comes.
func TestAPartOfARecordTakesNobodyOutOfScope(t *testing.T) {
	eachTool(t, func(t *testing.T, x *tool) {
		x.wantUpload("create success", string(record("1", `,"title":"Clerk","`+enterprise+`":{"department":"IT"}`).Data))
		x.rules(`{"scope":[[{"attribute":"Dept","operator":"eq","value":"IT"}]],"match":["externalId"],"flows":[
			{"target":"externalId","kind":"direct","source":"No"},{"target":"userName","kind":"direct","source":"Mail"},{"target":"title","kind":"direct","source":"Job"}]}`)
		x.wantUpload("other skipped scopeUnknown", `{"No":"1","Job":"Boss"}`)
		if len(x.users(x.hr)) != 1 {
			t.Fatal("the user is gone")
		}
		x.wantUpload("update success", `{"No":"1","Job":"Boss","Dept":"IT"}`)
		x.wantUpload("disable success outOfScope", `{"No":"1","Dept":null}`)
	})
}
