package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// TokenCmd manages credentials.
type TokenCmd struct {
	Add    TokenAddCmd    `cmd:"" help:"Add a token and print it, alone and this once, on standard output."`
	List   TokenListCmd   `cmd:"" help:"List the credentials of a tenant."`
	Revoke TokenRevokeCmd `cmd:"" help:"End a credential at once."`
}

// TokenAddCmd adds a credential.
type TokenAddCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	Source string `xor:"speaker" required:"" placeholder:"NAME" help:"The source that the token speaks for."`
	Admin  bool   `xor:"speaker" required:"" help:"A token that sees and changes the resolved view."`
	// Kind is bearer, pasted into the client, or secret, which buys access
	// tokens at /oauth2/token with the source's client_id.
	Kind string `placeholder:"KIND" enum:"bearer,secret" default:"bearer" help:"bearer, to paste into the client, or secret, the client secret of OAuth (default ${default})."`
	// Expires is days or a Go duration; 0 for ever.
	Expires lifetime `placeholder:"LIFE" default:"365d" help:"How long it lives, e.g. 90d or 12h; 0 for ever (default ${default})."`
	User    string   `placeholder:"ID" help:"Id of the user that /Me stands for."`
}

// Run fulfils kong.
func (c *TokenAddCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		secret, t, err := d.AddToken(p.ctx, p.by(), directory.TokenSpec{
			Tenant: c.Tenant, Source: c.Source, Admin: c.Admin, Kind: store.TokenKind(c.Kind),
			Expires: time.Duration(c.Expires), User: c.User,
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, secret)
		if t.ExpiresAt.IsZero() {
			fmt.Fprintf(p.stderr, "Token %s… is shown this once and doesn't expire.\n", t.Prefix)
		} else {
			fmt.Fprintf(p.stderr, "Token %s… is shown this once and expires on %s.\n", t.Prefix, day(t.ExpiresAt))
		}
		return nil
	})
}

// TokenListCmd lists the credentials of a tenant.
type TokenListCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	All    bool   `help:"Also list the access tokens of OAuth."`
}

// Run fulfils kong.
func (c *TokenListCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		tokens, err := d.Tokens(p.ctx, c.Tenant)
		if err != nil {
			return err
		}
		names, err := sourceNames(p, d, c.Tenant)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tPREFIX\tKIND\tSOURCE\tSTATE\tCREATED\tEXPIRES\tLAST USED\tUSER")
		for _, t := range tokens {
			if t.Kind == store.TokenAccess && !c.All {
				continue
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Prefix, t.Kind, names[t.Source], state(t),
				day(t.CreatedAt), day(t.ExpiresAt), minute(t.LastUsedAt), orDash(t.Subject))
		}
		return w.Flush()
	})
}

// sourceNames gives the names of a tenant's sources by id, and "admin" for 0.
func sourceNames(p *program, d *directory.Directory, tenant string) (map[int64]string, error) {
	sources, err := d.Sources(p.ctx, tenant)
	if err != nil {
		return nil, err
	}
	names := map[int64]string{0: "admin"}
	for _, s := range sources {
		names[s.ID] = s.Name
	}
	return names, nil
}

func state(t store.Token) string {
	switch {
	case !t.RevokedAt.IsZero():
		return "revoked"
	case !t.ExpiresAt.IsZero() && !time.Now().Before(t.ExpiresAt):
		return "expired"
	default:
		return "live"
	}
}

// TokenRevokeCmd ends a credential.
type TokenRevokeCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	Token  string `arg:"" help:"Its prefix (the first 8 characters) or its id, as token list shows them."`
}

// Run fulfils kong.
func (c *TokenRevokeCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		return d.RevokeToken(p.ctx, p.by(), c.Tenant, c.Token)
	})
}
