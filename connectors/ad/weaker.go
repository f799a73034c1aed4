package ad

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// weaker says what is weaker in a mode that isn't DirSync with its right.
func (p *pull) weaker() (note connectors.Note, weaker bool) {
	switch p.mode {
	case dirsync.ModeObjectSecurity:
		return connectors.Note{Code: "objectSecurity", Sentence: "The account sees only what it may read, so what isn't told isn't taken to be gone; grant Replicating Directory Changes."}, true
	case dirsync.ModeUSNChanged:
		return connectors.Note{Code: "usnChanged", Sentence: "Changes are found by uSNChanged: what changed is read whole, another controller leads to a full pull, and what the account may not read any more seems to be gone; grant Replicating Directory Changes and use DirSync."}, true
	}
	return connectors.Note{}, false
}

// current tells of an object of which an increment tells all, because what of it
// changed isn't known: it may have moved into or out of scope.
func (p *pull) current(ctx context.Context, o *dirsync.Object) error {
	if classify(o) == container {
		if !p.placed() || o.Parent.IsZero() { // the domain's root doesn't move
			return nil
		}
		return p.containerMoved(ctx, o)
	}
	if err := p.review(ctx, o, p.placed() || len(p.scoping) > 0); err != nil {
		return err
	}
	if err := p.tellAbove(ctx, o); err != nil { // its members may be what changed
		return err
	}
	return p.joinPrimary(ctx, o)
}

// mustCompare says whether a full pull is due that may end what it doesn't tell,
// because another controller was read than before.
func (s *Source) mustCompare(old checkpoint, now time.Time) bool {
	every := cmp.Or(s.directory.CompareEvery, dirsync.DefaultCompareEvery)
	return !old.switchedAt.IsZero() && now.Sub(old.switchedAt).Abs() >= every
}

// doubt notes what controller the pull reads, and says whether that one may lack
// what was told before: it is another, was a while ago, or was set back. due says
// that all is to be compared. directory is dirsync's checkpoint of the pull before.
func (p *pull) doubt(old checkpoint, directory []byte, due bool) bool {
	before, told := dirsync.CheckpointController(directory)
	p.next.switchedAt, p.next.setBack = old.switchedAt, old.setBack
	switch {
	case dirsync.CheckpointRolledBack(directory, p.changes.Facts):
		p.next.switchedAt, p.next.setBack = time.Time{}, true
	case told && before != p.changes.Facts.InvocationID:
		p.next.switchedAt, p.next.setBack = p.now, false
	case p.full && due:
		p.next.switchedAt = time.Time{}
	}
	return p.next.setBack || !p.next.switchedAt.IsZero()
}

// withoutLoss takes out of what is told of a group what would end memberships
// that this controller may not know of: another may have told what hasn't been
// replicated to this one, or this one did before it was set back. Those that this one knows to have ended are told.
func (p *pull) withoutLoss(change connectors.Change, o *dirsync.Object) connectors.Change {
	change.Whole, change.Read = false, p.reader(o.GUID)
	change.AllMembers, change.Added, change.Members = false, slices.Concat(change.Members, change.Added), nil
	present := make(map[string]bool, len(change.Added))
	for _, id := range change.Added {
		present[id] = true
	}
	for _, l := range o.Links {
		if id := l.To.GUID.String(); l.Attribute == linkMember && !l.Added && !present[id] {
			change.Removed = append(change.Removed, id)
		}
	}
	return change
}

// hasMembers says whether all members of a group came with it: always in an
// ordinary read that wasn't cut into ranges, and in a full DirSync read of Samba.
func (p *pull) hasMembers(o *dirsync.Object) bool {
	return slices.Contains(o.AllLinks, linkMember) || p.changes.Facts.Samba && p.full
}

// reachedSum stands for the groups whose members are in scope and, where who left
// a group isn't told, for their members too: a change of them leads to a full
// pull.
func (p *pull) reachedSum(ctx context.Context) ([sha256.Size]byte, error) {
	if p.mode != dirsync.ModeUSNChanged || len(p.reached) == 0 {
		return sumOf(p.reached), nil
	}
	var b []byte
	ids := slices.SortedFunc(maps.Keys(p.reached), func(a, b dirsync.GUID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids {
		o, err := p.session.Object(ctx, id, linkMember, linkManager)
		if err != nil {
			return [sha256.Size]byte{}, err
		}
		b = append(append(b, id[:]...), text(o, "uSNChanged")...)
	}
	return sha256.Sum256(b), nil
}
