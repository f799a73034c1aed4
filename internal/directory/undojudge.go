package directory

import (
	"errors"
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// What an undo may touch is judged by events alone, so that it is the same
// before anything is undone and while it is: a fact that an event of the same
// source tells of after the run, and that isn't of an undo of the run, is newer
// and stays.

// undoBatch is how many events of a run are undone in one transaction. An event
// holds 2,000 members at most.
const undoBatch = 200

// overtakers are, for the facts that some steps are about, the newest events of
// the source about them that are none of the run's.
type overtakers struct {
	wanted map[string]int64 // by subject: the oldest event of the run about it
	facts  map[fact]bool
	newest map[fact]overtaker
}

type overtaker struct {
	event NewerFact
	now   string // what the fact is since
}

func (o *overtakers) want(subject string, seq int64, facts ...string) {
	if old, ok := o.wanted[subject]; !ok || seq < old {
		o.wanted[subject] = seq
	}
	for _, f := range facts {
		o.facts[fact{subject, f}] = true
	}
}

// of gives what overtook a fact after an event, nil for nothing.
func (o *overtakers) of(subject, what string, seq int64) *overtaker {
	if n, ok := o.newest[fact{subject, what}]; ok && n.event.Event > seq {
		return &n
	}
	return nil
}

// steps reads the run's events before a number, 0 for all, the newest first, and
// judges them. next is where to go on, 0 at the end; events is how many were read.
func (u *undoing) steps(r store.Reader, before int64) (steps []*undoStep, events int, next int64, err error) {
	var all []store.Event
	next, err = r.FindEvents(store.EventQuery{Tenant: u.actor.Tenant.ID, Run: u.undone.PublicID, From: before, Limit: undoBatch}, func(e store.Event) error {
		all = append(all, e)
		return nil
	})
	if err != nil {
		return nil, 0, 0, err
	}
	var deeds []deed
	for _, e := range all {
		d, ok, err := readDeed(u.set, e)
		if err != nil {
			return nil, 0, 0, err
		}
		if ok && e.Source == u.actor.Source.ID {
			deeds = append(deeds, d)
		}
	}
	if err = u.readClosings(r, deeds); err != nil {
		return nil, 0, 0, err
	}
	steps, err = u.judge(r, deeds)
	return steps, len(all), next, err
}

// judge says what of each deed can be undone, and what can't.
func (u *undoing) judge(r store.Reader, deeds []deed) ([]*undoStep, error) {
	groups, err := u.groupsOf(r, deeds)
	if err != nil {
		return nil, err
	}
	o, err := u.overtakers(r, deeds, groups)
	if err != nil {
		return nil, err
	}
	gone, err := u.gone(r, deeds)
	if err != nil {
		return nil, err
	}
	var out []*undoStep
	for _, d := range deeds {
		s := newUndoStep(d)
		switch d.do {
		case undoEnd:
			out = append(out, judgeEnd(s, o, groups[d.event.Subject])...)
		case undoRevive:
			out = append(out, judgeRevive(s, o, gone)...)
		case undoRestore:
			out = append(out, judgeRestore(s, o)...)
		case undoMembers:
			out = append(out, judgeMembers(s, o, gone)...)
		case undoReopen:
			out = append(out, judgeReopen(s, o)...)
		}
	}
	return slices.DeleteFunc(out, func(s *undoStep) bool { return s.withoutEffect }), nil
}

// overtakers looks for newer events about what the deeds are about.
func (u *undoing) overtakers(r store.Reader, deeds []deed, groups map[string][]string) (*overtakers, error) {
	o := &overtakers{wanted: map[string]int64{}, facts: map[fact]bool{}, newest: map[fact]overtaker{}}
	for _, d := range deeds {
		subject, seq := d.event.Subject, d.event.Seq
		if d.do == undoReopen {
			for _, group := range d.groups {
				o.want(group, seq, factMember(d.recipient))
			}
			continue // all else follows from the memberships
		}
		o.want(subject, seq, factLink)
		if d.do == undoEnd {
			o.want(subject, seq, factAny, factAuthority)
			for _, group := range groups[subject] {
				o.want(group, seq, factMember(subject))
			}
		}
		d.facts(func(what, _ string) {
			if what != factAny {
				o.want(subject, seq, what)
			}
		})
	}
	for _, subject := range slices.Sorted(maps.Keys(o.wanted)) {
		if err := u.scan(r, subject, o); err != nil {
			return nil, err
		}
	}
	return o, u.declared(r, deeds, o)
}

// errEnough ends a reading.
var errEnough = errors.New("enough")

// scan reads the events about a subject, the newest first, down to the run's.
func (u *undoing) scan(r store.Reader, subject string, o *overtakers) error {
	q := store.EventQuery{Tenant: u.actor.Tenant.ID, Subject: subject, Limit: undoBatch}
	for {
		next, err := r.FindEvents(q, func(e store.Event) error {
			if e.Seq <= o.wanted[subject] {
				return errEnough
			}
			if f := (fact{subject, factAuthority}); e.Type == eventAuthorityChosen && o.facts[f] {
				if _, known := o.newest[f]; !known {
					o.newest[f] = overtaker{*newerFact(e), "chosen"}
				}
				return nil
			}
			if e.Source != u.actor.Source.ID || u.ours[e.Run] {
				return nil
			}
			d, ok, err := readDeed(u.set, e)
			if err != nil || !ok {
				return err
			}
			d.facts(func(what, now string) {
				f := fact{subject, what}
				if _, known := o.newest[f]; !known && o.facts[f] {
					o.newest[f] = overtaker{*newerFact(e), now}
				}
			})
			return nil
		})
		if errors.Is(err, errEnough) || err == nil && next == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		q.From = next
	}
}

// declared forgets the declarations by which another source is the authority of a
// group that would be ended, or none.
func (u *undoing) declared(r store.Reader, deeds []deed, o *overtakers) error {
	for _, d := range deeds {
		f := fact{d.event.Subject, factAuthority}
		if _, told := o.newest[f]; !told || d.do != undoEnd {
			continue
		}
		group, err := r.Resource(u.actor.Tenant.ID, d.event.SubjectRID)
		if err != nil {
			return err
		}
		if group.Chosen != u.actor.Source.ID {
			delete(o.newest, f)
		}
	}
	return nil
}

// groupsOf gives, by its id, the ids of the groups that each resource that is to
// be ended is in, as the source asserts it.
func (u *undoing) groupsOf(r store.Reader, deeds []deed) (map[string][]string, error) {
	ids := map[int64]string{}
	for _, d := range deeds {
		if d.do == undoEnd {
			ids[d.event.SubjectRID] = d.event.Subject
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := r.Groups(u.actor.View(), slices.Sorted(maps.Keys(ids)))
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for rid, groups := range all {
		for _, g := range groups {
			if g.Direct {
				out[ids[rid]] = append(out[ids[rid]], g.ID)
			}
		}
	}
	return out, nil
}

// gone gives, of what would come back, what can't any more: what is purged, and
// members that the source deleted since.
func (u *undoing) gone(r store.Reader, deeds []deed) (map[string]*obstacle, error) {
	members := map[string]bool{} // whether it would come back as a member
	for _, d := range deeds {
		if d.do == undoRevive {
			if !members[d.event.Subject] {
				members[d.event.Subject] = false
			}
		}
		for _, id := range d.went {
			members[id] = true
		}
	}
	out := map[string]*obstacle{}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(members)), 500) {
		refs, err := r.Refs(u.actor.View(), chunk)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			if ref.State == store.Purged {
				out[ref.ID] = &obstacle{code: RulePurged, detail: "Only the id of " + ref.ID + " is left: the retention time has passed."}
			} else if ref.Link == store.LinkEnded && members[ref.ID] {
				if err := u.deletedSince(r, ref.ID, out); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// obstacle is what keeps something from coming back.
type obstacle struct {
	code, detail string
	newer        *NewerFact
}

// deletedSince notes a member that the source deleted after the run: then the
// newest event about its link isn't ours.
func (u *undoing) deletedSince(r store.Reader, id string, out map[string]*obstacle) error {
	q := store.EventQuery{Tenant: u.actor.Tenant.ID, Subject: id, Limit: 20}
	for {
		next, err := r.FindEvents(q, func(e store.Event) error {
			d, ok, err := readDeed(u.set, e)
			if err != nil || !ok || e.Source != u.actor.Source.ID || d.do != undoEnd && d.do != undoRevive {
				return err
			}
			if !u.ours[e.Run] {
				out[id] = &obstacle{code: RuleNewerFact, newer: newerFact(e)}
			}
			return errEnough
		})
		if errors.Is(err, errEnough) || err == nil && next == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		q.From = next
	}
}

// judgeEnd: whatever the source asserted of the resource since would be lost.
func judgeEnd(s *undoStep, o *overtakers, groups []string) []*undoStep {
	if n := o.of(s.Subject, factLink, s.Event); n != nil && n.now == "" {
		return nil // it asserts nothing of it any more
	}
	for _, what := range []string{factAny, factAuthority} {
		if n := o.of(s.Subject, what, s.Event); n != nil {
			return []*undoStep{s.blocked(RuleNewerFact, "", &n.event)}
		}
	}
	for _, group := range groups {
		if n := o.of(group, factMember(s.Subject), s.Event); n != nil && n.now != "" {
			return []*undoStep{s.blocked(RuleNewerFact, "", &n.event)}
		}
	}
	return []*undoStep{s}
}

func judgeRevive(s *undoStep, o *overtakers, gone map[string]*obstacle) []*undoStep {
	if n := o.of(s.Subject, factLink, s.Event); n != nil {
		if n.now != "" {
			return nil // it asserts it again
		}
		return []*undoStep{s.blocked(RuleNewerFact, "", &n.event)}
	}
	if g := gone[s.Subject]; g != nil && g.newer == nil {
		return []*undoStep{s.blocked(g.code, g.detail, nil)}
	}
	return []*undoStep{s}
}

func judgeRestore(s *undoStep, o *overtakers) []*undoStep {
	link := o.of(s.Subject, factLink, s.Event)
	var free, lost []string
	var newest *NewerFact
	for _, path := range s.Attributes {
		n := o.of(s.Subject, path, s.Event)
		if link != nil && (n == nil || n.event.Event < link.event.Event) {
			n = &overtaker{event: link.event, now: "?"}
		}
		switch {
		case n == nil:
			free = append(free, path)
		case n.now == string(s.before[path]):
			// It has the value of before already.
		default:
			lost = append(lost, path)
			newest = later(newest, &n.event)
		}
	}
	var out []*undoStep
	if len(lost) > 0 {
		b := s.blocked(RuleNewerFact, "", newest)
		b.Attributes = lost
		out = append(out, b)
	}
	if s.Attributes = free; len(free) > 0 {
		out = append(out, s)
	}
	return out
}

func later(a, b *NewerFact) *NewerFact {
	if a == nil || a.Event < b.Event {
		return b
	}
	return a
}

// judgeMembers splits the members into those that can be moved and those that
// can't.
func judgeMembers(s *undoStep, o *overtakers, gone map[string]*obstacle) []*undoStep {
	link := o.of(s.Subject, factLink, s.Event)
	var out []*undoStep
	lost := map[obstacle]*undoStep{}
	block := func(why obstacle) *undoStep {
		if lost[why] == nil {
			lost[why] = s.blocked(why.code, why.detail, why.newer)
			out = append(out, lost[why])
		}
		return lost[why]
	}
	seen := map[int64]*NewerFact{} // one pointer an event, so that it counts once
	// keep says whether a fact can be made what it was before.
	keep := func(what, before string, add, remove int) bool {
		n := o.of(s.Subject, what, s.Event)
		if link != nil && (n == nil || n.event.Event < link.event.Event) {
			n = &overtaker{event: link.event, now: "?"}
		}
		if n == nil {
			return true
		}
		if n.now != before {
			if seen[n.event.Event] == nil {
				seen[n.event.Event] = &n.event
			}
			b := block(obstacle{code: RuleNewerFact, newer: seen[n.event.Event]})
			b.Add, b.Remove = b.Add+add, b.Remove+remove
		}
		return false
	}
	s.remove = slices.DeleteFunc(s.remove, func(id string) bool { return !keep(factMember(id), "", 0, 1) })
	s.add = slices.DeleteFunc(s.add, func(id string) bool {
		if !keep(factMember(id), "member", 1, 0) {
			return true
		}
		if gone[id] != nil {
			block(*gone[id]).Add++
		}
		return gone[id] != nil
	})
	s.unpark = slices.DeleteFunc(s.unpark, func(ref string) bool { return !keep(factWaiting(ref), "", 0, 0) })
	s.park = slices.DeleteFunc(s.park, func(ref string) bool { return !keep(factWaiting(ref), "waiting", 0, 0) })
	s.count()
	return append(out, s)
}
