package main

import (
	"fmt"
	"time"
)

// target is one of the speeds that Workspace is to reach, and the worst figure
// that it has reached in this run. It informs: what a machine is slow at, or
// what isn't measured at the size that the target is about, is for a person to
// judge.
type target struct {
	Name    string
	Want    string
	Reached string // "" if it wasn't measured
	Where   string
	Met     bool
}

// value is a figure that a target is about.
type value struct {
	v     float64
	where string
}

// atLeast is a target that the least of the values must reach.
func atLeast(name, format string, want float64, values []value) target {
	t := target{Name: name, Want: "≥ " + fmt.Sprintf(format, want)}
	return t.judge(format, values, func(a, b float64) bool { return a < b }, func(v float64) bool { return v >= want })
}

// atMost is a target that the greatest of the values must not exceed.
func atMost(name, format string, want float64, values []value) target {
	t := target{Name: name, Want: "≤ " + fmt.Sprintf(format, want)}
	return t.judge(format, values, func(a, b float64) bool { return a > b }, func(v float64) bool { return v <= want })
}

func (t target) judge(format string, values []value, worse func(a, b float64) bool, met func(float64) bool) target {
	if len(values) == 0 {
		return t
	}
	worst := values[0]
	for _, v := range values[1:] {
		if worse(v.v, worst.v) {
			worst = v
		}
	}
	t.Reached, t.Where, t.Met = fmt.Sprintf(format, worst.v), worst.where, met(worst.v)
	return t
}

// usual is the number of users that the targets for lists, memory and start are
// about; figures with more don't count.
const usual = 100_000

// targets are those of the project.
func (r *results) targets() []target {
	floor := func(f *figure) float64 { return f.Ratio }
	cpu := func(f *figure) float64 { return ms(f.CPU) }
	rate := func(f *figure) float64 { return f.Rate }
	return []target{
		atLeast("durable creates by many clients, of their floor", "%.2f", .4, r.figures(floor, nameCreate)),
		atLeast("look-ups, of their floor", "%.2f", .5, r.figures(floor, lookups...)),
		atMost("adding one member, largest group : smallest", "%.2f", 1.3, r.ratios(byMembers, nameAddMember)),
		atMost("adding one member that 5 items follow, largest group : smallest", "%.2f", 1.3, r.ratios(byMembers, nameFollow)),
		atMost("s for the first comparison of an item, up to 100k members", "%.1f", 10, r.comparisons(func(f *figure) float64 { return f.P50.Seconds() })),
		atMost("resident MB meanwhile", "%.0f", 150, r.comparisons(func(f *figure) float64 { return mb(f.Memory) })),
		atMost("ms for a compatibility map of 100 products, up to 100k users, SQLite", "%.0f", 2000, r.maps()),
		atMost("ms to accept 50 uploaded records, p95", "%.0f", 600, r.figures(func(f *figure) float64 { return ms(f.P95) }, nameAccept, nameAccepts)),
		atLeast("uploaded records worked on : creates in bulk", "%.2f", .6, r.ratios(byQueue, nameWorked)),
		atLeast("creates, most users : fewest", "%.2f", .7, r.ratios(bySize, nameCreate)),
		atLeast("look-ups, most users : fewest", "%.2f", .7, r.ratios(bySize, lookups...)),
		atMost("GET group without members, largest group : smallest", "%.2f", 1.3, r.ratios(byMembers, nameGetGroup)),
		atLeast("list by cursor, users per second", "%.0f", 15_000, r.figures(rate, nameByCursor)),
		atMost("list by index, pages at the end : at the beginning", "%.2f", 1.3,
			r.figures(func(f *figure) float64 { return f.Flat }, nameByIndex)),
		atLeast("creates in bulk : one by one by one client", "%.1f", 5, r.ratios(byBulk, "bulk : "+nameCreate1)),
		atMost("CPU ms for a user loaded in bulk", "%.2f", .6, r.servers(func(f facts) float64 { return ms(f.LoadCPU) })),
		atMost("CPU ms for a PATCH", "%.2f", .6, r.figures(cpu, namePatch)),
		atMost("CPU ms for a create", "%.2f", .6, r.figures(cpu, nameCreate)),
		atMost("CPU ms for a look-up", "%.2f", .6, r.figures(cpu, lookups...)),
		atLeast("creates, PostgreSQL : SQLite", "%.2f", .5, r.ratios(byDatabase, nameCreate)),
		atLeast("PATCHes, PostgreSQL : SQLite", "%.2f", .5, r.ratios(byDatabase, namePatch)),
		atLeast("look-ups, PostgreSQL : SQLite", "%.2f", .5, r.ratios(byDatabase, lookups...)),
		atMost("resident MB after loading", "%.0f", 150, r.servers(func(f facts) float64 { return mb(f.Memory) })),
		atMost("ms until ready", "%.0f", 1000, r.servers(func(f facts) float64 { return ms(f.Ready) })),
		atMost("ms until ready after kill -9", "%.0f", 2000, r.servers(func(f facts) float64 { return ms(f.Recovered) })),
		atMost("ms until one change in AD is in Workspace, p95", "%.0f", 100, r.increments(func(c increment) time.Duration { return c.There95 })),
		atMost("ms of them that the agent adds to DirSync, p95", "%.0f", 100, r.increments(func(c increment) time.Duration { return c.Added95 })),
		atMost("MB of the AD agent, up to 10k users", "%.0f", 64, r.agents(func(f *adFigures) bool { return f.Users <= 10_000 })),
		atMost("MB of the AD agent, up to 100k users", "%.0f", 96, r.agents(func(f *adFigures) bool { return f.Users > 10_000 && f.Users <= usual })),
		atMost("SCIM writes of idle polls", "%.0f", 0, r.idleWrites()),
		atMost("answered creates lost by kill -9", "%.0f", 0, r.servers(func(f facts) float64 { return float64(f.Forgotten) })),
	}
}

// figures gives what of takes from the figures with these names; those of lists
// up to the usual size.
func (r *results) figures(of func(*figure) float64, names ...string) []value {
	var out []value
	for _, f := range r.named(names...) {
		if f.Users > usual && (f.Name == nameByCursor || f.Name == nameByIndex) {
			continue
		}
		where := f.where()
		if len(names) > 1 {
			where += ", " + f.Name
		}
		out = append(out, value{of(f), where})
	}
	return out
}

// maps gives how long maps of the usual size took on SQLite, with the users whom
// other scenarios added.
func (r *results) maps() []value {
	var out []value
	for _, f := range r.named(nameMap) {
		if f.Users < 2*usual && f.Database == sqlite {
			out = append(out, value{ms(f.P50), f.where()})
		}
	}
	return out
}

// comparisons gives what of takes from the comparisons of items with groups of up
// to the usual size.
func (r *results) comparisons(of func(*figure) float64) []value {
	var out []value
	for _, f := range r.named(nameReconcile) {
		if f.Members <= usual {
			out = append(out, value{of(f), f.where()})
		}
	}
	return out
}

// ratios gives the comparisons of a kind with these names.
func (r *results) ratios(kind comparisonKind, names ...string) []value {
	var out []value
	for _, name := range names {
		for _, c := range r.Comparisons {
			if c.Kind == kind && c.Name == name {
				out = append(out, value{c.Ratio, c.Where})
			}
		}
	}
	return out
}

// servers gives what of takes from the facts about servers of the usual size.
func (r *results) servers(of func(facts) float64) []value {
	var out []value
	for _, f := range r.Servers {
		if f.Users <= usual {
			out = append(out, value{of(f), f.Database + " " + short(f.Users)})
		}
	}
	return out
}

// increments gives what of takes from the increments of one change.
func (r *results) increments(of func(increment) time.Duration) []value {
	var out []value
	for _, f := range r.AD {
		for _, c := range f.Increments {
			if c.Changes == 1 {
				out = append(out, value{ms(of(c)), f.where() + ", " + c.Name})
			}
		}
	}
	return out
}

// agents gives the peaks of memory of workspace-ad, where.
func (r *results) agents(where func(*adFigures) bool) []value {
	var out []value
	for _, f := range r.AD {
		if where(&f) {
			out = append(out, value{mb(max(f.InitialPeak, f.ResyncPeak)), f.where()})
		}
	}
	return out
}

func (r *results) idleWrites() []value {
	var out []value
	for _, f := range r.AD {
		out = append(out, value{float64(f.IdleWrites), f.where()})
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mb(bytes int64) float64 { return float64(bytes) / (1 << 20) }
