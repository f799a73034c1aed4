package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// LeaseLost is why a context of [Hold] ended: somebody else may write now.
type LeaseLost struct{ Err error }

// Error says what happened to the lease.
func (e *LeaseLost) Error() string { return fmt.Sprintf("the lease is lost: %v", e.Err) }

// Unwrap gives what the server said.
func (e *LeaseLost) Unwrap() error { return e.Err }

// Claim is which lease to hold.
type Claim struct {
	Source, Partition string
	Holder            string        // "" for an agent, which is named by its id
	Configuration     string        // the hash, in hex, of the configuration worked by
	TTL               time.Duration // 5 s to 10 min
}

// Hold acquires a lease and keeps it renewed, at a third of its life, until
// release is called; that gives it back, so that another can have it at once.
// The context that it returns ends when the lease is lost: the server says so,
// or couldn't be asked for as long as the lease lives. The server's refusals
// (leaseHeld, configurationMismatch) come back as they are.
func Hold(ctx context.Context, client *scimclient.Client, q Claim) (held context.Context, lease scimclient.Lease, release func(), err error) {
	began := time.Now()
	lease, err = client.Acquire(ctx, q.Source, q.Partition, q.Holder, q.Configuration, q.TTL, 0)
	if err != nil {
		return nil, lease, nil, err
	}
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		cancel(keep(held, client, q, lease.Token, began))
	}()
	return held, lease, func() {
		cancel(context.Canceled)
		<-done
		last, stop := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer stop()
		// If it isn't ours any more, or nobody answers, it ends by itself.
		_ = client.Under(lease, "").Release(last, q.Source, q.Partition)
	}, nil
}

// keep renews a lease until it is lost: a sixth of its life before it would end
// by itself, whatever the time that the answer took.
func keep(ctx context.Context, client *scimclient.Client, q Claim, token int64, renewed time.Time) error {
	const spare = 6
	for {
		if err := scimclient.Sleep(ctx, q.TTL/3); err != nil {
			return err
		}
		began := time.Now()
		try, stop := context.WithDeadline(ctx, renewed.Add(q.TTL-q.TTL/spare))
		_, err := client.Acquire(try, q.Source, q.Partition, q.Holder, q.Configuration, q.TTL, token)
		late := try.Err() != nil
		stop()
		switch {
		case err == nil:
			renewed = began
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case late || !scimclient.Temporary(err):
			return &LeaseLost{err}
		}
	}
}
