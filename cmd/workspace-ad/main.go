// Command workspace-ad is the agent for Active Directory: it brings what changes
// in a domain to a Workspace server.
//
//	workspace-ad enrol CODE --url URL    become an agent of a source, with a code from workspace agent code
//	workspace-ad check                   try both ends, and say what is missing
//	workspace-ad preview                 print what pulling everything would do; writes nothing
//	workspace-ad verify                  compare the directory with what the server holds; changes nothing
//	workspace-ad run                     work until SIGTERM
//	workspace-ad once                    pull one time
//	workspace-ad resync                  pull everything, one time
//	workspace-ad install                 make a systemd unit or Windows service of run, and start it
//	workspace-ad start|stop|uninstall    what becomes of the service
//
// Every flag can also be given as an environment variable (--ldap-ca is
// WORKSPACE_AD_LDAP_CA) and in a YAML file (--config); a relative path in it is
// of the file's directory. A flag wins over the environment, that over the file,
// and the file over the default. What a command is asked for goes to standard
// output, which for run is its log; everything else to standard error. The exit
// status is 0, 1 for a failure, 80 for a wrong command line.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/workspace-scim/workspace/connectors/ad/adconfig"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/internal/cliconfig"
	"github.com/workspace-scim/workspace/internal/progressbar"
	"golang.org/x/term"
)

// version is set by the linker.
var version = "devel"

// CLI is the command line.
type CLI struct {
	// Config is a YAML file with the flags' names as keys.
	Config cliconfig.File `type:"path" placeholder:"FILE" help:"YAML file with the flags' names as keys."`
	cliconfig.Logging
	Identity string `type:"path" default:"identity.json" placeholder:"FILE" help:"Who this agent is; enrol writes it, with mode 0600 (default ${default})."`
	CA       string `name:"ca" type:"path" placeholder:"FILE" help:"PEM file with the only certificates that the server's may be signed by."`
	adconfig.Domain

	Enrol   EnrolCmd   `cmd:"" help:"Become an agent of a source."`
	Check   CheckCmd   `cmd:"" help:"Try both ends and say what is missing. Changes nothing."`
	Preview PreviewCmd `cmd:"" help:"Print what pulling everything would do. Changes nothing."`
	Verify  VerifyCmd  `cmd:"" help:"Compare the directory, object by object, with what the server holds. Changes nothing."`
	Run     RunCmd     `cmd:"" help:"Work until the program is told to end."`
	Once    OnceCmd    `cmd:"" help:"Pull one time."`
	Resync  ResyncCmd  `cmd:"" help:"Pull everything, one time."`

	Install   InstallCmd   `cmd:"" help:"Make a systemd unit or Windows service of the agent, and start it."`
	Start     StartCmd     `cmd:"" help:"Start the service."`
	Stop      StopCmd      `cmd:"" help:"Stop the service."`
	Uninstall UninstallCmd `cmd:"" help:"Stop the service and take it away. The identity stays."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run does one command and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cli CLI
	parser, err := newParser(&cli, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "workspace-ad:", err)
		return 1
	}
	command, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	p := &program{ctx: ctx, cli: &cli, stdout: stdout}
	logs := stderr
	if bar := progressbar.New(stderr); bar != nil {
		p.progress = func(x runner.Progress) {
			bar.Tell(progressbar.Progress{Phase: x.Phase, Done: x.Done, Total: x.Total, Unit: "objects"})
		}
		logs = bar.Over(stderr)
		if f, ok := stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			p.stdout = bar.Over(stdout)
		}
	}
	if command.Command() == "run" {
		logs = p.stdout
	}
	p.log, err = cli.Logger(logs)
	parser.FatalIfErrorf(err)
	if err := command.Run(p); err != nil {
		fmt.Fprintln(stderr, "workspace-ad:", err)
		return 1
	}
	return 0
}

func newParser(cli *CLI, stdout, stderr io.Writer) (*kong.Kong, error) {
	return kong.New(cli, kong.Name("workspace-ad"), kong.Description("The Workspace agent for Active Directory."),
		kong.Writers(stdout, stderr), kong.DefaultEnvars("WORKSPACE_AD"), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
}

// program is what the commands run with.
type program struct {
	ctx    context.Context
	cli    *CLI
	stdout io.Writer
	log    *slog.Logger
	// progress is told how far a pull is; nil where nobody watches.
	progress func(runner.Progress)
}

// agent makes the agent that the identity file names.
func (p *program) agent() (*agent.Agent, error) {
	domain := p.cli.Domain
	if err := domain.Check(); err != nil {
		return nil, err
	}
	id, err := agent.LoadIdentity(p.cli.Identity)
	if err != nil {
		return nil, err
	}
	transport, err := scimclient.NewTransport(p.cli.CA)
	if err != nil {
		return nil, err
	}
	return agent.New(agent.Options{
		Identity: id, Transport: transport, Version: version, New: domain.Source, Interval: domain.Interval, Log: p.log, Progress: p.progress,
	})
}
