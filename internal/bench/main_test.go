package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
)

// TestMain lets the test binary be the floor's server and the polling agent too,
// as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == agentFlag {
		if err := servePolls(context.Background(), os.Args[2], os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	if slices.Contains(os.Args, floorFlag) {
		if err := serveFloor(context.Background()); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

func TestQuickRunPrintsEveryRow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.json")
	var out, progress bytes.Buffer
	if err := run(t.Context(), []string{"-quick", "-databases", "sqlite", "-ad", "none", "-json", file}, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	users := []string{nameByID, nameByName, nameByExtID, nameByMail, nameFirst, nameLast, nameByCursor, nameByIndex,
		namePatch, nameCreate1, nameCreate, nameBulk}
	for _, name := range users {
		for _, size := range []string{"50", "200"} {
			wantRow(t, out.String(), name, sqlite, size)
		}
	}
	for _, name := range []string{nameAddMember, nameRemoveMember, nameGetGroup, nameFollow, nameReconcile} {
		for _, size := range []string{"10", "40"} {
			wantRow(t, out.String(), name, sqlite, size)
		}
	}
	for _, name := range []string{nameMap, nameAccept, nameAccepts, nameWorked} {
		wantRow(t, out.String(), name, sqlite, "200")
	}
	wantRow(t, out.String(), "answered creates lost by kill -9", "≤ 0", "0")

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Figures {
		if f.Rate <= 0 || f.P50 <= 0 || f.P99 < f.P95 || f.P95 < f.P50 {
			t.Errorf("%s, %s: rate %g, times %s %s %s", f.Name, f.where(), f.Rate, f.P50, f.P95, f.P99)
		}
	}
	if len(r.Servers) != 2 || r.Servers[0].Kept == 0 || r.Servers[0].Forgotten != 0 {
		t.Errorf("servers: %+v", r.Servers)
	}
}

// W015: an idle poll writes nothing. Each poll of the increments is checked by
// what it says that it changed.
func TestQuickRunMeasuresActiveDirectory(t *testing.T) {
	adtest.Need(t)
	var out, progress bytes.Buffer
	if err := run(t.Context(), []string{"-quick", "-databases", "sqlite", "-sizes", "none", "-rounds", "1"}, &out, &progress); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	wantRow(t, out.String(), "100", sqlite)
	for _, name := range []string{nameTitle, nameMemberAdd, nameMemberRemove} {
		wantRow(t, out.String(), "100", sqlite, name, "1", "6")
	}
	wantRow(t, out.String(), "100", sqlite, nameTitles, "100", "1")
	wantRow(t, out.String(), "SCIM writes of idle polls", "≤ 0", "0")
}

func TestAKeptDomainIsTaken(t *testing.T) {
	adtest.Need(t)
	kept := t.TempDir()
	var seen []int
	for range 2 {
		d, err := newDomain(t.Context(), t.TempDir(), kept, 100)
		if err != nil {
			t.Fatal(err)
		}
		config, err := d.asked()
		if err != nil {
			t.Fatal(err)
		}
		_, objects, err := readAll(t.Context(), config)
		if err := errors.Join(err, d.close()); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, objects)
	}
	if seen[0] < 105 || seen[1] != seen[0] {
		t.Errorf("the domain of 100 users and 5 groups has %d objects, and %d when it was kept", seen[0], seen[1])
	}
}

// wantRow looks for a table row that begins with these cells.
func wantRow(t *testing.T, table string, cells ...string) {
	t.Helper()
	for line := range strings.Lines(table) {
		got := strings.Split(line, "|")
		if len(got) <= len(cells) {
			continue
		}
		same := true
		for i, cell := range cells {
			same = same && strings.TrimSpace(got[i+1]) == cell
		}
		if same {
			return
		}
	}
	t.Errorf("no row %q in\n%s", cells, table)
}

func TestWrongCommandLinesAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"-databases", "oracle", "-ad", "none"},
		{"-databases", "postgres", "-postgres", "", "-ad", "none"},
		{"-databases", "sqlite", "-sizes", "100k,1k", "-ad", "none"},
		{"-databases", "sqlite", "-sizes", "many", "-ad", "none"},
		{"-databases", "sqlite", "-groups", "0", "-ad", "none"},
		{"-databases", "sqlite", "-ad", "none", "-rounds", "0"},
		{"-databases", "sqlite", "-ad", "99"},
		{"-databases", "sqlite", "-ad", "none", "more"},
	} {
		if _, err := parse(args, &bytes.Buffer{}); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}

func TestGivenFlagsWinOverQuick(t *testing.T) {
	o, err := parse([]string{"-quick", "-databases", "sqlite", "-sizes", "10,1k,2M", "-ad", "none"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.sizes, []int{10, 1000, 2_000_000}) || o.duration != 200*time.Millisecond || o.rounds != 2 {
		t.Errorf("got %+v", o)
	}
}
