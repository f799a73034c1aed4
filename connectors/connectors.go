// Package connectors is the contract between a directory that is read and the
// runner that brings what was read to Workspace. A connector fulfils one method,
// [Source.Pull]; it knows its directory and nothing of SCIM's transport, leases,
// retries or limits, which are the runner's. It knows nothing from the pull
// before: the server's links are what the directory was last said to hold, and the
// checkpoint is kept beside them.
package connectors

import "context"

// Source reads one directory, or one partition of it. One that keeps something
// open between pulls is an [io.Closer] too, and closed when there are no more.
type Source interface {
	// Pull tells a sink what changed after a checkpoint that it gave before, or
	// everything if that is nil or can't be continued: Begin once, then changes,
	// problems and checkpoints. It returns nil when it has told all that there
	// is, the sink's error as it is, or its own; whatever it returns, what came
	// before the last checkpoint was told completely, and to pull again from any
	// checkpoint tells the same changes again or newer ones. It doesn't write to
	// the directory. One pull at a time.
	//
	// Where an object comes (back) into scope, the groups that it is a member of
	// are told with it as Added, and those whose manager it is with it: Workspace
	// forgot both when it left. One that was deleted and came back is told as
	// deleted first, though both happened since: only what is told after that is so
	// in its new life.
	// A pull that goes on from a checkpoint of a full one doesn't have Absence.
	Pull(ctx context.Context, after []byte, to Sink) error
}

// Sink takes what a pull tells, in order. A sink that is slow makes the pull
// wait. An error of a sink ends the pull.
type Sink interface {
	// Begin comes first.
	Begin(Pull) error
	// Change tells of one object. The sink may keep it.
	Change(Change) error
	// Skip tells of an object that the source understood or wanted only in part,
	// or not at all.
	Skip(Problem) error
	// Checkpoint stands for all that was told before it; the sink keeps it when
	// that is settled, and no sooner. At most 1 MiB.
	Checkpoint(checkpoint []byte) error
}

// Pull is what a source says before it tells anything.
type Pull struct {
	// Full says that everything is told that is in scope, not only what changed.
	Full bool
	// Reason is a code that says why it is full ("initial",
	// "attributesChanged"); empty for an increment.
	Reason string
	// Absence says that an object that isn't told until this pull has ended
	// without an error is gone. It is never true of an increment.
	Absence bool
	// Total is how many objects are about to be told; 0 if that isn't known.
	Total int
	// Notes are sentences for the run's log: a weaker mode, a clock that is off.
	Notes []Note
}

// Note is a sentence with its code.
type Note struct{ Code, Sentence string }

// Kind is the SCIM resource type of an object.
type Kind string

// The kinds that sources tell.
const (
	User  Kind = "User"
	Group Kind = "Group"
)

// Presence says whether an object is there for Workspace.
type Presence string

const (
	// Present objects are in the directory and in scope.
	Present Presence = "present"
	// Deleted objects are no longer in the directory.
	Deleted Presence = "deleted"
	// OutOfScope objects are in the directory and not, or no longer, in scope.
	// Most of them Workspace never heard of.
	OutOfScope Presence = "outOfScope"
)

// Change is what is known of one object now.
type Change struct {
	Kind Kind // empty if only Presence is told and the directory no longer knows
	// Anchor identifies the object for ever: it outlives renames and moves. It
	// is the externalId of the resource.
	Anchor   string
	Name     string // what a log calls it; may be empty
	Presence Presence

	// Whole says that Attributes are all that it has: what isn't named is
	// cleared. If it is false, what isn't named is as it was.
	Whole bool
	// Attributes are values by SCIM path ("userName", "name.familyName",
	// "urn:…:User:department", "emails" for the whole list): string, bool,
	// float64, []any or map[string]any as encoding/json has them; nil clears.
	// References to other objects ("manager") are their anchors. Empty unless
	// Present.
	Attributes map[string]any

	// Members are the anchors of all members if AllMembers is set; otherwise
	// Added and Removed changed, and the rest is as it was.
	AllMembers     bool
	Members        []string
	Added, Removed []string

	// Read gives the same object whole as it is now, with all members. The sink
	// calls it where Workspace turns out not to know the object. nil if the
	// change is whole itself. Valid until Pull returns; called from another
	// goroutine perhaps, but only while Pull waits for the sink.
	Read func(context.Context) (Change, error)
}

// Problem is what is wrong with one object.
type Problem struct {
	Kind     Kind // empty if unknown
	Anchor   string
	Name     string
	Code     string // stable; explained in the connector's document
	Sentence string // what is wrong, and the way out
	// Dropped says that nothing of the object is told; otherwise all but what
	// the sentence names.
	Dropped bool
	// Count is how many objects it is about, where it names none; 0 for one.
	Count int
}
