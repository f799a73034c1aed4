package mapping

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/mapping/expression"
)

var update = flag.Bool("update", false, "write the tables of docs/mapping.md anew")

const page = "../../docs/mapping.md"

// The page's tables are what the code has, in both packages.
func TestPageHasTheOperatorsAndFunctions(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := string(b)
	for name, table := range map[string]string{"operators": operatorTable(), "functions": functionTable()} {
		begin := "<!-- " + name + ": written by a test -->\n"
		head, rest, found := strings.Cut(want, begin)
		_, tail, ended := strings.Cut(rest, "<!-- end -->")
		if !found || !ended {
			t.Fatalf("%s has no place for the %s", page, name)
		}
		want = head + begin + table + "<!-- end -->" + tail
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(b) != want {
		t.Errorf("%s isn't what the code has; go test ./internal/mapping -run Page -update", page)
	}
}

func operatorTable() string {
	var s strings.Builder
	s.WriteString("| operator | in Entra | fulfilled by |\n|---|---|---|\n")
	meaning := map[Operator]string{
		Equals: "the value", NotEquals: "another value", Contains: "text with the value in it", StartsWith: "text that begins with the value", EndsWith: "text that ends with the value",
		Greater: "more than the value", GreaterEqual: "the value or more", Less: "less than the value", LessEqual: "the value or less",
		Regex: "text that the pattern matches", NotRegex: "text that it doesn't match", IsNull: "no value", IsNotNull: "any value",
		IsTrue: "true, or `True` as text in any case", IsFalse: "false, or `False` as text in any case", IsMemberOf: "members of the group",
		IsBitSet: "a whole number with one of the value's bits", IsBitClear: "a whole number with none of them",
	}
	for _, op := range operators() {
		entra := "–"
		if len(op.aliases) > 0 && op.name != IsMemberOf {
			entra = "`" + op.aliases[0] + "`"
		}
		fmt.Fprintf(&s, "| `%s` | %s | %s |\n", op.name, entra, meaning[op.name])
	}
	return s.String()
}

func functionTable() string {
	var s strings.Builder
	s.WriteString("| function | gives |\n|---|---|\n")
	for _, f := range expression.Functions() {
		fmt.Fprintf(&s, "| `%s(%s)` | %s |\n", f.Name, f.Parameters, f.Meaning)
	}
	s.WriteString("\nNot here:\n\n| function of Entra | why |\n|---|---|\n")
	for _, f := range expression.Missing() {
		fmt.Fprintf(&s, "| `%s` | %s |\n", f.Name, f.Reason)
	}
	return s.String()
}

// The example of the page works, and does what it seems to.
func TestPagesExampleIsRules(t *testing.T) {
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```json\n")
	rules, _, _ := strings.Cut(rest, "```")
	in := input(t, map[string]any{
		"Employee number": 7, "First name": "Zoë", "Last name": "Łukasz", "Mail": "", "Hired": "31.01.2026", "Status": "A", "department": "IT", "title": "Clerk",
	})
	in.New = true
	in.Taken = func(_, value string) bool { return value != "7@contoso.com" }
	const want = `{"externalId":"7","userName":"7@contoso.com","userType":"Employee","active":true,"urn:ietf:params:scim:schemas:extension:workspace:2.0:User":{"employeeHireDate":"2026-01-31T09:00:00Z"}}`
	if got := told(compiled(t, rules).Apply(in)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
