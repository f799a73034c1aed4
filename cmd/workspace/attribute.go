package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/schema"
)

// AttributeCmd manages a tenant's custom attributes of users.
type AttributeCmd struct {
	Add  AttributeAddCmd  `cmd:"" help:"Declare a custom attribute, for good."`
	List AttributeListCmd `cmd:"" help:"List the custom attributes."`
}

// customTypes are the types that a custom attribute may have (RFC 7643 §2.3).
var customTypes = []schema.Type{schema.String, schema.Boolean, schema.Decimal, schema.Integer, schema.DateTime}

// AttributeAddCmd declares a custom attribute (row E095). One that is there stays
// as it is.
type AttributeAddCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	Name   string `arg:"" help:"urn:ietf:params:scim:schemas:extension:NAME:2.0:User:ATTRIBUTE, with two names of your own."`
	Type   string `placeholder:"TYPE" enum:"string,boolean,decimal,integer,dateTime" default:"string" help:"string, boolean, decimal, integer or dateTime (default ${default})."`
}

// Run fulfils kong.
func (c *AttributeAddCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		at := max(strings.LastIndexByte(c.Name, ':'), 0)
		attribute := schema.Custom{URN: c.Name[:at], Name: strings.TrimPrefix(c.Name[at:], ":")}
		for _, t := range customTypes {
			if t.String() == c.Type {
				attribute.Type = t
			}
		}
		return d.DeclareAttributes(p.ctx, a, []schema.Custom{attribute})
	})
}

// AttributeListCmd lists the custom attributes.
type AttributeListCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
}

// Run fulfils kong.
func (c *AttributeListCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		set, err := d.Schema(p.ctx, a.Tenant)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "TYPE\tATTRIBUTE")
		for _, extension := range set.User.Extensions {
			if !schema.CustomURN(extension.URN) {
				continue
			}
			for _, attribute := range extension.Subs {
				fmt.Fprintf(w, "%s\t%s\n", attribute.Type, attribute.Path)
			}
		}
		return w.Flush()
	})
}
