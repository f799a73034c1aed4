package scim

import (
	"fmt"
	"net/http"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/patch"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// create answers POST (RFC 7644 §3.3).
func (s *Server) create(r *request) error {
	body, err := r.body(s.limits.Body)
	if err != nil {
		return err
	}
	in, err := r.resource(body)
	if err != nil {
		return err
	}
	return r.write(http.StatusCreated, func(w *directory.Writer) (directory.Result, error) {
		return w.Create(r.t, in)
	})
}

// replace answers PUT (RFC 7644 §3.5.1).
func (s *Server) replace(r *request) error {
	body, err := r.body(s.limits.Body)
	if err != nil {
		return err
	}
	in, err := r.resource(body)
	if err != nil {
		return err
	}
	cond := r.precondition()
	return r.write(http.StatusOK, func(w *directory.Writer) (directory.Result, error) {
		return w.Replace(r.t, r.id, cond, in)
	})
}

// patch answers PATCH (RFC 7644 §3.5.2): a user comes back whole, a group only
// when the client says what it wants of it, because its members may be many.
func (s *Server) patch(r *request) error {
	body, err := r.body(s.limits.Body)
	if err != nil {
		return err
	}
	c, err := r.change(body)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if r.t.Members != nil && !r.query.Has("attributes") && !r.query.Has("excludedAttributes") {
		status = http.StatusNoContent
	}
	cond := r.precondition()
	return r.write(status, func(w *directory.Writer) (directory.Result, error) {
		return w.Modify(r.t, r.id, cond, c)
	})
}

// delete answers DELETE (RFC 7644 §3.6).
func (s *Server) delete(r *request) error {
	cond := r.precondition()
	return r.write(http.StatusNoContent, func(w *directory.Writer) (directory.Result, error) {
		return directory.Result{}, w.Delete(r.t, r.id, cond)
	})
}

// write runs one write in its transaction and answers it.
func (r *request) write(status int, do func(*directory.Writer) (directory.Result, error)) error {
	if r.later(false) {
		return r.accept(r.t.Endpoint)
	}
	var result directory.Result
	var body []byte // of a preview
	ctx := r.c.Request().Context()
	p := r.presenter()
	events, err := r.s.dir.Write(ctx, r.actor, r.asked, func(w *directory.Writer) (err error) {
		w.Groups = status != http.StatusNoContent && p.wantsGroups()
		if err = r.claim(w); err != nil {
			return err
		}
		if err = r.declare(w); err != nil {
			return err
		}
		if result, err = do(w); err != nil {
			return err
		}
		if r.carries != nil {
			return w.Settle(*r.carries, []directory.Outcome{r.outcome(status, result.Record, nil)}, false)
		}
		if !r.dryRun || status == http.StatusNoContent {
			return nil
		}
		body, err = r.previewBody(w.Reading(), &result.Record)
		return err
	})
	if err != nil {
		return err
	}
	if r.carries != nil {
		return nil // nobody waits for the answer
	}
	r.actor.Stamp = 0 // it was who it was recognized as
	if r.dryRun {
		return r.preview(status, body, events)
	}
	if status == http.StatusNoContent {
		if result.Record.Version > 0 {
			r.c.Response().Header().Set("ETag", etag(result.Record.Version))
			// SCIM-SDK's client takes an answer without it for a failure.
			r.c.Response().Header().Set("Content-Type", MediaType)
		}
		return r.respond(status, nil)
	}
	if !r.t.Derived {
		r.c.Response().Header().Set("ETag", etag(result.Record.Version))
	}
	r.c.Response().Header().Set("Location", r.location(r.t, result.Record.ID))
	err = r.s.dir.Look(ctx, r.actor, func(in *directory.Reading) error {
		p.source = in.Source
		return r.writeOne(in, p, status, &result.Record)
	})
	if err != nil {
		// The change is made; no answer may say that it isn't.
		err = fmt.Errorf("%w: after the commit: %w", store.ErrUncertain, err)
	}
	return err
}

// resource reads a whole resource from a body.
func (r *request) resource(body []byte) (directory.Input, error) {
	d, err := document.Decode(r.t, body, r.dialect)
	if err != nil {
		return directory.Input{}, err
	}
	if len(d.Undeclared) > 0 && r.learns() {
		if err := r.foresee(d.Undeclared); err != nil {
			return directory.Input{}, err
		}
		if d, err = document.Decode(r.t, body, r.dialect); err != nil {
			return directory.Input{}, err
		}
	}
	if err := r.dialect.Schemas(r.t, d.Schemas); err != nil {
		return directory.Input{}, err
	}
	if err := document.Require(r.t, d.Object); err != nil {
		return directory.Input{}, err
	}
	return directory.Input{Doc: d.Object, Members: memberIDs(r.t, d.Members), HasMembers: d.HasMembers, Cleared: d.Cleared}, nil
}

// memberIDs gives the values of Group.members, each once.
func memberIDs(t *schema.ResourceType, members document.List) []string {
	var ids []string
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		id := m.(*document.Object).Get(t.Members.Value()).(string) // the decoder has seen to it
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

// change reads a PATCH from a body.
func (r *request) change(body []byte) (directory.Change, error) {
	d := r.dialect
	if !r.learns() {
		d = d.Without(dialect.CustomAttribute)
	}
	p, err := patch.Parse(r.t, body, d)
	if err != nil {
		return directory.Change{}, err
	}
	if len(p.Undeclared) > 0 {
		if err := r.foresee(p.Undeclared); err != nil {
			return directory.Change{}, err
		}
		if p, err = patch.Parse(r.t, body, d.Without(dialect.CustomAttribute)); err != nil {
			return directory.Change{}, err
		}
	}
	return directory.Change{Apply: p.Apply, Members: memberOps(r.set, r.t, p.Members)}, nil
}

func memberOps(set *schema.Set, t *schema.ResourceType, ops []patch.MemberOp) []directory.MemberOp {
	out := make([]directory.MemberOp, len(ops))
	for i, op := range ops {
		out[i] = directory.MemberOp{Add: op.Add, Remove: op.Remove, Replace: op.Replace, Clear: op.RemoveAll}
		if op.RemoveWhere != nil {
			out[i].Where = func(m store.Member) bool {
				var o document.Object
				o.Set(t.Members.Sub("value"), m.ID)
				o.Set(t.Members.Sub("type"), set.OfKind(m.Kind).Name)
				o.Set(t.Members.Sub("display"), m.Display)
				return filter.MatchElement(op.RemoveWhere, &o)
			}
		}
	}
	return out
}
