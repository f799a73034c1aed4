package agent

import (
	"context"
	"errors"

	"github.com/workspace-scim/workspace/connectors/runner"
)

// errDisabled is why a source can't be verified: the server lets nobody read what
// it holds of it.
var errDisabled = errors.New("the source is disabled, so what the server holds of it can't be read: set its mode to staging or active")

// Verify reads everything from the directory and compares it with what the server
// holds, see [runner.Verify]. Agents that pull aren't disturbed; one verification
// of a source goes on at a time.
func (a *Agent) Verify(ctx context.Context) (v runner.Verification, report []byte, err error) {
	c, err := a.configured(ctx, nil)
	if err != nil {
		return v, nil, err
	}
	defer c.close()
	if c.mode == "disabled" {
		return v, nil, errDisabled
	}
	if a.Progress != nil {
		defer a.Progress(runner.Progress{})
	}
	c.runner.Part.Of = c.parts
	held, lease, release, err := runner.Hold(ctx, a.client, runner.Claim{
		Source: a.Identity.Source, Partition: runner.VerifyPartition, Configuration: c.hash, TTL: a.Lease,
	})
	if err != nil {
		return v, nil, err
	}
	defer release()
	return runner.Verify(held, c.runner, lease, c.source)
}
