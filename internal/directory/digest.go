package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// SourceDigest stands for all that a source asserts (row H011). It is the same
// before and after whatever other sources do.
type SourceDigest struct {
	Source  string // its public id
	Name    string
	Links   int64 // ended ones included
	Members int64 // memberships
	// SHA256 is of the links, with their documents as the source asserted them,
	// and memberships, in the order of the resources' ids; without versions and
	// times, and without orders and items, which follow the directories. In hex.
	SHA256 string
}

// walkPage is how many resources are read at once to look at all of them.
const walkPage = 200

// Digests gives the digest of each of the tenant's sources, in the order in which
// they were added, from one snapshot. All that is stored is read, and little of
// it is kept in memory at a time. For administrators.
func (d *Directory) Digests(ctx context.Context, a Actor) ([]SourceDigest, error) {
	if err := onlyAdmins(a); err != nil {
		return nil, err
	}
	var out []SourceDigest
	err := d.store.View(ctx, func(r store.Reader) error {
		sources, err := r.Sources(a.Tenant.ID)
		if err != nil {
			return err
		}
		out = make([]SourceDigest, len(sources))
		g := digester{at: map[int64]*SourceDigest{}, sums: map[int64]hash.Hash{}}
		for i, s := range sources {
			out[i] = SourceDigest{Source: s.PublicID, Name: s.Name}
			g.at[s.ID], g.sums[s.ID] = &out[i], sha256.New()
		}
		err = walk(ctx, r, a.Tenant.ID, func(x store.Loaded) error { return g.add(r, x) })
		for id, x := range g.at {
			x.SHA256 = hex.EncodeToString(g.sums[id].Sum(nil))
		}
		return err
	})
	return out, err
}

// walk calls fn for each resource of a tenant, in any state.
func walk(ctx context.Context, r store.Reader, tenant int64, fn func(store.Loaded) error) error {
	for after := ""; ; {
		page, err := r.Walk(tenant, after, walkPage)
		if err != nil {
			return err
		}
		for _, x := range page {
			if err := fn(x); err != nil {
				return err
			}
			after = x.ID
		}
		if len(page) < walkPage {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

type digester struct {
	at   map[int64]*SourceDigest
	sums map[int64]hash.Hash
}

func (g digester) add(r store.Reader, x store.Loaded) error {
	if x.Kind == schema.Order || x.Kind == schema.Item {
		return nil // the rules write them: a line closes when a directory asserts the membership
	}
	for _, l := range x.Links {
		doc := x.Doc
		if l.Own {
			doc = l.Doc
		}
		if g.at[l.Source] == nil {
			continue // of a source that the tenant doesn't have: see Verify
		}
		g.at[l.Source].Links++
		fmt.Fprintf(g.sums[l.Source], "link %s %d %d %q %q %d\n", x.ID, x.Kind, l.State, l.ExternalID, l.Anchor, len(doc))
		g.sums[l.Source].Write(doc)
	}
	return r.MemberRows(x.Tenant, x.RID, func(m store.MemberRow) error {
		if g.at[m.Source] == nil {
			return nil
		}
		g.at[m.Source].Members++
		fmt.Fprintf(g.sums[m.Source], "member %s %s\n", x.ID, m.ID)
		return nil
	})
}
