package directory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// The log is sealed: a chain of SHA-256 over each event, from the first one on
// (RELIABILITY S14). A seal closes up to sealEvents of them, some seconds after
// they were written: who writes waits for nobody.
const (
	sealEvents = 1000
	// sealsAtOnce bounds one call, for a log that was never sealed.
	sealsAtOnce = 200
	// sealPatience is how many calls after the last event look for older ones that
	// came late; then one of as many does.
	sealPatience = 12
)

// sealing is what a process remembers of sealing, so that a log that rests costs
// one question. It is used by one goroutine.
type sealing struct {
	newest int64
	quiet  int // calls since newest was another
}

// SealLog seals what came to the logs of all tenants. Several processes may do it
// at once. It is called by one goroutine at a time.
func (d *Directory) SealLog(ctx context.Context) error {
	var newest int64
	err := d.store.Look(ctx, func(r store.Reader) (err error) {
		newest, err = r.NewestEvent()
		return err
	})
	if err != nil {
		return fmt.Errorf("sealing the log: %w", err)
	}
	if s := &d.sealing; newest != s.newest {
		s.newest, s.quiet = newest, 0
	} else if s.quiet++; s.quiet > sealPatience && s.quiet%sealPatience != 0 {
		return nil
	}
	tenants, err := d.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("sealing the log: %w", err)
	}
	for _, t := range tenants {
		for n := 0; n < sealsAtOnce; n++ {
			more, err := d.sealNext(ctx, t.ID)
			if err != nil {
				return fmt.Errorf("sealing the log of %s: %w", t.Slug, err)
			}
			if !more {
				break
			}
			d.sealing.quiet = 0
		}
	}
	return nil
}

// sealNext seals the next events of a tenant, and says whether there were any.
func (d *Directory) sealNext(ctx context.Context, tenant int64) (bool, error) {
	next := store.Seal{Tenant: tenant, SealedAt: d.now()}
	var last store.Seal
	err := d.store.Look(ctx, func(r store.Reader) (err error) {
		last, err = r.LastSeal(tenant)
		return ignoreNotFound(err)
	})
	if err != nil {
		return false, err
	}
	c := newChain(last.Hash)
	err = d.store.View(ctx, func(r store.Reader) error {
		return r.Events(tenant, last.Seq, sealEvents, func(e store.Event) error {
			c.add(e)
			return nil
		})
	})
	if err != nil || c.events == 0 {
		return false, err
	}
	next.Prev, next.Seq, next.Events = last.Seq, c.seq, c.events
	next.Hash = c.close(next)
	err = d.store.Update(ctx, func(tx store.Tx) error { return tx.InsertSeal(next) })
	if errors.Is(err, store.ErrExists) { // another process did it
		err = nil
	}
	return err == nil, err
}

// chain is the hash over events, and over the seal that closes them.
type chain struct {
	h      hash.Hash
	seq    int64 // of the last event
	events int64
	buf    []byte
}

// newChain begins behind a seal with this hash, or with nothing.
func newChain(prev []byte) *chain {
	c := &chain{h: sha256.New()}
	c.text(prev)
	return c
}

// add goes on with an event. Each field has its length before it, so that no two
// events look alike.
func (c *chain) add(e store.Event) {
	c.seq, c.events = e.Seq, c.events+1
	c.number(e.Seq, e.Tenant, e.Time.UnixMicro(), e.Source, e.SubjectRID)
	for _, s := range []string{e.Txn, e.Run, e.Actor, e.Type, e.Outcome, e.Reason, e.Detail, e.Subject} {
		c.text([]byte(s))
	}
	c.text(e.Before)
	c.text(e.After)
}

// close gives the hash of the seal. It ends the chain.
func (c *chain) close(s store.Seal) []byte {
	c.number(s.Tenant, s.Seq, s.Prev, s.Events, s.SealedAt.UnixMicro())
	return c.h.Sum(nil)
}

func (c *chain) number(all ...int64) {
	c.buf = c.buf[:0]
	for _, n := range all {
		c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(n))
	}
	c.h.Write(c.buf)
}

func (c *chain) text(b []byte) {
	c.number(int64(len(b)))
	c.h.Write(b)
}

// LogHead is a seal as somebody kept it elsewhere.
type LogHead struct {
	Seq  int64
	Hash []byte // SHA-256
}

// LogReport is what VerifyLog found.
type LogReport struct {
	Seals    int64
	Events   int64 // that are sealed
	Unsealed int64 // that came since the last seal, counted up to 10,000
	Last     store.Seal
	Faults   []LogFault // at most maxLogFaults
}

// LogFault is a part of the log that isn't what it was when it was sealed: an
// event of it was changed, taken out or put in, or a seal was.
type LogFault struct {
	After, UpTo int64 // the events' numbers
	Detail      string
}

const (
	maxLogFaults = 100
	maxUnsealed  = 10_000
)

// SealedHead gives the last seal of the tenant's log, the zero value if nothing is
// sealed yet: who keeps it elsewhere can tell later whether the log up to there is
// still the same. It is for administrators.
func (d *Directory) SealedHead(ctx context.Context, a Actor) (last store.Seal, err error) {
	if err := onlyAdmins(a); err != nil {
		return last, err
	}
	err = d.store.View(ctx, func(r store.Reader) error {
		last, err = r.LastSeal(a.Tenant.ID)
		return ignoreNotFound(err)
	})
	return last, err
}

// VerifyLog works the chain of the tenant's log out again. Without heads it finds
// every change of what is sealed but one: the last seals taken away with all or
// some of their events, or made anew from there on. That is found with a head
// that was kept elsewhere. progress is told how many events were read. It is for administrators.
func (d *Directory) VerifyLog(ctx context.Context, a Actor, heads []LogHead, progress func(events int64)) (LogReport, error) {
	if err := onlyAdmins(a); err != nil {
		return LogReport{}, err
	}
	v := &logVerification{d: d, tenant: a.Tenant.ID, heads: map[int64][]byte{}, progress: progress}
	for _, h := range heads {
		v.heads[h.Seq] = h.Hash
	}
	for more := true; more; {
		// Seals and events of one snapshot, so that what comes meanwhile is no fault.
		err := d.store.View(ctx, func(r store.Reader) (err error) {
			more, err = v.next(r)
			return err
		})
		if err != nil {
			return LogReport{}, err
		}
	}
	for seq := range v.heads {
		v.fault(v.report.Last.Seq, seq, "There is no seal with the number of the head that was kept: the log was cut behind an older seal, or sealed anew.")
	}
	return v.report, nil
}

type logVerification struct {
	d        *Directory
	tenant   int64
	heads    map[int64][]byte // that weren't met yet
	progress func(int64)
	report   LogReport
}

// next verifies some seals, or counts what isn't sealed, which is the last part.
func (v *logVerification) next(r store.Reader) (more bool, err error) {
	last := &v.report.Last
	seals, err := r.Seals(v.tenant, last.Seq, 50)
	if err != nil {
		return false, err
	}
	for _, s := range seals {
		if err := v.seal(r, *last, s); err != nil {
			return false, err
		}
		*last = s
		v.report.Seals++
		v.progress(v.report.Events)
	}
	if len(seals) > 0 {
		return true, nil
	}
	return false, r.Events(v.tenant, last.Seq, maxUnsealed, func(store.Event) error {
		v.report.Unsealed++
		return nil
	})
}

// seal works one seal out again, from the one before it as it stands there.
func (v *logVerification) seal(r store.Reader, last, s store.Seal) error {
	c := newChain(last.Hash)
	after := last.Seq
	if v.report.Seals == 0 {
		after = math.MinInt64 // an event that was put in may have any number
	}
	// A seal covers at most sealEvents; that there are more is seen from one.
	err := r.SealedEvents(v.tenant, after, s.Seq, sealEvents+1, func(e store.Event) error {
		c.add(e)
		return nil
	})
	if err != nil {
		return err
	}
	v.report.Events += c.events
	switch at := s.SealedAt.Format(time.RFC3339); {
	case s.Prev != last.Seq:
		v.fault(last.Seq, s.Seq, fmt.Sprintf("The seal of %s stood behind one with the number %d, which isn't there.", at, s.Prev))
	case c.events != s.Events:
		v.fault(last.Seq, s.Seq, fmt.Sprintf("There are %d events; %d were sealed at %s.", c.events, s.Events, at))
	case !bytes.Equal(c.close(s), s.Hash):
		v.fault(last.Seq, s.Seq, fmt.Sprintf("The events or their seal aren't what they were when they were sealed, at %s.", at))
	}
	if kept, there := v.heads[s.Seq]; there {
		delete(v.heads, s.Seq)
		if !bytes.Equal(kept, s.Hash) {
			v.fault(0, s.Seq, "The seal isn't the head that was kept: the log up to here was sealed anew.")
		}
	}
	return nil
}

func (v *logVerification) fault(after, upTo int64, detail string) {
	if len(v.report.Faults) < maxLogFaults {
		v.report.Faults = append(v.report.Faults, LogFault{after, upTo, detail})
	}
}
