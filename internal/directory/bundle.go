package directory

import (
	"archive/zip"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// The bounds of a support bundle.
const (
	bundleEvents    = 5000
	bundleRuns      = 500
	bundleProblems  = 5000 // of a source
	bundleConflicts = 1000
)

const bundleReadme = `What support needs to see of a tenant, at the time in about.json.

It holds no secret and no value of a person: of events the names of the attributes
that changed, of configurations numbers, switches and the words that Workspace
knows, of problems, runs and discrepancies no free text and no values. What was left out is "[text]". Ids are
those of Workspace and of the directories, so that somebody who may look can look
them up.
`

// WriteBundle writes, for an administrator, what support needs to see of a tenant
// as a zip archive (row H054): its sources with their configurations, credentials
// by their prefixes, agents, leases, runs, the discrepancies that were found last,
// problems, conflicts, the last events, totals, figures of the database, and
// versions; version is the program's. It leaves out by construction what could be a secret or a value of
// a person: texts that people or connectors wrote go in only where the words are
// Workspace's own. On an error the archive is incomplete.
func (d *Directory) WriteBundle(ctx context.Context, a Actor, version string, w io.Writer) error {
	if err := onlyAdmins(a); err != nil {
		return err
	}
	b := &bundle{d: d, ctx: ctx, actor: a, zip: zip.NewWriter(w), names: map[int64]string{}}
	if err := b.look(func(r store.Reader) (err error) { b.sources, err = r.Sources(a.Tenant.ID); return err }); err != nil {
		return err
	}
	for _, s := range b.sources {
		b.names[s.ID] = s.PublicID
	}
	parts := []func() error{
		func() error { return b.about(version) }, b.tenant, b.sourceStates, b.credentials, b.agents, b.runs, b.discrepancies, b.problems, b.conflicts, b.events, b.totals,
	}
	for _, part := range parts {
		if err := part(); err != nil {
			return fmt.Errorf("support bundle: %w", err)
		}
	}
	return b.zip.Close()
}

// bundle is one on its way. Each part is read by itself: nothing waits for who
// receives it.
type bundle struct {
	d       *Directory
	ctx     context.Context
	actor   Actor
	zip     *zip.Writer
	sources []store.Source
	names   map[int64]string // the public ids of sources, by id
}

func (b *bundle) look(fn func(store.Reader) error) error { return b.d.store.Look(b.ctx, fn) }

// file writes a file of JSON.
func (b *bundle) file(name string, v any) error {
	f, err := b.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: b.d.now()})
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func (b *bundle) about(version string) error {
	f, err := b.zip.Create("README.txt")
	if err == nil {
		_, err = io.WriteString(f, bundleReadme)
	}
	if err != nil {
		return err
	}
	var schema int64
	if err := b.look(func(r store.Reader) (err error) { schema, err = r.SchemaVersion(); return err }); err != nil {
		return err
	}
	figures := map[string]float64{}
	if m, ok := b.d.store.(store.Measured); ok {
		for _, x := range m.Metrics() {
			figures[x.Name] = x.Value
		}
	}
	return b.file("about.json", map[string]any{
		"version": version, "go": runtime.Version(), "os": runtime.GOOS + "/" + runtime.GOARCH, "databaseVersion": schema, "at": b.d.now(), "metrics": figures,
	})
}

func (b *bundle) tenant() error {
	var t store.Tenant
	var custom []map[string]any
	err := b.look(func(r store.Reader) (err error) { t, err = r.Tenant(b.actor.Tenant.Slug); return err })
	if err == nil {
		err = b.look(func(r store.Reader) error {
			all, err := r.CustomAttributes(b.actor.Tenant.ID)
			custom = nil
			for _, c := range all {
				custom = append(custom, map[string]any{"urn": c.URN, "name": c.Name, "type": c.Type.String()})
			}
			return err
		})
	}
	if err != nil {
		return err
	}
	return b.file("tenant.json", map[string]any{
		"slug": t.Slug, "domains": t.Domains, "syncEnabled": t.SyncEnabled, "schemaVersion": t.SchemaVersion, "createdAt": t.CreatedAt, "customAttributes": custom,
	})
}

// sourceStates are the sources with their configurations and leases.
func (b *bundle) sourceStates() error {
	var out []map[string]any
	for _, s := range b.sources {
		x := map[string]any{
			"id": s.PublicID, "name": ours(s.Name), "kind": s.Kind, "directoryDomain": ours(s.DirectoryDomain), "mode": s.Mode, "policies": s.Policies, "createdAt": s.CreatedAt,
		}
		err := b.look(func(r store.Reader) error {
			all, err := r.Configurations(s.ID, 0, 1)
			if err != nil || len(all) == 0 {
				return err
			}
			c := all[0]
			x["configuration"] = map[string]any{"version": c.Version, "hash": hex.EncodeToString(c.Hash), "createdAt": c.CreatedAt, "document": withoutTexts(c.Document)}
			return nil
		})
		if err == nil {
			err = b.look(func(r store.Reader) error {
				all, err := r.Leases(s.ID)
				var leases []map[string]any
				for _, l := range all {
					leases = append(leases, map[string]any{"partition": l.Partition, "token": l.Token, "run": l.Run, "held": l.Holder != "", "renewedAt": l.RenewedAt, "expiresAt": l.ExpiresAt})
				}
				x["leases"] = leases
				return err
			})
		}
		if err != nil {
			return err
		}
		out = append(out, x)
	}
	return b.file("sources.json", out)
}

// credentials are tokens by their prefixes, and federations, which hold no
// secret.
func (b *bundle) credentials() error {
	var tokens, federations []map[string]any
	err := b.look(func(r store.Reader) error {
		all, err := r.Tokens(b.actor.Tenant.ID)
		tokens = nil
		for _, t := range all {
			tokens = append(tokens, map[string]any{
				"prefix": t.Prefix, "kind": t.Kind, "source": b.names[t.Source], "createdAt": t.CreatedAt, "expiresAt": known(t.ExpiresAt), "revokedAt": known(t.RevokedAt), "lastUsedAt": known(t.LastUsedAt),
			})
		}
		return err
	})
	for i := 0; err == nil && i < len(b.sources); i++ {
		s := b.sources[i]
		err = b.look(func(r store.Reader) error {
			all, err := r.Federations(s.ID)
			for _, f := range all {
				federations = append(federations, map[string]any{"source": s.PublicID, "issuer": ours(f.Issuer), "tenantId": ours(f.TenantID)})
			}
			return err
		})
	}
	if err != nil {
		return err
	}
	return b.file("credentials.json", map[string]any{"tokens": tokens, "federations": federations})
}

// known gives nil for no time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (b *bundle) agents() error {
	var out []map[string]any
	err := b.look(func(r store.Reader) error {
		all, err := r.Agents(b.actor.Tenant.ID, 0)
		out = nil
		for _, x := range all {
			out = append(out, map[string]any{
				"id": x.PublicID, "source": b.names[x.Source], "version": ours(x.Version), "os": ours(x.OS), "state": ours(x.State), "configuration": hex.EncodeToString(x.Hash), "coLocated": x.CoLocated,
				"enrolledAt": x.EnrolledAt, "startedAt": known(x.StartedAt), "seenAt": known(x.SeenAt), "revokedAt": known(x.RevokedAt), "acknowledged": x.Acknowledged,
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.file("agents.json", out)
}

func (b *bundle) runs() error {
	var out []map[string]any
	err := b.look(func(r store.Reader) error {
		all, err := r.Runs(store.RunQuery{Tenant: b.actor.Tenant.ID, Limit: bundleRuns})
		out = nil
		for _, n := range all {
			skipped := map[string]int64{}
			for code, k := range n.Counts.Skipped {
				skipped[ours(code)] += k
			}
			n.Counts.Skipped = skipped
			out = append(out, map[string]any{
				"id": n.PublicID, "source": b.names[n.Source], "kind": n.Kind, "state": n.State, "partition": ours(n.Partition), "phase": ours(n.Phase), "done": n.Done, "total": n.Total, "counts": n.Counts,
				"startedAt": n.StartedAt, "updatedAt": n.UpdatedAt, "endedAt": known(n.EndedAt), "nextAt": known(n.NextAt), "planHash": hex.EncodeToString(n.PlanHash), "planSize": n.PlanSize, "hasDetail": n.Detail != "",
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.file("runs.json", out)
}

func (b *bundle) problems() error {
	out := map[string][]map[string]any{}
	for _, s := range b.sources {
		err := b.look(func(r store.Reader) error {
			all, err := r.Problems(s.ID, "", "", bundleProblems)
			var list []map[string]any
			for _, x := range all {
				list = append(list, map[string]any{"anchor": ours(x.Anchor), "code": ours(x.Code), "kind": x.Kind, "retry": x.Retry, "run": x.Run, "firstAt": x.FirstAt, "lastAt": x.LastAt, "count": x.Count})
			}
			if len(list) > 0 {
				out[s.PublicID] = list
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return b.file("problems.json", out)
}

func (b *bundle) conflicts() error {
	var out []map[string]any
	rids := map[int64]string{}
	var all []store.Conflict
	err := b.look(func(r store.Reader) (err error) {
		all, err = r.Conflicts(store.ConflictQuery{Tenant: b.actor.Tenant.ID, Limit: bundleConflicts})
		return err
	})
	for _, c := range all {
		rids[c.RID] = ""
	}
	if err == nil {
		err = b.look(func(r store.Reader) (err error) {
			rids, err = r.IDs(b.actor.Tenant.ID, slices.Sorted(maps.Keys(rids)))
			return err
		})
	}
	if err != nil {
		return err
	}
	for _, c := range all {
		out = append(out, map[string]any{"id": c.ID, "source": b.names[c.Source], "subject": rids[c.RID], "reason": c.Reason, "firstAt": c.FirstAt, "lastAt": c.LastAt, "count": c.Count, "decision": c.Decision})
	}
	return b.file("conflicts.json", out)
}

// events are the newest ones, by what changed and not to what.
func (b *bundle) events() error {
	var out []map[string]any
	for from := int64(0); len(out) < bundleEvents; {
		var page []map[string]any
		var next int64
		err := b.look(func(r store.Reader) (err error) {
			page = nil
			next, err = r.FindEvents(store.EventQuery{Tenant: b.actor.Tenant.ID, From: from, Limit: 500}, func(e store.Event) error {
				page = append(page, b.event(e))
				return nil
			})
			return err
		})
		if err != nil {
			return err
		}
		if out, from = append(out, page...), next; next == 0 {
			break
		}
	}
	return b.file("events.json", out)
}

func (b *bundle) event(e store.Event) map[string]any {
	changed := map[string]bool{}
	for _, doc := range [][]byte{e.Before, e.After} {
		var m map[string]json.RawMessage
		if json.Unmarshal(doc, &m) == nil {
			for path := range m {
				changed[ours(path)] = true
			}
		}
	}
	x := map[string]any{
		"seq": e.Seq, "time": e.Time, "txn": ours(e.Txn), "run": e.Run, "actor": ours(e.Actor), "source": b.names[e.Source], "type": e.Type, "outcome": e.Outcome, "reason": e.Reason,
		"changed": slices.Sorted(maps.Keys(changed)),
	}
	if e.SubjectRID != 0 {
		x["subject"] = e.Subject
	}
	return x
}

func (b *bundle) totals() error {
	var out []map[string]any
	err := b.look(func(r store.Reader) error {
		all, err := r.Tallies(b.actor.Tenant.ID)
		out = nil
		for _, t := range all {
			out = append(out, map[string]any{"source": b.names[t.Source], "kind": kindNames[t.Kind], "counter": t.Counter, "rows": t.Rows})
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.file("totals.json", out)
}
