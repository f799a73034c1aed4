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
	// pushAtOnce bounds the receivers to whom one process sends at the same time.
	pushAtOnce = 16
	// pushBatch is how many tokens are sent before what was taken is written down,
	// and settleEvery how long at most: half of what a server holds a stream for.
	pushBatch   = 50
	settleEvery = 30 * time.Second
)

// Push sends the events of streams to where they want them (RFC 8935), until ctx
// ends. Servers that share a database share the streams; one at a time sends a
// stream's.
func (f *Feed) Push(ctx context.Context) {
	p := &pusher{f: f, holder: "server-" + uuid.NewString(), seen: map[int64]int64{}, busy: map[int64]bool{}}
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

	mu   sync.Mutex
	seen map[int64]int64 // by stream: up to which number there was nothing to send
	busy map[int64]bool  // streams that are being sent
}

// look starts to send the streams that may have something to send. It costs one
// question, and one for each tenant that has pushes.
func (p *pusher) look(ctx context.Context) error {
	all, err := p.f.dir.PushStreams(ctx)
	if err != nil {
		return err
	}
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
		p.start(ctx, x, n)
	}
	return nil
}

// start sends a stream in the background, unless there is nothing to send, or too
// much is being sent.
func (p *pusher) start(ctx context.Context, x store.Stream, last int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[x.ID] || len(p.busy) >= pushAtOnce || max(p.seen[x.ID], x.Position) >= last {
		return
	}
	p.busy[x.ID] = true
	p.sending.Go(func() {
		seen, err := p.send(ctx, x)
		if err != nil && ctx.Err() == nil {
			p.f.log.Warn("push", "error", store.LogText(err), "stream", x.PublicID)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.busy, x.ID)
		p.seen[x.ID] = seen
	})
}

// send sends a stream until there is nothing left, or something fails. It gives
// the number up to which nothing is left, 0 if that isn't known.
func (p *pusher) send(ctx context.Context, x store.Stream) (seen int64, err error) {
	// Most of what happens in a tenant may mean nothing to the stream: then nobody
	// has to hold it.
	b, err := p.f.dir.ReadPush(ctx, x, 1)
	switch {
	case directory.IsPaused(err):
		return 0, nil
	case err != nil:
		return 0, err
	case len(b.Notices) == 0 && !b.More:
		return b.Last, nil
	}
	h, ok, err := p.f.dir.HoldPush(ctx, x.Tenant, x.PublicID, p.holder)
	if err != nil || !ok {
		return 0, err
	}
	for {
		b, err := p.f.dir.ReadPush(ctx, h.Stream, pushBatch)
		if directory.IsPaused(err) {
			return 0, nil
		}
		var out directory.Pushed
		if err == nil {
			out = p.batch(ctx, h, b)
			out.Ends = out.Ends || len(b.Notices) == 0 && !b.More
		} else {
			out.Ends = true
		}
		// What the receiver has taken is written down even when the server ends.
		settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		holds, settleErr := p.f.dir.SettlePush(settle, h, out)
		cancel()
		switch {
		case err != nil:
			return 0, err
		case settleErr != nil:
			return 0, settleErr
		case out.Ends && out.Failure == "" && len(b.Notices) == 0:
			return b.Last, nil
		case !holds:
			return 0, nil
		}
	}
}

// batch sends tokens one by one, in order, until one fails.
func (p *pusher) batch(ctx context.Context, h directory.Held, b directory.Batch) (out directory.Pushed) {
	began := time.Now()
	out.Refused = map[string]directory.SetError{}
	for _, n := range b.Notices {
		if ctx.Err() != nil {
			out.Ends = true
			return out
		}
		if time.Since(began) > settleEvery {
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
			out.Ends = true // it may have been taken: it comes again
			return out
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
