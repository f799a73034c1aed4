// Command workspace is the server and its administrator's commands.
//
//	workspace serve                  run the server
//	workspace tenant add|enable|disable|list
//	workspace source add|list|set|show|set-mode|pending|configure|limits|enable|disable|federate
//	workspace mapping show|set|simulate|apply|versions|records|remove
//	workspace attribute add|list
//	workspace token add|list|revoke
//	workspace agent code|list|revoke
//	workspace upload FILE            upload people from a CSV file
//	workspace run list|plan|impact|approve|reject|undo
//	workspace conflict list|adopt|keep-apart
//	workspace explain SUBJECT        say why a user or group is as it is
//	workspace feature list|set
//	workspace job list|set
//	workspace item reconcile
//	workspace verify source|isolation
//	workspace audit verify|head      hold the log against its seals
//	workspace drill                  try out what protects a source from accidents
//	workspace events                 print the log
//	workspace backup FILE            copy the database
//	workspace support-bundle FILE    write what support needs to see of a tenant
//	workspace version
//
// Every flag can also be given as an environment variable (--base-url is
// WORKSPACE_BASE_URL) and in a YAML file (--config), where a command's flags
// stand under its name; a relative path in it is of the file's directory. A flag
// wins over the environment, that over the file, and the file over the default.
// What a command is asked for goes to standard output, everything else to
// standard error. The exit status is 0, 1 for a failure, 80 for a wrong command
// line.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/cliconfig"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// CLI is the command line: what every command takes, and the commands.
type CLI struct {
	// Config is a YAML file with the flags' names as keys.
	Config cliconfig.File `type:"path" placeholder:"FILE" help:"YAML file with the flags' names as keys, those of a command under its name."`
	app.Database
	cliconfig.Logging

	Serve         ServeCmd         `cmd:"" help:"Run the server."`
	Tenant        TenantCmd        `cmd:"" help:"Manage tenants."`
	Source        SourceCmd        `cmd:"" help:"Manage the sources of a tenant: who provisions into it."`
	Mapping       MappingCmd       `cmd:"" help:"Manage the rules by which a source's uploaded records become users, and try them."`
	Attribute     AttributeCmd     `cmd:"" help:"Manage the custom attributes of a tenant's users."`
	Token         TokenCmd         `cmd:"" help:"Manage credentials."`
	Agent         AgentCmd         `cmd:"" help:"Manage the agents of sources."`
	Upload        UploadCmd        `cmd:"" help:"Upload people from a CSV file."`
	Run           RunCmd           `cmd:"" help:"Show the runs of sources, and decide about those that are held."`
	Conflict      ConflictCmd      `cmd:"" help:"Show and decide what sources asked for and another account has."`
	Explain       ExplainCmd       `cmd:"" help:"Say why a user or group, an attribute or a membership is as it is."`
	Feature       FeatureCmd       `cmd:"" help:"Switch features of a tenant."`
	Job           JobCmd           `cmd:"" help:"Manage what a tenant has done again and again."`
	Item          ItemCmd          `cmd:"" help:"Compare items with the groups that they follow."`
	Drill         DrillCmd         `cmd:"" help:"Feed accidents to the guards of sources, change nothing, and fail if one isn't held."`
	Verify        VerifyCmd        `cmd:"" help:"Hold what is stored against what the sources asserted."`
	Audit         AuditCmd         `cmd:"" help:"Hold the log of a tenant against its seals."`
	Events        EventsCmd        `cmd:"" help:"Print the log of a tenant as JSON lines."`
	Backup        BackupCmd        `cmd:"" help:"Write a consistent copy of the database, also while the server runs."`
	SupportBundle SupportBundleCmd `cmd:"" help:"Write what support needs to see of a tenant, without secrets and values of people, to a zip archive."`
	Version       VersionCmd       `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run does one command and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var cli CLI
	options := []kong.Option{
		kong.Name("workspace"),
		kong.Description("Workspace is a SCIM 2.0 service provider: directories and HR tools provision users and groups into it."),
		kong.Writers(stdout, stderr),
		kong.DefaultEnvars("WORKSPACE"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	}
	parser, err := kong.New(&cli, options...)
	if err != nil {
		fmt.Fprintln(stderr, "workspace:", err)
		return 1
	}
	command, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	log, err := cli.Logger(stderr)
	parser.FatalIfErrorf(err)

	p := &program{ctx: ctx, stdout: stdout, stderr: stderr, database: cli.Database, log: log}
	if err := command.Run(p); err != nil {
		fmt.Fprintln(stderr, "workspace:", err)
		return 1
	}
	return 0
}

// program is what the commands run with.
type program struct {
	ctx            context.Context
	stdout, stderr io.Writer
	database       app.Database
	log            *slog.Logger
}

// withStore opens the database beside a running server, and closes it after fn.
func (p *program) withStore(fn func(store.Store) error) (err error) {
	st, err := app.OpenStore(p.ctx, p.database, false, p.log)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := st.Close(); err == nil {
			err = closeErr
		}
	}()
	return fn(st)
}

// withDirectory is withStore for the core.
func (p *program) withDirectory(fn func(*directory.Directory) error) error {
	return p.withStore(func(st store.Store) error {
		return fn(directory.New(st, directory.Options{Logger: p.log}))
	})
}

// by says in the log who did it: the person at the terminal.
func (p *program) by() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return "cli:" + u.Username
	}
	return "cli"
}
