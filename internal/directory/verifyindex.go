package directory

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// strays tells of links to resources that aren't there.
func (c *checker) strays() error {
	const most = 1000
	all, err := c.r.StrayLinks(c.source.Tenant, most)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Source != c.source.ID {
			continue
		}
		c.bad, c.subjects = c.bad+1, c.subjects+1
		name := l.ExternalID
		if name == "" {
			name = l.Anchor
		}
		err := c.tell(Discrepancy{Kind: Missing, Source: c.source.PublicID, Expected: name, Detail: "The source asserts it, and there is no such resource."})
		if err != nil {
			return err
		}
	}
	return nil
}

// totals compares the counters of the views with what they show.
func (c *checker) totals(tallies []store.Tally) error {
	for _, t := range tallies {
		walked := c.walked[store.Tally{Source: t.Source, Kind: t.Kind}]
		delete(c.walked, store.Tally{Source: t.Source, Kind: t.Kind})
		if err := c.total(t, walked); err != nil {
			return err
		}
	}
	left := slices.SortedFunc(maps.Keys(c.walked), func(a, b store.Tally) int { return int(a.Source-b.Source)*8 + int(a.Kind-b.Kind) })
	for _, t := range left {
		if err := c.total(t, c.walked[t]); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) total(t store.Tally, walked int64) error {
	if t.Source != 0 && t.Source != c.source.ID || t.Counter == t.Rows && t.Rows == walked {
		return nil
	}
	source := ""
	if t.Source != 0 {
		source = c.source.PublicID
	}
	return c.tell(Discrepancy{
		Kind: Count, Source: source, Attribute: kindNames[t.Kind], Stored: fmt.Sprint(t.Counter), Expected: fmt.Sprint(walked),
		Detail: fmt.Sprintf("The view is counted to have %d, has %d rows, and %d resources were passed.", t.Counter, t.Rows, walked),
	})
}

// indexCheck compares the index rows that documents should have with those that
// are there, whatever their order: by sums of their hashes, in buckets by
// resource, so that only the buckets that differ have to be looked at again.
type indexCheck struct {
	seeds  [2]maphash.Seed
	wanted [indexBuckets][2]uint64
}

const indexBuckets = 4096

func newIndexCheck() *indexCheck {
	return &indexCheck{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
}

func bucketOf(rid int64) int { return int(uint64(rid) % indexBuckets) }

func (x *indexCheck) add(to *[indexBuckets][2]uint64, row store.IndexRow) {
	b := bucketOf(row.RID)
	for i, seed := range x.seeds {
		to[b][i] += maphash.Comparable(seed, row)
	}
}

// expectResource adds the rows of a resolved document. A deleted resource has
// none.
func (x *indexCheck) expectResource(r store.Loaded, doc *document.Object) {
	for _, row := range resourceRows(r, doc) {
		x.add(&x.wanted, row)
	}
}

func resourceRows(r store.Loaded, doc *document.Object) []store.IndexRow {
	if r.State == store.Deleted || r.State == store.Purged {
		return nil
	}
	return indexRowsOf(r.RID, 0, doc)
}

func indexRowsOf(rid, view int64, doc *document.Object) []store.IndexRow {
	var out []store.IndexRow
	for _, k := range document.Keys(doc) {
		out = append(out, store.IndexRow{Attr: k.Attr, Key: k.Text, RID: rid, View: view})
	}
	return out
}

// expectLink adds the rows of a live link's own document.
func (x *indexCheck) expectLink(t *schema.ResourceType, l store.Link) error {
	rows, err := linkRows(t, l)
	for _, row := range rows {
		x.add(&x.wanted, row)
	}
	return err
}

func linkRows(t *schema.ResourceType, l store.Link) ([]store.IndexRow, error) {
	if !l.Own || !l.State.Live() {
		return nil, nil
	}
	doc, err := document.MustDecode(t, l.Doc)
	if err != nil {
		return nil, err
	}
	return indexRowsOf(l.RID, l.Source, doc), nil
}

// maxBadBuckets is how many buckets are looked into, so that memory is bounded.
const maxBadBuckets = 64

// indexed reads all index rows, and finds those that shouldn't be there or are
// missing.
func (c *checker) indexed() error {
	var is [indexBuckets][2]uint64
	if err := c.r.IndexRows(c.source.Tenant, func(row store.IndexRow) error { c.index.add(&is, row); return nil }); err != nil {
		return err
	}
	bad := map[int]bool{}
	for b := range is {
		if is[b] != c.index.wanted[b] && len(bad) < maxBadBuckets {
			bad[b] = true
		}
	}
	if len(bad) == 0 {
		return nil
	}
	rows := map[store.IndexRow]string{} // what should be there and isn't, with the ids of the resources
	ids := map[int64]string{}
	err := walk(c.ctx, c.r, c.source.Tenant, func(x store.Loaded) error {
		if !bad[bucketOf(x.RID)] {
			return nil
		}
		ids[x.RID] = x.ID
		t := c.set.OfKind(x.Kind)
		doc, err := document.MustDecode(t, x.Doc)
		if err != nil {
			return err
		}
		all := resourceRows(x, doc)
		for _, l := range x.Links {
			own, err := linkRows(t, l)
			if err != nil {
				return err
			}
			all = append(all, own...)
		}
		for _, row := range all {
			rows[row] = x.ID
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = c.r.IndexRows(c.source.Tenant, func(row store.IndexRow) error {
		if !bad[bucketOf(row.RID)] {
			return nil
		}
		if _, ok := rows[row]; ok {
			delete(rows, row)
			return nil
		}
		return c.tellIndex(row, ids[row.RID], "An index row that no document has.")
	})
	if err != nil {
		return err
	}
	for row, id := range rows {
		if err := c.tellIndex(row, id, "A value is missing in the index: filters don't find it."); err != nil {
			return err
		}
	}
	return nil
}

// tellIndex tells of a row of the resolved view or of the source's.
func (c *checker) tellIndex(row store.IndexRow, id, detail string) error {
	if row.View != 0 && row.View != c.source.ID {
		return nil
	}
	return c.tell(Discrepancy{Kind: Index, Subject: id, Attribute: c.attributeOf(row.Attr), Stored: row.Key, Detail: detail})
}

func (c *checker) attributeOf(index int) string {
	for _, t := range c.set.Types {
		if a := findIndex(t.Root, index); a != nil {
			return a.Path
		}
	}
	return fmt.Sprint(index)
}

func findIndex(a *schema.Attribute, index int) *schema.Attribute {
	if a.Index == index {
		return a
	}
	for _, s := range a.Subs {
		if found := findIndex(s, index); found != nil {
			return found
		}
	}
	return nil
}
