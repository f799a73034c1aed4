package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// work takes its share of the source's partitions and pulls them, again and
// again, until something ends it; never two at a time.
func (a *Agent) work(ctx context.Context) error {
	c, err := a.configured(ctx, nil)
	if err != nil {
		return err
	}
	defer c.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !a.begins(c.hash, cancel) {
		return errReconfigured
	}
	var parts sync.WaitGroup
	for i := range c.parts {
		parts.Go(func() { cancel(a.workOn(ctx, c, runner.Part{Index: i, Of: c.parts})) })
	}
	parts.Wait()
	return context.Cause(ctx)
}

// begins notes what the work goes by, and how it is ended, unless the agent was
// paused since it was last asked: then there was nothing yet that could be ended.
func (a *Agent) begins(hash string, end context.CancelCauseFunc) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.paused {
		return false
	}
	a.hash, a.changed = hash, end
	return true
}

// errSurplus is why an agent leaves a partition to others.
var errSurplus = errors.New("others work on less partitions")

// workOn works on a partition while nobody else does and it is its turn, until
// something else goes wrong.
func (a *Agent) workOn(ctx context.Context, c configured, part runner.Part) error {
	for {
		err := a.hold(ctx, c, part, a.pulls)
		if !scimclient.Is(err, "leaseHeld") && !errors.Is(err, errSurplus) {
			return err
		}
		if a.share.idle() {
			a.set("standby")
		}
		if err := scimclient.Sleep(ctx, min(a.Lease/3, a.Interval)); err != nil {
			return err
		}
	}
}

// worker is a connector under the lease of a partition.
type worker struct {
	config runner.Config
	lease  scimclient.Lease
	source connectors.Source
}

func (w worker) cycle(ctx context.Context, o runner.Options) (runner.Result, error) {
	if w.config.Progress != nil {
		defer w.config.Progress(runner.Progress{})
	}
	return runner.Cycle(ctx, w.config, w.lease, w.source, o)
}

// hold calls fn under the lease of a partition, if the agent's share has room for
// it; otherwise it returns errSurplus. fn's context ends when the lease is lost.
func (a *Agent) hold(ctx context.Context, c configured, part runner.Part, fn func(context.Context, worker) error) error {
	held, lease, release, err := a.acquire(ctx, c, part)
	if err != nil {
		return err
	}
	defer a.share.leave(part)
	defer release()
	c.runner.Partition, c.runner.Part = part.Name(), part
	return fn(held, worker{c.runner, lease, c.source})
}

// acquire asks for the lease of one partition after the other, because what was
// got counts for what may be asked for.
func (a *Agent) acquire(ctx context.Context, c configured, part runner.Part) (held context.Context, lease scimclient.Lease, release func(), err error) {
	a.asking.Lock()
	defer a.asking.Unlock()
	if !a.share.take(part) {
		return nil, lease, nil, errSurplus
	}
	held, lease, release, err = runner.Hold(ctx, a.client, runner.Claim{
		Source: a.Identity.Source, Partition: part.Name(), Configuration: c.hash, TTL: a.Lease,
	})
	if err != nil {
		a.share.leave(part)
	}
	return held, lease, release, err
}

// pulls pulls a partition again and again.
func (a *Agent) pulls(ctx context.Context, w worker) error {
	for {
		if err := a.pull(ctx, w); err != nil {
			return err
		}
		if err := scimclient.Sleep(ctx, a.Interval); err != nil {
			return err
		}
		if a.share.surplus(w.config.Part) {
			return errSurplus
		}
	}
}

// pull waits for its turn and pulls once.
func (a *Agent) pull(ctx context.Context, w worker) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case a.turn <- struct{}{}:
	}
	defer func() { <-a.turn }()
	a.set("pulling")
	part := w.config.Part
	asked, resync := a.owed(part)
	r, err := w.cycle(ctx, runner.Options{Resync: resync, NextAt: time.Now().Add(a.Interval)})
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.resynced[part] = asked
	a.mu.Unlock()
	a.set("idle")
	a.Log.Info("pulled", "run", r.Run, "partition", part.Name(), "kind", r.Kind, "state", r.State, "created", r.Counts.Created, "updated", r.Counts.Updated,
		"disabled", r.Counts.Disabled, "deleted", r.Counts.Deleted, "failed", r.Counts.Failed, "detail", r.Detail)
	return nil
}

// owed says whether a resync was asked for that the partition hasn't had.
func (a *Agent) owed(part runner.Part) (asked int, resync bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.resyncs, a.resyncs > a.resynced[part]
}
