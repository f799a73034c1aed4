package storetest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// connectors is what memory keeps for connectors.
type connectors struct {
	leases         []store.Lease
	checkpoints    []store.Checkpoint
	configurations []store.Configuration
	runs           []store.Run
	plans          map[planPart][]byte
	uploads        map[int64]int64
	problems       []store.Problem
	agents         []store.Agent
	commands       []store.Command
	pending        []store.Pending
}

type planPart struct {
	run, upload int64
	position    int
}

func (c connectors) clone() connectors {
	c.leases, c.checkpoints, c.configurations = slices.Clone(c.leases), slices.Clone(c.checkpoints), slices.Clone(c.configurations)
	c.runs, c.plans, c.uploads, c.problems = slices.Clone(c.runs), maps.Clone(c.plans), maps.Clone(c.uploads), slices.Clone(c.problems)
	c.agents, c.commands, c.pending = slices.Clone(c.agents), slices.Clone(c.commands), slices.Clone(c.pending)
	return c
}

// top gives at most n of what fits, in order.
func top[T any](all []T, n int, order func(a, b T) int, fits func(T) bool) []T {
	out := filtered(all, fits)
	slices.SortFunc(out, order)
	return out[:min(n, len(out))]
}

// upsert replaces the record that fits, or adds one.
func upsert[T any](all []T, v T, fits func(T) bool) []T {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		all[i] = v
		return all
	}
	return append(all, v)
}

func isLease(source int64, partition string) func(store.Lease) bool {
	return func(l store.Lease) bool { return l.Source == source && l.Partition == partition }
}

func (x *memTx) Lease(source int64, partition string) (store.Lease, error) {
	l, err := find(x.leases, isLease(source, partition))
	if err == nil {
		l.ReadAt = time.Now()
	}
	return l, err
}
func (x *memTx) Leases(source int64) ([]store.Lease, error) {
	all := top(x.leases, len(x.leases), func(a, b store.Lease) int { return cmp.Compare(a.Partition, b.Partition) }, func(l store.Lease) bool { return l.Source == source })
	for i := range all {
		all[i].ReadAt = time.Now()
	}
	return all, nil
}
func (x *memTx) LockLease(source int64, partition string) (store.Lease, error) {
	if _, err := x.Lease(source, partition); err != nil {
		x.leases = append(x.leases, store.Lease{Source: source, Partition: partition})
	}
	return x.Lease(source, partition)
}
func (x *memTx) PutLease(l store.Lease) error {
	l.ReadAt = time.Time{}
	x.leases = upsert(x.leases, l, isLease(l.Source, l.Partition))
	return nil
}
func (x *memTx) EndLeases(source int64, holder string) error {
	for i, l := range x.leases {
		if l.Source == source && l.Holder != "" && (holder == "" || holder == l.Holder) {
			x.leases[i].Holder, x.leases[i].Run, x.leases[i].Token, x.leases[i].ExpiresAt = "", "", l.Token+1, l.RenewedAt
		}
	}
	return nil
}

func (x *memTx) Checkpoint(source int64, partition string) (store.Checkpoint, error) {
	return find(x.checkpoints, func(c store.Checkpoint) bool { return c.Source == source && c.Partition == partition })
}
func (x *memTx) PutCheckpoint(c store.Checkpoint) error {
	if old, _ := x.Checkpoint(c.Source, c.Partition); old.Version != c.Version-1 {
		return store.ErrExists
	}
	x.checkpoints = upsert(x.checkpoints, c, func(o store.Checkpoint) bool { return o.Source == c.Source && o.Partition == c.Partition })
	return nil
}
func (x *memTx) DeleteCheckpoints(source int64) error {
	x.checkpoints = filtered(x.checkpoints, func(c store.Checkpoint) bool { return c.Source != source })
	return nil
}

func newestFirst(a, b store.Configuration) int { return cmp.Compare(b.Version, a.Version) }

func (x *memTx) Configuration(source, version int64) (store.Configuration, error) {
	return find(top(x.configurations, len(x.configurations), newestFirst, func(c store.Configuration) bool { return c.Source == source }),
		func(c store.Configuration) bool { return version == 0 || c.Version == version })
}
func (x *memTx) Configurations(source, before int64, limit int) ([]store.Configuration, error) {
	return top(x.configurations, limit, newestFirst, func(c store.Configuration) bool {
		return c.Source == source && (before == 0 || c.Version < before)
	}), nil
}
func (x *memTx) InsertConfiguration(c store.Configuration) error {
	if _, err := x.Configuration(c.Source, c.Version); err == nil {
		return store.ErrExists
	}
	x.configurations = append(x.configurations, c)
	return nil
}
func (x *memTx) LockSource(source int64) error {
	_, err := find(x.sources, func(s store.Source) bool { return s.ID == source })
	return err
}

func (x *memTx) Run(tenant int64, publicID string) (store.Run, error) {
	return find(x.runs, func(n store.Run) bool { return n.Tenant == tenant && n.PublicID == publicID })
}
func (x *memTx) Runs(q store.RunQuery) ([]store.Run, error) {
	return top(x.runs, q.Limit, func(a, b store.Run) int { return cmp.Compare(b.ID, a.ID) }, func(n store.Run) bool {
		return n.Tenant == q.Tenant && (q.Source == 0 || n.Source == q.Source) && (q.State == "" || n.State == q.State) && (q.Before == 0 || n.ID < q.Before)
	}), nil
}
func (x *memTx) InsertRun(n *store.Run, keep int) error {
	all, _ := x.Runs(store.RunQuery{Tenant: n.Tenant, Source: n.Source, Limit: len(x.runs)})
	for i, old := range all {
		if keep > 0 && i >= keep-1 && !old.State.Open() {
			x.runs = filtered(x.runs, func(o store.Run) bool { return o.ID != old.ID })
			maps.DeleteFunc(x.plans, func(p planPart, _ []byte) bool { return p.run == old.ID })
		}
	}
	n.ID = x.next()
	x.runs = append(x.runs, *n)
	return nil
}
func (x *memTx) UpdateRun(n store.Run) error {
	return put(x.runs, func(o store.Run) bool { return o.ID == n.ID }, func(o *store.Run) {
		n.Source, n.PublicID, n.Kind, n.Partition, n.StartedAt = o.Source, o.PublicID, o.Kind, o.Partition, o.StartedAt
		*o = n
	})
}
func (x *memTx) PlanPart(run int64, position int) ([]byte, error) {
	n, err := find(x.runs, func(n store.Run) bool { return n.ID == run })
	data, ok := x.plans[planPart{run, x.uploads[run], position}]
	if err != nil || n.PlanHash == nil || !ok {
		return nil, store.ErrNotFound
	}
	return data, nil
}
func (x *memTx) PutPlanPart(run, upload int64, position int, data []byte) error {
	if x.plans == nil {
		x.plans = map[planPart][]byte{}
	}
	x.plans[planPart{run, upload, position}] = data
	return nil
}
func (x *memTx) KeepPlan(run, upload int64) error {
	maps.DeleteFunc(x.plans, func(p planPart, _ []byte) bool { return p.run == run && p.upload != upload })
	if x.uploads == nil {
		x.uploads = map[int64]int64{}
	}
	x.uploads[run] = upload
	return nil
}
func (x *memTx) DeletePlans(before time.Time, limit int) (int, error) {
	gone := map[int64]bool{}
	for p := range x.plans {
		n, err := find(x.runs, func(n store.Run) bool { return n.ID == p.run })
		if err == nil && !n.State.Open() && n.EndedAt.Before(before) && (gone[p.run] || len(gone) < limit) {
			gone[p.run] = true
		}
	}
	maps.DeleteFunc(x.plans, func(p planPart, _ []byte) bool { return gone[p.run] })
	return len(gone), nil
}

func inProblemOrder(a, b store.Problem) int {
	return cmp.Or(cmp.Compare(a.Anchor, b.Anchor), cmp.Compare(a.Code, b.Code))
}

func (x *memTx) Problems(source int64, anchor, code string, limit int) ([]store.Problem, error) {
	return top(x.problems, limit, inProblemOrder, func(p store.Problem) bool {
		return p.Source == source && inProblemOrder(p, store.Problem{Anchor: anchor, Code: code}) > 0
	}), nil
}
func (x *memTx) ProblemsOf(source int64, anchors []string) ([]store.Problem, error) {
	return top(x.problems, len(x.problems), inProblemOrder, func(p store.Problem) bool {
		return p.Source == source && slices.Contains(anchors, p.Anchor)
	}), nil
}
func (x *memTx) PutProblem(p store.Problem) error {
	same := func(o store.Problem) bool { return o.Source == p.Source && o.Anchor == p.Anchor && o.Code == p.Code }
	old, err := find(x.problems, same)
	if p.Count = 1; err == nil {
		p.FirstAt, p.Count = old.FirstAt, old.Count+1
	}
	x.problems = upsert(x.problems, p, same)
	return nil
}
func (x *memTx) ClearProblems(source int64, anchor string) error {
	x.problems = filtered(x.problems, func(p store.Problem) bool { return p.Source != source || p.Anchor != anchor })
	return nil
}

func (x *memTx) Agent(tenant int64, publicID string) (store.Agent, error) {
	return find(x.agents, func(a store.Agent) bool { return a.Tenant == tenant && a.PublicID == publicID })
}
func (x *memTx) Agents(tenant, source int64) ([]store.Agent, error) {
	return top(x.agents, len(x.agents), func(a, b store.Agent) int { return cmp.Compare(a.PublicID, b.PublicID) }, func(a store.Agent) bool {
		return a.Tenant == tenant && (source == 0 || a.Source == source)
	}), nil
}
func (x *memTx) WorkingAgents(tenant, source int64, after time.Time) (int, error) {
	return len(filtered(x.agents, func(a store.Agent) bool {
		return a.Tenant == tenant && a.Source == source && a.RevokedAt.IsZero() && a.State != "paused" && a.SeenAt.After(after)
	})), nil
}
func (x *memTx) DeleteRevokedAgents(before time.Time) error {
	x.agents = filtered(x.agents, func(a store.Agent) bool { return a.RevokedAt.IsZero() || !a.RevokedAt.Before(before) })
	return nil
}
func (x *memTx) InsertAgent(a store.Agent) error {
	x.agents = append(x.agents, a)
	return nil
}
func (x *memTx) UpdateAgent(a store.Agent) error {
	return put(x.agents, func(o store.Agent) bool { return o.Tenant == a.Tenant && o.PublicID == a.PublicID }, func(o *store.Agent) {
		o.RevokedAt, o.SeenAt, o.Acknowledged, o.AgentReport = a.RevokedAt, a.SeenAt, a.Acknowledged, a.AgentReport
	})
}
func (x *memTx) Commands(source int64, agent string, after int64, limit int) ([]store.Command, error) {
	return top(x.commands, limit, func(a, b store.Command) int { return cmp.Compare(a.ID, b.ID) }, func(c store.Command) bool {
		return c.Source == source && c.ID > after && (c.Agent == "" || c.Agent == agent)
	}), nil
}
func (x *memTx) InsertCommand(c *store.Command, keep int) error {
	of := filtered(x.commands, func(o store.Command) bool { return o.Source == c.Source })
	for _, old := range of[:max(0, len(of)-keep+1)] {
		x.commands = filtered(x.commands, func(o store.Command) bool { return o.ID != old.ID })
	}
	c.ID = x.next()
	x.commands = append(x.commands, *c)
	return nil
}
func (x *memTx) SpendToken(tenant, id int64, at time.Time) error {
	return put(x.tokens, func(t store.Token) bool { return t.ID == id && t.Tenant == tenant && t.RevokedAt.IsZero() }, func(t *store.Token) { t.RevokedAt = at })
}

func inKeyOrder(a, b store.Pending) int { return cmp.Compare(a.Key, b.Key) }

func (x *memTx) Pending(source int64, after string, limit int) ([]store.Pending, error) {
	return top(x.pending, limit, inKeyOrder, func(p store.Pending) bool { return p.Source == source && p.Key > after }), nil
}
func (x *memTx) PendingHashes(source int64, row func([]byte) error) error {
	all, _ := x.Pending(source, "", len(x.pending))
	for _, p := range all {
		if err := row(bytes.Clone(p.Hash)); err != nil {
			return err
		}
	}
	return nil
}
func (x *memTx) PutPending(p store.Pending) error {
	x.pending = upsert(x.pending, p, func(o store.Pending) bool { return o.Source == p.Source && o.Key == p.Key })
	return nil
}
func (x *memTx) DeletePending(source int64, key string) error {
	x.pending = filtered(x.pending, func(p store.Pending) bool { return p.Source != source || key != "" && p.Key != key })
	return nil
}
