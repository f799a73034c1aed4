package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// twoServers are results of one scenario at two sizes, on both databases.
func twoServers() *results {
	r := &results{}
	add := func(name, database string, users int, rate, floor float64) {
		r.Figures = append(r.Figures, figure{
			Name: name, Database: database, Users: users, Clients: 64, Rate: rate, Rates: []float64{rate},
			P50: time.Millisecond, P95: 2 * time.Millisecond, P99: 3 * time.Millisecond, Floor: floor, Ratio: rate / floor,
		})
	}
	add(nameCreate, sqlite, 1000, 4000, 8000)
	add(nameCreate, sqlite, 100_000, 3000, 7500)
	add(nameCreate, postgres, 1000, 2000, 4000)
	add(nameCreate, postgres, 100_000, 1200, 4000)
	return r
}

func TestComparisonsAreBetweenTheRightFigures(t *testing.T) {
	r := twoServers()
	r.conclude()
	want := []comparison{
		{bySize, nameCreate, "sqlite 100k", .75},
		{bySize, nameCreate, "postgres 100k", .6},
		{byDatabase, nameCreate, "1k", .5},
		{byDatabase, nameCreate, "100k", .4},
	}
	if len(r.Comparisons) != len(want) {
		t.Fatalf("got %+v", r.Comparisons)
	}
	for i, c := range r.Comparisons {
		if c != want[i] {
			t.Errorf("got %+v, want %+v", c, want[i])
		}
	}
}

func TestTheTimeInTheLargestGroupIsComparedToThatInTheSmallest(t *testing.T) {
	r := &results{Figures: []figure{
		{Name: nameAddMember, Database: sqlite, Members: 1000, Rates: []float64{500}},
		{Name: nameAddMember, Database: sqlite, Members: 250_000, Rates: []float64{400}},
	}}
	r.conclude()
	if len(r.Comparisons) != 1 || r.Comparisons[0].Ratio != 1.25 || r.Comparisons[0].Where != "sqlite, 250k members" {
		t.Errorf("got %+v, want one that takes 1.25 times as long", r.Comparisons)
	}
}

func TestATargetIsJudgedByItsWorstFigure(t *testing.T) {
	r := twoServers()
	r.Servers = []facts{{Database: sqlite, Users: 100_000, Ready: 300 * time.Millisecond}, {Database: postgres, Users: 1000, Ready: 2 * time.Second}}
	r.AD = []adFigures{
		{Database: sqlite, Users: 10_000, InitialPeak: 30 << 20, ResyncPeak: 70 << 20, Increments: []increment{
			{Name: nameTitle, Changes: 1, There95: 90 * time.Millisecond}, {Name: nameTitles, Changes: 100, There95: time.Second}}},
		{Database: sqlite, Users: 100_000, InitialPeak: 90 << 20, IdleWrites: 1},
	}
	r.conclude()
	for _, want := range []target{
		{"ms until one change in AD is in Workspace, p95", "≤ 100", "90", "sqlite, AD 10k, title of a user", true},
		{"MB of the AD agent, up to 10k users", "≤ 64", "70", "sqlite, AD 10k", false},
		{"MB of the AD agent, up to 100k users", "≤ 96", "90", "sqlite, AD 100k", true},
		{"SCIM writes of idle polls", "≤ 0", "1", "sqlite, AD 100k", false},
		{"durable creates by many clients, of their floor", "≥ 0.40", "0.30", "postgres 100k", false},
		{"creates, PostgreSQL : SQLite", "≥ 0.50", "0.40", "100k", false},
		{"creates, most users : fewest", "≥ 0.70", "0.60", "postgres 100k", false},
		{"ms until ready", "≤ 1000", "2000", "postgres 1k", false},
		{"answered creates lost by kill -9", "≤ 0", "0", "sqlite 100k", true},
		{"look-ups, of their floor", "≥ 0.50", "", "", false},
	} {
		found := false
		for _, got := range r.Targets {
			found = found || got == want
		}
		if !found {
			t.Errorf("no target %+v in %+v", want, r.Targets)
		}
	}
}

func TestTheReportIsMarkdown(t *testing.T) {
	r := twoServers()
	r.Servers = []facts{{Database: sqlite, Users: 1000, Memory: 64 << 20}}
	r.conclude()
	var out bytes.Buffer
	r.print(&out)
	columns := 0
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "|") {
			columns = 0
			continue
		}
		n := strings.Count(line, "|")
		if columns != 0 && n != columns {
			t.Errorf("a row of %d cells in a table of %d: %s", n-1, columns-1, line)
		}
		columns = n
	}
	wantRow(t, out.String(), nameCreate, sqlite, "1k", "64", "4000", "1.00", "2.00", "3.00", "0.000", "8000", "0.50", "")
	wantRow(t, out.String(), "look-ups, of their floor", "≥ 0.50", "", "", "not measured")
}

func TestMadeUpUsersAreValidAndDiffer(t *testing.T) {
	user := schema.Must().User
	seen := map[string]int{}
	for _, n := range []int{0, 1, 2, 999_999, newcomers, newcomers + 1} {
		p := personOf(n)
		body := p.appendBody(nil)
		d, err := document.Decode(user, body, nil)
		if err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if err := document.Require(user, d.Object); err != nil {
			t.Error(err)
		}
		if len(body) < 900 || len(body) > 1300 {
			t.Errorf("a body of %d bytes, want about 1 KB", len(body))
		}
		for _, v := range []string{p.userName(), p.externalID(), p.mail()} {
			if m, ok := seen[v]; ok {
				t.Errorf("%d and %d are both %s", m, n, v)
			}
			seen[v] = n
		}
	}
}

func TestFlatnessIsOfTheLastPagesToTheFirst(t *testing.T) {
	pages := make([]time.Duration, 30)
	for i := range pages {
		pages[i] = 10
	}
	copy(pages[27:], []time.Duration{30, 20, 900})
	if got := flatness(pages); got != 3 {
		t.Errorf("got %g, want 3", got)
	}
}
