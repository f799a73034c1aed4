package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/internal/directory"
)

// MappingSimulateCmd works rules out over everybody of a source.
type MappingSimulateCmd struct {
	app.Switches
	oneSource
	File  string `arg:"" optional:"" type:"path" help:"File with the rules as JSON (default: those that the source has)."`
	Names int    `default:"20" placeholder:"N" help:"How many people to name."`
	CSV   string `name:"csv" placeholder:"FILE" help:"Write everybody for whom it makes a difference to this file (- for standard output)."`
}

// Run fulfils kong.
func (c *MappingSimulateCmd) Run(p *program) (err error) {
	var document []byte
	if c.File != "" {
		if document, err = os.ReadFile(c.File); err != nil {
			return err
		}
	}
	return p.withSwitches(c.Switches, c.Tenant, func(d *directory.Directory, a directory.Actor) (err error) {
		s, err := d.Source(p.ctx, c.Tenant, c.Name)
		if err != nil {
			return err
		}
		x := &simulationSum{attributes: map[string]int64{}, products: map[string]directory.ProductImpact{}, names: c.Names}
		if c.CSV != "" {
			file, done, err := p.create(c.CSV)
			if err != nil {
				return err
			}
			x.csv = csvrecords.NewWriter(file)
			defer func() { err = errors.Join(err, done()) }()
			if err := x.csv.Write([]string{"what", "externalId", "display", "user", "attributes", "groups", "code", "detail"}); err != nil {
				return err
			}
		}
		for after := int64(0); ; {
			part, err := d.Simulate(p.ctx, a, s.PublicID, document, after, directory.MaxSimulated)
			if err != nil {
				return err
			}
			if err := x.add(part); err != nil {
				return err
			}
			if after = part.Next; after == 0 {
				break
			}
			fmt.Fprintf(p.stderr, "%d people so far.\n", x.total.People)
		}
		out := p.stdout
		if c.CSV == "-" {
			out = p.stderr
		}
		return x.print(out)
	})
}

// simulationSum adds the answers of a simulation up.
type simulationSum struct {
	total      directory.Simulation
	attributes map[string]int64
	products   map[string]directory.ProductImpact
	names      int
	csv        *csvrecords.Writer // nil for none
}

func (x *simulationSum) add(part directory.Simulation) error {
	t := &x.total
	for to, n := range map[*int64]int64{
		&t.People: part.People, &t.InScope: part.InScope, &t.ComeIn: part.ComeIn, &t.Leave: part.Leave, &t.Change: part.Change, &t.Fail: part.Fail,
		&t.Warn: part.Warn, &t.Unchanged: part.Unchanged, &t.Memberships: part.Memberships, &t.Revoked: part.Revoked,
	} {
		*to += n
	}
	for path, n := range part.Attributes {
		x.attributes[path] += n
	}
	for _, lost := range part.Products {
		lost.People += x.products[lost.ID].People
		x.products[lost.ID] = lost
	}
	for _, one := range part.Named {
		if len(t.Named) < x.names {
			t.Named = append(t.Named, one)
		}
		if x.csv == nil {
			continue
		}
		err := x.csv.Write([]string{one.What, one.ExternalID, one.Display, one.User, strings.Join(one.Attributes, " "), strings.Join(one.Groups, " "), one.Code, one.Detail})
		if err != nil {
			return err
		}
	}
	if x.csv == nil {
		return nil
	}
	return x.csv.Flush()
}

func (x *simulationSum) print(out io.Writer) error {
	t := x.total
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "people\t%d\nin scope\t%d\ncome in\t%d\nleave\t%d\nchange\t%d\nfail\t%d\nwarnings\t%d\nunchanged\t%d\nmemberships that end\t%d\nitems taken away\t%d\n",
		t.People, t.InScope, t.ComeIn, t.Leave, t.Change, t.Fail, t.Warn, t.Unchanged, t.Memberships, t.Revoked)
	for _, path := range slices.Sorted(maps.Keys(x.attributes)) {
		fmt.Fprintf(w, "attribute %s\t%d\n", path, x.attributes[path])
	}
	lost := slices.SortedFunc(maps.Values(x.products), func(a, b directory.ProductImpact) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	for _, p := range lost {
		fmt.Fprintf(w, "product %s\t%d\n", p.Name, p.People)
	}
	if len(t.Named) > 0 {
		fmt.Fprintln(w, "\nWHAT\tEXTERNAL ID\tNAME\tUSER\tATTRIBUTES\tCODE")
	}
	for _, one := range t.Named {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", cmp.Or(one.What, "warns"), one.ExternalID, one.Display, orDash(one.User), orDash(strings.Join(one.Attributes, " ")), orDash(one.Code))
	}
	return w.Flush()
}
