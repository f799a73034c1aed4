package directory

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// The headers in which a connector says under which lease and for which run it
// writes, to every door.
const (
	// LeaseHeader is "<partition>;<token>".
	LeaseHeader = "Workspace-Lease"
	// RunHeader is the id of a run that goes on under the lease.
	RunHeader = "Workspace-Run"
)

// Fence is the claim to hold a lease now. The zero value claims nothing.
type Fence struct {
	Partition string
	Token     int64
}

// partitionRule: a partition is named by its connector, say "default" or the
// objectGUID of a base.
var partitionRule = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$`)

// Claim takes over what the two headers say, "" for one that didn't come. What
// isn't of their form, and a run without a lease, is a *Violation of
// RuleInvalid. Whether it is true is found out in the transaction of each write.
func (a *Actor) Claim(lease, run string) error {
	if lease == "" && run == "" {
		return nil
	}
	partition, token, _ := strings.Cut(lease, ";")
	n, err := strconv.ParseInt(strings.TrimSpace(token), 10, 64)
	if err != nil || n <= 0 || !partitionRule.MatchString(partition) {
		return &Violation{
			Rule: RuleInvalid, Attribute: LeaseHeader,
			Detail: "The header " + LeaseHeader + " is missing or not of its form.",
			Way:    "Send the partition, a semicolon and the token of the lease, e.g. default;7.",
		}
	}
	if run != "" {
		id, err := uuid.Parse(run)
		if err != nil {
			return &Violation{
				Rule: RuleInvalid, Attribute: RunHeader,
				Detail: "The header " + RunHeader + " is no id of a run.", Way: "Send the id that the run was started with.",
			}
		}
		run = id.String()
	}
	a.Fence, a.Run = Fence{partition, n}, run
	return nil
}

// holds refuses an actor that doesn't hold the lease that it claims, or that it
// needs. In an Update nobody can take the lease over until that has ended. It
// costs nothing for who neither claims nor needs one.
func (d *Directory) holds(r store.Reader, a Actor, dryRun bool) error {
	if a.Fence == (Fence{}) {
		if a.Agent == "" || dryRun {
			return nil
		}
		return leaseRequired()
	}
	_, err := d.held(r, a)
	return err
}

func leaseRequired() error {
	return &Violation{
		Rule:   RuleLeaseRequired,
		Detail: "This is written under a lease only, and the header " + LeaseHeader + " is missing.",
		Way:    "Acquire a lease of the source and send the header with each write.",
	}
}

// held gives the lease that the actor claims, if it holds it.
func (d *Directory) held(r store.Reader, a Actor) (store.Lease, error) {
	if a.Fence == (Fence{}) {
		return store.Lease{}, leaseRequired()
	}
	l, err := r.Lease(a.Source.ID, a.Fence.Partition)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Lease{}, err
	}
	return l, d.judgeLease(l, a)
}

func (d *Directory) judgeLease(l store.Lease, a Actor) error {
	why := ""
	switch {
	case l.Holder == "" || l.Token != a.Fence.Token || a.Agent != "" && l.Holder != a.Agent:
		why = "it is not, or no longer, yours"
	case !d.leaseTime(l).Before(l.ExpiresAt):
		why = "it has expired"
	case a.Run != "" && a.Run != l.Run:
		why = "the run " + a.Run + " is not the one that goes on under it"
	default:
		return nil
	}
	return &Violation{
		Rule:   RuleFenced,
		Detail: fmt.Sprintf("fenced: the lease %s;%d doesn't count, because %s. Nothing was written.", a.Fence.Partition, a.Fence.Token, why),
		Way:    "Acquire the lease again and go on from the checkpoint.",
	}
}

// leaseTime is the time by which a lease that was just read is judged.
func (d *Directory) leaseTime(l store.Lease) time.Time {
	if d.sharedClock {
		return l.ReadAt
	}
	return d.now()
}

// The bounds of a lease's life.
const (
	MinLease = 5 * time.Second
	MaxLease = 10 * time.Minute
)

// LeaseRequest asks for a lease.
type LeaseRequest struct {
	Partition string
	// Holder names who asks where the token isn't an agent's own, e.g.
	// "embedded": 1 to 64 characters. An agent is named by its id.
	Holder string
	// TTL is how long the lease lives from now, MinLease to MaxLease.
	TTL time.Duration
	// Token is that of a lease to renew, 0 to acquire it.
	Token int64
	// Configuration is the hash, in hex, of the configuration that the holder
	// works by; "" where the source has none.
	Configuration string
}

// AcquireLease gives a partition of a source to one holder, or renews it for
// the one that it has. Who takes over one that is free or has expired gets a
// greater token; to acquire what one holds already is to renew it. It is a
// Violation of RuleLeaseHeld while another one holds it, of
// RuleConfigurationMismatch for a holder that works by another configuration
// than the source's newest (row E014), and of RuleFenced if the lease to renew
// is lost.
func (d *Directory) AcquireLease(ctx context.Context, a Actor, source string, q LeaseRequest) (store.Lease, error) {
	if err := q.check(&a); err != nil {
		return store.Lease{}, err
	}
	var l store.Lease
	err := d.update(ctx, a, func(tx store.Tx) error {
		s, err := ownSource(tx, a, source)
		if err != nil {
			return err
		}
		// A new configuration ends all leases: one after the other with it.
		if err := tx.LockSource(s.ID); err != nil {
			return err
		}
		if err := sameConfiguration(tx, s, q.Configuration); err != nil {
			return err
		}
		if l, err = tx.LockLease(s.ID, q.Partition); err != nil {
			return err
		}
		now := d.leaseTime(l)
		live := l.Holder != "" && now.Before(l.ExpiresAt)
		switch {
		case q.Token != 0 && (!live || l.Token != q.Token || l.Holder != q.Holder):
			a.Fence = Fence{q.Partition, q.Token}
			return d.judgeLease(l, Actor{Agent: q.Holder, Fence: a.Fence})
		case live && l.Holder != q.Holder:
			return &Violation{
				Rule:   RuleLeaseHeld,
				Detail: fmt.Sprintf("The lease of the partition %q is held by %s until %s.", q.Partition, l.Holder, l.ExpiresAt.Format(time.RFC3339)),
				Way:    "Try again then, or work on another partition.",
			}
		case !live:
			l.Holder, l.Token, l.Run, l.AcquiredAt = q.Holder, l.Token+1, "", now
		}
		l.RenewedAt, l.ExpiresAt = now, now.Add(q.TTL)
		return tx.PutLease(l)
	})
	return l, err
}

func (q *LeaseRequest) check(a *Actor) error {
	if err := onlySources(*a); err != nil {
		return err
	}
	if !partitionRule.MatchString(q.Partition) {
		return store.ErrNotFound
	}
	if q.TTL < MinLease || q.TTL > MaxLease {
		return invalid("ttl", fmt.Sprintf("A lease lives %s to %s.", MinLease, MaxLease), "Ask for seconds within these bounds.")
	}
	if a.Agent != "" {
		if q.Holder != "" && q.Holder != a.Agent {
			return invalid("holder", "An agent holds leases under its own id.", "Leave holder out.")
		}
		q.Holder = a.Agent
	}
	if _, err := uuid.Parse(q.Holder); err == nil && a.Agent == "" {
		return invalid("holder", "The holder looks like an agent's id.", "Use a name such as embedded.")
	}
	return text("holder", q.Holder, 1, 64)
}

// sameConfiguration compares hashes in hex.
func sameConfiguration(r store.Reader, s store.Source, hash string) error {
	c, err := r.Configuration(s.ID, 0)
	if err := ignoreNotFound(err); err != nil {
		return err
	}
	if want := hex.EncodeToString(c.Hash); want != strings.ToLower(hash) {
		return &Violation{
			Rule: RuleConfigurationMismatch, Attribute: "configuration",
			Detail: fmt.Sprintf("The source's configuration has the hash %q, and you work by another one.", want),
			Way:    "Read the source's configuration, work by it, and ask again with its hash.",
		}
	}
	return nil
}

// ReleaseLease ends the lease that the actor claims.
func (d *Directory) ReleaseLease(ctx context.Context, a Actor, source, partition string) error {
	if err := onlySources(a); err != nil {
		return err
	}
	if !partitionRule.MatchString(partition) {
		return store.ErrNotFound
	}
	return d.update(ctx, a, func(tx store.Tx) error {
		if _, err := ownSource(tx, a, source); err != nil {
			return err
		}
		if a.Fence.Partition != partition {
			return leaseRequired()
		}
		l, err := tx.LockLease(a.Source.ID, partition)
		if err != nil {
			return err
		}
		if err := d.judgeLease(l, a); err != nil {
			return err
		}
		now := d.leaseTime(l)
		l.Holder, l.Run, l.Token, l.RenewedAt, l.ExpiresAt = "", "", l.Token+1, now, now
		return tx.PutLease(l)
	})
}

// Leases gives the leases of a source in the order of their partitions.
func (d *Directory) Leases(ctx context.Context, a Actor, source string) ([]store.Lease, error) {
	var all []store.Lease
	err := d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		all, err = r.Leases(s.ID)
		return err
	})
	return all, err
}

// MaxCheckpoint is how many bytes a checkpoint has at most.
const MaxCheckpoint = 1 << 20

// Checkpoint gets the checkpoint of a partition; store.ErrNotFound if there is
// none.
func (d *Directory) Checkpoint(ctx context.Context, a Actor, source, partition string) (store.Checkpoint, error) {
	var c store.Checkpoint
	err := d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		c, err = r.Checkpoint(s.ID, partition)
		return err
	})
	return c, err
}

// SaveCheckpoint saves the position of a connector in the partition whose lease
// the actor claims, 1 to MaxCheckpoint bytes. cond judges the version that is
// there, 0 for none: it is a Violation of RuleVersionMismatch if another one
// wrote first.
func (d *Directory) SaveCheckpoint(ctx context.Context, a Actor, source, partition string, data []byte, cond Precondition) (store.Checkpoint, error) {
	if err := onlySources(a); err != nil {
		return store.Checkpoint{}, err
	}
	if len(data) == 0 || len(data) > MaxCheckpoint {
		return store.Checkpoint{}, invalid("", fmt.Sprintf("A checkpoint has 1 to %d bytes.", MaxCheckpoint), "")
	}
	var c store.Checkpoint
	err := d.update(ctx, a, func(tx store.Tx) error {
		s, err := ownSource(tx, a, source)
		if err != nil {
			return err
		}
		if a.Fence != (Fence{}) && a.Fence.Partition != partition {
			return invalid(LeaseHeader, "The lease is of another partition than the checkpoint.", "Claim the lease of the partition that you write.")
		}
		if _, err := d.held(tx, a); err != nil {
			return err
		}
		before, err := tx.Checkpoint(s.ID, partition)
		if err := ignoreNotFound(err); err != nil {
			return err
		}
		if !cond(before.Version) {
			return checkpointOvertaken()
		}
		c = store.Checkpoint{
			Tenant: s.Tenant, Source: s.ID, Partition: partition, Version: before.Version + 1, Data: data, Token: a.Fence.Token, SavedAt: d.now(),
		}
		if err := tx.PutCheckpoint(c); errors.Is(err, store.ErrExists) {
			return checkpointOvertaken()
		} else if err != nil {
			return err
		}
		return nil
	})
	return c, err
}

func checkpointOvertaken() error {
	return &Violation{
		Rule:   RuleVersionMismatch,
		Detail: "The checkpoint is not the one that the precondition names: another one wrote first.",
		Way:    "Read it again and go on from there.",
	}
}

// seenSource finds a source by its public id, if the actor may see it: an
// administrator those of the tenant, a source itself. Any other is
// store.ErrNotFound, whether it exists or not.
func seenSource(r store.Reader, a Actor, id string) (store.Source, error) {
	if len(id) > 64 {
		return store.Source{}, store.ErrNotFound
	}
	s, err := r.SourceByPublicID(id)
	if err != nil {
		return store.Source{}, err
	}
	if s.Tenant != a.Tenant.ID || !a.Admin && s.ID != a.Source.ID {
		return store.Source{}, store.ErrNotFound
	}
	return s, nil
}

// ownSource is seenSource for who moves its own source, which must not be
// disabled.
func ownSource(r store.Reader, a Actor, id string) (store.Source, error) {
	s, err := seenSource(r, a, id)
	if err != nil {
		return s, err
	}
	if s.Mode == store.ModeDisabled {
		return s, &Violation{
			Rule:   RuleSourceDisabled,
			Detail: fmt.Sprintf("The source %q is disabled.", s.Name),
			Way:    "Wait until an administrator enables it; a heartbeat tells.",
		}
	}
	return s, nil
}

// onlyAdmins and onlySources refuse the other kind of actor.
func onlyAdmins(a Actor) error {
	if a.Admin {
		return nil
	}
	return &Violation{Rule: RuleForbidden, Detail: "Only an administrator may do this.", Way: "Use an admin token of the tenant."}
}

func onlySources(a Actor) error {
	if !a.Admin {
		return nil
	}
	return &Violation{Rule: RuleForbidden, Detail: "Only the source itself may do this.", Way: "Use a token of the source."}
}

func invalid(attribute, detail, way string) error {
	return &Violation{Rule: RuleInvalid, Attribute: attribute, Detail: detail, Way: way}
}

// text checks a text of a request: its length in bytes, and that a person can
// read it on one line.
func text(attribute, s string, least, most int) error {
	bad := len(s) < least || len(s) > most
	for _, r := range s {
		bad = bad || r < 0x20 || r == 0x7f || r == 0xfffd
	}
	if !bad {
		return nil
	}
	return invalid(attribute, fmt.Sprintf("%s has to be a text of %d to %d bytes without control characters.", attribute, least, most), "")
}
