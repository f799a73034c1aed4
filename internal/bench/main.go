package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
		stop()
		os.Exit(1)
	}
}

// options are what the command line asks for.
type options struct {
	sizes      []int    // users in the servers' databases, ascending; none to leave that part out
	adSizes    []int    // users in the domains, ascending; none to leave that part out
	adDomains  string   // directory that keeps loaded domains, "" for none
	groupSizes []int    // members of the groups, ascending
	databases  []string // sqlite, postgres
	postgres   string   // URL of a PostgreSQL server, whose databases are not touched
	duration   time.Duration
	rounds     int
	clients    int
	json       string // file for the results, "" for none
}

// quick are the defaults of -quick: everything is measured, nothing is meant.
var quick = map[string]string{
	"sizes": "50,200", "groups": "10,40", "duration": "200ms", "rounds": "2", "clients": "8", "ad": "100",
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(stderr)
	sizes := fs.String("sizes", "1k,100k", "numbers of users to measure at, e.g. 1k,100k,1M, or none")
	groups := fs.String("groups", "1k,10k,100k,250k", "numbers of members of the groups")
	domains := fs.String("ad", "10k", "numbers of users of Active Directory domains, or none")
	fs.StringVar(&o.adDomains, "ad-domains", "", "directory that keeps the domains for a next run; loading takes some 5 ms a user")
	databases := fs.String("databases", "sqlite,postgres", "databases to measure on")
	fs.StringVar(&o.postgres, "postgres", os.Getenv("WORKSPACE_TEST_POSTGRES"), "URL of a PostgreSQL server; default: WORKSPACE_TEST_POSTGRES")
	fs.DurationVar(&o.duration, "duration", 3*time.Second, "time for each figure, all rounds together")
	fs.IntVar(&o.rounds, "rounds", 5, "rounds that a figure is measured in")
	fs.IntVar(&o.clients, "clients", 64, "clients at the same time, where it isn't 1")
	fs.StringVar(&o.json, "json", "", "also write the results to this file, as JSON")
	short := fs.Bool("quick", false, "a run of seconds that shows that everything works")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if *short {
		given := map[string]bool{}
		fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
		for name, value := range quick {
			if !given[name] {
				if err := fs.Set(name, value); err != nil {
					return o, err
				}
			}
		}
	}
	var err error
	if o.sizes, err = numbers("sizes", *sizes); err != nil {
		return o, err
	}
	if o.groupSizes, err = numbers("groups", *groups); err != nil {
		return o, err
	}
	if o.adSizes, err = numbers("ad", *domains); err != nil {
		return o, err
	}
	o.databases = strings.Split(*databases, ",")
	return o, o.check(fs.Args())
}

func (o options) check(rest []string) error {
	for _, d := range o.databases {
		switch {
		case d != sqlite && d != postgres:
			return fmt.Errorf("databases: %q is neither %s nor %s", d, sqlite, postgres)
		case d == postgres && o.postgres == "":
			return errors.New("give the URL of a PostgreSQL server with -postgres or WORKSPACE_TEST_POSTGRES, or choose -databases sqlite")
		}
	}
	if err := adtest.Available(); err != nil && len(o.adSizes) > 0 {
		return fmt.Errorf("there is no domain controller to measure with: .ci/samba.sh, which make bench uses, installs Samba; -ad none leaves that part out: %w", err)
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is no flag", rest[0])
	case len(o.adSizes) > 0 && o.adSizes[0] < 100:
		return errors.New("ad: a domain has 100 users at least")
	case o.rounds < 1 || o.clients < 1 || o.duration <= 0:
		return errors.New("rounds, clients and duration must be positive")
	}
	return nil
}

// numbers reads "1k,100k,1M", or none; they must ascend.
func numbers(flag, text string) ([]int, error) {
	if text == "none" {
		return nil, nil
	}
	var out []int
	for s := range strings.SplitSeq(text, ",") {
		digits, factor := s, 1
		switch {
		case strings.HasSuffix(s, "k"):
			digits, factor = s[:len(s)-1], 1000
		case strings.HasSuffix(s, "M"):
			digits, factor = s[:len(s)-1], 1_000_000
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > 10_000 {
			return nil, fmt.Errorf("%s: %q is no number such as 100, 10k or 1M", flag, s)
		}
		if n *= factor; len(out) > 0 && n <= out[len(out)-1] {
			return nil, fmt.Errorf("%s: the numbers must ascend", flag)
		}
		out = append(out, n)
	}
	return out, nil
}

// run measures everything and prints the tables to out; progress goes to
// stderr.
func run(ctx context.Context, args []string, out, stderr io.Writer) (err error) {
	if len(args) == 1 && args[0] == floorFlag {
		return serveFloor(ctx)
	}
	if len(args) == 2 && args[0] == agentFlag {
		return servePolls(ctx, args[1], os.Stdin, out)
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	b := &bench{options: o, progress: stderr}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	r, err := b.measure(ctx) // with an error: what was measured until then
	r.print(out)
	if err != nil || o.json == "" {
		return err
	}
	return r.save(o.json)
}
