package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/store"
)

// How a stream is read. The log is read from its position in parts; of what a
// receiver hasn't acknowledged, no more than a window is given out, so that what
// is acknowledged out of order stays bounded.
const (
	streamPart   = 500    // events that are read at a time
	streamScan   = 10_000 // events that are looked at in one call
	streamWindow = 1_000  // events that wait for their acknowledgement
	// streamSkip is how many events that mean nothing to a stream are passed over
	// before that is written down.
	streamSkip = 1_000
)

// MaxNotices is how many notices one call gives at most.
const MaxNotices = 100

// RuleStreamPaused refuses to read a stream that is paused.
const RuleStreamPaused = "streamPaused"

// SetError is what a receiver says is wrong with an event (RFC 8936 §2.6).
type SetError struct {
	Err         string `json:"err"`
	Description string `json:"description"`
}

// Settled is what a receiver is done with, by the tokens' ids (jti).
type Settled struct {
	Acked   []string
	Refused map[string]SetError
}

func (s Settled) nothing() bool { return len(s.Acked)+len(s.Refused) == 0 }

// Batch is what of a stream is next.
type Batch struct {
	Stream  store.Stream // without its secret
	Notices []Notice     // in the order of the log
	More    bool         // than what was asked for, or looked at
	// Last is the number up to which there is nothing else: what comes has a
	// greater one. It means something only without More.
	Last int64
}

// SettleStream notes what a receiver is done with; each event is settled for good,
// whether it took it or had an error with it. Ids that aren't those of events that
// wait are passed over (RFC 8936 §2.2).
func (d *Directory) SettleStream(ctx context.Context, a Actor, id string, done Settled) error {
	if done.nothing() {
		return nil
	}
	return d.update(ctx, a, func(tx store.Tx) error {
		x, err := polledStream(tx, a, id)
		if err != nil {
			return err
		}
		if changed, err := d.settle(tx, &x, done); err != nil || !changed {
			return err
		}
		return tx.UpdateStream(x)
	})
}

// settle takes what a receiver is done with over into a stream, and says whether
// that changed it.
func (d *Directory) settle(r store.Reader, x *store.Stream, done Settled) (changed bool, err error) {
	acking := map[eventID]string{}
	most := int64(0)
	note := func(jti string) {
		if id, ok := eventOf(*x, jti); ok && id.seq > x.Position {
			acking[id], most = jti, max(most, id.seq)
		}
	}
	for _, jti := range done.Acked {
		note(jti)
	}
	for jti := range done.Refused {
		note(jti)
	}
	if len(acking) == 0 {
		return false, nil
	}
	s := d.newScan(r, *x)
	s.acking, s.until = acking, most
	if _, err := s.run(0); err != nil || len(s.settled) == 0 {
		return false, err
	}
	x.Position, x.DeliveredAt = s.position, d.now()
	x.Acked = append(s.acked, slices.DeleteFunc(x.Acked, func(n int64) bool { return n <= s.last })...)
	for _, jti := range s.settled {
		if e, refused := done.Refused[jti]; refused {
			x.Refused++
			x.LastError, x.LastErrorAt = clip(fmt.Sprintf("The receiver refused %s: %s: %s", jti, e.Err, e.Description)), x.DeliveredAt
		}
	}
	return true, nil
}

// clip bounds a text that comes from outside, and makes it one that can be
// stored and read on one line.
func clip(s string) string {
	const most = 500
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == 0xfffd {
			return ' '
		}
		return r
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// ReadStream gives what of a stream is next, at most limit notices. It gives the
// same again until that is settled.
func (d *Directory) ReadStream(ctx context.Context, a Actor, id string, limit int) (Batch, error) {
	return d.readStream(ctx, limit, func(r store.Reader) (store.Stream, error) { return polledStream(r, a, id) })
}

// polledStream is seenStream for a receiver that fetches.
func polledStream(r store.Reader, a Actor, id string) (store.Stream, error) {
	x, err := movedStream(r, a, id)
	if err == nil && x.Delivery != store.DeliveryPoll {
		err = invalid("delivery", "This stream is pushed.", "Make one with the delivery poll.")
	}
	return x, err
}

// readStream finds the stream apart from the View of its events: a View whose
// first question is for events needs no second connection to tell which of them
// are settled.
func (d *Directory) readStream(ctx context.Context, limit int, find func(store.Reader) (store.Stream, error)) (b Batch, err error) {
	var x store.Stream
	err = d.store.Look(ctx, func(r store.Reader) (err error) {
		x, err = find(r)
		return err
	})
	if err != nil {
		return b, err
	}
	if x.Paused {
		return b, &Violation{Rule: RuleStreamPaused, Detail: "The stream is paused. " + x.Reason, Way: "Resume it: set paused to false."}
	}
	x.Authorization = nil
	var s *scan
	err = d.store.View(ctx, func(r store.Reader) error {
		s = d.newScan(r, x)
		notices, err := s.run(min(limit, MaxNotices))
		b = Batch{Stream: x, Notices: notices, More: s.more, Last: s.last}
		return err
	})
	if err != nil || s.skipped < streamSkip {
		return b, err
	}
	return b, d.passOver(ctx, s)
}

// passOver writes down that a stream is done with events that mean nothing to it.
func (d *Directory) passOver(ctx context.Context, s *scan) error {
	return d.store.Update(ctx, func(tx store.Tx) error {
		x, err := tx.Stream(s.x.Tenant, s.x.PublicID)
		if err != nil {
			return ignoreNotFound(err)
		}
		if x.Position >= s.position {
			return nil
		}
		x.Position = s.position
		x.Acked = slices.DeleteFunc(x.Acked, func(n int64) bool { return n <= x.Position })
		return tx.UpdateStream(x)
	})
}

// scan is one look at the log behind a stream's position.
type scan struct {
	r store.Reader
	t *teller
	x store.Stream

	acking map[eventID]string // what is acknowledged, with the ids of its tokens
	until  int64              // where to stop, 0 for nowhere

	position int64    // up to which the stream is done
	acked    []int64  // what of the rest is done
	settled  []string // the tokens of what is acknowledged and waited
	waits    int      // what waits for its acknowledgement
	skipped  int      // what was passed over from the position on
	looked   int
	last     int64
	more     bool
}

func (d *Directory) newScan(r store.Reader, x store.Stream) *scan {
	return &scan{r: r, t: d.newTeller(r, x), x: x, position: x.Position, last: x.Position}
}

// run looks at events until there are enough notices, and gives them.
func (s *scan) run(limit int) (notices []Notice, err error) {
	for {
		var part []store.Event
		err := s.r.Events(s.x.Tenant, s.last, streamPart, func(e store.Event) error {
			e.Before, e.After = slices.Clone(e.Before), slices.Clone(e.After)
			part = append(part, e)
			return nil
		})
		if err != nil || len(part) == 0 {
			return notices, err
		}
		if err := s.t.prepare(part); err != nil {
			return nil, err
		}
		for _, e := range part {
			if s.until != 0 && e.Seq > s.until {
				return notices, nil
			}
			n, full, err := s.look(e, len(notices) < limit)
			if err != nil {
				return nil, err
			}
			if full {
				s.more = true
				return notices, nil
			}
			if n != nil {
				notices = append(notices, *n)
			}
		}
		if s.looked >= streamScan {
			s.more = true
			return notices, nil
		}
	}
}

// look looks at one event. full says that there is a notice of it, and no room.
func (s *scan) look(e store.Event, room bool) (n *Notice, full bool, err error) {
	_, done := slices.BinarySearch(s.x.Acked, e.Seq)
	var events map[string]any
	var externalID, jti string
	if !done {
		events, externalID = s.t.payloads(e)
	}
	if events != nil {
		jti = s.acking[idOfEvent(e.Seq, e.Time)]
	}
	switch {
	case done || jti != "":
		if jti != "" {
			s.settled = append(s.settled, jti)
		}
		if s.waits > 0 {
			s.acked = append(s.acked, e.Seq)
		}
	case events == nil:
	case s.until != 0: // only what is acknowledged is looked for
		if s.waits++; s.waits > streamWindow {
			return nil, true, nil
		}
	case !room || s.waits >= streamWindow:
		return nil, true, nil
	default:
		s.waits++
		notice, err := s.t.notice(e, events, externalID)
		if err != nil {
			return nil, false, err
		}
		n = &notice
	}
	s.looked, s.last = s.looked+1, e.Seq
	if s.waits == 0 {
		s.position, s.skipped = e.Seq, s.skipped+1
	}
	return n, false, nil
}

// LastEvent is the number of a tenant's last event below which none can come any
// more, 0 for none.
func (d *Directory) LastEvent(ctx context.Context, tenant int64) (last int64, err error) {
	err = d.store.Look(ctx, func(r store.Reader) (err error) {
		last, err = r.LastEvent(tenant)
		return err
	})
	return last, err
}
