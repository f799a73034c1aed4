package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// print writes the results as Markdown.
func (r *results) print(w io.Writer) {
	fmt.Fprintf(w, "Measured on %s.\n\n", r.Machine)
	if len(r.Figures) > 0 {
		r.printFigures(w)
		r.printGroups(w)
		r.printServers(w)
		r.printComparisons(w)
	}
	if len(r.AD) > 0 {
		r.printAD(w)
	}
	r.printTargets(w)
}

func (r *results) printFigures(w io.Writer) {
	fmt.Fprint(w, "### Users\n\nTimes are in milliseconds, of a whole request; CPU is the server's for each of what is counted per second; "+
		"end : begin is the time of the last pages to that of the first.\n\n")
	var rows [][]string
	for _, f := range r.Figures {
		if f.Members > 0 {
			continue
		}
		rows = append(rows, append([]string{f.Name, f.Database, short(f.Users)},
			append(f.cells(), number(f.Floor, "%.0f"), number(f.Ratio, "%.2f"), number(f.Flat, "%.2f"))...))
	}
	table(w, []string{"what", "database", "users", "clients", "per s", "p50", "p95", "p99", "CPU ms", "floor per s", "of floor", "end : begin"}, rows)
}

func (f *figure) cells() []string {
	return []string{
		fmt.Sprint(f.Clients), fmt.Sprintf("%.0f", f.Rate), fmt.Sprintf("%.2f", ms(f.P50)),
		fmt.Sprintf("%.2f", ms(f.P95)), fmt.Sprintf("%.2f", ms(f.P99)), fmt.Sprintf("%.3f", ms(f.CPU)),
	}
}

func (r *results) printGroups(w io.Writer) {
	fmt.Fprint(w, "### Groups\n\n")
	var rows [][]string
	for _, f := range r.Figures {
		if f.Members > 0 {
			rows = append(rows, append([]string{f.Name, f.Database, short(f.Members)}, f.cells()...))
		}
	}
	table(w, []string{"what", "database", "members", "clients", "per s", "p50", "p95", "p99", "CPU ms"}, rows)
}

func (r *results) printServers(w io.Writer) {
	fmt.Fprint(w, "### Servers\n\nUsers were loaded through /Bulk, 1,000 at a time by four clients. "+
		"Ready is the time from the start of the process until /readyz answers 200.\n\n")
	var rows [][]string
	for _, f := range r.Servers {
		rows = append(rows, []string{
			f.Database, short(f.Users), fmt.Sprintf("%.0f", f.Load), fmt.Sprintf("%.3f", ms(f.LoadCPU)),
			fmt.Sprintf("%.0f", mb(f.Memory)), fmt.Sprintf("%.0f", mb(f.Peak)),
			fmt.Sprintf("%.0f", ms(f.Ready)), fmt.Sprintf("%.0f", ms(f.Recovered)), fmt.Sprint(f.Kept), fmt.Sprint(f.Forgotten),
		})
	}
	table(w, []string{"database", "users", "loaded per s", "CPU ms a user", "MB after", "MB at most", "ready ms",
		"after kill -9", "answered creates kept", "lost"}, rows)
}

func (r *results) printComparisons(w io.Writer) {
	fmt.Fprint(w, "### Comparisons\n\n")
	var rows [][]string
	for _, c := range r.Comparisons {
		rows = append(rows, []string{string(c.Kind), c.Name, c.Where, fmt.Sprintf("%.2f", c.Ratio)})
	}
	table(w, []string{"ratio", "what", "where", "value"}, rows)
}

func (r *results) printTargets(w io.Writer) {
	fmt.Fprint(w, "### Targets\n\n")
	var rows [][]string
	for _, t := range r.Targets {
		met := "no"
		switch {
		case t.Reached == "":
			met = "not measured"
		case t.Met:
			met = "yes"
		}
		rows = append(rows, []string{t.Name, t.Want, t.Reached, t.Where, met})
	}
	table(w, []string{"target", "wanted", "reached at worst", "where", "met"}, rows)
}

// number writes a figure, and nothing for one that is missing.
func number(v float64, format string) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf(format, v)
}

// table writes a Markdown table whose source is aligned too.
func table(w io.Writer, header []string, rows [][]string) {
	width := make([]int, len(header))
	for _, row := range append(rows, header) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(cells []string) {
		for i, cell := range cells {
			fmt.Fprintf(w, "| %s%s ", cell, strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)))
		}
		fmt.Fprintln(w, "|")
	}
	line(header)
	for i := range header {
		fmt.Fprintf(w, "|%s", strings.Repeat("-", width[i]+2))
	}
	fmt.Fprintln(w, "|")
	for _, row := range rows {
		line(row)
	}
	fmt.Fprintln(w)
}
