package main

import (
	"fmt"
	"os"

	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/agent"
)

// EnrolCmd spends an enrolment code.
type EnrolCmd struct {
	Code string `arg:"" help:"The code that workspace agent code printed."`
	URL  string `name:"url" required:"" help:"The server, such as https://scim.contoso.com."`
	Name string `help:"What the server calls this agent; the machine's name if it isn't given."`
}

// Run fulfils kong.
func (c *EnrolCmd) Run(p *program) error {
	if _, err := os.Stat(p.cli.Identity); err == nil {
		return fmt.Errorf("there is an identity file %s already: move it away to enrol the agent again", p.cli.Identity)
	}
	name := c.Name
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return fmt.Errorf("the machine's name: %w; give --name", err)
		}
	}
	transport, err := scimclient.NewTransport(p.cli.CA)
	if err != nil {
		return err
	}
	client, err := scimclient.New(scimclient.Config{URL: c.URL, Transport: transport, UserAgent: "workspace-ad/" + version})
	if err != nil {
		return err
	}
	got, err := client.Enrol(p.ctx, c.Code, name)
	if err != nil {
		return err
	}
	if err := (agent.Identity{URL: client.URL(), Agent: got.Agent, Source: got.Source, Token: got.Token}).Save(p.cli.Identity); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "This is now the agent %s (%s). It is in %s.\n", got.Agent, name, p.cli.Identity)
	return nil
}
