package directory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"math/rand/v2"
	"time"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// pushLine is one line of the plan of a push, JSON with a newline: what waits for
// one resource. Its words are those of connectors' plans.
type pushLine struct {
	Operation string `json:"operation"` // delete, disable, changeIdentity, removeMembers
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	ID        string `json:"id"`
	// Attributes are those that become others, by path; null clears one.
	Attributes json.RawMessage `json:"attributes,omitempty"`
	Members    []pushMember    `json:"members,omitempty"`
	At         time.Time       `json:"at"` // of the first request
}

type pushMember struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// How much a plan says at most of a name, and lists in one line.
const (
	maxPlanName    = 100
	maxPlanMembers = 1000
)

// planned gives a held push with its plan: it is worked out from what waits when
// somebody asks, because each request changes it. Until the next one does, what
// was read, and is approved by its hash, is what is done.
func (d *Directory) planned(ctx context.Context, a Actor, n store.Run) (store.Run, error) {
	if n.Kind != pushKind || n.State != store.RunHeld || n.PlanHash != nil {
		return n, nil
	}
	err := d.store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.LockPush(n.Tenant, n.Source); err != nil {
			return err
		}
		var err error
		if n, err = seenRun(tx, a, n.PublicID); err != nil || n.State != store.RunHeld || n.PlanHash != nil {
			return err
		}
		p := &planWriter{tx: tx, run: n, upload: rand.Int64(), hash: sha256.New()}
		if err := p.write(); err != nil {
			return err
		}
		n.PlanHash, n.PlanSize = p.hash.Sum(nil), p.size
		n.Version++
		if err := tx.UpdateRun(n); err != nil {
			return err
		}
		return tx.KeepPlan(n.ID, p.upload)
	})
	return n, err
}

// planWriter writes the plan of a push part by part.
type planWriter struct {
	tx     store.Tx
	run    store.Run
	upload int64
	hash   hash.Hash
	size   int64
	parts  int
	buf    bytes.Buffer
}

func (p *planWriter) write() error {
	const page = 500
	for after := int64(0); ; {
		all, err := p.tx.HeldChanges(p.run.Source, p.run.PublicID, after, page)
		if err != nil {
			return err
		}
		for _, h := range all {
			after = h.ID
			if err := p.change(h); err != nil {
				return err
			}
		}
		if len(all) < page {
			return p.flush(1)
		}
	}
}

// change writes the lines of one resource.
func (p *planWriter) change(h store.HeldChange) error {
	res, err := p.tx.Resource(h.Tenant, h.RID)
	if err != nil {
		return err
	}
	l := pushLine{Kind: kindNames[res.Kind], Name: document.Truncate(res.Display, maxPlanName), ID: res.ID, At: h.At}
	if h.Delete {
		l.Operation = "delete"
		if err := p.line(l); err != nil {
			return err
		}
	}
	if h.Attributes != nil {
		if l.Operation, l.Attributes, err = describe(h.Attributes); err != nil {
			return fmt.Errorf("what waits for the resource %s: %w", res.ID, err)
		}
		if err := p.line(l); err != nil {
			return err
		}
		l.Attributes = nil
	}
	l.Operation = "removeMembers"
	for after := int64(0); h.Members > 0; {
		members, err := p.tx.HeldMembers(h.Source, h.RID, after, maxPlanMembers)
		if err != nil || len(members) == 0 {
			return err
		}
		l.Members = l.Members[:0]
		for _, m := range members {
			after = m.RID
			l.Members = append(l.Members, pushMember{document.Truncate(m.Display, maxPlanName), m.ID})
		}
		if err := p.line(l); err != nil {
			return err
		}
	}
	return nil
}

// describe names what becomes of attributes that wait.
func describe(attributes []byte) (operation string, all json.RawMessage, err error) {
	var fields map[string]any
	if err := json.Unmarshal(attributes, &fields); err != nil {
		return "", nil, err
	}
	if _, disables := fields["active"]; disables {
		if delete(fields, "active"); len(fields) == 0 {
			return "disable", nil, nil
		}
		return "disable", attributes, nil
	}
	return "changeIdentity", attributes, nil
}

func (p *planWriter) line(l pushLine) error {
	enc := json.NewEncoder(&p.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(l); err != nil {
		return err
	}
	return p.flush(planPart)
}

// flush stores whole parts, as long as there are so many bytes.
func (p *planWriter) flush(least int) error {
	for p.buf.Len() >= least && p.buf.Len() > 0 {
		part := bytes.Clone(p.buf.Next(planPart))
		p.hash.Write(part)
		if p.size += int64(len(part)); p.size > MaxPlan {
			return &Violation{Rule: RuleTooMany, Detail: fmt.Sprintf("The plan is larger than %d bytes.", MaxPlan), Way: "Reject the run."}
		}
		if err := p.tx.PutPlanPart(p.run.ID, p.upload, p.parts, part); err != nil {
			return err
		}
		p.parts++
	}
	return nil
}
