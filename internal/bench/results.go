package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// results are all that a run found out.
type results struct {
	Machine     string
	Figures     []figure
	Servers     []facts
	AD          []adFigures
	Comparisons []comparison
	Targets     []target
}

// machine says what the figures are of.
func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name\t: "); ok {
			model, _, _ = strings.Cut(rest, "\n")
		}
	}
	return fmt.Sprintf("%d × %s, %s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.Version())
}

// save writes the results as JSON; times are in nanoseconds.
func (r *results) save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// named gives the figures with these names.
func (r *results) named(names ...string) []*figure {
	var out []*figure
	for i := range r.Figures {
		if slices.Contains(names, r.Figures[i].Name) {
			out = append(out, &r.Figures[i])
		}
	}
	return out
}

// find gives the figure of a scenario on one server, nil if there is none.
func (r *results) find(name, database string, users int) *figure {
	for _, f := range r.named(name) {
		if f.Database == database && f.Users == users {
			return f
		}
	}
	return nil
}

// comparison is the ratio of two figures that were measured in the same rounds.
type comparison struct {
	Kind  comparisonKind
	Name  string
	Where string
	Ratio float64
}

// comparisonKind says what is compared.
type comparisonKind string

const (
	bySize     comparisonKind = "rate with the most users : with the fewest"
	byDatabase comparisonKind = "rate on PostgreSQL : on SQLite"
	byBulk     comparisonKind = "creates per second in bulk : one by one"
	byMembers  comparisonKind = "time in the largest group : in the smallest"
	byQueue    comparisonKind = "records per second uploaded : in bulk"
	byBacklog  comparisonKind = "p95 while a backlog is worked on : while none is"
)

// compare adds the ratio of the rates of two figures, if there are both.
func (r *results) compare(kind comparisonKind, name, where string, a, b *figure) {
	if a != nil && b != nil && a != b {
		r.Comparisons = append(r.Comparisons, comparison{kind, name, where, ratio(a.Rates, b.Rates)})
	}
}

// conclude works out the comparisons and the targets.
func (r *results) conclude() {
	used := append([]string{nameCreate}, lookups...)
	for _, name := range used {
		for _, database := range []string{sqlite, postgres} {
			var all []*figure // the fewest users first
			for _, f := range r.named(name) {
				if f.Database == database {
					all = append(all, f)
				}
			}
			if len(all) > 0 {
				last := all[len(all)-1]
				r.compare(bySize, name, last.where(), last, all[0])
			}
		}
	}
	for _, name := range append(used, namePatch) {
		for _, f := range r.named(name) {
			if f.Database == postgres {
				r.compare(byDatabase, name, short(f.Users), f, r.find(name, sqlite, f.Users))
			}
		}
	}
	for _, f := range r.named(nameBulk) {
		for _, single := range []string{nameCreate1, nameCreate} {
			r.compare(byBulk, "bulk : "+single, f.where(), f, r.find(single, f.Database, f.Users))
		}
	}
	for _, name := range []string{nameAddMember, nameRemoveMember, nameGetGroup, nameFollow} {
		r.compareGroups(name)
	}
	for _, f := range r.named(nameWorked) {
		r.compare(byQueue, nameWorked, f.where(), f, r.find(nameBulk, f.Database, f.Users))
	}
	for _, f := range r.named(nameAccepts) {
		if quiet := r.find(nameAccept, f.Database, f.Users); quiet != nil {
			r.Comparisons = append(r.Comparisons, comparison{byBacklog, nameAccepts, f.where(), float64(f.P95) / float64(quiet.P95)})
		}
	}
	r.Targets = r.targets()
}

// compareGroups compares the time for one request to the largest group with
// that to the smallest.
func (r *results) compareGroups(name string) {
	for _, database := range []string{sqlite, postgres} {
		var all []*figure
		for _, f := range r.named(name) {
			if f.Database == database {
				all = append(all, f)
			}
		}
		if len(all) > 0 {
			last := all[len(all)-1]
			r.compare(byMembers, name, last.where(), all[0], last)
		}
	}
}
