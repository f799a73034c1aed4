package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/agent"
)

// CheckCmd tries both ends.
type CheckCmd struct{}

// mostSkew is how far this machine's clock may be from the server's before it is
// worth a word.
const mostSkew = time.Minute

// Run does the command: it prints what is found at each end, and fails if there
// is a fault at either.
func (c *CheckCmd) Run(p *program) error {
	faults := 0
	tell := func(end string, all []dirsync.Finding) {
		fmt.Fprintln(p.stdout, end)
		for _, f := range all {
			fmt.Fprintf(p.stdout, "  %-7s %s: %s\n", f.Severity, f.Code, f.Sentence)
			if f.WayOut != "" {
				fmt.Fprintf(p.stdout, "          %s\n", f.WayOut)
			}
			if f.Severity == dirsync.Fault {
				faults++
			}
		}
		if len(all) == 0 {
			fmt.Fprintln(p.stdout, "  nothing to say")
		}
	}
	tell("Directory", p.checkDirectory())
	tell("Workspace", p.checkServer())
	switch {
	case faults == 1:
		return errors.New("1 fault; nothing was changed")
	case faults > 1:
		return fmt.Errorf("%d faults; nothing was changed", faults)
	}
	fmt.Fprintln(p.stdout, "Both ends are ready.")
	return nil
}

// checkDirectory tries what the agent needs of the domain.
func (p *program) checkDirectory() []dirsync.Finding {
	if err := p.cli.Domain.Check(); err != nil {
		return []dirsync.Finding{{
			Severity: dirsync.Fault, Code: "configuration", Sentence: err.Error() + ".", WayOut: "Correct the flag or the configuration file.",
		}}
	}
	return dirsync.Preflight(p.ctx, p.cli.Directory())
}

// checkServer tries what the agent needs of the server: TLS, token, clock, and a
// configuration that it understands.
func (p *program) checkServer() []dirsync.Finding {
	fault := func(code string, err error, way string) []dirsync.Finding {
		return []dirsync.Finding{{Severity: dirsync.Fault, Code: code, Sentence: err.Error() + ".", WayOut: way}}
	}
	id, err := agent.LoadIdentity(p.cli.Identity)
	if err != nil {
		return fault("identity", err, "Enrol the agent with a code from workspace agent code.")
	}
	transport, err := scimclient.NewTransport(p.cli.CA)
	if err != nil {
		return fault("ca", err, "Give --ca a PEM file with certificates.")
	}
	client, err := scimclient.New(scimclient.Config{
		URL: id.URL, Token: func() string { return id.Token }, Transport: transport, UserAgent: "workspace-ad/" + version, Tries: 1,
	})
	if err != nil {
		return fault("serverURL", err, "")
	}
	source, err := client.Source(p.ctx, id.Source)
	var answer *scimclient.Error
	switch {
	case errors.As(err, &answer) && answer.Status == 401:
		return fault("token", err, "Enrol the agent again: its token was revoked or its tenant's synchronisation is off.")
	case err != nil:
		return fault("server", err, "Look at the server's address, the firewall, and --ca.")
	}
	found := []dirsync.Finding{{
		Severity: dirsync.Note, Code: "source", Sentence: fmt.Sprintf("The source is %q, of kind %s, in mode %s.", source.Name, source.Kind, source.Mode),
	}}
	if source.Mode == "disabled" {
		found = append(found, dirsync.Finding{
			Severity: dirsync.Warning, Code: "sourceDisabled", Sentence: "Nothing is written while the source is disabled.",
			WayOut: "workspace source set-mode, on the server.",
		})
	}
	if source.Configuration != nil {
		if _, err := p.cli.Source(source.Configuration.Document); err != nil {
			found = append(found, fault("configuration", err, "Mend the source's configuration with workspace source configure, on the server.")...)
		}
	}
	now, err := client.ServerTime(p.ctx)
	if skew := time.Since(now); err == nil && skew.Abs() > mostSkew {
		found = append(found, dirsync.Finding{
			Severity: dirsync.Warning, Code: "clock", Sentence: fmt.Sprintf("This machine's clock is %s off the server's.", skew.Round(time.Second)),
			WayOut: "Synchronise both with NTP.",
		})
	}
	return found
}
