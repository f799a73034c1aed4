package store

import "time"

// What the server keeps to guard sources that push (law 2): the requests of one
// source that destroy something, without a pause between them, are one push,
// and what is over its limits waits for a person.

// Push is what a source destroys without a pause. Only requests that destroy
// something read and write it.
type Push struct {
	Tenant, Source int64
	// Run is the public id of the run that it is; "" before its first request, and
	// from when it was decided about or has ended.
	Run string
	// StartedAt is the time of the first request, LastAt of the last one; zero for
	// none ever.
	StartedAt, LastAt time.Time
	Counts            RunCounts
	// Over says which limit of the source is exceeded, "" for none. From then on
	// all that the push would destroy waits.
	Over string
	// Held is how many changes of the source wait, of all its runs: objects, and
	// members of groups.
	Held int64

	// These are only filled, never written: the source's newest configuration, nil
	// for none, and what it has, as the transaction has made it so far.
	Configuration              []byte
	Users, Groups, Memberships int64
}

// HeldChange is what a source has asked for one resource, and what waits.
type HeldChange struct {
	ID     int64 // grows with the time of the first request
	Tenant int64
	Source int64
	RID    int64
	Run    string // the public id of the run that holds it
	// Delete says that the resource is to be deleted.
	Delete bool
	// Attributes is a JSON object of those that are to become others, nil for none.
	Attributes []byte
	At         time.Time // of the first request
	// Members is how many members are to leave the group; only filled.
	Members int64
}

// PushReader reads what is kept of pushes.
type PushReader interface {
	// Pushes gives the pushes of all tenants that have a run and whose last
	// request was before a time, at most limit. Nothing of them is filled.
	Pushes(before time.Time, limit int) ([]Push, error)
	// HeldChange gets what waits for a resource; ErrNotFound for nothing.
	HeldChange(source, rid int64) (HeldChange, error)
	// HeldChanges gives what waits in a run of a source behind an ID, in order.
	HeldChanges(source int64, run string, after int64, limit int) ([]HeldChange, error)
	// HeldMembers gives the members that are to leave a group behind a rid, in the
	// order of their rids, those that are gone by now included.
	HeldMembers(source, group, after int64, limit int) ([]Member, error)
	// HeldAmong gives those of members that are to leave a group, ascending.
	HeldAmong(source, group int64, members []int64) ([]int64, error)
	// DecidedPushes gives runs, of all tenants, that were approved or rejected and
	// still hold something, at most limit.
	DecidedPushes(limit int) ([]Run, error)
	// Losses says how many members of a group a push of the source, by its
	// StartedAt, has removed, and how many the source has left there; it counts no
	// more of them than most.
	Losses(source, group int64, push time.Time, most int64) (removed, left int64, err error)
	// CountMemberships says how many memberships of a source a resource is part
	// of, as a member or as the group; it counts no more than most.
	CountMemberships(source, rid, most int64) (int64, error)
}

// PushWriter writes what is kept of pushes.
type PushWriter interface {
	// LockPush gets the push of a source, made if need be; ErrNotFound if the
	// source isn't the tenant's. It is locked until the transaction ends.
	LockPush(tenant, source int64) (Push, error)
	// PutPush writes a push that LockPush gave.
	PutPush(p Push) error
	// AddLosses counts members that a push has removed from a group.
	AddLosses(source, group int64, push time.Time, removed int64) error
	// CountRun writes the counts of a run, unless they are nil, if it is still
	// running or held, and forgets that its plan was worked out.
	CountRun(tenant int64, run string, counts *RunCounts, at time.Time) error
	// PutHeld makes a resource wait, or replaces Delete and Attributes of one that
	// does.
	PutHeld(h HeldChange) error
	// HoldMembers makes members of a group that waits wait, and gives those that
	// didn't, ascending. ReleaseMembers is the opposite.
	HoldMembers(source, group int64, members []int64) ([]int64, error)
	ReleaseMembers(source, group int64, members []int64) ([]int64, error)
	// DeleteHeld forgets what waits for a resource, with its members.
	DeleteHeld(source, rid int64) error
}
