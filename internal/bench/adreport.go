package main

import (
	"fmt"
	"io"
	"slices"
)

func (r *results) printAD(w io.Writer) {
	fmt.Fprintf(w, "### Active Directory\n\nOne Samba, one server and one agent; a group of %d for every %d users. DirSync alone is what the agent asks for, read and forgotten. "+
		"The times of workspace-ad once and resync are from the start of the process to its end. CPU is for each user, DirSync's that of who reads.\n\n",
		membersPerGroup, usersPerGroup)
	var rows [][]string
	for _, f := range r.AD {
		idle := slices.Sorted(slices.Values(f.Idle))
		rows = append(rows, []string{
			short(f.Users), f.Database, fmt.Sprintf("%.0f", f.Floor), fmt.Sprintf("%.3f", ms(f.FloorCPU)),
			fmt.Sprintf("%.0f", f.Initial), fmt.Sprintf("%.2f", f.Ratio), fmt.Sprintf("%.3f", ms(f.AgentCPU)), fmt.Sprintf("%.3f", ms(f.ServerCPU)),
			fmt.Sprintf("%.1f", f.Resync.Seconds()), fmt.Sprintf("%.0f", mb(f.InitialPeak)), fmt.Sprintf("%.0f", mb(f.ResyncPeak)), fmt.Sprintf("%.0f", mb(f.PollPeak)),
			fmt.Sprintf("%.0f", ms(percentile(idle, .5))), fmt.Sprintf("%d of %d", f.IdleWrites, len(idle)),
		})
	}
	table(w, []string{"users", "database", "DirSync alone, per s", "CPU ms", "initial cycle, per s", "of DirSync", "agent's CPU ms", "server's CPU ms",
		"again, s", "MB initial", "MB again", "MB polling", "idle poll ms", "SCIM writes of idle polls"}, rows)

	fmt.Fprint(w, "Increments: times in milliseconds. Both keep their connections. DirSync alone is to read the same changes; in Workspace is the time from the beginning of the poll "+
		"until all changes can be read there; added is how much longer that took than DirSync in the same round.\n\n")
	rows = nil
	for _, f := range r.AD {
		for _, c := range f.Increments {
			rows = append(rows, []string{
				short(f.Users), f.Database, c.Name, short(c.Changes), fmt.Sprint(c.Rounds), fmt.Sprintf("%.1f", ms(c.Floor)),
				fmt.Sprintf("%.1f", ms(c.There50)), fmt.Sprintf("%.1f", ms(c.There95)),
				fmt.Sprintf("%.1f", ms(c.Added50)), fmt.Sprintf("%.1f", ms(c.Added95)), fmt.Sprintf("%.1f", ms(c.Poll)),
			})
		}
	}
	table(w, []string{"users", "database", "what", "changes", "rounds", "DirSync alone p50", "in Workspace p50", "p95", "added p50", "p95", "poll p50"}, rows)
}
