package runner

import (
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// report tells the server what became of objects: what is well again only if it
// had a problem. The server is asked about these objects alone, and about none
// as long as the source has no problem at all.
func (c *cycle) report() error {
	if len(c.reports) == 0 {
		return nil
	}
	if c.healthy == nil {
		some, err := c.control.HasProblems(c.ctx, c.Source)
		if err != nil {
			return err
		}
		healthy := !some
		c.healthy = &healthy
	}
	anchors := slices.Sorted(maps.Keys(c.reports))
	known := map[string][]string{} // codes by anchor
	if !*c.healthy {
		problems, err := c.control.ProblemsOf(c.ctx, c.Source, anchors)
		if err != nil {
			return err
		}
		for _, p := range problems {
			known[p.Anchor] = append(known[p.Anchor], p.Code)
		}
	}
	var all []scimclient.Report
	for _, anchor := range anchors {
		r, was := c.reports[anchor], known[anchor]
		if len(was) > 0 && !slices.Equal(was, []string{r.Code}) {
			all = append(all, scimclient.Report{Anchor: anchor}) // of other codes
		}
		if r.Code != "" {
			all = append(all, r)
			*c.healthy = false
		}
	}
	c.reports = map[string]scimclient.Report{}
	return c.control.ReportObjects(c.ctx, c.run.ID, all)
}

// maxReports is how many reports wait in memory.
const maxReports = 2000

func (c *cycle) roomForReports() error {
	if len(c.reports) < maxReports {
		return nil
	}
	return c.report()
}
