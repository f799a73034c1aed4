package directory

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// UndoStep is what undoing one event takes, or why it can't be undone.
type UndoStep struct {
	Event   int64  // the event's Seq
	Type    string // the event's, as user.created
	Subject string // the id of the resource
	// Do is end, revive, restore, members or reopen; see docs/rules.md.
	Do         string
	Attributes []string // that are restored, by their paths
	Add        int      // members that come back
	Remove     int      // members that go again
	// Code says why it can't be undone, "" if it can: newerFact, or the rule
	// that refuses. Detail is a sentence.
	Code   string
	Detail string
	// Newer is the newest event that stands in the way, nil for none.
	Newer *NewerFact
}

// NewerFact is an event that tells of a fact that is newer than what an undo
// would bring back.
type NewerFact struct {
	Event int64
	Type  string
	Time  time.Time
	Run   string // its run, "" for none
	Actor string // who it was: a token's prefix, or cli
}

func (n NewerFact) String() string {
	s := fmt.Sprintf("event %d (%s) of %s by %s", n.Event, n.Type, n.Time.UTC().Format(time.RFC3339), n.Actor)
	if n.Run != "" {
		s += " in the run " + n.Run
	}
	return s
}

// UndoCounts is how much an undo does.
type UndoCounts struct {
	Events         int64 `json:"events"`   // of the run, of any kind
	Ended          int64 `json:"ended"`    // objects that the source won't assert any more
	Revived        int64 `json:"revived"`  // objects that it asserts again
	Restored       int64 `json:"restored"` // changes of attributes
	Disabled       int64 `json:"disabled"` // of those, users who are disabled
	MembersAdded   int64 `json:"membersAdded"`
	MembersRemoved int64 `json:"membersRemoved"`
	Reopened       int64 `json:"reopened"` // lines of orders that wait again
	Blocked        int64 `json:"blocked"`  // steps that can't be
}

// MaxUndoListed is how many steps, and how many blocked ones, an UndoPlan lists.
const MaxUndoListed = 1000

// UndoPlan is what undoing a run does.
type UndoPlan struct {
	// Hash is the SHA-256 of all steps, in hex.
	Hash   string
	Counts UndoCounts
	// Steps and Blocked are the first MaxUndoListed of what is done and of what
	// can't be, the newest event first.
	Steps, Blocked []UndoStep
	// Over says which limit of the source the plan is over, "" for none.
	Over string

	sum hash.Hash
}

func newUndoPlan() *UndoPlan { return &UndoPlan{sum: sha256.New()} }

// add counts a step.
func (p *UndoPlan) add(s UndoStep, disables bool) {
	newer := int64(0)
	if s.Newer != nil {
		newer = s.Newer.Event
	}
	fmt.Fprintf(p.sum, "%d %s %s %s %s +%d -%d %s %d\n", s.Event, s.Type, s.Subject, s.Do, strings.Join(s.Attributes, ","), s.Add, s.Remove, s.Code, newer)
	if s.Code != "" {
		p.Counts.Blocked++
		if len(p.Blocked) < MaxUndoListed {
			p.Blocked = append(p.Blocked, s)
		}
		return
	}
	if len(p.Steps) < MaxUndoListed {
		p.Steps = append(p.Steps, s)
	}
	switch s.Do {
	case undoEnd:
		p.Counts.Ended++
	case undoRevive:
		p.Counts.Revived++
	case undoRestore:
		p.Counts.Restored++
		if disables {
			p.Counts.Disabled++
		}
	case undoReopen:
		p.Counts.Reopened++
	}
	p.Counts.MembersAdded += int64(s.Add)
	p.Counts.MembersRemoved += int64(s.Remove)
}

func (p *UndoPlan) addSteps(steps []*undoStep) {
	for _, s := range steps {
		p.add(s.UndoStep, s.disables())
	}
}

func (p *UndoPlan) end() { p.Hash = hex.EncodeToString(p.sum.Sum(nil)) }

// undoStep is a step with what it takes to carry it out.
type undoStep struct {
	UndoStep
	deed
	add, remove   []string // ids of members
	park, unpark  []string // references
	withoutEffect bool     // all is as it was before already
}

// newUndoStep is the step that undoes all of a deed.
func newUndoStep(d deed) *undoStep {
	s := &undoStep{deed: d, UndoStep: UndoStep{Event: d.event.Seq, Type: d.event.Type, Subject: d.event.Subject, Do: d.do}}
	switch d.do {
	case undoRestore:
		s.Attributes = d.paths()
	case undoMembers:
		s.add, s.remove, s.park, s.unpark = slices.Clone(d.went), slices.Clone(d.came), slices.Clone(d.waited), slices.Clone(d.waits)
		s.count()
	}
	return s
}

// count says how many members the step moves, and whether it does anything.
func (s *undoStep) count() {
	s.Add, s.Remove = len(s.add), len(s.remove)
	s.withoutEffect = len(s.add)+len(s.remove)+len(s.park)+len(s.unpark) == 0
}

// disables says whether the step disables a user.
func (s *undoStep) disables() bool {
	return s.Do == undoRestore && slices.Contains(s.Attributes, "active") && string(s.before["active"]) == "false"
}

// blocked is a step like s that can't be done.
func (s *undoStep) blocked(code, detail string, newer *NewerFact) *undoStep {
	b := &undoStep{UndoStep: UndoStep{Event: s.Event, Type: s.Type, Subject: s.Subject, Do: s.Do, Code: code, Detail: detail, Newer: newer}}
	if newer != nil && detail == "" {
		b.Detail = "A newer fact stands in the way: " + newer.String() + "."
	}
	return b
}

func newerFact(e store.Event) *NewerFact {
	return &NewerFact{Event: e.Seq, Type: e.Type, Time: e.Time, Run: e.Run, Actor: e.Actor}
}
