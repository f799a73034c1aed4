package main

import (
	"context"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// increment is what was measured of polls with so many changes.
type increment struct {
	Name            string
	Changes, Rounds int
	Floor           time.Duration // DirSync alone, the median
	Poll            time.Duration // the whole poll, the median
	// There is the time from a poll's beginning until all changes can be read in
	// Workspace, Added how much longer that is than Floor in the same round.
	There50, There95 time.Duration
	Added50, Added95 time.Duration

	floors, polls, there, added []time.Duration // round by round
}

// The names of increments.
const (
	nameTitle        = "title of a user"
	nameMemberAdd    = "one member more"
	nameMemberRemove = "one member fewer"
	nameTitles       = "titles of users"
)

// increments measures polls of one agent.
type increments struct {
	d       *adDomain
	session *dirsync.Session // for the floor; the agent keeps one too
	p       *poller
	f       *adFigures
	after   []byte // DirSync's checkpoint
}

const (
	// singles is how many polls with one change are measured for each round.
	singles = 6
	// idles is how many polls that find nothing are made, before the increments
	// and after them.
	idles = 2
)

func (m *increments) measure(ctx context.Context, rounds int) error {
	if err := m.idle(ctx); err != nil {
		return err
	}
	for range singles * rounds {
		for _, one := range []struct {
			name   string
			change func() error
		}{{nameTitle, m.d.setTitle}, {nameMemberAdd, m.d.addMember}, {nameMemberRemove, m.d.removeMember}} {
			if err := m.round(ctx, one.name, 1, one.change); err != nil {
				return err
			}
		}
	}
	for _, n := range []int{100, 10_000} {
		if n > m.d.users {
			continue
		}
		for range max(1, rounds*100/n) {
			if err := m.round(ctx, nameTitles, n, func() error { return m.d.change(ctx, n) }); err != nil {
				return err
			}
		}
	}
	for i := range m.f.Increments {
		m.f.Increments[i].sum()
	}
	return m.idle(ctx)
}

// idle polls when nothing has changed.
func (m *increments) idle(ctx context.Context) error {
	for range idles {
		told, err := m.p.poll(0)
		if err != nil {
			return err
		}
		m.f.Idle = append(m.f.Idle, told.Took)
		m.f.IdleWrites += told.Writes
	}
	return ctx.Err()
}

// round changes n objects of the directory and reads that with DirSync alone and
// with the agent.
func (m *increments) round(ctx context.Context, name string, n int, change func() error) error {
	if err := change(); err != nil {
		return err
	}
	begin := time.Now()
	after, _, err := readChanges(ctx, m.session, m.after)
	if err != nil {
		return err
	}
	floor := time.Since(begin)
	m.after = after
	told, err := m.p.poll(n)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(m.f.Increments, func(c increment) bool { return c.Name == name && c.Changes == n })
	if i < 0 {
		i = len(m.f.Increments)
		m.f.Increments = append(m.f.Increments, increment{Name: name, Changes: n})
	}
	c := &m.f.Increments[i]
	c.floors, c.polls = append(c.floors, floor), append(c.polls, told.Took)
	c.there, c.added = append(c.there, told.Wrote), append(c.added, told.Wrote-floor)
	return nil
}

// sum sums the rounds up.
func (c *increment) sum() {
	for _, all := range [][]time.Duration{c.floors, c.polls, c.there, c.added} {
		slices.Sort(all)
	}
	c.Rounds, c.Floor, c.Poll = len(c.polls), percentile(c.floors, .5), percentile(c.polls, .5)
	c.There50, c.There95 = percentile(c.there, .5), percentile(c.there, .95)
	c.Added50, c.Added95 = percentile(c.added, .5), percentile(c.added, .95)
}
