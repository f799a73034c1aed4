package agent

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// Options say how an agent runs.
type Options struct {
	Identity  Identity
	Transport http.RoundTripper // nil for scimclient.NewTransport
	Version   string            // of the program
	// New makes the connector for a configuration of the server. What only the
	// agent's machine knows, such as a password, it knows by itself.
	New func(configuration json.RawMessage) (connectors.Source, error)
	// Interval is the time between two pulls; 0 for 60 s.
	Interval time.Duration
	// Beat is the time between two heartbeats; 0 for 15 s, at most 30 s.
	Beat time.Duration
	// Lease is how long the lease lives that is renewed; 0 for 30 s. Another
	// agent takes over within it.
	Lease    time.Duration
	Log      *slog.Logger
	Progress func(runner.Progress)
}

// partition is the part of a source that an agent works on.
const partition = "default"

// Agent is one agent.
type Agent struct {
	Options
	client  *scimclient.Client
	started time.Time

	mu           sync.Mutex
	state        string
	hash         string // of the configuration worked by
	acknowledged int64
	paused       bool
	resync       bool
	// changed ends the work by an outdated configuration or mode.
	changed context.CancelCauseFunc
}

// ErrRestart is why Run ended when the server told the agent to start again.
var ErrRestart = errors.New("the server tells the agent to restart")

var errReconfigured = errors.New("the source has another configuration")

// New makes an agent. It sends nothing yet.
func New(o Options) (*Agent, error) {
	orDefault := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	orDefault(&o.Interval, time.Minute)
	orDefault(&o.Beat, 15*time.Second)
	orDefault(&o.Lease, 30*time.Second)
	o.Beat = min(o.Beat, 30*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	token := o.Identity.Token
	client, err := scimclient.New(scimclient.Config{
		URL: o.Identity.URL, Token: func() string { return token }, Transport: o.Transport, UserAgent: "workspace-agent/" + o.Version,
	})
	if err != nil {
		return nil, err
	}
	return &Agent{Options: o, client: client, started: time.Now(), state: "starting"}, nil
}

// Run works until the context ends, for which it returns nil, or the server
// tells the agent to restart. It pulls while it holds the lease; else it waits
// for it. What goes wrong is logged and tried again.
func (a *Agent) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var beats sync.WaitGroup
	beats.Go(func() { a.beatAlways(ctx, stop) })
	defer beats.Wait()
	defer stop(nil)
	wait := time.Duration(0)
	for {
		if err := scimclient.Sleep(ctx, wait); err != nil {
			break
		}
		wait = min(a.Lease/3, a.Interval)
		if a.is("paused") {
			continue
		}
		err := a.work(ctx)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errReconfigured), scimclient.Is(err, "configurationMismatch"):
			a.Log.Info("configuration changed")
			wait = 0
			if scimclient.Is(err, "configurationMismatch") {
				wait = time.Second
			}
		case scimclient.Is(err, "leaseHeld"):
			a.set("standby")
		case err != nil:
			a.set("error")
			a.Log.Error("work interrupted", "error", err)
		}
	}
	if errors.Is(context.Cause(ctx), ErrRestart) {
		return ErrRestart
	}
	return nil
}

func (a *Agent) set(state string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.paused {
		a.state = state
	}
}

func (a *Agent) is(state string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state == state
}

// work holds the lease and pulls, again and again, until something ends it.
func (a *Agent) work(ctx context.Context) error {
	return a.hold(ctx, func(ctx context.Context, w worker) error {
		for {
			a.set("pulling")
			resync := a.takeResync()
			r, err := w.cycle(ctx, runner.Options{Resync: resync, NextAt: time.Now().Add(a.Interval)})
			if err != nil {
				a.mu.Lock()
				a.resync = a.resync || resync // it is owed still
				a.mu.Unlock()
				return err
			}
			a.set("idle")
			a.Log.Info("pulled", "run", r.Run, "kind", r.Kind, "state", r.State, "created", r.Counts.Created, "updated", r.Counts.Updated,
				"disabled", r.Counts.Disabled, "deleted", r.Counts.Deleted, "failed", r.Counts.Failed, "detail", r.Detail)
			if err := scimclient.Sleep(ctx, a.Interval); err != nil {
				return err
			}
		}
	})
}

// Once pulls one time, waiting for nobody: it is an error if another agent holds
// the lease.
func (a *Agent) Once(ctx context.Context, resync bool) (r runner.Result, err error) {
	err = a.hold(ctx, func(ctx context.Context, w worker) error {
		r, err = w.cycle(ctx, runner.Options{Resync: resync})
		return err
	})
	return r, err
}

// worker is a connector under the lease.
type worker struct {
	config runner.Config
	lease  scimclient.Lease
	source connectors.Source
}

func (w worker) cycle(ctx context.Context, o runner.Options) (runner.Result, error) {
	return runner.Cycle(ctx, w.config, w.lease, w.source, o)
}

// hold reads the configuration, makes the connector, and calls fn under the
// lease. fn's context ends when the lease is lost or the source is configured
// anew.
func (a *Agent) hold(ctx context.Context, fn func(context.Context, worker) error) error {
	src, err := a.client.Source(ctx, a.Identity.Source)
	if err != nil {
		return err
	}
	var document json.RawMessage
	hash := ""
	if src.Configuration != nil {
		document, hash = src.Configuration.Document, src.Configuration.Hash
	}
	limits, err := runner.ReadLimits(document)
	if err != nil {
		return err
	}
	connector, err := a.New(document)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.mu.Lock()
	a.hash, a.changed = hash, cancel
	a.mu.Unlock()
	held, lease, release, err := runner.Hold(ctx, a.client, runner.Claim{
		Source: a.Identity.Source, Partition: partition, Configuration: hash, TTL: a.Lease,
	})
	if err != nil {
		return err
	}
	defer release()
	err = fn(held, worker{
		runner.Config{Client: a.client, Source: a.Identity.Source, Partition: partition, Limits: limits, Log: a.Log, Progress: a.Progress},
		lease, connector,
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (a *Agent) takeResync() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.resync
	a.resync = false
	return r
}

// beatAlways sends heartbeats and does what their answers say.
func (a *Agent) beatAlways(ctx context.Context, stop context.CancelCauseFunc) {
	for {
		try, end := context.WithTimeout(ctx, a.Beat)
		o, err := a.client.Beat(try, a.Identity.Agent, a.heartbeat())
		end()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.Log.Warn("no heartbeat", "error", err)
		default:
			a.obey(ctx, o, stop)
		}
		if scimclient.Sleep(ctx, a.Beat) != nil {
			return
		}
	}
}

func (a *Agent) heartbeat() scimclient.Heartbeat {
	a.mu.Lock()
	defer a.mu.Unlock()
	return scimclient.Heartbeat{
		Version: a.Version, OS: runtime.GOOS, State: a.state, Configuration: a.hash, StartedAt: a.started, Acknowledged: a.acknowledged,
	}
}

// obey carries commands out. A restart is acknowledged before it.
func (a *Agent) obey(ctx context.Context, o scimclient.Orders, stop context.CancelCauseFunc) {
	a.mu.Lock()
	change := a.changed
	again, restart := o.Fenced, false
	for _, c := range o.Commands {
		a.acknowledged = max(a.acknowledged, c.ID)
		switch c.Command {
		case "pause":
			a.paused, a.state, again = true, "paused", true
		case "resume":
			a.paused, a.state = false, "idle"
		case "resync":
			a.resync, again = true, true
		case "restart":
			restart = true
		}
		a.Log.Info("command", "command", c.Command, "id", c.ID)
	}
	a.mu.Unlock()
	if again && change != nil {
		change(errReconfigured)
	}
	if restart {
		if _, err := a.client.Beat(ctx, a.Identity.Agent, a.heartbeat()); err == nil {
			stop(ErrRestart)
		}
	}
}
