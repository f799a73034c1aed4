package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// SourceCmd manages the sources of a tenant.
type SourceCmd struct {
	Add       SourceAddCmd       `cmd:"" help:"Add a source to a tenant."`
	List      SourceListCmd      `cmd:"" help:"List the sources of a tenant."`
	Set       SourceSetCmd       `cmd:"" help:"Replace the policies of a source."`
	Enable    SourceEnableCmd    `cmd:"" help:"Let a disabled source speak again."`
	Disable   SourceDisableCmd   `cmd:"" help:"Refuse all credentials of a source; what it wrote stays."`
	Show      SourceShowCmd      `cmd:"" help:"Show a source with its mode, configuration and last run."`
	SetMode   SourceSetModeCmd   `cmd:"" help:"Switch a source to disabled, staging or active."`
	Pending   SourcePendingCmd   `cmd:"" help:"Print what a source in staging would have changed, as JSON lines."`
	Configure SourceConfigureCmd `cmd:"" help:"Write a new version of a source's configuration."`
	Limits    SourceLimitsCmd    `cmd:"" help:"Show how much a source may destroy without a person's word, or change it."`
	Federate  SourceFederateCmd  `cmd:"" help:"Let a workload of another issuer buy access tokens for a source (workload identity federation)."`
}

// oneSource names a source.
type oneSource struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	Name   string `required:"" placeholder:"NAME" help:"The source."`
}

// policies are the choices for a source; the default of each is off.
type policies struct {
	// Names is what happens to a user without first or last name.
	Names                 string `placeholder:"POLICY" enum:"accept,require,derive" default:"accept" help:"What to do with a user without first or last name: accept, require or derive (default ${default})."`
	Park                  bool   `help:"Keep an account that hits a manual one aside instead of refusing it."`
	MatchUsername         bool   `help:"Join users of other sources that have the same userName on a verified domain."`
	AnyDisables           bool   `help:"Let active:false of this source disable a user whose authority is another."`
	RequireVerifiedDomain bool   `help:"Refuse userNames outside the tenant's domains."`
	KnownAttributesOnly   bool   `help:"Ignore custom attributes that aren't declared, instead of declaring them on first use."`

	Trusts            []string `placeholder:"NAME" help:"Sources of the same kind whose users may be members of this source's groups; may be repeated."`
	MailEnabledGroups bool     `help:"Let orders use mail-enabled groups of Entra ID, whose members somebody then adds in Exchange."`

	Match            string `placeholder:"ATTRIBUTE" help:"By which attribute uploaded records are matched with users of the source (default externalId)."`
	ClearOmitted     bool   `help:"Let an uploaded record clear what it leaves out."`
	UploadOperations int    `placeholder:"N" help:"How many records one upload may have, up to 1000 (default 50)."`
	UploadCalls      int    `placeholder:"N" help:"How many uploads may come in five seconds (default 40)."`
}

func (c policies) stored() store.Policies {
	p := store.Policies{
		Names: c.Names, Park: c.Park, MatchUserName: c.MatchUsername, AnyDisables: c.AnyDisables,
		RequireVerifiedDomain: c.RequireVerifiedDomain, KnownAttributesOnly: c.KnownAttributesOnly,
		Trusts: c.Trusts, MailEnabledGroups: c.MailEnabledGroups,
		Match: c.Match, ClearOmitted: c.ClearOmitted, UploadOperations: c.UploadOperations, UploadCalls: c.UploadCalls,
	}
	if p.Names == "accept" {
		p.Names = "" // its default
	}
	return p
}

// SourceAddCmd adds a source.
type SourceAddCmd struct {
	oneSource
	Kind            string `required:"" placeholder:"KIND" enum:"entra,ad,api,peer" help:"Who writes: entra, ad, api or peer."`
	DirectoryDomain string `placeholder:"DOMAIN" help:"DNS name of the AD domain, or id of the Entra tenant, that this source owns."`
	policies
	Token bool `help:"Also add a bearer token that lives a year, and print it alone on standard output."`
}

// Run fulfils kong.
func (c *SourceAddCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		s, err := d.AddSource(p.ctx, p.by(), c.Tenant, directory.SourceSpec{
			Name: c.Name, Kind: store.SourceKind(c.Kind), DirectoryDomain: c.DirectoryDomain, Policies: c.policies.stored(),
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "Added source %s; its OAuth client_id is %s.\n", s.Name, s.PublicID)
		if !c.Token {
			return nil
		}
		secret, _, err := d.AddToken(p.ctx, p.by(), directory.TokenSpec{Tenant: c.Tenant, Source: s.Name, Expires: year})
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, secret)
		return nil
	})
}

// SourceListCmd lists the sources of a tenant.
type SourceListCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
}

// Run fulfils kong.
func (c *SourceListCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		all, err := d.Sources(p.ctx, c.Tenant)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tKIND\tMODE\tDIRECTORY DOMAIN\tCLIENT ID\tCREATED")
		for _, s := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.Kind, s.Mode, orDash(s.DirectoryDomain), s.PublicID, day(s.CreatedAt))
		}
		return w.Flush()
	})
}

// SourceSetCmd replaces the policies of a source: what isn't named goes back to
// its default.
type SourceSetCmd struct {
	oneSource
	policies
}

// Run fulfils kong.
func (c *SourceSetCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		return d.SetPolicies(p.ctx, p.by(), c.Tenant, c.Name, c.policies.stored())
	})
}

// SourceEnableCmd lets a source speak again.
type SourceEnableCmd struct{ oneSource }

// Run fulfils kong.
func (c *SourceEnableCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		return d.EnableSource(p.ctx, p.by(), c.Tenant, c.Name)
	})
}

// SourceDisableCmd refuses all credentials of a source.
type SourceDisableCmd struct{ oneSource }

// Run fulfils kong.
func (c *SourceDisableCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		return d.DisableSource(p.ctx, p.by(), c.Tenant, c.Name)
	})
}

// SourceFederateCmd pins what an assertion for a source must say; each value is
// shown by the issuer's portal.
type SourceFederateCmd struct {
	oneSource
	TenantID string `name:"tenant-id" required:"" placeholder:"UUID" help:"The issuer's tenant (tid)."`
	Audience string `required:"" placeholder:"AUD" help:"The audience (aud), e.g. api://<application id>."`
	Subject  string `required:"" placeholder:"SUB" help:"The subject (sub): the object id of the service principal."`
	Issuer   string `placeholder:"URL" help:"The issuer (iss). Default: Entra's of that tenant."`
	KeysURL  string `name:"keys-url" placeholder:"URL" help:"Where the issuer publishes its keys. Default: Entra's of that tenant."`
}

// Run fulfils kong.
func (c *SourceFederateCmd) Run(p *program) error {
	const entra = "https://login.microsoftonline.com/"
	f := store.Federation{
		Issuer: c.Issuer, TenantID: c.TenantID, Audience: c.Audience, Subject: c.Subject, KeysURL: c.KeysURL,
	}
	if f.Issuer == "" {
		f.Issuer = entra + c.TenantID + "/v2.0"
	}
	if f.KeysURL == "" {
		f.KeysURL = entra + c.TenantID + "/discovery/v2.0/keys"
	}
	return p.withDirectory(func(d *directory.Directory) error {
		return d.Federate(p.ctx, p.by(), c.Tenant, c.Name, f)
	})
}
