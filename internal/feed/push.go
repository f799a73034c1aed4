package feed

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

const (
	// pushEvery is how often it is looked for streams that have something to send.
	pushEvery = time.Second
	// pushBatch is how many tokens of a stream are sent in one turn, and pushTurn how
	// long at most, but for the one that is being sent: well within what a server
	// holds a stream for. In between it is looked whether the stream is still to be
	// sent, and to where.
	pushBatch = 50
	pushTurn  = 10 * time.Second
)

// Push sends the events of streams to where they want them (RFC 8935), until ctx
// ends. Servers that share a database share the streams; one at a time sends a
// stream's.
func (f *Feed) Push(ctx context.Context) {
	p := &pusher{f: f, holder: "server-" + uuid.NewString(), turns: newTurns(), wake: make(chan struct{}, 1)}
	tick := time.NewTicker(pushEvery)
	defer tick.Stop()
	failed := false
	for {
		err := p.look(ctx)
		if err != nil && ctx.Err() == nil && !failed {
			f.log.Error("pushes", "error", store.LogText(err))
		}
		failed = err != nil // told once, until it works again
		select {
		case <-tick.C:
		case <-p.wake:
		case <-ctx.Done():
			p.sending.Wait()
			return
		}
	}
}

// pusher is one process's part in the pushes.
type pusher struct {
	f       *Feed
	holder  string
	sending sync.WaitGroup
	turns   *turns
	wake    chan struct{} // there may be room, or more to send, before the next tick
}

// look starts to send the streams that may have something to send. It costs one
// question, and one for each tenant that has pushes.
func (p *pusher) look(ctx context.Context) error {
	all, err := p.f.dir.PushStreams(ctx)
	if err != nil {
		return err
	}
	p.turns.keep(all)
	var due []store.Stream
	last := map[int64]int64{}
	now := p.f.dir.Now()
	for _, x := range all {
		if now.Before(x.NextAt) || x.Holder != "" && x.Holder != p.holder && now.Before(x.HolderUntil) {
			continue
		}
		n, known := last[x.Tenant]
		if !known {
			if n, err = p.f.dir.LastEvent(ctx, x.Tenant); err != nil {
				return err
			}
			last[x.Tenant] = n
		}
		if p.turns.seen(x) < n {
			due = append(due, x)
		}
	}
	for _, x := range p.turns.take(due) {
		p.sending.Go(func() { p.turn(ctx, x) })
	}
	return nil
}

// turn sends one batch of a stream.
func (p *pusher) turn(ctx context.Context, x store.Stream) {
	seen, more, err := p.send(ctx, x)
	if err != nil && ctx.Err() == nil {
		p.f.log.Warn("push", "error", store.LogText(err), "stream", x.PublicID)
	}
	// What failed for a reason of ours isn't hurried.
	if waits := p.turns.end(x, seen); (more || waits) && err == nil {
		select {
		case p.wake <- struct{}{}:
		default: // it is awake
		}
	}
}

// send sends a batch. seen is the number up to which there is nothing else, 0 if
// that isn't known; more says that there may be more at once.
func (p *pusher) send(ctx context.Context, x store.Stream) (seen int64, more bool, err error) {
	// Most of what happens in a tenant may mean nothing to the stream: then nobody
	// has to hold it.
	b, err := p.f.dir.ReadPush(ctx, x, 1)
	if seen, over, err := nothing(b, err); over {
		return seen, false, err
	}
	h, ok, err := p.f.dir.HoldPush(ctx, x.Tenant, x.PublicID, p.holder)
	if err != nil || !ok {
		return 0, false, err
	}
	var out directory.Pushed
	if b, err = p.f.dir.ReadPush(ctx, h.Stream, pushBatch); err == nil {
		out = p.batch(ctx, h, b)
	}
	// What the receiver has taken is written down even when the server ends.
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if settleErr := p.f.dir.SettlePush(settle, h, out); err == nil {
		err = settleErr
	}
	seen, over, err := nothing(b, err)
	return seen, !over && out.Failure == "", err
}

// nothing says of what was read of a stream whether there is nothing to send: it is
// paused, can't be read, or has nothing, up to the number seen.
func nothing(b directory.Batch, err error) (seen int64, is bool, _ error) {
	switch {
	case directory.IsPaused(err):
		return 0, true, nil
	case err != nil:
		return 0, true, err
	case len(b.Notices) == 0 && !b.More:
		return b.Last, true, nil
	}
	return 0, false, nil
}

// batch sends tokens one by one, in order, until one fails.
func (p *pusher) batch(ctx context.Context, h directory.Held, b directory.Batch) (out directory.Pushed) {
	began := time.Now()
	out.Refused = map[string]directory.SetError{}
	for _, n := range b.Notices {
		if ctx.Err() != nil || time.Since(began) > pushTurn {
			return out
		}
		token, err := p.f.sign(ctx, b.Stream, n)
		if err != nil {
			out.Failure = "The token could not be signed."
			p.f.log.Error("push", "error", store.LogText(err), "stream", h.PublicID)
			return out
		}
		jti := directory.JTI(b.Stream, n)
		switch r := p.f.client.post(ctx, h.Endpoint, h.Secret, token); {
		case ctx.Err() != nil:
			return out // it may have been taken: it comes again
		case r.taken:
			out.Acked = append(out.Acked, jti)
		case r.refused != nil:
			out.Refused[jti] = *r.refused
		default:
			out.Failure, out.After = r.failure, r.after
			return out
		}
	}
	return out
}
