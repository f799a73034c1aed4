// Package embedded runs a connector inside the server. It is an agent as any
// other, with a token and a lease of its own, and speaks to the server by the
// same doors; only the way there is shorter ([Transport]). Several servers on
// one database share the work of a source as agents do: one holds the lease, and
// another takes over.
package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// Options say which source is brought, and from where.
type Options struct {
	Directory *directory.Directory
	Handler   http.Handler // the server's, with all its doors
	// Tenant and Source are names; Kind is what kind of source it has to be.
	Tenant, Source string
	Kind           store.SourceKind
	// New makes the connector for a configuration of the source.
	New      func(configuration json.RawMessage) (connectors.Source, error)
	Interval time.Duration // between two pulls; 0 for 60 s
	Beat     time.Duration // between two heartbeats; 0 for 15 s
	// Retry is the time before the agent is set up again where that failed, such
	// as for a source that isn't there yet; 0 for a minute.
	Retry   time.Duration
	Version string
	Log     *slog.Logger
	Now     func() time.Time // the clock of Directory; nil for time.Now
}

// Connector is one connector inside the server.
type Connector struct{ Options }

// New makes a connector. It does nothing yet.
func New(o Options) *Connector {
	if o.Retry == 0 {
		o.Retry = time.Minute
	}
	if o.Beat == 0 {
		o.Beat = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = o.Log.With("connector", o.Tenant+"/"+o.Source)
	return &Connector{o}
}

// Run works until ctx ends, and returns when its last request is answered and
// its agent is revoked, within 8 s. What goes wrong is logged and tried again.
func (c *Connector) Run(ctx context.Context) {
	var clearing sync.WaitGroup
	clearing.Go(func() { c.untilDone(ctx, "agents of killed servers not looked for", c.clear) })
	c.untilDone(ctx, "connector not set up", c.work)
	clearing.Wait()
}

// untilDone does what returns no error when it is done, until ctx ends.
func (c *Connector) untilDone(ctx context.Context, failed string, do func(context.Context) error) {
	for {
		err := do(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		c.Log.Error(failed, "error", store.LogText(err))
		if scimclient.Sleep(ctx, c.Retry) != nil {
			return
		}
	}
}

// work is one life of an agent, from its enrolment to its end.
func (c *Connector) work(ctx context.Context) error {
	id, err := c.enrol(ctx)
	if err != nil {
		return err
	}
	defer c.revoke(context.WithoutCancel(ctx), id.Agent)
	for {
		a, err := agent.New(agent.Options{
			Identity: id, Transport: Transport{c.Handler}, Version: versionMark + c.Version, Inside: true, New: c.New, Interval: c.Interval, Beat: c.Beat, Log: c.Log,
		})
		if err != nil {
			return err
		}
		if err := a.Run(ctx); !errors.Is(err, agent.ErrRestart) {
			return err
		}
	}
}

// by names the server in the log, where it sets up its own agents.
const by = "serve"

// versionMark tells the server's own agents from others, in what they say of
// themselves.
const versionMark = "serve/"

// place finds the source, and who may set its agents up.
func (c *Connector) place(ctx context.Context) (directory.Actor, store.Source, error) {
	admin, err := c.Directory.Administrator(ctx, by, c.Tenant)
	if err != nil {
		return directory.Actor{}, store.Source{}, fmt.Errorf("tenant %q: %w", c.Tenant, err)
	}
	source, err := c.Directory.Source(ctx, c.Tenant, c.Source)
	return admin, source, err
}

// agentName is what the agents of this machine's servers are called.
func agentName() (string, error) {
	host, err := os.Hostname()
	return "workspace serve at " + host, err
}

// enrol makes an agent of the source, as a person with a code would.
func (c *Connector) enrol(ctx context.Context) (agent.Identity, error) {
	admin, source, err := c.place(ctx)
	if err != nil {
		return agent.Identity{}, err
	}
	if source.Kind != c.Kind {
		return agent.Identity{}, fmt.Errorf("the source %q is of kind %s, not %s", c.Source, source.Kind, c.Kind)
	}
	name, err := agentName()
	if err != nil {
		return agent.Identity{}, err
	}
	code, _, err := c.Directory.AddCode(ctx, admin, source.PublicID, directory.MinCode)
	if err != nil {
		return agent.Identity{}, err
	}
	secret, made, _, err := c.Directory.Enrol(ctx, code, name, admin.Txn, false)
	if err != nil {
		return agent.Identity{}, err
	}
	// The transport leads to the handler, whatever the host is.
	return agent.Identity{URL: "http://localhost", Agent: made.PublicID, Source: source.PublicID, Token: secret}, nil
}

// deadAfter is how long an agent of a server says nothing before it may have
// died with it.
const deadAfter = 10 * time.Minute

// beatsToLive are the heartbeats' times that a silent agent is given to be heard.
// One that hangs and the pause after it are two.
const beatsToLive = 4

// clear revokes the agents of servers that were killed: nobody has their tokens
// any more, and a source has 32 agents at most. While the database is away all
// are silent, and one that is revoked then wouldn't come back; so who is silent
// has some time in which the database answers, and is looked at again.
func (c *Connector) clear(ctx context.Context) error {
	_, silent, err := c.silent(ctx)
	if err != nil || len(silent) == 0 {
		return err
	}
	if err := scimclient.Sleep(ctx, beatsToLive*c.Beat); err != nil {
		return err
	}
	admin, silent, err := c.silent(ctx)
	if err != nil {
		return err
	}
	for _, id := range silent {
		if err := c.Directory.RevokeAgent(ctx, admin, id); err != nil {
			return err
		}
	}
	return nil
}

// silent gives the ids of the source's agents that are a server's and that said
// nothing for deadAfter.
func (c *Connector) silent(ctx context.Context) (admin directory.Actor, ids []string, err error) {
	admin, source, err := c.place(ctx)
	if err != nil {
		return admin, nil, err
	}
	name, err := agentName()
	if err != nil {
		return admin, nil, err
	}
	for after := ""; ; {
		const page = 100
		agents, err := c.Directory.Agents(ctx, admin, after, page)
		if err != nil {
			return admin, nil, err
		}
		for _, a := range agents {
			after = a.PublicID
			seen := a.SeenAt
			if seen.IsZero() {
				seen = a.EnrolledAt
			}
			ours := strings.HasPrefix(a.Version, versionMark) || a.SeenAt.IsZero() && a.Name == name
			if a.Source == source.ID && ours && a.RevokedAt.IsZero() && c.Now().Sub(seen) >= deadAfter {
				ids = append(ids, a.PublicID)
			}
		}
		if len(agents) < page {
			return admin, ids, nil
		}
	}
}

// revoke ends the agent, so that its token is worth nothing when the process
// has ended.
func (c *Connector) revoke(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	admin, err := c.Directory.Administrator(ctx, by, c.Tenant)
	if err == nil {
		err = c.Directory.RevokeAgent(ctx, admin, id)
	}
	if err != nil {
		c.Log.Warn("agent not revoked", "agent", id, "error", store.LogText(err))
	}
}
