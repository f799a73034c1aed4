package dialect_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/scim/dialect"
)

// TestEachRepairHasItsTests holds the table against the tests of this package.
func TestEachRepairHasItsTests(t *testing.T) {
	fires, refuses := map[string]bool{}, map[string]bool{}
	for _, tt := range sent {
		fires[tt.repair] = true
	}
	for _, tt := range untouched {
		refuses[tt.repair] = true
	}
	for _, r := range dialect.All() {
		if !fires[r.ID] {
			t.Errorf("%s: no test sends what it mends", r.ID)
		}
		if !refuses[r.ID] {
			t.Errorf("%s: no test sends what it must leave alone", r.ID)
		}
		delete(fires, r.ID)
		delete(refuses, r.ID)
	}
	for id := range fires {
		t.Errorf("%s is tested but not in the table", id)
	}
	for id := range refuses {
		t.Errorf("%s is tested but not in the table", id)
	}
}

// TestCompatibilityTable holds the table against docs/compatibility.md.
func TestCompatibilityTable(t *testing.T) {
	b, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) == 6 {
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 || strings.TrimSpace(rows[0][0]) != "id" {
		t.Fatalf("no table of six columns with id as its first: %q", rows)
	}
	rows = rows[1:]
	if len(rows) != len(dialect.All()) {
		t.Errorf("the document has %d rows, the code %d repairs", len(rows), len(dialect.All()))
	}
	for i, r := range dialect.All() {
		if i >= len(rows) {
			t.Errorf("%s has no row", r.ID)
			continue
		}
		got := []string{strings.TrimSpace(rows[i][0]), rows[i][1], rows[i][4]}
		if want := []string{r.ID, r.Client, r.Source}; !slices.Equal(got, want) {
			t.Errorf("row %d: got %q, want %q", i, got, want)
		}
	}
}

func TestRepairsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range dialect.All() {
		if seen[r.ID] {
			t.Errorf("%s is there twice", r.ID)
		}
		seen[r.ID] = true
		if r.Client == "" || r.Source == "" || r.Why == "" || len(r.Since) != len("2026-11") {
			t.Errorf("%s lacks its client, source, reason or month: %+v", r.ID, r)
		}
	}
}

func TestARepairCountsOnceARequest(t *testing.T) {
	var counted []string
	d := dialect.New(func(id string) { counted = append(counted, id) })
	again := d.Without(dialect.CustomAttribute)
	for range 3 {
		if !d.Repair(dialect.OpCase) || !again.Repair(dialect.OpCase) {
			t.Fatal("op-case is off")
		}
	}
	if again.Repair(dialect.CustomAttribute) {
		t.Error("custom-attribute is on though it was switched off")
	}
	if !slices.Equal(counted, []string{dialect.OpCase}) {
		t.Errorf("counted %q, want op-case once", counted)
	}
}

func TestANilDialectIsStrict(t *testing.T) {
	var d *dialect.Dialect
	if d.Repair(dialect.OpCase) || d.Without(dialect.OpCase) != nil {
		t.Error("a nil dialect repairs")
	}
}
