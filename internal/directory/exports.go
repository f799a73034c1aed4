package directory

import (
	"context"
	"time"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/store"
)

// PendingExport is a membership that was ordered and that the directory which
// owns the group has still to be told (row E082).
type PendingExport struct {
	Order, User, Group store.Ref // RID is the order's only
	Source             store.Source
	Command, WayOut    string // as of the order; Command is "" where there is none
	Since              time.Time
}

// ExportCount is how many wait for one source.
type ExportCount struct {
	Source store.Source
	Count  int64
	// Overdue are those that wait since before the time asked for.
	Overdue int64
	Oldest  time.Time
}

// PendingExports gives what orders wait for: those of at most limit orders, in
// the order of their creation behind a rid, and the rid to go on behind, 0 at the
// end.
func (d *Directory) PendingExports(ctx context.Context, a Actor, after int64, limit int) (all []PendingExport, next int64, err error) {
	if err := onlyAdmins(a); err != nil {
		return nil, 0, err
	}
	err = d.store.View(ctx, func(r store.Reader) error {
		all, next = nil, 0
		orders := 0
		err := d.waiting(r, a, after, limit, func(rid int64, of []PendingExport) {
			orders, next = orders+1, rid
			all = append(all, of...)
		})
		if orders < limit {
			next = 0
		}
		if err != nil {
			return err
		}
		return nameSources(r, a, all)
	})
	return all, next, err
}

// CountExports counts what waits for each source. Its cost follows what waits.
func (d *Directory) CountExports(ctx context.Context, a Actor, overdue time.Time) ([]ExportCount, error) {
	if err := onlyAdmins(a); err != nil {
		return nil, err
	}
	var out []ExportCount
	err := d.store.View(ctx, func(r store.Reader) error {
		out = nil
		index := map[int64]int{}
		for after := int64(0); ; {
			const page = 500
			var some []PendingExport
			orders := 0
			err := d.waiting(r, a, after, page, func(rid int64, of []PendingExport) {
				orders, after = orders+1, rid
				some = append(some, of...)
			})
			if err != nil {
				return err
			}
			if err := nameSources(r, a, some); err != nil {
				return err
			}
			for _, x := range some {
				i, known := index[x.Source.ID]
				if !known {
					i = len(out)
					index[x.Source.ID], out = i, append(out, ExportCount{Source: x.Source, Oldest: x.Since})
				}
				out[i].Count++
				if x.Since.Before(overdue) {
					out[i].Overdue++
				}
			}
			if orders < page {
				return nil
			}
		}
	})
	return out, err
}

// waiting calls row for orders with lines that wait for a directory.
func (d *Directory) waiting(r store.Reader, a Actor, after int64, limit int, row func(rid int64, of []PendingExport)) error {
	t := d.own.Order
	lines := t.Root.Sub("lines")
	q := store.Query{View: a.View(), Type: t, Limit: limit, After: &store.Position{RID: after},
		Filter: &filter.Compare{Attr: lines.Sub("state"), Op: ast.EQ, Text: LinePending}}
	_, err := r.List(q, func(rec *store.Record) error {
		doc, err := document.MustDecode(t, rec.Doc)
		if err != nil {
			return err
		}
		recipient := t.Root.Sub("recipient")
		user := store.Ref{ID: doc.Text(recipient.Value()), Display: doc.Text(recipient.Sub("display"))}
		var of []PendingExport
		for _, x := range objects(doc.Get(lines)) {
			text := func(name string) string {
				s, _ := x.Get(lines.Sub(name)).(string)
				return s
			}
			if text("state") == LinePending {
				of = append(of, PendingExport{Order: refTo(rec.Resource), User: user, Group: store.Ref{ID: text("value"), Display: text("display")},
					Command: text("command"), WayOut: text("wayOut"), Since: rec.CreatedAt})
			}
		}
		row(rec.RID, of)
		return nil
	})
	return err
}

// nameSources fills in who owns the groups now.
func nameSources(r store.Reader, a Actor, all []PendingExport) error {
	if len(all) == 0 {
		return nil
	}
	judge, err := newAssessor(r, a.Tenant.ID)
	if err != nil {
		return err
	}
	ids := make([]string, len(all))
	for i, x := range all {
		ids[i] = x.Group.ID
	}
	groups, err := r.Resources(a.Tenant.ID, ids)
	owner := map[string]int64{}
	for _, g := range groups {
		owner[g.ID] = g.Authority
	}
	for i, x := range all {
		all[i].Source = judge.sources[owner[x.Group.ID]]
	}
	return err
}
