package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/connectors/runner"
)

// RunCmd works until it is told to end.
type RunCmd struct{}

// Run fulfils kong.
func (c *RunCmd) Run(p *program) error {
	if underWindows() {
		return p.runUnderWindows()
	}
	a, err := p.agent()
	if err != nil {
		return err
	}
	return a.Run(p.ctx)
}

// OnceCmd pulls one time.
type OnceCmd struct{}

// Run fulfils kong.
func (c *OnceCmd) Run(p *program) error { return p.once(false) }

// ResyncCmd pulls everything.
type ResyncCmd struct{}

// Run fulfils kong.
func (c *ResyncCmd) Run(p *program) error { return p.once(true) }

func (p *program) once(resync bool) error {
	a, err := p.agent()
	if err != nil {
		return err
	}
	r, err := a.Once(p.ctx, resync)
	if err != nil {
		return err
	}
	p.tell(r.State, r)
	return nil
}

// tell prints how a pull went, or would go.
func (p *program) tell(how string, r runner.Result) {
	k := r.Counts
	fmt.Fprintf(p.stdout, "%s: %d created, %d updated, %d disabled, %d deleted, %d unchanged, %d failed. %s\n",
		how, k.Created, k.Updated, k.Disabled, k.Deleted, k.Unchanged, k.Failed, r.Detail)
	for _, code := range slices.Sorted(maps.Keys(k.Skipped)) {
		fmt.Fprintf(p.stdout, "skipped: %d %s\n", k.Skipped[code], code)
	}
}
