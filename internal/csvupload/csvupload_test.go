package csvupload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/internal/csvupload"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// tool is an HR tool whose people come as files.
type tool struct {
	t *testing.T
	*apptest.App
	actor  directory.Actor
	source store.Source
}

// each runs a test on each database.
func each(t *testing.T, test func(t *testing.T, h *tool)) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		t.Parallel()
		h := &tool{t: t, App: apptest.Start(t, apptest.On(database))}
		h.AddSource(store.SourceAPI, "hr")
		var err error
		if h.actor, err = h.Directory.Administrator(t.Context(), "cli:test", apptest.Tenant); err != nil {
			t.Fatal(err)
		}
		if h.source, err = h.Directory.Source(t.Context(), apptest.Tenant, "hr"); err != nil {
			t.Fatal(err)
		}
		test(t, h)
	})
}

func (h *tool) accept(ctx context.Context, file string, o csvupload.Options) (store.Run, error) {
	return csvupload.Accept(ctx, h.Directory, h.actor, h.source, strings.NewReader(file), o)
}

// upload uploads a file and gives what became of each row.
func (h *tool) upload(file string, o csvupload.Options) []string {
	h.t.Helper()
	n, err := h.accept(h.t.Context(), file, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.finish(n)
}

// finish works until a run has ended.
func (h *tool) finish(n store.Run) (all []string) {
	h.t.Helper()
	for n.State.Open() {
		if _, err := h.Directory.WorkFile(h.t.Context(), h.actor, h.source.PublicID); err != nil {
			h.t.Fatal(err)
		}
		var err error
		if n, err = h.Directory.Run(h.t.Context(), h.actor, n.PublicID); err != nil {
			h.t.Fatal(err)
		}
	}
	err := csvupload.Each(h.t.Context(), h.Directory, n, func(u store.UploadRecord) error {
		all = append(all, told(u))
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func told(u store.UploadRecord) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s %s %s %s", u.Position+1, u.ExternalID, u.Action, u.Status, u.Code))
}

func (h *tool) preview(file string, o csvupload.Options) (all []string) {
	h.t.Helper()
	err := csvupload.Preview(h.t.Context(), h.Directory, h.actor, h.source, strings.NewReader(file), o, func(u store.UploadRecord) error {
		all = append(all, told(u))
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// user gives the values of a user's attributes as people see them.
func (h *tool) user(filter string) map[string]any {
	h.t.Helper()
	r := h.Do("GET", "/Users?filter="+strings.ReplaceAll(strings.ReplaceAll(filter, " ", "%20"), `"`, "%22"), h.AdminToken, "")
	all, _ := r.Body["Resources"].([]any)
	if len(all) != 1 {
		h.t.Fatalf("%s finds %d users: %s", filter, len(all), r.Text)
	}
	return all[0].(map[string]any)
}

// A column is an attribute, in any case; an empty cell says nothing. A preview
// tells what the upload then does (row E063: empty is absent).
func TestE063ColumnsAreAttributes(t *testing.T) {
	each(t, func(t *testing.T, h *tool) {
		const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
		first := "EXTERNALID;username;name.givenName;emails[type eq \"work\"].value;emails[type eq \"home\"].value;" + enterprise + ":department;" + enterprise + ":manager;active\n" +
			"1;ana@contoso.com;Ana;ana@contoso.com;ana@home.example;Sales;2;true\n" +
			"2;bob@contoso.com;Bob;;;;;\n" +
			"3;cy@contoso.com;Cy;;;;1;nein\n" + "3;cy@contoso.com;Cy;;;;1;\n"
		want := []string{"1 1 create success", "2 2 create success", "3 3 other failure invalidValue", "4 3 create success"}
		if diff := cmp.Diff(want, h.preview(first, csvupload.Options{})); diff != "" {
			t.Errorf("preview: %s", diff)
		}
		if diff := cmp.Diff(want, h.upload(first, csvupload.Options{})); diff != "" {
			t.Errorf("upload: %s", diff)
		}
		ana := h.user(`userName eq "ana@contoso.com"`)
		if e := ana[enterprise].(map[string]any); e["department"] != "Sales" || e["manager"].(map[string]any)["value"] != h.user(`userName eq "bob@contoso.com"`)["id"] {
			t.Errorf("%v", ana)
		}

		second := "externalId,name.givenName,title,emails[type eq \"work\"].value,active\n1,,Head,new@contoso.com,\n2,Bob,,,\n1,,Other,,\n2,,,,False\n"
		want = []string{"1 1 update success", "2 2 other skipped noChange", "3 1 other failure duplicateKey", "4 2 other failure duplicateKey"}
		if diff := cmp.Diff(want, h.preview(second, csvupload.Options{})); diff != "" {
			t.Errorf("preview: %s", diff)
		}
		if diff := cmp.Diff(want, h.upload(second, csvupload.Options{})); diff != "" {
			t.Errorf("upload: %s", diff)
		}
		ana = h.user(`userName eq "ana@contoso.com"`)
		emails := fmt.Sprint(ana["emails"])
		if ana["title"] != "Head" || ana["name"].(map[string]any)["givenName"] != "Ana" || !strings.Contains(emails, "ana@home.example") || !strings.Contains(emails, "new@contoso.com") {
			t.Errorf("%v", ana)
		}
		if got := h.upload("externalId,active\n2,False\n", csvupload.Options{}); got[0] != "1 2 disable success" {
			t.Errorf("%q", got)
		}
	})
}

const rules = `
match: [externalId]
scope:
  - [{attribute: Status, operator: ne, value: Extern}]
flows:
  - {target: externalId, kind: direct, source: Employee number}
  - {target: userName, kind: expression, apply: once, expression: 'ToLower([First name]) + "@contoso.com"'}
  - {target: name.givenName, kind: direct, source: First name}
  - {target: title, kind: direct, source: Title, default: Newcomer}
  - {target: active, kind: expression, expression: 'Switch([Status], "True", "L", "False")'}
  - {target: userType, kind: constant, value: Employee}
  - {target: nickName, kind: expression, expression: 'Switch([Nick], "none", "Z", "Zed")'}
`

// Rules make users of rows: what is for new ones alone isn't done again.
func TestRulesMakeUsersOfRows(t *testing.T) {
	each(t, func(t *testing.T, h *tool) {
		r, err := csvupload.ParseRules([]byte(rules))
		if err != nil {
			t.Fatal(err)
		}
		o := csvupload.Options{Rules: &r}
		file := "Employee number\tFirst name\tTitle\tStatus\tNick\n1\tAna\t\tA\tZ\n2\tBob\tClerk\tExtern\t\n\tCy\t\tA\t\n2\tBob\tClerk\tA\t\n"
		want := []string{"1 1 create success", "2  other skipped outOfScope", "3  other failure matchMissing", "4 2 create success"}
		for name, got := range map[string][]string{"preview": h.preview(file, o), "upload": h.upload(file, o)} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if ana := h.user(`userName eq "ana@contoso.com"`); ana["title"] != "Newcomer" || ana["userType"] != "Employee" || ana["active"] != true {
			t.Errorf("%v", ana)
		}
		if got := h.upload("Employee number,First name,Title,Status,Nick\n1,Anna,Head,L,\n", o); got[0] != "1 1 disable success" {
			t.Errorf("%q", got)
		}
		if ana := h.user(`userName eq "ana@contoso.com"`); ana["title"] != "Head" || ana["nickName"] != "Zed" || ana["name"].(map[string]any)["givenName"] != "Anna" {
			t.Errorf("%v", ana)
		}
	})
}

// A source's own rules work on the rows, whose columns are their attributes; others
// can't be given with a file.
func TestASourcesOwnRulesWorkOnTheRows(t *testing.T) {
	const own = `{"match":["externalId"],"scope":[[{"attribute":"Status","operator":"ne","value":"Extern"}]],"flows":[
		{"target":"externalId","kind":"direct","source":"No"},
		{"target":"userName","kind":"expression","apply":"once","expression":"[No] + \"@contoso.com\""},
		{"target":"title","kind":"direct","source":"Job title"}]}`
	each(t, func(t *testing.T, h *tool) {
		if _, err := h.Directory.SetMapping(t.Context(), h.actor, h.source.PublicID, nil, []byte(own)); err != nil {
			t.Fatal(err)
		}
		file := "No;Job title;Status;Shoe size\n1;Head;A;42\n2;Clerk;Extern;\n;Clerk;A;\n1;Other;A;\n4;\"x;A;\n"
		want := []string{"1 1 create success", "2 2 other skipped outOfScope", "3  other failure matchMissing", "4 1 other failure duplicateKey", "5  other failure unclosedQuote"}
		for name, got := range map[string][]string{"preview": h.preview(file, csvupload.Options{}), "upload": h.upload(file, csvupload.Options{})} {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if got := h.upload("No,Job title,Status\n1,,A\n", csvupload.Options{}); got[0] != "1 1 other skipped noChange" {
			t.Errorf("%q: an empty cell says nothing", got)
		}
		if u := h.user(`userName eq "1@contoso.com"`); u["title"] != "Head" {
			t.Errorf("%v", u)
		}
		for document, ok := range map[string]bool{own: true, rules: false} {
			r, err := csvupload.ParseRules([]byte(document))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.accept(t.Context(), "No,Job title,Status\n", csvupload.Options{Rules: &r}); (err == nil) != ok {
				t.Errorf("other rules: %v", err)
			}
		}
	})
}

func TestFilesThatCantBeUploadedLeaveNothing(t *testing.T) {
	each(t, func(t *testing.T, h *tool) {
		for file, want := range map[string]string{
			"userName\nana\n": "matchMissing", "externalId,Phone number\n1,2\n": "unknownColumn", "externalId,id\n1,2\n": "unknownColumn", "externalId,externalId\n": "duplicateColumn", "": "noHeader",
		} {
			_, err := h.accept(t.Context(), file, csvupload.Options{})
			var v *directory.Violation
			var f *csvrecords.Fault
			switch {
			case errors.As(err, &v) && v.Rule == want:
			case errors.As(err, &f) && string(f.Code) == want:
			default:
				t.Errorf("%q: %v, want %s", file, err, want)
			}
		}
		for _, wrong := range []string{
			strings.Replace(rules, "match: [externalId]", "match: [userName]", 1), strings.Replace(rules, "source: Title", "source: Tittle", 1), "flows: {", "flow: []", rules + "---\n" + rules, "- 1",
		} {
			r, err := csvupload.ParseRules([]byte(wrong))
			if err == nil {
				_, err = h.accept(t.Context(), "Employee number,First name,Title,Status,Nick\n", csvupload.Options{Rules: &r})
			}
			var v *directory.Violation
			if !errors.As(err, &v) || v.Rule != "invalidMapping" {
				t.Errorf("%.40q: %v", wrong, err)
			}
		}
		if runs, err := h.Directory.Runs(t.Context(), h.actor, h.source.PublicID, "", 0, 10); err != nil || len(runs) != 0 {
			t.Errorf("%d runs, %v", len(runs), err)
		}
	})
}

// people is a file of that many people.
func people(n int) string {
	var b strings.Builder
	b.WriteString("externalId,userName\n")
	for i := range n {
		fmt.Fprintf(&b, "p%d,p%[1]d@contoso.com\n", i)
	}
	return b.String()
}

// breaking is a file that can't be read behind some bytes.
type breaking struct {
	*bytes.Reader
	left int
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the disk is gone")
	}
	n, err := b.Reader.Read(p[:min(len(p), 4096, b.left)])
	b.left -= n
	return n, err
}

// Who is interrupted while rows are accepted goes on behind them, and the run
// doesn't end before all are there.
func TestInterruptedWhileAccepting(t *testing.T) {
	each(t, func(t *testing.T, h *tool) {
		const n = 1700
		file := people(n)
		// The content is read once to know what it is, the header once more.
		broken := &breaking{bytes.NewReader([]byte(file)), 4096 + len(file) + len(file)*2/3}
		first, err := csvupload.Accept(t.Context(), h.Directory, h.actor, h.source, broken, csvupload.Options{})
		if err == nil || first.Total == 0 || first.Total == n {
			t.Fatalf("%d of %d rows, %v", first.Total, n, err)
		}
		for done := int64(0); done < first.Total; {
			got, err := h.Directory.Run(t.Context(), h.actor, first.PublicID)
			if err != nil || !got.State.Open() {
				t.Fatalf("%s %v: it has ended before it was accepted", got.State, err)
			}
			if done = got.Done; done < first.Total {
				if _, err := h.Directory.WorkFile(t.Context(), h.actor, h.source.PublicID); err != nil {
					t.Fatal(err)
				}
			}
		}
		second, err := h.accept(t.Context(), file, csvupload.Options{})
		if err != nil || second.PublicID != first.PublicID || second.Total != n {
			t.Fatalf("run %s of %d rows, %v; it was %s", second.PublicID, second.Total, err, first.PublicID)
		}
		all := h.finish(second)
		for i, got := range all {
			if want := fmt.Sprintf("%d p%d create success", i+1, i); got != want {
				t.Fatalf("%q, want %q", got, want)
			}
		}
		if len(all) != n {
			t.Errorf("%d rows, want %d", len(all), n)
		}

		// It has ended: the same file is another upload, unless its result is asked for.
		for _, finished := range []bool{true, false} {
			again, err := h.accept(t.Context(), file, csvupload.Options{Finished: finished})
			if err != nil || (again.PublicID == first.PublicID) != finished {
				t.Errorf("finished %t: run %s, %v", finished, again.PublicID, err)
			}
		}
	})
}

// The first row of a user counts, however far the next one is and however many
// there are: but for one that was refused.
func TestTheFirstRowOfAUserCounts(t *testing.T) {
	const rows, others = 25, 60 // more than are worked on at once
	each(t, func(t *testing.T, h *tool) {
		var file strings.Builder
		file.WriteString("externalId,userName\n")
		for i := range rows {
			name := "x@contoso.com"
			if i == 0 {
				name = ""
			}
			fmt.Fprintf(&file, "x,%s\n", name)
			for j := range others {
				fmt.Fprintf(&file, "p%d-%d,p%[1]d-%[2]d@contoso.com\n", i, j)
			}
		}
		for name, all := range map[string][]string{"preview": h.preview(file.String(), csvupload.Options{}), "upload": h.upload(file.String(), csvupload.Options{})} {
			for i := range rows {
				want := "failure duplicateKey"
				switch i {
				case 0:
					want = "failure invalidValue"
				case 1:
					want = "create success"
				}
				if got := all[i*(others+1)]; !strings.HasSuffix(got, want) {
					t.Errorf("%s: row %d of x: %q, want %q", name, i, got, want)
				}
			}
		}
	})
}

// A part of what is read at once may have been accepted, by another version.
func TestAnUploadGoesOnWithinAPiece(t *testing.T) {
	each(t, func(t *testing.T, h *tool) {
		file := people(12)
		content, err := csvupload.Content(strings.NewReader(file), csvupload.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n, err := h.Directory.BeginFile(t.Context(), h.actor, h.source.PublicID, content, false)
		if err != nil {
			t.Fatal(err)
		}
		var some []directory.Uploaded
		for range 5 {
			some = append(some, directory.Uploaded{Refused: "told before", Code: "before"})
		}
		if _, err := h.Directory.AcceptRows(t.Context(), h.actor, n.PublicID, 0, some, false); err != nil {
			t.Fatal(err)
		}
		all := h.upload(file, csvupload.Options{})
		if len(all) != 12 || all[4] != "5  other failure before" || all[5] != "6 p5 create success" {
			t.Errorf("%q", all)
		}
	})
}

// Two who upload the same file at once share its run.
func TestTwoUploadTheSameFile(t *testing.T) {
	each(t, func(t *testing.T, h *tool) {
		const n = 2600
		runs, errs := make([]store.Run, 2), make(chan error, 2)
		for i := range runs {
			go func() {
				var err error
				runs[i], err = h.accept(t.Context(), people(n), csvupload.Options{})
				errs <- err
			}()
		}
		for range runs {
			if err := <-errs; err != nil {
				t.Fatal(err)
			}
		}
		if runs[0].PublicID != runs[1].PublicID || runs[0].Total != n || runs[1].Total != n {
			t.Fatalf("%+v", runs)
		}
		if all := h.finish(runs[0]); len(all) != n {
			t.Errorf("%d rows, want %d", len(all), n)
		}
	})
}

// An upload that was cancelled is begun anew; what waits is skipped.
func TestACancelledUpload(t *testing.T) {
	each(t, func(t *testing.T, h *tool) {
		if err := h.Directory.PauseUploads(t.Context(), directory.Actor{Tenant: h.actor.Tenant, Admin: true}, h.source, true); err != nil {
			t.Fatal(err)
		}
		first, err := h.accept(t.Context(), people(3), csvupload.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var v *directory.Violation
		if _, err := h.Directory.WorkFile(t.Context(), h.actor, h.source.PublicID); !errors.As(err, &v) || v.Rule != directory.RuleJobDisabled {
			t.Errorf("a paused job: %v", err)
		}
		cancelled := store.RunCancelled
		if _, err := h.Directory.UpdateRun(t.Context(), h.actor, first.PublicID, nil, directory.RunChange{State: &cancelled}); err != nil {
			t.Fatal(err)
		}
		second, err := h.accept(t.Context(), people(3), csvupload.Options{})
		if err != nil || second.PublicID == first.PublicID {
			t.Fatal(second.PublicID, err)
		}
		if err := h.Directory.PauseUploads(t.Context(), directory.Actor{Tenant: h.actor.Tenant, Admin: true}, h.source, false); err != nil {
			t.Fatal(err)
		}
		if got := h.finish(second); got[0] != "1 p0 create success" {
			t.Errorf("%q", got)
		}
	})
}

// A preview is the upload minus the commit, and so it is for other kinds of ends.
func TestAPreviewChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *tool) {
		h.preview(people(120), csvupload.Options{})
		if r := h.Do("GET", "/Users", h.AdminToken, ""); r.Body["totalResults"] != float64(0) {
			t.Errorf("%s", r.Text)
		}
		if all := h.preview("externalId,userName\n1,a@contoso.com\n"+people(100)[len("externalId,userName\n"):]+"1,b@contoso.com\n", csvupload.Options{}); all[101] != "102 1 other failure duplicateKey" {
			t.Errorf("%q", all[101])
		}
	})
}

func TestS13TheResultHasNoFormulas(t *testing.T) {
	var b bytes.Buffer
	r, err := csvupload.NewResult(&b)
	if err != nil {
		t.Fatal(err)
	}
	u := store.UploadRecord{Position: 6, ExternalID: "=1+1", Display: "@x", Action: "other", Status: store.UploadFailure, Code: "invalidValue", Detail: "no\n\"x\"", Subject: ""}
	if err := errors.Join(r.Add(u), r.Flush()); err != nil {
		t.Fatal(err)
	}
	want := "row,key,name,action,status,code,detail,userId\r\n7,'=1+1,'@x,other,failure,invalidValue,\"no\n\"\"x\"\"\",\r\n"
	if b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

var _ io.ReadSeeker = (*breaking)(nil)

// An alias could make a small file of rules any size.
func TestRulesHaveNoAlias(t *testing.T) {
	_, err := csvupload.ParseRules([]byte("match: [externalId]\nscope: []\nflows:\n- &a {target: externalId, kind: direct, source: No}\n- *a\n"))
	if err == nil || !strings.Contains(err.Error(), "alias") {
		t.Errorf("%v", err)
	}
}
