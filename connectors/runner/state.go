package runner

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/connectors"
)

// state is what the runner keeps on the server as the partition's checkpoint:
// the source's own, and what isn't settled yet.
type state struct {
	Version int `json:"version"` // 1
	// Source is the source's checkpoint, at most maxSource bytes.
	Source []byte `json:"source,omitempty"`
	// Kept are changes that were refused for a reason of their own, by anchor.
	Kept map[string]*kept `json:"kept,omitempty"`
	// Held is the run whose plan waits for a person, or is being carried out.
	Held string `json:"held,omitempty"`
	// Holding is a run that may have become one that waits, though Held doesn't
	// say so: it is saved before the run is held.
	Holding string `json:"holding,omitempty"`
	// Back are the anchors of objects in that plan that the directory has told
	// since as present: the plan is outdated for them.
	Back []string `json:"back,omitempty"`
	// Lives are objects that came back and aren't in Workspace yet, or whose former
	// life isn't ended yet, by anchor.
	Lives map[string]*life `json:"lives,omitempty"`
	// Full is why the next pull has to be full, not before FullFrom.
	Full     string    `json:"full,omitempty"`
	FullFrom time.Time `json:"fullFrom,omitzero"`
}

// kept is a change that was refused and is tried again.
type kept struct {
	Change change    `json:"change"`
	Tries  int       `json:"tries"`
	Next   time.Time `json:"next"`
}

// change is a connectors.Change that can be stored.
type change struct {
	Kind       connectors.Kind     `json:"kind,omitempty"`
	Name       string              `json:"name,omitempty"`
	Presence   connectors.Presence `json:"presence"`
	Whole      bool                `json:"whole,omitempty"`
	Attributes map[string]any      `json:"attributes,omitempty"`
	AllMembers bool                `json:"allMembers,omitempty"`
	Members    []string            `json:"members,omitempty"`
	Added      []string            `json:"added,omitempty"`
	Removed    []string            `json:"removed,omitempty"`
}

func store(c connectors.Change) change {
	return change{c.Kind, c.Name, c.Presence, c.Whole, c.Attributes, c.AllMembers, c.Members, c.Added, c.Removed}
}

func (c change) load(anchor string) connectors.Change {
	return connectors.Change{
		Kind: c.Kind, Anchor: anchor, Name: c.Name, Presence: c.Presence, Whole: c.Whole, Attributes: c.Attributes,
		AllMembers: c.AllMembers, Members: c.Members, Added: c.Added, Removed: c.Removed,
	}
}

// The bounds of a state: together within the server's 1 MiB for a checkpoint.
const (
	maxSource = 512 << 10 // bytes, a third more in base64
	maxKept   = 256 << 10 // bytes of JSON
	maxBack   = 500       // anchors
	// fullAfter is when what couldn't be kept is told again.
	fullAfter = 24 * time.Hour
)

func decodeState(data []byte) state {
	s := state{Kept: map[string]*kept{}, Lives: map[string]*life{}}
	if len(data) == 0 {
		return s
	}
	if err := json.Unmarshal(data, &s); err != nil || s.Version != 1 {
		// Not ours, or of a later version: begin again, which loses nothing.
		return state{Kept: map[string]*kept{}, Lives: map[string]*life{}, Full: "checkpointUnreadable"}
	}
	if s.Kept == nil {
		s.Kept = map[string]*kept{}
	}
	if s.Lives == nil {
		s.Lives = map[string]*life{}
	}
	return s
}

// encode gives the state in its stored form. Where more is kept than there is
// room for, some of it is dropped and a full pull is due later.
func (s *state) encode(now time.Time) ([]byte, error) {
	if len(s.Source) > maxSource {
		return nil, fmt.Errorf("the source's checkpoint has %d bytes, more than %d", len(s.Source), maxSource)
	}
	if s.livesSize() > maxLivesSize {
		clear(s.Lives)
		s.fullNow(codeRestored)
	}
	out := *s
	out.Version, out.Kept = 1, map[string]*kept{}
	size := 0
	for anchor, k := range s.Kept {
		b, err := json.Marshal(k)
		if err != nil {
			return nil, err
		}
		if size += len(b) + len(anchor) + 8; size > maxKept {
			s.fullLater("unsettled", now)
			out.Full, out.FullFrom = s.Full, s.FullFrom
			break
		}
		out.Kept[anchor] = k
	}
	return json.Marshal(out)
}

// livesSize is about how many bytes the lives take in a stored state.
func (s *state) livesSize() int {
	n := 0
	for anchor, l := range s.Lives {
		n += len(anchor) + 64
		for told := range l.Told {
			n += len(told) + 8
		}
	}
	return n
}

// hold notes the run whose plan waits now; "" for none.
func (s *state) hold(run string) { s.Held, s.Holding, s.Back = run, "", nil }

// fullLater asks for a full pull in a while, unless one is due sooner.
func (s *state) fullLater(why string, now time.Time) {
	if s.Full == "" {
		s.Full, s.FullFrom = why, now.Add(fullAfter)
	}
}

// fullNow asks for a full pull next time.
func (s *state) fullNow(why string) { s.Full, s.FullFrom = why, time.Time{} }

func (s *state) fullDue(now time.Time) bool { return s.Full != "" && !now.Before(s.FullFrom) }
