package directory

import (
	"context"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// The bounds of agents.
const (
	MinCode      = 5 * time.Minute // the life of an enrolment code
	MaxCode      = 7 * 24 * time.Hour
	maxAgents    = 32 // live ones of a source
	keepCommands = 100
	maxCommands  = 20 // told in one heartbeat
	// aliveFor is how long after its last heartbeat an agent counts as one that
	// works; they are 30 s apart at most.
	aliveFor = 45 * time.Second
	// keepRevoked is how long a revoked agent is listed.
	keepRevoked = 30 * 24 * time.Hour
)

// agentCommands are what an agent can be told. pause lasts until resume or a
// restart; a source that is to rest for long is disabled.
var agentCommands = []string{"restart", "pause", "resume", "resync"}

// AddCode makes a code that enrols one agent of a source, once, within its life
// of MinCode to MaxCode. It is shown this once: only its SHA-256 is stored.
func (d *Directory) AddCode(ctx context.Context, a Actor, source string, life time.Duration) (code string, t store.Token, err error) {
	if err := onlyAdmins(a); err != nil {
		return "", t, err
	}
	if life < MinCode || life > MaxCode {
		return "", t, invalid("expiresIn", fmt.Sprintf("A code lives %s to %s.", MinCode, MaxCode), "")
	}
	code = newSecret(store.TokenCode)
	err = d.update(ctx, a, func(tx store.Tx) error {
		s, err := seenSource(tx, a, source)
		if err != nil {
			return err
		}
		if s.Kind == store.SourceWorkspace {
			return invalid("source", "The workspace source has no agents.", "")
		}
		now := d.now()
		t = store.Token{
			Tenant: s.Tenant, Source: s.ID, Kind: store.TokenCode, Prefix: code[:prefixLength], Hash: hashSecret(code),
			CreatedAt: now, ExpiresAt: now.Add(life),
		}
		if err := checkRoom(tx, t, now); err != nil {
			return err
		}
		if err := tx.CreateToken(&t); err != nil {
			return err
		}
		return d.tell(tx, controlEvent{
			tenant: s.Tenant, source: s.ID, by: a.Token, txn: a.Txn, typ: "agent.codeCreated", subject: t.Prefix, after: tokenFacts(t),
		})
	})
	if err != nil {
		return "", store.Token{}, err
	}
	if a.DryRun {
		code = "" // nobody shall keep one that enrols nothing
	}
	return code, t, nil
}

// Enrol makes an agent with a token of its own, for who has a code. The code is
// spent then. A code that is unknown, spent or expired is an *AuthError. With
// dryRun nothing is kept, and there is no secret.
func (d *Directory) Enrol(ctx context.Context, code, name, txn string, dryRun bool) (secret string, agent store.Agent, source store.Source, err error) {
	if err := text("name", name, 1, 255); err != nil {
		return "", agent, source, err
	}
	p, err := d.findToken(ctx, code)
	var auth *AuthError
	switch {
	case errors.As(err, &auth), err == nil && p.Token.Kind != store.TokenCode:
		return "", agent, source, &AuthError{AuthUnknown, "The enrolment code is unknown."}
	case err != nil:
		return "", agent, source, err
	}
	// A disabled source's agents may be set up before it is enabled.
	q := p
	q.Source.Mode = store.ModeActive
	if err := judge(q, d.now()); err != nil {
		return "", agent, source, &AuthError{AuthExpired, "The enrolment code was used or has expired; ask for a new one."}
	}
	secret = newSecret(store.TokenAgent)
	err = d.update(ctx, Actor{DryRun: dryRun}, func(tx store.Tx) error {
		now := d.now()
		err := tx.SpendToken(p.Tenant.ID, p.Token.ID, now)
		if errors.Is(err, store.ErrNotFound) {
			return &AuthError{AuthRevoked, "The enrolment code was used or has expired; ask for a new one."}
		}
		if err != nil {
			return err
		}
		if err := roomForAgent(tx, p.Source); err != nil {
			return err
		}
		agent = store.Agent{Tenant: p.Tenant.ID, Source: p.Source.ID, PublicID: d.newID(), Name: name, EnrolledAt: now}
		if err := tx.InsertAgent(agent); err != nil {
			return err
		}
		t := store.Token{
			Tenant: p.Tenant.ID, Source: p.Source.ID, Kind: store.TokenAgent, Subject: agent.PublicID, Prefix: secret[:prefixLength],
			Hash: hashSecret(secret), CreatedAt: now,
		}
		if err := tx.CreateToken(&t); err != nil {
			return err
		}
		return d.tell(tx, controlEvent{
			tenant: p.Tenant.ID, source: p.Source.ID, by: p.Token.Prefix, txn: txn, typ: "agent.enrolled", subject: agent.PublicID,
			after: map[string]any{"name": name, "token": t.Prefix},
		})
	})
	if err != nil {
		return "", store.Agent{}, source, err
	}
	if dryRun {
		secret = "" // nobody shall keep one that opens nothing
	}
	return secret, agent, p.Source, nil
}

func roomForAgent(tx store.Tx, s store.Source) error {
	all, err := tx.Agents(s.Tenant, s.ID)
	if err != nil {
		return err
	}
	live := slices.DeleteFunc(all, func(a store.Agent) bool { return !a.RevokedAt.IsZero() })
	if len(live) < maxAgents {
		return nil
	}
	return &Violation{Rule: RuleTooMany, Detail: fmt.Sprintf("The source has %d agents already.", len(live)), Way: "Revoke those that are gone."}
}

// Heartbeat is what an agent tells, and Orders what it is told.
type Heartbeat struct {
	Version, OS, State string
	Configuration      string // the hash in hex that it works by, "" for none
	StartedAt          time.Time
	CoLocated          bool
	// Acknowledged is the number of the last command that it has carried out,
	// or is about to: a restart is acknowledged before it.
	Acknowledged int64
}

// Orders are what an agent is to work by.
type Orders struct {
	Source store.Source
	// Configuration is the newest one, nil if there is none; Fenced says that
	// the agent works by another one, so that it gets no lease.
	Configuration *store.Configuration
	Fenced        bool
	Agents        int             // of the source that were heard of in the last 45 s and don't pause
	Commands      []store.Command // not yet acknowledged, oldest first
}

// Beat records the heartbeat of the agent that speaks, and tells it what to do.
func (d *Directory) Beat(ctx context.Context, a Actor, id string, h Heartbeat) (Orders, error) {
	if a.Agent == "" || subtle.ConstantTimeCompare([]byte(a.Agent), []byte(id)) != 1 {
		return Orders{}, store.ErrNotFound
	}
	report, err := h.report()
	if err != nil {
		return Orders{}, err
	}
	var o Orders
	err = d.update(ctx, a, func(tx store.Tx) error {
		o = Orders{}
		agent, err := tx.Agent(a.Tenant.ID, id)
		if err != nil {
			return err
		}
		agent.AgentReport, agent.SeenAt = report, d.now()
		agent.Acknowledged = max(agent.Acknowledged, h.Acknowledged)
		if err := tx.UpdateAgent(agent); err != nil {
			return err
		}
		if o.Source, err = tx.SourceByPublicID(a.Source.PublicID); err != nil {
			return err
		}
		c, err := tx.Configuration(agent.Source, 0)
		if err == nil {
			o.Configuration = &c
		}
		if err := ignoreNotFound(err); err != nil {
			return err
		}
		o.Fenced = hex.EncodeToString(c.Hash) != hex.EncodeToString(report.Hash)
		if o.Agents, err = tx.WorkingAgents(agent.Tenant, agent.Source, d.now().Add(-aliveFor)); err != nil {
			return err
		}
		all, err := tx.Commands(agent.Source, id, agent.Acknowledged, keepCommands)
		for _, c := range all {
			if c.CreatedAt.After(agent.EnrolledAt) && len(o.Commands) < maxCommands {
				o.Commands = append(o.Commands, c)
			}
		}
		return err
	})
	return o, err
}

func (h Heartbeat) report() (store.AgentReport, error) {
	for _, f := range []struct{ name, value string }{{"version", h.Version}, {"os", h.OS}, {"state", h.State}} {
		if err := text(f.name, f.value, 0, 100); err != nil {
			return store.AgentReport{}, err
		}
	}
	hash, err := hex.DecodeString(h.Configuration)
	if err != nil || len(hash) != 0 && len(hash) != 32 {
		return store.AgentReport{}, invalid("configuration", "configuration is no SHA-256 in hex.", "Send the hash of the configuration that you work by.")
	}
	if y := h.StartedAt.Year(); y < 1 || y > 9999 {
		return store.AgentReport{}, invalid("startedAt", "startedAt is no time.", "")
	}
	if h.Acknowledged < 0 {
		return store.AgentReport{}, invalid("acknowledged", "acknowledged is the number of a command.", "")
	}
	return store.AgentReport{Version: h.Version, OS: h.OS, State: h.State, Hash: hash, StartedAt: h.StartedAt.UTC().Truncate(time.Microsecond), CoLocated: h.CoLocated}, nil
}

// Agents gives the agents that the actor sees behind an id, in the order of
// their enrolment, revoked ones included for 30 days.
func (d *Directory) Agents(ctx context.Context, a Actor, after string, limit int) ([]store.Agent, error) {
	source := int64(0)
	if !a.Admin {
		source = a.Source.ID
	}
	var all []store.Agent
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		all, err = r.Agents(a.Tenant.ID, source)
		return err
	})
	all = slices.DeleteFunc(all, func(x store.Agent) bool { return x.PublicID <= after })
	return all[:min(limit, len(all))], err
}

// RevokeAgent ends an agent for an administrator: its tokens and its leases, at
// once. Revoking a revoked one changes nothing.
func (d *Directory) RevokeAgent(ctx context.Context, a Actor, id string) error {
	if err := onlyAdmins(a); err != nil {
		return err
	}
	if _, err := uuid.Parse(id); err != nil {
		return store.ErrNotFound
	}
	return d.update(ctx, a, func(tx store.Tx) error {
		agent, err := tx.Agent(a.Tenant.ID, id)
		if err != nil || !agent.RevokedAt.IsZero() {
			return err
		}
		now := d.now()
		agent.RevokedAt = now
		if err := errors.Join(tx.UpdateAgent(agent), tx.EndLeases(agent.Source, id)); err != nil {
			return err
		}
		tokens, err := tx.Tokens(a.Tenant.ID)
		if err != nil {
			return err
		}
		for _, t := range tokens {
			if t.Kind == store.TokenAgent && t.Subject == id && t.RevokedAt.IsZero() {
				if err := d.revoke(tx, a.Token, t, now); err != nil {
					return err
				}
			}
		}
		return d.tell(tx, controlEvent{
			tenant: agent.Tenant, source: agent.Source, by: a.Token, txn: a.Txn, typ: "agent.revoked", subject: id, before: map[string]any{"name": agent.Name},
		})
	})
}

// SweepAgents forgets the agents that were revoked 30 days ago; their tokens stay
// known as revoked. Several processes may do it at once.
func (d *Directory) SweepAgents(ctx context.Context) error {
	err := d.store.Update(ctx, func(tx store.Tx) error {
		return tx.DeleteRevokedAgents(d.now().Add(-keepRevoked))
	})
	if err != nil {
		return fmt.Errorf("revoked agents: %w", err)
	}
	return nil
}

// AddCommand tells the agents of a source to do something, or one of them.
func (d *Directory) AddCommand(ctx context.Context, a Actor, source, agent, name string) (store.Command, error) {
	if err := onlyAdmins(a); err != nil {
		return store.Command{}, err
	}
	if !slices.Contains(agentCommands, name) {
		return store.Command{}, invalid("command", fmt.Sprintf("%.20q is no command.", name), "Use restart, pause, resume or resync.")
	}
	var c store.Command
	err := d.update(ctx, a, func(tx store.Tx) error {
		s, err := seenSource(tx, a, source)
		if err != nil {
			return err
		}
		if agent != "" {
			x, err := tx.Agent(a.Tenant.ID, agent)
			if err != nil {
				return err
			}
			if x.Source != s.ID {
				return store.ErrNotFound
			}
		}
		c = store.Command{Tenant: s.Tenant, Source: s.ID, Agent: agent, Name: name, By: a.Token, CreatedAt: d.now()}
		if err := tx.InsertCommand(&c, keepCommands); err != nil {
			return err
		}
		return d.tell(tx, controlEvent{
			tenant: s.Tenant, source: s.ID, by: a.Token, txn: a.Txn, typ: "agent.commanded", subject: s.PublicID,
			after: map[string]any{"command": name, "agent": agent},
		})
	})
	return c, err
}

// Administrator is the actor of an administrator at the machine itself, who
// needs no token. An unknown tenant is store.ErrNotFound.
func (d *Directory) Administrator(ctx context.Context, by, tenant string) (Actor, error) {
	a := Actor{Admin: true, Token: by, Txn: d.newID()}
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		if a.Tenant, err = tenantOf(r, tenant); err != nil {
			return err
		}
		a.Source, err = r.Source(a.Tenant.ID, string(store.SourceWorkspace))
		return err
	})
	return a, err
}
