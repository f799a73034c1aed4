package gormstore

import (
	"time"

	"github.com/workspace-scim/workspace/store"
)

const agentColumns = "public_id, tenant, source, name, enrolled, revoked, version, os, state, hash, started, colocated, seen, acknowledged"

func (s *session) agents(where string, args ...any) ([]store.Agent, error) {
	var all []store.Agent
	err := s.eachOf(func(r rows) error {
		var a store.Agent
		var enrolled, revoked, started, coLocated, seen int64
		err := r.Scan(&a.PublicID, &a.Tenant, &a.Source, &a.Name, &enrolled, &revoked, &a.Version, &a.OS, &a.State, &a.Hash,
			&started, &coLocated, &seen, &a.Acknowledged)
		a.EnrolledAt, a.RevokedAt, a.StartedAt, a.SeenAt = instant(enrolled), instant(revoked), instant(started), instant(seen)
		a.CoLocated = coLocated == 1
		all = append(all, a)
		return err
	}, "SELECT "+agentColumns+" FROM agents WHERE "+where, args...)
	return all, err
}

// Agent implements store.ConnectorReader.
func (r *reader) Agent(tenant int64, publicID string) (store.Agent, error) {
	if !storable(publicID) {
		return store.Agent{}, store.ErrNotFound
	}
	all, err := r.agents("public_id = ? AND tenant = ?"+r.locking("UPDATE"), publicID, tenant)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Agent{}, err
	}
	return all[0], nil
}

// Agents implements store.ConnectorReader.
func (r *reader) Agents(tenant, source int64) ([]store.Agent, error) {
	if source == 0 {
		return r.agents("tenant = ? ORDER BY public_id", tenant)
	}
	return r.agents("tenant = ? AND source = ? ORDER BY public_id", tenant, source)
}

// WorkingAgents implements store.ConnectorReader.
func (r *reader) WorkingAgents(tenant, source int64, after time.Time) (n int, err error) {
	err = r.eachOf(func(rs rows) error { return rs.Scan(&n) },
		"SELECT COUNT(*) FROM agents WHERE tenant = ? AND source = ? AND revoked = ? AND state <> 'paused' AND seen > ?",
		tenant, source, micros(time.Time{}), micros(after))
	return n, err
}

// DeleteRevokedAgents implements store.ConnectorWriter.
func (t *tx) DeleteRevokedAgents(before time.Time) error {
	return t.exec("DELETE FROM agents WHERE revoked <> ? AND revoked < ?", micros(time.Time{}), micros(before))
}

// InsertAgent implements store.ConnectorWriter.
func (t *tx) InsertAgent(a store.Agent) error {
	if err := storableAll(a.PublicID, a.Name, a.Version, a.OS, a.State); err != nil {
		return err
	}
	return t.returned("INSERT INTO agents ("+agentColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING RETURNING acknowledged`,
		a.PublicID, a.Tenant, a.Source, a.Name, micros(a.EnrolledAt), micros(a.RevokedAt), a.Version, a.OS, a.State, a.Hash,
		micros(a.StartedAt), one(a.CoLocated), micros(a.SeenAt), a.Acknowledged)
}

// UpdateAgent implements store.ConnectorWriter.
func (t *tx) UpdateAgent(a store.Agent) error {
	if err := storableAll(a.PublicID, a.Version, a.OS, a.State); err != nil {
		return err
	}
	return t.exec(`UPDATE agents SET revoked = ?, version = ?, os = ?, state = ?, hash = ?, started = ?, colocated = ?, seen = ?, acknowledged = ?
		WHERE public_id = ? AND tenant = ?`,
		micros(a.RevokedAt), a.Version, a.OS, a.State, a.Hash, micros(a.StartedAt), one(a.CoLocated), micros(a.SeenAt), a.Acknowledged,
		a.PublicID, a.Tenant)
}

// Commands implements store.ConnectorReader.
func (r *reader) Commands(source int64, agent string, after int64, limit int) ([]store.Command, error) {
	if !storable(agent) {
		return nil, nil
	}
	var all []store.Command
	err := r.eachOf(func(rs rows) error {
		c := store.Command{Source: source}
		var created int64
		err := rs.Scan(&c.ID, &c.Tenant, &c.Agent, &c.Name, &c.By, &created)
		c.CreatedAt = instant(created)
		all = append(all, c)
		return err
	}, "SELECT id, tenant, agent, name, author, created FROM commands WHERE source = ? AND id > ? AND (agent = '' OR agent = ?) ORDER BY id LIMIT ?",
		source, after, agent, limit)
	return all, err
}

// InsertCommand implements store.ConnectorWriter.
func (t *tx) InsertCommand(c *store.Command, keep int) error {
	if err := storableAll(c.Agent, c.Name, c.By); err != nil {
		return err
	}
	err := t.exec("DELETE FROM commands WHERE source = ? AND id <= COALESCE((SELECT o.id FROM commands o WHERE o.source = ? ORDER BY o.id DESC LIMIT 1 OFFSET ?), 0)",
		c.Source, c.Source, keep-1)
	if err != nil {
		return err
	}
	return t.one([]any{&c.ID}, "INSERT INTO commands (tenant, source, agent, name, author, created) VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
		c.Tenant, c.Source, c.Agent, c.Name, c.By, micros(c.CreatedAt))
}

// SpendToken implements store.ConnectorWriter.
func (t *tx) SpendToken(tenant, id int64, at time.Time) error {
	return t.one([]any{&id}, "UPDATE tokens SET revoked = ? WHERE id = ? AND tenant = ? AND revoked = ? RETURNING id",
		micros(at), id, tenant, micros(time.Time{}))
}
