package ad

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// noteExpiry keeps when the next account expires, so that somebody looks then.
func (p *pull) noteExpiry(s subject) {
	at, _ := s.expires()
	if at.IsZero() || !at.After(p.now) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next.nextExpiry.IsZero() || at.Before(p.next.nextExpiry) {
		p.next.nextExpiry = at
	}
}

// expired tells of the accounts that expired since the pull before: nothing
// changes in the directory when they do. It searches only when one was to.
func (p *pull) expired(ctx context.Context) error {
	if p.full || p.next.nextExpiry.IsZero() || p.now.Before(p.next.nextExpiry) {
		return nil
	}
	p.next.nextExpiry = time.Time{}
	filter := fmt.Sprintf("(&(objectClass=user)(accountExpires>=%d)(accountExpires<=%d))", dirsync.FileTime(p.lookedAt), int64(math.MaxInt64-1))
	for o, err := range p.session.Find(ctx, dirsync.GUID{}, filter, linkMember) {
		if err != nil {
			return err
		}
		s := p.subject(o, true)
		p.noteExpiry(s)
		if at, _ := s.expires(); at.After(p.now) {
			continue
		}
		c := classify(o)
		code, err := p.judge(ctx, o, c)
		if err != nil {
			return err
		}
		if code != "" {
			continue
		}
		attributes, faults := p.translators[c].fill(s, p.translators[c].affected(map[string]bool{"accountexpires": true}))
		change := connectors.Change{Kind: c.kind(), Anchor: s.anchor, Name: o.DN, Presence: connectors.Present,
			Attributes: attributes, Read: p.reader(o.GUID)}
		if err := p.send(change, p.problems(o, c, faults)); err != nil {
			return err
		}
	}
	return nil
}
