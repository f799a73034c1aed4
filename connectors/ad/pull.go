package ad

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// pull is one call of Pull.
type pull struct {
	rules
	mode    dirsync.Mode
	session keptSession
	to      connectors.Sink
	changes *dirsync.Changes

	begun         bool // something was told
	full, absence bool
	doubted       bool      // full, and the controller may lack what was told before
	now           time.Time // the controller's, when the stream was opened
	lookedAt      time.Time // of the pull before
	next          checkpoint
	outlived      *connectors.Note // deletions since may be forgotten; nil if not
	skipped       map[string]int   // objects by the code of why not

	reached  map[dirsync.GUID]bool // groups whose members are in scope
	inGroups map[dirsync.GUID]bool // who is a member of them

	mu     sync.Mutex                    // Change.Read may be called from anywhere
	tree   map[dirsync.GUID]dirsync.GUID // the parent of each container; nil if places don't matter
	others map[dirsync.GUID]class        // computers, and groups if they matter; nil until they are needed

	regroup bool // all groups are to be told anew, see nested.go
	// untold are the groups of a full pull's stream that are told at its end, with
	// their DNs.
	untold map[dirsync.GUID]string
}

// principals are what is searched for below a container that moved.
const principals = "(|(objectClass=user)(objectClass=group)(objectClass=contact))"

func (p *pull) run(ctx context.Context, s *Source, after []byte) error {
	begin, err := p.begin(ctx, s, after)
	if p.changes != nil {
		defer p.changes.Close()
	}
	if err != nil {
		return err
	}
	if err := p.readTree(ctx); err != nil {
		return err
	}
	p.begun = true
	if err := p.to.Begin(begin); err != nil {
		return err
	}
	if len(p.groups) > 0 {
		if err := p.readScopeMembers(ctx); err != nil {
			return err
		}
	}
	if err := p.expired(ctx); err != nil {
		return err
	}
	return p.stream(ctx)
}

// stream tells what the directory's changes are. In a full pull the checkpoints
// in its middle are kept back.
func (p *pull) stream(ctx context.Context) error {
	for {
		change, err := p.changes.Next()
		switch {
		case errors.Is(err, io.EOF):
			return p.end(ctx)
		case err != nil:
			return err
		case change.Unreadable != nil:
			err = p.to.Skip(connectors.Problem{Code: codeUnreadable, Dropped: true, Sentence: change.Unreadable.Error()})
		case change.Object != nil:
			err = p.object(ctx, change.Object)
		default:
			p.next.directory = change.Checkpoint
			if !p.full {
				err = p.closePage(ctx)
			}
			p.forgetOthers()
		}
		if err != nil {
			return err
		}
	}
}

// closePage gives the checkpoint of a page of an increment.
func (p *pull) closePage(ctx context.Context) error {
	if p.regroup {
		p.regroup = false
		p.forgetOthers()
		if err := p.tellGroups(ctx); err != nil {
			return err
		}
	}
	return p.to.Checkpoint(p.checkpoint())
}

// end closes a full pull: groups whose members follow from others, what was
// passed over, by reason, and the checkpoint.
func (p *pull) end(ctx context.Context) error {
	if !p.full {
		return nil
	}
	if p.flattens() {
		// After all changes of the stream: one of an inner group that comes in its
		// middle isn't told for those around it.
		if err := p.tellGroups(ctx); err != nil {
			return err
		}
	}
	for _, code := range slices.Sorted(maps.Keys(p.skipped)) {
		problem := connectors.Problem{Code: code, Dropped: true, Count: p.skipped[code], Sentence: fmt.Sprintf("%d objects aren't brought for this reason.", p.skipped[code])}
		if err := p.to.Skip(problem); err != nil {
			return err
		}
	}
	return p.to.Checkpoint(p.checkpoint())
}

// checkpoint stands for all that was told.
func (p *pull) checkpoint() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next.encode()
}

func (p *pull) object(ctx context.Context, o *dirsync.Object) error {
	switch {
	case o.Life.Deleted():
		delete(p.untold, o.GUID)
		if p.flattens() && !p.full {
			if err := p.groupDeleted(ctx, o); err != nil {
				return err
			}
		}
		return p.deleted(o)
	case p.full:
		return p.told(ctx, o)
	default:
		return p.changed(ctx, o)
	}
}

// deleted tells of a tombstone. Whether it was ever brought isn't known here.
func (p *pull) deleted(o *dirsync.Object) error {
	_, classTold := o.Values("objectClass")
	c := classify(o)
	if p.absence || classTold && c.kind() == "" {
		return nil
	}
	name, _, _ := strings.Cut(o.Name(), "\n")
	return p.to.Change(connectors.Change{Kind: c.kind(), Anchor: o.GUID.String(), Name: name, Presence: connectors.Deleted})
}

// told tells of one object of a full pull.
func (p *pull) told(ctx context.Context, o *dirsync.Object) error {
	if _, told := o.Values("objectClass"); !told {
		// [W] More links of a group whose first part came before.
		return p.reviewByID(ctx, o.GUID, false)
	}
	switch c := classify(o); {
	case c == container:
		p.stands(o.GUID, o.Parent)
		return nil
	case c == group && p.flattens():
		p.untold[o.GUID] = o.DN // until the end
		return nil
	}
	return p.review(ctx, o, false)
}

// changed tells of one object of an increment.
func (p *pull) changed(ctx context.Context, o *dirsync.Object) error {
	if o.Whole && o.Life != dirsync.LifeRestored {
		return p.current(ctx, o)
	}
	if err := p.changedScopeGroup(ctx, o); err != nil {
		return err
	}
	_, created := o.Values("objectClass")
	_, moved := p.parent(o.GUID)
	switch {
	case o.Life == dirsync.LifeRestored:
		return p.restored(ctx, o.GUID)
	case created && classify(o) == container:
		p.stands(o.GUID, o.Parent)
		return nil
	case created:
		// Who links to it does so since then, and is told by the stream.
		if err := p.reviewByID(ctx, o.GUID, false); err != nil {
			return err
		}
		return p.joinPrimary(ctx, o)
	case moved && !o.Parent.IsZero():
		return p.containerMoved(ctx, o)
	}
	if p.flattens() && changesLink(o, linkMember) {
		whole, err := p.nestedChange(ctx, o)
		if err != nil || whole {
			return err
		}
		o.Links = slices.DeleteFunc(o.Links, func(l dirsync.LinkChange) bool { return l.Attribute == linkMember })
	}
	changed := p.namesTold(o)
	if p.placed() && !o.Parent.IsZero() || p.anyScoping(changed) {
		return p.reviewByID(ctx, o.GUID, true)
	}
	if err := p.partial(ctx, o, changed); err != nil {
		return err
	}
	return p.joinPrimary(ctx, o)
}

// restored tells of an object that came back. Its deletion ended its links, and
// needn't have been told if both happened since the last pull: so that first.
func (p *pull) restored(ctx context.Context, id dirsync.GUID) error {
	o, err := p.session.Object(ctx, id, linkMember)
	switch {
	case isGone(err):
		return nil
	case err != nil:
		return err
	case o.Life.Deleted():
		return p.deleted(o)
	}
	if c := classify(o); c.kind() != "" {
		change := connectors.Change{Kind: c.kind(), Anchor: id.String(), Name: o.DN, Presence: connectors.Deleted}
		if err := p.to.Change(change); err != nil {
			return err
		}
	}
	if err := p.review(ctx, o, true); err != nil {
		return err
	}
	return p.tellAbove(ctx, o)
}

// changedScopeGroup looks again at the members that came to or left a group of
// the scope.
func (p *pull) changedScopeGroup(ctx context.Context, o *dirsync.Object) error {
	if !p.reached[o.GUID] {
		return nil
	}
	for _, l := range o.Links {
		if l.Attribute == linkMember {
			if err := p.reviewByID(ctx, l.To.GUID, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// containerMoved looks again at all that stands below a container that was
// renamed or moved: which of both isn't told, nor what is below it.
func (p *pull) containerMoved(ctx context.Context, o *dirsync.Object) error {
	p.stands(o.GUID, o.Parent)
	for below, err := range p.session.Find(ctx, o.GUID, principals, linkMember) {
		if isGone(err) {
			return nil // deleted since; its tombstone comes
		}
		if err != nil {
			return err
		}
		if err := p.review(ctx, below, true); err != nil {
			return err
		}
	}
	return nil
}

// isGone says whether an error means that an object isn't there.
func isGone(err error) bool {
	const noSuchObject = 32 // RFC 4511 appendix A
	result, ok := errors.AsType[*dirsync.ResultError](err)
	return errors.Is(err, dirsync.ErrNotFound) || ok && result.Code == noSuchObject
}

// namesTold are the attributes that are told of an object and that a rule or a
// clause reads, in small letters.
func (p *pull) namesTold(o *dirsync.Object) map[string]bool {
	told := map[string]bool{}
	for _, t := range p.translators {
		for name := range t.inputs {
			if _, ok := o.Values(name); ok {
				told[name] = true
			}
		}
	}
	for name := range p.scoping {
		if _, ok := o.Values(name); ok {
			told[name] = true
		}
	}
	if changesLink(o, linkManager) {
		told[linkManager] = true
	}
	return told
}

func (p *pull) anyScoping(changed map[string]bool) bool {
	for name := range p.scoping {
		if changed[name] {
			return true
		}
	}
	return false
}

// changesLink says whether something is told of a link attribute.
func changesLink(o *dirsync.Object, name string) bool {
	return slices.Contains(o.AllLinks, name) ||
		slices.ContainsFunc(o.Links, func(l dirsync.LinkChange) bool { return l.Attribute == name })
}

// reviewByID judges an object as it is now.
func (p *pull) reviewByID(ctx context.Context, id dirsync.GUID, entering bool) error {
	o, err := p.session.Object(ctx, id, linkMember)
	switch {
	case isGone(err):
		return nil // its tombstone is told by itself
	case err != nil:
		return err
	case o.Life.Deleted():
		return p.deleted(o)
	}
	return p.review(ctx, o, entering)
}

// review tells of an object that is known whole: all of it if it's in scope, and
// that it isn't otherwise. One that may be entering gets back what the server
// ended when it left.
func (p *pull) review(ctx context.Context, o *dirsync.Object, entering bool) error {
	c := classify(o)
	if c == container {
		p.stands(o.GUID, o.Parent)
		return nil
	}
	code, err := p.judge(ctx, o, c)
	if err != nil {
		return err
	}
	if code != "" {
		return p.leftOut(o, c, code)
	}
	change, problems, err := p.whole(ctx, o, c, p.hasMembers(o) && !p.flattens())
	if err != nil {
		return err
	}
	for _, problem := range problems {
		if err := p.to.Skip(problem); err != nil {
			return err
		}
	}
	if change.Anchor == "" {
		return nil
	}
	if p.doubted && c == group {
		change = p.withoutLoss(change, o)
	}
	if err := p.to.Change(change); err != nil || !entering {
		return err
	}
	return p.rejoin(ctx, o, c)
}

// outOfScope is the code of an object that no rule but the scope keeps out.
const outOfScope = "outOfScope"

// judge says why an object that is known whole isn't brought; empty if it is.
func (p *pull) judge(ctx context.Context, o *dirsync.Object, c class) (string, error) {
	if code := p.barred(o, c); code != "" {
		return code, nil
	}
	in, err := p.selected(ctx, o, c)
	if err == nil && !in {
		return outOfScope, nil
	}
	return "", err
}

// leftOut counts an object that isn't brought and, where absence doesn't say it,
// tells that.
func (p *pull) leftOut(o *dirsync.Object, c class, code string) error {
	if code != codeNameConflict {
		p.skipped[code]++
	} else {
		problem := connectors.Problem{Kind: c.kind(), Anchor: o.GUID.String(), Name: o.DN, Code: code, Dropped: true,
			Sentence: "Two controllers made an object of the same name, and this one lost. Delete or rename it."}
		if err := p.to.Skip(problem); err != nil {
			return err
		}
	}
	if p.absence || p.doubted || c.kind() == "" {
		return nil
	}
	return p.to.Change(outOf(o, c))
}

func outOf(o *dirsync.Object, c class) connectors.Change {
	return connectors.Change{Kind: c.kind(), Anchor: o.GUID.String(), Name: o.DN, Presence: connectors.OutOfScope}
}

// reader gives Change.Read of an object.
func (p *pull) reader(id dirsync.GUID) func(context.Context) (connectors.Change, error) {
	return func(ctx context.Context) (connectors.Change, error) {
		o, err := p.session.Object(ctx, id, linkMember)
		gone := connectors.Change{Anchor: id.String(), Presence: connectors.Deleted}
		switch {
		case isGone(err):
			return gone, nil
		case err != nil:
			return connectors.Change{}, err
		}
		c := classify(o)
		gone.Kind = c.kind()
		if o.Life.Deleted() {
			return gone, nil
		}
		code, err := p.judge(ctx, o, c)
		if err != nil {
			return connectors.Change{}, err
		}
		if code != "" {
			return outOf(o, c), nil
		}
		change, _, err := p.whole(ctx, o, c, false)
		if err == nil && !change.Whole {
			return outOf(o, c), nil // it lacks what one that isn't known yet needs
		}
		return change, err
	}
}
