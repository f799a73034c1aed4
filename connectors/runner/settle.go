package runner

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// tries is how often an item is sent; between two the client waits.
const tries = 5

// settle brings items to the server, each of another object. When it returns
// nil each is written, set aside, or refused and kept. forced writes also what
// destroys.
func (c *cycle) settle(items []*item, forced bool) error {
	fresh := false
	for try := 1; len(items) > 0; try++ {
		later, err := c.attempt(items, forced, fresh)
		if err != nil {
			return err
		}
		items, fresh = nil, true
		for _, l := range later {
			switch {
			case try < tries:
				items = append(items, l.item)
			case scimclient.Temporary(l.err):
				return l.err // a later cycle begins where this one did
			default:
				if err := c.refused(l.item, l.err); err != nil {
					return err
				}
			}
		}
		if len(items) == 0 {
			break
		}
		if err := scimclient.Sleep(c.ctx, time.Duration(try)*50*time.Millisecond); err != nil {
			return err
		}
	}
	if forced {
		return nil
	}
	return c.tellDeparted()
}

// unsettled is an item that has to be tried again, and why.
type unsettled struct {
	*item
	err error
}

// write is an item as an operation.
type write struct {
	*item
	op    scimclient.Operation
	known bool
	was   ref
}

// attempt sends items once. fresh asks the server for their ids instead of the
// index, which doesn't know what a lost answer said.
func (c *cycle) attempt(items []*item, forced, fresh bool) ([]unsettled, error) {
	refs, err := c.refs(items, fresh)
	if err != nil {
		return nil, err
	}
	var sure, risky []write
	var later []unsettled
	for _, it := range items {
		was, known := refs[it.Anchor]
		w, verdict, err := c.operation(it, was, known)
		switch {
		case err != nil:
			if err := c.refused(it, err); err != nil {
				return nil, err
			}
		case verdict == nothing:
			c.counts.Unchanged++
			c.succeeded(it)
			if !forced {
				c.depart(it)
			}
		case verdict == destroys && !forced:
			c.setAside(it)
		case verdict == mayDestroy && !forced:
			risky = append(risky, w)
		default:
			sure = append(sure, w)
		}
	}
	if len(risky) > 0 {
		more, again, err := c.weigh(risky)
		if err != nil {
			return nil, err
		}
		sure, later = append(sure, more...), append(later, again...)
	}
	again, err := c.send(sure)
	return append(later, again...), err
}

// refs finds what the server has of the items' objects.
func (c *cycle) refs(items []*item, fresh bool) (map[string]ref, error) {
	out := map[string]ref{}
	ask := map[connectors.Kind][]string{}
	for _, it := range items {
		kinds := bothKinds
		if it.Kind != "" {
			kinds = []connectors.Kind{it.Kind}
		}
		for _, kind := range kinds {
			if c.index == nil || fresh {
				ask[kind] = append(ask[kind], it.Anchor)
			} else if r, ok := c.index.get(kind, it.Anchor); ok {
				out[it.Anchor] = r
			}
		}
	}
	for kind, anchors := range ask {
		found, err := c.scim.FindExternal(c.ctx, endpointOf(kind), anchors)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			out[r.ExternalID] = ref{kind, r.ID, r.Version}
		}
	}
	return out, nil
}

// verdict is what an operation means, before the server is asked.
type verdict int

const (
	changes    verdict = iota
	nothing            // there is nothing to write
	mayDestroy         // a dry run has to tell
	destroys
)

var errUnknown = &scimclient.Error{Reason: "unknownObject", Detail: "Workspace doesn't know the object any more, and only a part of it was told. The next full pull tells it whole."}

// codeUnreadable is the code of a problem that is no answer of the server.
const codeUnreadable = "unreadableObject"

// operation makes the write that an item asks for. Partial changes of objects
// that the server doesn't know are read whole first, which changes the item.
func (c *cycle) operation(it *item, was ref, known bool) (write, verdict, error) {
	if it.former && !known {
		return write{}, nothing, nil // a plan has deleted it meanwhile
	}
	if it.Presence == connectors.Present && !it.Whole && (!known || it.reread) {
		if it.Read == nil || c.pulled {
			c.state.fullLater(errUnknown.Reason, c.Now())
			return write{}, nothing, errUnknown
		}
		whole, err := it.Read(c.ctx)
		if err != nil {
			return write{}, nothing, err
		}
		whole.Anchor = it.Anchor
		it.Change, it.reread = whole, false
	}
	w := write{item: it, known: known, was: was}
	path := endpointOf(was.kind) + "/" + was.id
	var err error
	switch {
	case it.Presence != connectors.Present && !known:
		return w, nothing, nil
	case it.Presence != connectors.Present:
		w.op = scimclient.Operation{Method: http.MethodDelete, Path: path}
		return w, destroys, nil
	case !known:
		w.op = scimclient.Operation{Method: http.MethodPost, Path: endpointOf(it.Kind)}
		w.op.Data, err = document(it.Change)
		return w, changes, err
	case it.Whole && len(it.Added)+len(it.Removed) == 0:
		w.op = scimclient.Operation{Method: http.MethodPut, Path: path}
		w.op.Data, err = document(it.Change)
	default:
		w.op = scimclient.Operation{Method: http.MethodPatch, Path: path}
		if w.op.Data, err = patch(it.Change); w.op.Data == nil {
			return w, nothing, err
		}
	}
	if it.Attributes["active"] == false || it.AllMembers || len(it.Removed) > 0 {
		return w, mayDestroy, err
	}
	return w, changes, err
}

// effect is what an operation destroys.
type effect struct {
	disables bool
	removed  []string // ids of members
	told     bool     // it changes something at all
}

func effectOf(events []scimclient.Event) effect {
	var e effect
	for _, ev := range events {
		e.told = true
		if ev.After["active"] == false && ev.Before["active"] != false {
			e.disables = true
		}
		list, _ := ev.Before["members"].([]any)
		for _, m := range list {
			if id, ok := m.(string); ok {
				e.removed = append(e.removed, id)
			}
		}
	}
	return e
}

func (e effect) destroys() bool { return e.disables || len(e.removed) > 0 }

// weigh asks the server, by a dry run, which operations destroy. These are set
// aside; the others are given back, but for those that change nothing.
func (c *cycle) weigh(all []write) (sure []write, later []unsettled, err error) {
	outcomes, events, err := c.scim.DryRun(c.ctx, operations(all))
	if err != nil {
		return nil, nil, err
	}
	for i, w := range all {
		e := effectOf(events[w.was.id])
		switch {
		case outcomes[i].Err != nil:
			again, err := c.judge(w, outcomes[i])
			if err != nil {
				return nil, nil, err
			}
			later = append(later, again...)
		case e.destroys() && len(c.aside) < maxWhole:
			c.setAside(w.item)
		case e.destroys():
			// Only the part that destroys is worth its memory.
			safe, rest := split(w.item, e)
			for _, s := range safe {
				if err := c.settle([]*item{s}, true); err != nil {
					return nil, nil, err
				}
			}
			c.setAside(rest)
		case !e.told && len(w.Removed) == 0:
			c.counts.Unchanged++
			c.succeeded(w.item)
		default:
			// The removal of a member that hasn't arrived yet tells nothing.
			sure = append(sure, w)
		}
	}
	return sure, later, nil
}

// setAside keeps what destroys until the pull has ended. It says already what
// was kept of the object before.
func (c *cycle) setAside(it *item) {
	delete(c.state.Kept, it.Anchor)
	c.touched[it.Anchor] = true
	c.aside[it.Anchor] = it
}

// maxWhole is how many items are set aside as they were told.
const maxWhole = 1000

func operations(all []write) []scimclient.Operation {
	ops := make([]scimclient.Operation, len(all))
	for i, w := range all {
		ops[i] = w.op
	}
	return ops
}

// split parts what destroys from the rest of an item, which comes first.
func split(it *item, e effect) (safe []*item, rest *item) {
	main := it.Change
	main.Read = nil
	if e.disables {
		main.Attributes = withoutKey(main.Attributes, "active")
	}
	added := main.Added
	if main.AllMembers {
		added = main.Members
	}
	main.AllMembers, main.Members, main.Added, main.Removed = false, nil, nil, nil
	safe = append(safe, &item{Change: main})
	if len(added) > 0 {
		joins := connectors.Change{Kind: main.Kind, Anchor: main.Anchor, Name: main.Name, Presence: connectors.Present, Added: added}
		safe = append(safe, &item{Change: joins})
	}
	only := connectors.Change{Kind: main.Kind, Anchor: main.Anchor, Name: main.Name, Presence: connectors.Present, Removed: e.removed}
	if e.disables {
		only.Attributes = map[string]any{"active": false}
	}
	return safe, &item{Change: only, reason: it.reason}
}

func withoutKey(m map[string]any, key string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if k != key {
			out[k] = v
		}
	}
	return out
}

// send carries operations out.
func (c *cycle) send(all []write) (later []unsettled, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	outcomes, err := c.scim.Write(c.ctx, operations(all))
	for i, o := range outcomes {
		again, judgeErr := c.judge(all[i], o)
		if judgeErr != nil {
			return later, judgeErr
		}
		later = append(later, again...)
	}
	return later, err
}

// judge takes the outcome of one write: done, to be tried again, or refused.
func (c *cycle) judge(w write, o scimclient.Outcome) ([]unsettled, error) {
	if o.Err == nil {
		c.wrote = true
		c.count(w, o)
		c.succeeded(w.item)
		return nil, nil
	}
	again := func() ([]unsettled, error) {
		if c.index != nil {
			c.index.forget(w.Kind, w.Anchor)
		}
		return []unsettled{{w.item, o.Err}}, nil
	}
	var e *scimclient.Error
	switch {
	case scimclient.Temporary(o.Err), scimclient.Uncertain(o.Err):
		return again()
	case !errors.As(o.Err, &e):
		return nil, o.Err
	case e.Status == http.StatusNotFound && w.op.Method == http.MethodDelete:
		c.succeeded(w.item) // somebody was faster, or the answer was lost
		return nil, nil
	case e.Status == http.StatusNotFound && w.known:
		return again()
	case e.Status == http.StatusConflict && w.op.Method == http.MethodPost:
		// It may be there already, by a request whose answer was lost.
		found, err := c.scim.FindExternal(c.ctx, endpointOf(w.Kind), []string{w.Anchor})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return again()
		}
	}
	return nil, c.refused(w.item, o.Err)
}

// count counts what became of an object.
func (c *cycle) count(w write, o scimclient.Outcome) {
	same := o.Version != "" && o.Version == w.was.version
	switch {
	case w.op.Method == http.MethodDelete:
		c.counts.Deleted++
	case !w.known:
		c.counts.Created++
	case same:
		c.counts.Unchanged++
	case w.disables:
		c.counts.Disabled++
	default:
		c.counts.Updated++
	}
	if c.index == nil {
		return
	}
	if w.op.Method == http.MethodDelete {
		c.index.forget(w.was.kind, w.Anchor)
		return
	}
	c.index.put(w.Kind, w.Anchor, o.ID, o.Version)
	c.index.told(w.Kind, w.Anchor)
}

// succeeded forgets what was wrong with an object.
func (c *cycle) succeeded(it *item) {
	delete(c.state.Kept, it.Anchor)
	if !c.skipped[it.Anchor] {
		c.reports[it.Anchor] = scimclient.Report{Anchor: it.Anchor}
	}
}

// refused keeps a change that the server refuses for a reason of the object's
// own, to try it again.
func (c *cycle) refused(it *item, err error) error {
	if c.ctx.Err() != nil {
		return errors.Join(err, c.ctx.Err())
	}
	code := codeUnreadable
	var e *scimclient.Error
	if errors.As(err, &e) {
		code = e.Code()
	}
	k := &kept{Change: store(it.Change)}
	if was := c.state.Kept[it.Anchor]; was != nil {
		k.Tries = was.Tries
	} else {
		c.counts.Failed++
	}
	if c.Retry > 0 {
		k.Next = c.Now().Add(min(c.Retry<<min(k.Tries, 9), maxRetry))
	}
	k.Tries++
	c.state.Kept[it.Anchor] = k
	c.reports[it.Anchor] = scimclient.Report{
		Anchor: it.Anchor, Code: code, Kind: reportKind(it.Kind), Display: it.Name, Detail: err.Error(), Retry: "retrying",
	}
	c.Log.Warn("object refused", "anchor", it.Anchor, "code", code, "run", c.run.ID)
	return c.roomForReports()
}

// again tries what is kept: at the end of a pull what is due, and with now what
// was refused while something else may have stood in its way.
func (c *cycle) again(now bool) error {
	var items []*item
	for anchor, k := range c.state.Kept {
		switch told := c.touched[anchor]; {
		case c.pull.Absence && !told:
			delete(c.state.Kept, anchor) // it is gone, and so is what it said
			c.reports[anchor] = scimclient.Report{Anchor: anchor}
			continue
		case c.aside[anchor] != nil:
			continue
		case !now && (told || k.Next.After(c.Now())):
			continue
		case now && !told && k.Next.After(c.Now()):
			continue
		}
		items = append(items, &item{Change: k.Change.load(anchor), reason: string(k.Change.Presence)})
	}
	slices.SortFunc(items, func(a, b *item) int { return cmp.Compare(a.Anchor, b.Anchor) })
	return c.pieces(items, func(some []*item) error { return c.settle(some, false) })
}

// absent sets aside what a full pull didn't tell.
func (c *cycle) absent() error {
	for kind, ids := range c.index.absent() {
		refs, err := c.scim.FindID(c.ctx, endpointOf(kind), ids)
		if err != nil {
			return err
		}
		for _, r := range refs {
			anchor := r.ExternalID
			if anchor == "" {
				continue // not of a connector's making
			}
			c.aside[anchor] = &item{
				Change: connectors.Change{Kind: kind, Anchor: anchor, Name: r.Name, Presence: connectors.Deleted},
				reason: "absent",
			}
		}
	}
	return nil
}
