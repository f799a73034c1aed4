package runner

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// planLine is one line of a plan, JSON with a newline. What, whom and why are
// for the person who decides; id, version and members say exactly what is done.
type planLine struct {
	Operation string          `json:"operation"` // delete, disable, removeMembers
	Kind      connectors.Kind `json:"kind"`
	Name      string          `json:"name"`
	Reason    string          `json:"reason"` // deleted, outOfScope, absent, or present for what the directory changed
	Anchor    string          `json:"anchor"`
	ID        string          `json:"id"`
	// Version is the ETag that the object has to have still.
	Version string       `json:"version"`
	Members []planMember `json:"members,omitempty"`
}

type planMember struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

// errDecided is why what was set aside isn't settled yet: somebody approved a plan
// that was about to give way, so that is carried out first.
var errDecided = errors.New("a plan was approved meanwhile")

// carryOutAndDestroy carries an approved plan out and then what was set aside.
// An approval may come at any moment in between; each is of one more run.
func (c *cycle) carryOutAndDestroy() error {
	for {
		if err := c.approved(); err != nil {
			return err
		}
		if err := c.destroy(); !errors.Is(err, errDecided) {
			return err
		}
	}
}

// destroy carries out what was set aside, or holds the run with it. After
// errDecided it is still set aside.
func (c *cycle) destroy() error {
	items := slices.SortedFunc(maps.Values(c.aside), func(a, b *item) int {
		// Deletes first: they free names.
		gone := func(it *item) string {
			if it.Presence == connectors.Present {
				return "1"
			}
			return "0"
		}
		return cmp.Or(cmp.Compare(gone(a), gone(b)), cmp.Compare(a.Anchor, b.Anchor))
	})
	c.aside = map[string]*item{}
	why := ""
	var effects map[string]effect
	if len(items) > 0 {
		if err := c.progress("applying"); err != nil {
			return err
		}
		t, e, err := c.toll(items)
		if err != nil {
			return err
		}
		why, effects = c.Limits.exceeded(t, c.Part), e
	}
	if why != "" {
		return c.hold(items, effects, why)
	}
	if c.pull.Absence && c.waiting.ID != "" {
		// The directory was read whole and says nothing of the kind any more.
		if err := c.giveWay(c.waiting, items, "The directory doesn't say so any more."); err != nil {
			return err
		}
		c.state.hold("")
		c.waiting = scimclient.Run{}
	}
	for _, it := range items {
		it.disables = effects[it.Anchor].disables
	}
	return c.pieces(items, func(some []*item) error { return c.settle(some, true) })
}

// toll counts what items would destroy, and of how much.
func (c *cycle) toll(items []*item) (toll, map[string]effect, error) {
	var t toll
	effects := map[string]effect{}
	for part := range slices.Chunk(items, pageChanges) {
		refs, err := c.refs(part, true)
		if err != nil {
			return t, nil, err
		}
		var ask []write
		for _, it := range part {
			was, known := refs[it.Anchor]
			w, verdict, err := c.operation(it, was, known)
			switch {
			case err != nil: // it will be refused
			case verdict == destroys:
				t.deletes++
			case verdict == mayDestroy:
				ask = append(ask, w)
			}
		}
		outcomes, events, err := c.scim.DryRun(c.ctx, operations(ask))
		if err != nil {
			return t, nil, err
		}
		for i, w := range ask {
			if err := outcomes[i].Err; scimclient.Temporary(err) {
				return t, nil, err
			}
			e := effectOf(events[w.was.id])
			effects[w.Anchor] = e
			if e.disables {
				t.disables++
			}
			if err := c.emptied(&t, w, len(e.removed)); err != nil {
				return t, nil, err
			}
		}
	}
	err := c.size(&t)
	return t, effects, err
}

// size counts of how much a toll is: of a part what a full pull knows, else its
// share of the source.
func (c *cycle) size(t *toll) (err error) {
	if c.Part.Of > 1 && c.index != nil {
		t.objects, t.users = c.index.count()
		return nil
	}
	var groups int
	if t.users, err = c.scim.Count(c.ctx, scimclient.Users); err == nil {
		groups, err = c.scim.Count(c.ctx, scimclient.Groups)
	}
	t.objects, t.users = c.Part.share(t.users+groups), c.Part.share(t.users)
	return err
}

// emptied counts members that a group loses.
func (c *cycle) emptied(t *toll, w write, removed int) error {
	if removed == 0 {
		return nil
	}
	t.removals += removed
	had, err := c.scim.MemberCount(c.ctx, w.was.id)
	if err != nil {
		return err
	}
	t.members += had
	if removed >= had && had >= c.Limits.Emptied {
		t.emptied = append(t.emptied, w.Name)
	}
	return nil
}

// hold does what of the items isn't destructive, and makes the rest the plan of
// a run that waits for a person. There is one such run of a partition: an equal
// one stands, another is cancelled in favour of the newer.
func (c *cycle) hold(items []*item, effects map[string]effect, why string) error {
	var rest []*item
	for _, it := range items {
		e := effects[it.Anchor]
		if it.Presence == connectors.Present {
			safe, only := []*item{it}, (*item)(nil)
			if e.destroys() {
				safe, only = split(it, e)
			}
			for _, s := range safe {
				if err := c.settle([]*item{s}, true); err != nil {
					return err
				}
			}
			if it = only; it == nil {
				continue
			}
		}
		rest = append(rest, it)
	}
	plan, err := c.plan(rest)
	if err != nil {
		return err
	}
	if len(plan) > scimclient.MaxPlan {
		return fmt.Errorf("%s The plan would be larger than %d MiB: narrow down what changed, or raise the limits", why, scimclient.MaxPlan>>20)
	}
	sum := sha256.Sum256(plan)
	hash := hex.EncodeToString(sum[:])
	open, err := c.control.OpenRuns(c.ctx, c.Source, c.Partition)
	if err != nil {
		return err
	}
	for _, n := range open {
		if n.ID == c.run.ID {
			continue
		}
		if n.PlanHash == hash && (n.State == "held" || n.State == "approved") {
			c.detail = why
			c.state.hold(n.ID)
			return nil
		}
		if err := c.giveWay(n, rest, "A newer plan takes its place."); err != nil {
			return err
		}
		if !c.pull.Absence {
			c.state.fullNow("planReplaced") // its plan was about more than this pull told
		}
	}
	if _, err := c.control.SavePlan(c.ctx, c.run.ID, plan); err != nil {
		return err
	}
	begun := decodeState(c.saved)
	begun.Holding = c.run.ID
	if err := c.saveState(&begun); err != nil {
		return err
	}
	state, detail := "held", why
	_, err = c.control.UpdateRun(c.ctx, c.run.ID, scimclient.RunChange{State: &state, Detail: &detail, Counts: &c.counts, Done: &c.done})
	if err != nil && !scimclient.Is(err, "runState") {
		return err
	} // runState: the answer was lost, and before the next try a person has decided
	c.state.hold(c.run.ID)
	c.outcome, c.detail = "held", why
	c.wrote = false // a run that is held writes no more
	c.Log.Warn("run held", "run", c.run.ID, "why", why, "plan", hash)
	return nil
}

// giveWay cancels a run that waits, as it was read. If a person has approved it by
// now, that is what counts: the items are set aside again, and the error is
// errDecided.
func (c *cycle) giveWay(n scimclient.Run, items []*item, why string) error {
	if n.State == "held" {
		var err error
		if n, err = c.control.CancelRun(c.ctx, n, why); err != nil {
			return err
		}
	}
	if n.State != "approved" && n.State != "held" {
		return nil
	}
	for _, it := range items {
		c.aside[it.Anchor] = it
	}
	if c.state.Held != n.ID {
		c.state.hold(n.ID)
	}
	c.waiting = n
	return errDecided
}

// drop cancels a run that waits, whether it is approved or not.
func (c *cycle) drop(run, why string) error {
	state := "cancelled"
	_, err := c.control.UpdateRun(c.ctx, run, scimclient.RunChange{State: &state, Detail: &why})
	if scimclient.Is(err, "runState") || scimclient.NotFound(err) {
		return nil // it was decided about, or is gone
	}
	return err
}

// plan writes the lines, in one order, so that the same plan has the same hash.
func (c *cycle) plan(items []*item) ([]byte, error) {
	refs, err := c.refs(items, true)
	if err != nil {
		return nil, err
	}
	var lines []planLine
	byKind := map[connectors.Kind][]string{}
	var people []string
	for _, it := range items {
		r, known := refs[it.Anchor]
		if !known {
			continue
		}
		l := planLine{Operation: "delete", Kind: r.kind, Name: it.Name, Reason: it.reason, Anchor: it.Anchor, ID: r.id, Version: r.version}
		byKind[r.kind] = append(byKind[r.kind], r.id)
		if it.Presence == connectors.Present {
			l.Operation = "disable"
			if len(it.Removed) > 0 {
				l.Operation = "removeMembers"
			}
		}
		for _, id := range it.Removed {
			l.Members = append(l.Members, planMember{ID: id})
			people = append(people, id)
		}
		slices.SortFunc(l.Members, func(a, b planMember) int { return cmp.Compare(a.ID, b.ID) })
		lines = append(lines, l)
	}
	names := map[string]string{}
	for _, kind := range bothKinds {
		found, err := c.scim.FindID(c.ctx, endpointOf(kind), slices.Concat(byKind[kind], people))
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			names[r.ID] = r.Name
		}
	}
	slices.SortFunc(lines, func(a, b planLine) int {
		return cmp.Or(cmp.Compare(string(a.Kind), string(b.Kind)), cmp.Compare(a.Anchor, b.Anchor))
	})
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, l := range lines {
		if names[l.ID] != "" {
			l.Name = names[l.ID]
		}
		for i := range l.Members {
			l.Members[i].Name = names[l.Members[i].ID]
		}
		if err := enc.Encode(l); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// cameBack notes that an object is told as present. If a plan waits that would
// destroy something of it, that part of the plan is out of date.
func (c *cycle) cameBack(anchor string) error {
	if c.waiting.ID == "" {
		return nil
	}
	if c.planned == nil {
		plan, err := c.control.Plan(c.ctx, c.waiting)
		if err != nil {
			return err
		}
		c.planned = map[string]bool{}
		err = eachLine(plan, c.waiting.ID, func(l planLine) error {
			c.planned[l.Anchor] = true
			return nil
		})
		for _, a := range c.state.Back {
			delete(c.planned, a)
		}
		if err != nil {
			return err
		}
	}
	if !c.planned[anchor] {
		return nil
	}
	delete(c.planned, anchor)
	if c.state.Back = append(c.state.Back, anchor); len(c.state.Back) <= maxBack {
		return nil
	}
	id := c.waiting.ID
	c.waiting = scimclient.Run{}
	c.state.hold("")
	c.state.fullNow("planOvertaken")
	return c.drop(id, "The directory says otherwise by now.")
}

// eachLine reads a plan.
func eachLine(plan []byte, run string, fn func(planLine) error) error {
	for dec := json.NewDecoder(bytes.NewReader(plan)); dec.More(); {
		var l planLine
		if err := dec.Decode(&l); err != nil {
			return fmt.Errorf("the plan of the run %s can't be read: %w", run, err)
		}
		if err := fn(l); err != nil {
			return err
		}
	}
	return nil
}
