package directory

import (
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// refersByOwnIDs says whether a source refers to members by the ids of its own
// directory, so that an unknown one is a member that has not arrived yet. The
// others got our ids from us, so an unknown one is an error.
func refersByOwnIDs(k store.SourceKind) bool { return k == store.SourceAD || k == store.SourceAPI }

// parkMember has a group wait for a member, and tells of it if it didn't wait
// already.
func (w *Writer) parkMember(s *subject, ref string) error {
	waiting, err := w.waitsFor(s, ref)
	if err != nil || waiting {
		return err
	}
	if err := w.tx.Park(w.parkedMember(s, ref)); err != nil {
		return err
	}
	e := w.event("group.memberParked", &s.res)
	e.Outcome, e.Reason, e.Detail = OutcomeParked, "referenceUnknown", "The member "+quoteID(ref)+" has not arrived yet."
	e.After = idList(waitingMembers, []string{ref})
	return nil
}

// unparkMember has a group no longer wait for a member, if it does.
func (w *Writer) unparkMember(s *subject, ref string) error {
	waiting, err := w.waitsFor(s, ref)
	if err != nil || !waiting {
		return err
	}
	return w.unpark(s, ref)
}

func (w *Writer) unpark(s *subject, ref string) error {
	if err := w.tx.Unpark(w.parkedMember(s, ref)); err != nil {
		return err
	}
	e := w.event("group.memberUnparked", &s.res)
	e.Detail = "The member " + quoteID(ref) + " isn't waited for any more."
	e.Before = idList(waitingMembers, []string{ref})
	return nil
}

// waitingMembers is the key under which an event lists the references of members
// that a group waits for.
const waitingMembers = "waitingMembers"

func (w *Writer) waitsFor(s *subject, ref string) (bool, error) {
	all, err := w.tx.Parked(w.actor.Source.ID, ref)
	return slices.Contains(all, w.parkedMember(s, ref)), err
}

// keepParked forgets the members that a group waits for but those that refs
// name, and gives what else refs names.
func (w *Writer) keepParked(s *subject, refs []string) (others []string, err error) {
	if !refersByOwnIDs(w.actor.Source.Kind) {
		return refs, nil
	}
	waiting, err := w.tx.ParkedMembers(w.actor.Source.ID, s.res.RID)
	if err != nil || len(waiting) == 0 {
		return refs, err
	}
	named := make(map[string]bool, len(refs))
	for _, ref := range refs {
		named[ref] = true
	}
	kept := map[string]bool{}
	for _, ref := range waiting {
		if kept[ref] = named[ref]; named[ref] {
			continue
		}
		if err := w.unpark(s, ref); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return kept[ref] }), nil
}

func (w *Writer) parkedMember(s *subject, ref string) store.Parked {
	return store.Parked{Tenant: w.actor.Tenant.ID, Source: w.actor.Source.ID, Ref: ref, Kind: store.ParkedMember, RID: s.res.RID}
}
