// Command workspace-ad is the agent for Active Directory: it brings what changes
// in a domain to a Workspace server.
//
//	workspace-ad enrol CODE --url URL    become an agent of a source, with a code from workspace agent code
//	workspace-ad run                     work until SIGTERM
//	workspace-ad once                    pull one time
//	workspace-ad resync                  pull everything, one time
//	workspace-ad check                   try both ends, and say what is missing
//
// Every flag can also be given as an environment variable (--interval of run is
// WORKSPACE_AD_RUN_INTERVAL). The exit status is 0, 1 for a failure, 80 for a
// wrong command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/agent"
)

// version is set by the linker.
var version = "devel"

// CLI is the command line.
type CLI struct {
	Identity string `type:"path" default:"identity.json" placeholder:"FILE" help:"Who this agent is; enrol writes it, with mode 0600."`
	CA       string `name:"ca" type:"path" placeholder:"FILE" help:"PEM file with the only certificates that the server's may be signed by."`

	Enrol  EnrolCmd  `cmd:"" help:"Become an agent of a source."`
	Run    RunCmd    `cmd:"" help:"Work until the program is told to end."`
	Once   OnceCmd   `cmd:"" help:"Pull one time."`
	Resync ResyncCmd `cmd:"" help:"Pull everything, one time."`
	Check  CheckCmd  `cmd:"" help:"Try both ends and say what is missing. Changes nothing."`
}

// EnrolCmd spends an enrolment code.
type EnrolCmd struct {
	Code string `arg:"" help:"The code that workspace agent code printed."`
	URL  string `name:"url" required:"" help:"The server, such as https://scim.contoso.com."`
	Name string `help:"What the server calls this agent; the machine's name if it isn't given."`
}

// RunCmd works until it is told to end.
type RunCmd struct {
	Directory
	Interval time.Duration `default:"60s" help:"Time between two pulls, at least 30 s."`
}

// OnceCmd pulls one time.
type OnceCmd struct {
	Directory
}

// ResyncCmd pulls everything.
type ResyncCmd struct {
	Directory
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run does one command and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cli CLI
	parser, err := kong.New(&cli, kong.Name("workspace-ad"), kong.Description("The Workspace agent for Active Directory."),
		kong.Writers(stdout, stderr), kong.DefaultEnvars("WORKSPACE_AD"), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(stderr, "workspace-ad:", err)
		return 1
	}
	command, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	p := &program{ctx: ctx, cli: &cli, stdout: stdout, log: slog.New(slog.NewTextHandler(stderr, nil))}
	if err := command.Run(p); err != nil {
		fmt.Fprintln(stderr, "workspace-ad:", err)
		return 1
	}
	return 0
}

// program is what the commands run with.
type program struct {
	ctx    context.Context
	cli    *CLI
	stdout io.Writer
	log    *slog.Logger
}

// agent makes the agent that the identity file names.
func (p *program) agent(d Directory, interval time.Duration) (*agent.Agent, error) {
	id, err := agent.LoadIdentity(p.cli.Identity)
	if err != nil {
		return nil, err
	}
	transport, err := scimclient.NewTransport(p.cli.CA)
	if err != nil {
		return nil, err
	}
	return agent.New(agent.Options{
		Identity: id, Transport: transport, Version: version, New: d.source, Interval: interval, Log: p.log,
	})
}

// Run does the command.
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

// Run does the command.
func (c *RunCmd) Run(p *program) error {
	if c.Interval < 30*time.Second {
		return errors.New("--interval is shorter than 30 s")
	}
	a, err := p.agent(c.Directory, c.Interval)
	if err != nil {
		return err
	}
	return a.Run(p.ctx)
}

// Run does the command.
func (c *OnceCmd) Run(p *program) error { return p.once(c.Directory, false) }

// Run does the command.
func (c *ResyncCmd) Run(p *program) error { return p.once(c.Directory, true) }

func (p *program) once(d Directory, resync bool) error {
	a, err := p.agent(d, 0)
	if err != nil {
		return err
	}
	r, err := a.Once(p.ctx, resync)
	if err != nil {
		return err
	}
	k := r.Counts
	fmt.Fprintf(p.stdout, "%s: %d created, %d updated, %d disabled, %d deleted, %d unchanged, %d failed. %s\n",
		r.State, k.Created, k.Updated, k.Disabled, k.Deleted, k.Unchanged, k.Failed, r.Detail)
	return nil
}
