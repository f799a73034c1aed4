package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
)

// cycle is how long a synchronisation takes to come by at most: Entra ID does
// every 40 minutes, an agent of Active Directory much sooner.
const cycle = 40 * time.Minute

const (
	defaultCycles = 3
	maxCycles     = 1000
)

// pendingExport is a membership that its directory has still to be told.
type pendingExport struct {
	Order   reference `json:"order"`
	User    reference `json:"user"`
	Group   reference `json:"group"`
	Source  origin    `json:"source"`
	Command string    `json:"command,omitempty"`
	WayOut  string    `json:"wayOut,omitempty"`
	Since   time.Time `json:"since"`
	Age     int64     `json:"age"` // seconds
	Overdue bool      `json:"overdue"`
}

// exportCount is how many wait for a source.
type exportCount struct {
	Source  origin    `json:"source"`
	Count   int64     `json:"count"`
	Overdue int64     `json:"overdue"`
	Oldest  time.Time `json:"oldest"`
}

// listExports gives what orders wait for, that of up to limit orders, and on the
// first page how many wait for each source.
func (s *Server) listExports(r *request) error {
	p, after, err := r.numbered()
	if err != nil {
		return err
	}
	n := defaultCycles
	if v := r.c.QueryParam("cycles"); v != "" {
		if n, err = strconv.Atoi(v); err != nil || n < 1 || n > maxCycles {
			return problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "cycles", Detail: "cycles is a number from 1 to 1000."}
		}
	}
	now, ctx := s.dir.Now(), r.c.Request().Context()
	overdue := now.Add(-time.Duration(n) * cycle)
	all, next, err := s.dir.PendingExports(ctx, r.actor, after, p.limit)
	if err != nil {
		return err
	}
	out := struct {
		Counts []exportCount `json:"counts,omitempty"`
		listing[pendingExport]
	}{listing: listing[pendingExport]{Items: []pendingExport{}}}
	for _, x := range all {
		out.Items = append(out.Items, showExport(x, now, overdue))
	}
	if next != 0 {
		if out.Next, err = cursorOf(strconv.FormatInt(next, 10)); err != nil {
			return err
		}
	}
	if after == 0 && len(all) > 0 {
		counts, err := s.dir.CountExports(ctx, r.actor, overdue)
		if err != nil {
			return err
		}
		for _, c := range counts {
			out.Counts = append(out.Counts, exportCount{Source: showOrigin(c.Source), Count: c.Count, Overdue: c.Overdue, Oldest: c.Oldest})
		}
	}
	return r.json(http.StatusOK, out)
}

func showExport(x directory.PendingExport, now, overdue time.Time) pendingExport {
	return pendingExport{
		Order: showRef(x.Order), User: showRef(x.User), Group: showRef(x.Group), Source: showOrigin(x.Source), Command: x.Command, WayOut: x.WayOut,
		Since: x.Since, Age: int64(now.Sub(x.Since) / time.Second), Overdue: x.Since.Before(overdue),
	}
}
