package directory

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// Changed rules are worked out over everybody of a source before they are saved
// (row E092): what the source said is carried out by them as an upload is, page
// by page, and each page is rolled back (law 5). The limits of the source aren't
// asked: a simulation says what the rules want.

// The bounds of one Simulate.
const (
	// MaxSimulated is how many affected people one answer names.
	MaxSimulated = 500
	// simulatePage is how many people share a transaction.
	simulatePage = 50
	// simulateTime is when an answer ends and the rest is left to the next one.
	simulateTime = 20 * time.Second
)

// What changed rules do to a person.
const (
	SimulatedComes   = "comesIn" // a user is made, or made again
	SimulatedLeaves  = "leaves"  // what the source asserts of the user ends
	SimulatedChanges = "changes" // attributes change
	SimulatedFails   = "fails"   // the record is refused; what there is stays
)

// Simulated is a person for whom changed rules make a difference, or fail.
type Simulated struct {
	What       string // SimulatedComes, …
	ExternalID string // what the source calls the person
	Display    string
	User       string // the user's id, "" where there is none
	// Attributes are the paths of those that change, sorted.
	Attributes []string
	// Groups are the ids of those that the user isn't in any more.
	Groups []string
	// Code and Detail say why it fails, or what can't be brought.
	Code, Detail string
}

// Simulation is what changed rules would do to the people of a source.
type Simulation struct {
	Version                                                       string // of the rules
	People, InScope, ComeIn, Leave, Change, Fail, Warn, Unchanged int64
	// Attributes counts the people who change by the attribute's path.
	Attributes map[string]int64
	// Memberships counts those in groups that end; Revoked the items that are
	// taken away.
	Memberships, Revoked int64
	// Products are those that who leaves would lose, as Impact has them.
	Products []ProductImpact
	// Named are people who are affected.
	Named []Simulated
	// Next is behind whom to go on, 0 at the end.
	Next int64
}

// Simulate works out what rules would do to the people of a source behind an id
// that an answer gave, 0 for the first. An answer ends after limit affected
// people, at most MaxSimulated, and when it has taken 20 seconds; what it counts
// are those that it looked at, so answers can be added up. Nothing is written; so
// two people of different pages who come to want one userName both get it. a
// is an administrator; document are rules as SetMapping takes them, nil for those
// that the source has.
func (d *Directory) Simulate(ctx context.Context, a Actor, source string, document []byte, after int64, limit int) (Simulation, error) {
	x := &simulation{d: d, limit: min(limit, MaxSimulated), ends: time.Now().Add(simulateTime)}
	if err := x.begin(ctx, a, source, document); err != nil {
		return Simulation{}, err
	}
	x.out.Version, x.out.Attributes, x.out.Next = x.rules.Version(), map[string]int64{}, after
	for more := true; more; {
		var err error
		if more, err = x.page(ctx); err != nil {
			return Simulation{}, err
		}
	}
	if err := x.products(ctx, a); err != nil {
		return Simulation{}, err
	}
	return x.out, nil
}

// simulation is a Simulate on its way.
type simulation struct {
	d     *Directory
	b     batch
	rules *rules
	limit int
	ends  time.Time
	left  []impactLine // who leaves
	out   Simulation
}

func (x *simulation) begin(ctx context.Context, a Actor, source string, document []byte) error {
	if err := onlyAdmins(a); err != nil {
		return err
	}
	set, err := x.d.Schema(ctx, a.Tenant)
	if err != nil {
		return err
	}
	return x.d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		s.Mode = store.ModeActive // in staging nothing would be said
		actor := Actor{Tenant: a.Tenant, Source: s, Token: a.Token, Txn: a.Txn, decided: true}
		x.b = batch{d: x.d, t: set.User, actor: actor}
		last, err := r.Mapping(s.ID, 0)
		if err := ignoreNotFound(err); err != nil {
			return err
		}
		if document == nil {
			document = last.Document
		}
		if document == nil {
			return invalid("", "The source has no rules.", "Send those to simulate.")
		}
		ready, err := compileRules(set.User, document)
		x.rules = &rules{ready, last.Number + 1}
		return err
	})
}

// page looks at the next people, and says whether there are more to look at.
func (x *simulation) page(ctx context.Context) (more bool, err error) {
	var found []simulated
	var events []store.Event
	var behind int64
	err = x.d.store.Update(ctx, func(tx store.Tx) error {
		found, behind, x.b.managers = nil, x.out.Next, map[string]string{}
		w := &Writer{d: x.d, tx: tx, actor: x.b.actor, now: x.d.now()}
		// Nobody works on the source's records meanwhile.
		if _, err := tx.LockUploads(w.actor.Tenant.ID, w.actor.Source.ID); err != nil {
			return err
		}
		all, err := tx.Raws(w.actor.Source.ID, behind, simulatePage)
		if err != nil {
			return err
		}
		if more = len(all) == simulatePage; more {
			behind = all[simulatePage-1].ID
		}
		still, err := undeleted(tx, w.actor.Source, all)
		if err != nil {
			return err
		}
		for i, raw := range still {
			one, err := x.one(w, raw)
			if err != nil {
				return err
			}
			found = append(found, one)
			if one.affected() && len(x.out.Named)+affected(found) == x.limit {
				if more = more || i+1 < len(still); more {
					behind = raw.ID
				}
				break
			}
		}
		if err := w.close(); err != nil {
			return err
		}
		events = w.events
		return errDryRun
	})
	if err != errDryRun {
		return false, err
	}
	for _, one := range found {
		x.count(one)
	}
	for _, e := range events {
		if e.Type == "item.revoked" && e.Outcome == OutcomeApplied {
			x.out.Revoked++
		}
	}
	if x.out.Next = 0; more {
		x.out.Next = behind
	}
	return more && len(x.out.Named) < x.limit && time.Now().Before(x.ends), nil
}

// simulated is what became of one person.
type simulated struct {
	Simulated
	u       *store.UploadRecord
	inScope bool
}

func (s simulated) affected() bool { return s.What != "" || s.u.Status == store.UploadWarning }

func affected(all []simulated) (n int) {
	for _, s := range all {
		if s.affected() {
			n++
		}
	}
	return n
}

// one carries out what is known of a person, as if the source said it again.
func (x *simulation) one(w *Writer, raw store.Raw) (simulated, error) {
	u := &store.UploadRecord{Tenant: raw.Tenant, Source: raw.Source, Actor: x.b.actor.Token, Txn: x.b.actor.Txn, Data: raw.Data}
	b, events := x.b, len(w.events)
	b.rules = x.rules
	person := b.newMapped(*u)
	if err := person.settle(w, u); err != nil {
		return simulated{}, err
	}
	out := simulated{u: u, inScope: person.out.InScope, Simulated: Simulated{ExternalID: u.ExternalID, Display: u.Display, User: u.Subject}}
	switch {
	case u.Status == store.UploadFailure:
		out.What = SimulatedFails
	case u.Code == CodeOutOfScope && u.Action == "disable":
		out.What = SimulatedLeaves
	case u.Action == "create":
		out.What, out.User = SimulatedComes, ""
		if raw.RID != 0 {
			out.User = u.Subject
		}
	case u.Action == "update", u.Action == "disable":
		out.What = SimulatedChanges
	}
	if u.Status == store.UploadFailure || u.Status == store.UploadWarning {
		out.Code, out.Detail = u.Code, u.Detail
	}
	return out, out.read(w.events[events:])
}

// read finds in the events of a person what changes and what goes.
func (s *simulated) read(events []store.Event) error {
	paths, groups := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		switch {
		case e.Type == "group.membersChanged" && e.Reason == "memberDeleted" && e.Outcome == OutcomeApplied:
			groups[e.Subject] = true
		case s.What == SimulatedChanges && e.Subject == s.u.Subject:
			for _, doc := range [][]byte{e.Before, e.After} {
				var values map[string]json.RawMessage
				if len(doc) == 0 {
					continue
				}
				if err := json.Unmarshal(doc, &values); err != nil {
					return err
				}
				for path := range values {
					paths[path] = true
				}
			}
		}
	}
	s.Attributes, s.Groups = slices.Sorted(maps.Keys(paths)), slices.Sorted(maps.Keys(groups))
	return nil
}

func (x *simulation) count(s simulated) {
	o := &x.out
	o.People++
	if s.inScope {
		o.InScope++
	}
	switch s.What {
	case SimulatedComes:
		o.ComeIn++
	case SimulatedLeaves:
		o.Leave++
		x.left = append(x.left, impactLine{Operation: "delete", Kind: "user", ID: s.User})
	case SimulatedChanges:
		o.Change++
	case SimulatedFails:
		o.Fail++
	default:
		o.Unchanged++
	}
	if s.u.Status == store.UploadWarning {
		o.Warn++
	}
	for _, path := range s.Attributes {
		o.Attributes[path]++
	}
	o.Memberships += int64(len(s.Groups))
	if s.affected() {
		o.Named = append(o.Named, s.Simulated)
	}
}

// products finds the products that who leaves would lose, as things are now.
func (x *simulation) products(ctx context.Context, a Actor) error {
	i := &impact{d: x.d, view: a.View(), people: map[string]bool{}, groups: map[string]bool{}, products: map[string]*losers{}, byGroup: map[string][]*losers{}}
	for part := range slices.Chunk(x.left, impactBatch) {
		i.lines = part
		if err := i.settle(ctx); err != nil {
			return err
		}
	}
	x.out.Products = i.told().Products
	return nil
}
