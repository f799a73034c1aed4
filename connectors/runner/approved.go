package runner

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// decided looks at the run whose plan waits.
func (c *cycle) decided() error {
	if err := c.begunToHold(); err != nil || c.state.Held == "" {
		return err
	}
	n, err := c.control.GetRun(c.ctx, c.state.Held)
	if err != nil && !scimclient.NotFound(err) {
		return err
	}
	switch n.State {
	case "held", "approved":
		c.waiting = n
	case "running": // somebody began with it
		if err := c.carryOut(n); err != nil {
			return err
		}
		return c.save()
	default:
		// Rejected, cancelled or gone: what the directory says is told again.
		c.state.hold("")
		c.state.fullNow("planRejected")
	}
	return nil
}

// begunToHold takes over the run that a cycle was about to hold when it ended,
// before it could say so. Its plan may have been approved by now.
func (c *cycle) begunToHold() error {
	if c.state.Holding == "" {
		return nil
	}
	n, err := c.control.GetRun(c.ctx, c.state.Holding)
	if err != nil && !scimclient.NotFound(err) {
		return err
	}
	if c.state.Holding = ""; n.State == "held" || n.State == "approved" {
		c.state.hold(n.ID)
	}
	return nil
}

// approved carries the plan out that waited, if a person has approved it by now.
// The pull has told what the directory says of the plan's objects, and what is
// set aside is weighed against the limits only after it.
func (c *cycle) approved() error {
	if c.waiting.ID == "" {
		return nil
	}
	n, err := c.control.GetRun(c.ctx, c.waiting.ID)
	if err != nil && !scimclient.NotFound(err) {
		return err
	}
	if c.waiting = n; n.State != "approved" {
		return nil
	}
	if err := c.saveBack(); err != nil {
		return err
	}
	if err := c.carryOut(n); err != nil {
		return err
	}
	return c.progress("applying") // it is this run again that writes
}

// saveBack saves what plan is about to be carried out, and whom it is out of date
// for, with the checkpoint as it is: who goes on with it once it is begun knows
// nothing else of this pull.
func (c *cycle) saveBack() error {
	s := decodeState(c.saved)
	if s.Held == c.state.Held && slices.Equal(s.Back, c.state.Back) {
		return nil
	}
	s.Held, s.Holding, s.Back = c.state.Held, "", c.state.Back
	return c.saveState(&s)
}

// carryOut does what an approved plan says, and nothing else. An object that
// isn't as it was when the plan was made, or that the directory has told as
// present since, is left as it is.
func (c *cycle) carryOut(n scimclient.Run) error {
	plan, err := c.control.Plan(c.ctx, n)
	if err != nil {
		return err
	}
	running, phase := "running", "applying"
	if _, err := c.control.UpdateRun(c.ctx, n.ID, scimclient.RunChange{State: &running, Phase: &phase}); err != nil {
		return err
	}
	var ops []scimclient.Operation
	var lines []planLine
	overtaken := 0
	err = eachLine(plan, n.ID, func(l planLine) error {
		if slices.Contains(c.state.Back, l.Anchor) {
			overtaken++
			return nil
		}
		op, err := l.operation()
		lines, ops = append(lines, l), append(ops, op)
		return err
	})
	if err != nil {
		return err
	}
	var outcomes []scimclient.Outcome
	for client := c.Client.Under(c.lease, n.ID); len(ops) > 0; {
		some := ops[:min(len(ops), c.pace)]
		begin := time.Now()
		more, err := client.Write(c.ctx, some)
		if err != nil {
			return err
		}
		c.pace = paced(c.pace, time.Since(begin))
		outcomes, ops = append(outcomes, more...), ops[len(some):]
	}
	counts, all := n.Counts, len(lines)+overtaken
	for i, o := range outcomes {
		if scimclient.Temporary(o.Err) {
			return o.Err
		}
		var e *scimclient.Error
		switch {
		case o.Err == nil && lines[i].Operation == "delete":
			c.gone(lines[i])
			counts.Deleted++
		case o.Err == nil && lines[i].Operation == "disable":
			counts.Disabled++
		case o.Err == nil:
			counts.Updated++
		case errors.As(o.Err, &e) && e.Status == http.StatusNotFound: // it is gone already
		default:
			overtaken++
		}
	}
	c.state.hold("")
	detail := n.Detail
	if overtaken > 0 {
		if !c.toldAll() {
			c.state.fullNow("planOvertaken")
		}
		detail = fmt.Sprintf("%d of %d objects had changed since and were left as they are; what the directory says of them is told again.", overtaken, all)
	}
	c.waiting, c.wrote = scimclient.Run{}, true
	done := "succeeded"
	_, err = c.control.UpdateRun(c.ctx, n.ID, scimclient.RunChange{State: &done, Counts: &counts, Detail: &detail})
	return err
}

// gone notes that a plan deleted an object: nothing of it has to be destroyed any
// more, nor is it one of those that the rest is weighed against.
func (c *cycle) gone(l planLine) {
	if c.index != nil {
		c.index.forget(l.Kind, l.Anchor)
	}
	if it := c.aside[l.Anchor]; it != nil && it.Presence != connectors.Present {
		delete(c.aside, l.Anchor)
		c.succeeded(it)
	}
}

func (l planLine) operation() (scimclient.Operation, error) {
	op := scimclient.Operation{Method: http.MethodPatch, Path: endpointOf(l.Kind) + "/" + l.ID, Version: l.Version}
	only := connectors.Change{Kind: l.Kind, Presence: connectors.Present}
	switch l.Operation {
	case "delete":
		op.Method = http.MethodDelete
		return op, nil
	case "disable":
		only.Attributes = map[string]any{"active": false}
	case "removeMembers":
		for _, m := range l.Members {
			only.Removed = append(only.Removed, m.ID)
		}
	default:
		return op, fmt.Errorf("the plan has an unknown operation %.20q", l.Operation)
	}
	var err error
	op.Data, err = patch(only)
	return op, err
}
