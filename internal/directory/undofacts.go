package directory

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// What an event says that its source asserted, and what was before. An undo
// reads a run's events as deeds, the newest first; those of other runs tell it
// which facts are newer.

// The deeds that undo an event.
const (
	undoEnd     = "end"     // the source's link is ended, which the event made
	undoRevive  = "revive"  // the link lives again, which the event ended
	undoRestore = "restore" // attributes have the values before
	undoMembers = "members" // members, and what is waited for, are as before
	undoReopen  = "reopen"  // a line of an order waits again for a membership that the run brought
)

// deed is one event of a source, as what it did to the source's facts.
type deed struct {
	event store.Event
	do    string // what undoes it
	t     *schema.ResourceType
	// before and after are the values of attributes by path, of undoRestore; of
	// undoRevive before is the whole document, of undoEnd after.
	before, after map[string]json.RawMessage
	// The ids of members that came and went, and the references of members that
	// began and ended to be waited for, of undoMembers.
	came, went, waits, waited []string
	// Of undoReopen the id of who ordered is for, and of the groups whose lines the
	// event closed.
	recipient string
	groups    []string
}

// readDeed says what an event did to the facts of its source; ok is false for
// one that did nothing to them.
func readDeed(set *schema.Set, e store.Event) (d deed, ok bool, err error) {
	kind, what, _ := strings.Cut(e.Type, ".")
	d = deed{event: e, t: map[string]*schema.ResourceType{"user": set.User, "group": set.Group}[kind]}
	if closesLine(e) {
		d.do, d.t = undoReopen, set.Order
		return d, true, nil
	}
	if d.t == nil || e.Outcome != OutcomeApplied && e.Outcome != OutcomeNotAuthoritative && e.Outcome != OutcomeParked {
		return d, false, nil
	}
	switch what {
	case "created", "linked", "revived", "held":
		d.do = undoEnd
	case "deleted":
		d.do = undoRevive
	case "updated", "enabled", "disabled":
		if e.Reason == reasonReferenceArrived || e.Reason == reasonReferenceGone {
			return d, false, nil // no source asserted anything else
		}
		d.do = undoRestore
	case "membersChanged", "memberParked", "memberUnparked":
		if e.Reason == reasonAuthority {
			return d, false, nil // no source asserted anything else
		}
		d.do = undoMembers
		return d, true, d.readMembers()
	default:
		return d, false, nil
	}
	if d.before, err = values(e, e.Before); err == nil {
		d.after, err = values(e, e.After)
	}
	return d, true, err
}

func values(e store.Event, doc []byte) (map[string]json.RawMessage, error) {
	if doc == nil {
		return nil, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(doc, &m); err != nil {
		return nil, fmt.Errorf("event %d: %w", e.Seq, err)
	}
	return m, nil
}

func (d *deed) readMembers() error {
	var before, after struct {
		Members []string `json:"members"`
		Waiting []string `json:"waitingMembers"`
	}
	for doc, to := range map[*[]byte]any{&d.event.Before: &before, &d.event.After: &after} {
		if *doc == nil {
			continue
		}
		if err := json.Unmarshal(*doc, to); err != nil {
			return fmt.Errorf("event %d: %w", d.event.Seq, err)
		}
	}
	d.came, d.went, d.waits, d.waited = after.Members, before.Members, after.Waiting, before.Waiting
	return nil
}

// paths are the attributes that an undoRestore is about.
func (d *deed) paths() []string {
	all := make([]string, 0, len(d.before)+len(d.after))
	for _, a := range leaves(d.t) {
		_, was := d.before[a.Path]
		_, is := d.after[a.Path]
		if was || is {
			all = append(all, a.Path)
		}
	}
	return all
}

// leaves are the attributes by which diff tells a change: those of the resource
// and those of its extensions.
func leaves(t *schema.ResourceType) []*schema.Attribute {
	var out []*schema.Attribute
	for _, a := range t.Root.Subs {
		if a.Extension {
			out = append(out, a.Subs...)
		} else {
			out = append(out, a)
		}
	}
	return out
}

// undiff makes a document of values by path, as diff gives them.
func undiff(t *schema.ResourceType, values map[string]json.RawMessage) (*document.Object, error) {
	whole := map[string]any{}
	for _, a := range leaves(t) {
		v, ok := values[a.Path]
		switch {
		case !ok:
		case a.Parent.Extension:
			inner, _ := whole[a.Parent.Name].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
				whole[a.Parent.Name] = inner
			}
			inner[a.Name] = v
		default:
			whole[a.Name] = v
		}
	}
	b, err := json.Marshal(whole)
	if err != nil {
		return nil, err
	}
	return document.MustDecode(t, b)
}

// fact names one thing that a source asserts about a resource: its link, an
// attribute, a member, a reference that is waited for.
type fact struct{ subject, what string }

const (
	factAny  = "*" // whatever a source asserts about the resource
	factLink = "link"
	// factAuthority is that an administrator declared the source the authority.
	factAuthority = "authority"
)

func factMember(id string) string   { return "member " + id }
func factWaiting(ref string) string { return "waiting " + ref }

// facts calls touch for each fact that an event is about, with what it is
// afterwards: "" for what isn't any more.
func (d *deed) facts(touch func(what, now string)) {
	touch(factAny, "")
	switch d.do {
	case undoEnd:
		touch(factLink, "linked")
	case undoRevive:
		now := ""
		if d.event.Reason == reasonAdopted {
			now = "adopted" // it asserts the same of another resource
		}
		touch(factLink, now)
	case undoRestore:
		for _, p := range d.paths() {
			touch(p, string(d.after[p]))
		}
	case undoMembers:
		for now, ids := range map[string][]string{"member": d.came, "": d.went} {
			for _, id := range ids {
				touch(factMember(id), now)
			}
		}
		for now, refs := range map[string][]string{"waiting": d.waits, "": d.waited} {
			for _, ref := range refs {
				touch(factWaiting(ref), now)
			}
		}
	}
}
