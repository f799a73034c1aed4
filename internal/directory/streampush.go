package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/store"
)

const (
	// pushLease is how long a server has a stream for one batch of its events, after
	// which another one takes it for dead.
	pushLease = time.Minute
	// firstPause and longestPause bound the time between two attempts; it doubles.
	firstPause, longestPause = time.Second, 15 * time.Minute
	// givesUpAfter is how long pushes fail before the stream is paused.
	givesUpAfter = 24 * time.Hour
)

// PushStreams gives the streams of all tenants that are pushed, without their
// secrets.
func (d *Directory) PushStreams(ctx context.Context) (all []store.Stream, err error) {
	err = d.store.Look(ctx, func(r store.Reader) (err error) {
		all, err = r.PushStreams()
		return err
	})
	for i := range all {
		all[i].Authorization = nil
	}
	if err != nil {
		return nil, fmt.Errorf("pushes: %w", err)
	}
	return all, nil
}

// Held is a stream that the caller sends the events of.
type Held struct {
	store.Stream
	// Secret is the value of the Authorization header, "" for none.
	Secret string
}

// HoldPush makes holder the one that sends a batch of a stream's events, for a
// minute at most, as the stream is now; unless another one does, or the stream is
// paused, gone, or not due: then ok is false. A secret that can't be read is an
// error, and a failed attempt, as in SettlePush. The time is that of the servers'
// clocks: where they differ by more than the minute, an event may be sent twice.
func (d *Directory) HoldPush(ctx context.Context, tenant int64, id, holder string) (h Held, ok bool, err error) {
	var sealed error
	err = d.store.Update(ctx, func(tx store.Tx) error {
		h, ok, sealed = Held{}, false, nil
		x, err := tx.Stream(tenant, id)
		if err != nil {
			return ignoreNotFound(err)
		}
		now := d.now()
		if x.Paused || now.Before(x.NextAt) || x.Holder != "" && x.Holder != holder && now.Before(x.HolderUntil) {
			return nil
		}
		var secret []byte
		if secret, sealed = d.unseal("stream "+x.PublicID, x.Authorization); sealed != nil {
			if err := d.failed(tx, &x, Pushed{Failure: "The authorization can't be read: it was sealed with another secret key. Set it again."}); err != nil {
				return err
			}
			return tx.UpdateStream(x)
		}
		x.Holder, x.HolderUntil = holder, now.Add(pushLease)
		h, ok = Held{Stream: x, Secret: string(secret)}, true
		return tx.UpdateStream(x)
	})
	if err == nil {
		err = sealed
	}
	return h, ok, err
}

// ReadPush is ReadStream for who sends a stream.
func (d *Directory) ReadPush(ctx context.Context, x store.Stream, limit int) (Batch, error) {
	return d.readStream(ctx, limit, func(r store.Reader) (store.Stream, error) { return r.Stream(x.Tenant, x.PublicID) })
}

// Pushed is what became of an attempt to send.
type Pushed struct {
	Settled
	// Failure says why it ended before everything was sent, "" if it didn't. After
	// is how long the receiver wants to be left alone, 0 for no wish.
	Failure string
	After   time.Duration
}

// SettlePush notes what the holder of a stream sent, and that it holds it no more.
// After a failure the stream isn't due for a while, which doubles from a second to a
// quarter of an hour; after a day of failures it is paused, and its Reason says why.
// Nothing is passed over: resumed, it goes on with what failed.
func (d *Directory) SettlePush(ctx context.Context, h Held, p Pushed) error {
	return d.store.Update(ctx, func(tx store.Tx) error {
		x, err := tx.Stream(h.Tenant, h.PublicID)
		if err != nil {
			return ignoreNotFound(err)
		}
		// What was taken was taken, whoever holds the stream by now.
		changed, err := d.settle(tx, &x, p.Settled)
		if err != nil {
			return err
		}
		if changed {
			x.Failures, x.FailingSince, x.NextAt = 0, time.Time{}, time.Time{}
		}
		if x.Holder == h.Holder {
			x.Holder, x.HolderUntil = "", time.Time{}
		}
		if p.Failure != "" && x.Endpoint == h.Endpoint { // it says nothing of another one
			if err := d.failed(tx, &x, p); err != nil {
				return err
			}
		}
		return tx.UpdateStream(x)
	})
}

// failed notes that an attempt failed.
func (d *Directory) failed(tx store.Tx, x *store.Stream, p Pushed) error {
	now := d.now()
	if x.Failures == 0 {
		x.FailingSince = now
	}
	pause := max(min(firstPause<<min(x.Failures, 20), longestPause), min(p.After, time.Hour))
	x.Failures++
	x.LastError, x.LastErrorAt, x.NextAt = clip(p.Failure), now, now.Add(pause)
	if x.Paused || now.Sub(x.FailingSince) < givesUpAfter {
		return nil
	}
	x.Paused = true
	x.Reason = clip(fmt.Sprintf("Pushes have failed since %s: %s", x.FailingSince.Format(time.RFC3339), p.Failure))
	return d.tell(tx, controlEvent{
		tenant: x.Tenant, source: x.Source, by: "server", typ: "stream.paused", subject: x.PublicID, after: map[string]any{"reason": x.Reason},
	})
}

// IsPaused says whether a stream can't be read because it is paused or gone.
func IsPaused(err error) bool {
	return Violated(err, RuleStreamPaused) || errors.Is(err, store.ErrNotFound)
}
