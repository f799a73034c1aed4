package agent

import (
	"context"
	"encoding/json"
	"errors"
	"io"
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
	// Inside says that the agent is a part of the server, so that where the server
	// is is no news.
	Inside bool
	// New makes the connector for a configuration of the server. What only the
	// agent's machine knows, such as a password, it knows by itself.
	New func(configuration json.RawMessage) (connectors.Source, error)
	// Interval is the time between two pulls; 0 for 60 s.
	Interval time.Duration
	// Beat is the time between two heartbeats; 0 for 15 s, at most 30 s.
	Beat time.Duration
	// Lease is how long the lease lives that is renewed; 0 for 30 s. Another
	// agent takes over within it.
	Lease time.Duration
	Log   *slog.Logger
	// Progress is told how far a pull is, and with the zero value that it has
	// ended; nil for nobody.
	Progress func(runner.Progress)
}

// Agent is one agent.
type Agent struct {
	Options
	client  *scimclient.Client
	started time.Time
	// coLocated says that the server is on this machine too; set before the first
	// heartbeat.
	coLocated bool
	share     *share
	turn      chan struct{} // holds one while a pull goes on
	asking    sync.Mutex    // one lease after the other

	mu           sync.Mutex
	state        string
	hash         string // of the configuration worked by
	acknowledged int64
	paused       bool
	resyncs      int                 // how many were commanded
	resynced     map[runner.Part]int // the last of them that was done
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
	return &Agent{
		Options: o, client: client, started: time.Now(), share: newShare(o.Lease), turn: make(chan struct{}, 1),
		state: "starting", resynced: map[runner.Part]int{},
	}, nil
}

// Run works until the context ends, for which it returns nil, the server tells
// the agent to restart, or shows a certificate that isn't trusted. It pulls while
// it holds the lease; else it waits for it. What else goes wrong is logged and
// tried again. It is called once.
func (a *Agent) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if a.coLocated = !a.Inside && coLocated(ctx, a.Identity.URL); a.coLocated {
		a.Log.Warn("the server is on this machine too, which works and isn't recommended", "code", "coLocated", "server", a.client.URL())
	}
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
		case scimclient.Untrusted(err):
			return err
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

// configured is a source as the server has it, and its connector.
type configured struct {
	mode, hash string
	parts      int
	runner     runner.Config
	source     connectors.Source
}

// configured reads the configuration and makes the connector for it, or for
// another that is tried in its place, unless that is nil.
func (a *Agent) configured(ctx context.Context, trial json.RawMessage) (configured, error) {
	src, err := a.client.Source(ctx, a.Identity.Source)
	if err != nil {
		return configured{}, err
	}
	out := configured{mode: src.Mode}
	var document json.RawMessage
	if src.Configuration != nil {
		document, out.hash = src.Configuration.Document, src.Configuration.Hash
	}
	if trial != nil {
		document = trial
	}
	limits, err := runner.ReadLimits(document)
	if err != nil {
		return configured{}, err
	}
	if out.parts, err = runner.ReadParts(document); err != nil {
		return configured{}, err
	}
	out.runner = runner.Config{Client: a.client, Source: a.Identity.Source, Limits: limits, Log: a.Log, Progress: a.Progress}
	out.source, err = a.New(document)
	return out, err
}

// close closes what the connector kept open from one pull to the next.
func (c configured) close() {
	if open, ok := c.source.(io.Closer); ok {
		_ = open.Close() // nothing was written to it
	}
}

// Once pulls one time, waiting for nobody: it is an error if another agent holds
// a lease.
func (a *Agent) Once(ctx context.Context, resync bool) (all runner.Result, err error) {
	c, err := a.configured(ctx, nil)
	if err != nil {
		return all, err
	}
	defer c.close()
	for i := range c.parts {
		err = a.hold(ctx, c, runner.Part{Index: i, Of: c.parts}, func(ctx context.Context, w worker) error {
			r, err := w.cycle(ctx, runner.Options{Resync: resync})
			all = all.And(r)
			return err
		})
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// Preview reads everything from the directory and shows, object by object, what
// a full pull would do, by the source's configuration or, unless it is nil, by
// trial in its place; see [runner.Preview]. It writes nothing and takes no lease,
// so it disturbs no agent that works.
func (a *Agent) Preview(ctx context.Context, trial json.RawMessage, show func(runner.Line) error) (runner.Result, error) {
	c, err := a.configured(ctx, trial)
	if err != nil {
		return runner.Result{}, err
	}
	defer c.close()
	if c.mode == "disabled" {
		a.Log.Warn("the source is disabled, so what the server has can't be read: everything is shown as created, and no limit is judged")
	}
	if a.Progress != nil {
		defer a.Progress(runner.Progress{})
	}
	c.runner.Part.Of = c.parts
	return runner.Preview(ctx, c.runner, c.source, c.mode == "disabled", show)
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
		Version: a.Version, OS: runtime.GOOS, State: a.state, Configuration: a.hash, StartedAt: a.started, CoLocated: a.coLocated, Acknowledged: a.acknowledged,
	}
}

// obey carries commands out. A restart is acknowledged before it.
func (a *Agent) obey(ctx context.Context, o scimclient.Orders, stop context.CancelCauseFunc) {
	a.share.among(o.Agents)
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
			a.resyncs++
			again = true
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
