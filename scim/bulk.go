package scim

import (
	"net/http"
	"strconv"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// bulkChunk is how many operations share one transaction: enough to spread the
// cost of a commit, few enough not to keep other writers waiting.
const bulkChunk = 250

// bulk answers POST /Bulk (RFC 7644 §3.7). Each operation stands or falls
// alone. They are carried out in their order, but for those that refer to the
// bulkId of a later one: they wait until that resource is there. Where
// operations refer to each other in a circle (§3.7.1), one is carried out
// without the reference, which is added when its target exists. The answers are
// in the order of the request.
func (s *Server) bulk(r *request) error {
	body, err := r.body(s.limits.BulkBody)
	if err != nil {
		return err
	}
	msg, err := parseBulk(body, s.limits.BulkOperations)
	if err != nil {
		return err
	}
	if err := msg.prepare(r); err != nil {
		return err
	}
	if r.later(true) {
		return r.accept(endpointBulk)
	}
	b := &bulkRun{r: r, msg: msg}
	if err := b.run(); err != nil {
		return err
	}
	b.logFaults()
	return r.respond(http.StatusOK, b.response())
}

// bulkRun is a bulk request while it is worked on.
type bulkRun struct {
	r   *request
	msg *bulkMessage
	bulkState
	events []store.Event
}

// bulkState is what a transaction may have to take back.
type bulkState struct {
	ids    map[string]string // bulkId → id of the resource that it became
	failed int
	later  []deferred // references that were left out to break a circle
}

// run carries the operations out, chunk by chunk. A preview is one transaction, so
// that later operations see earlier ones; and so is a request that was accepted
// before, so that it is carried out once, wherever the process ends. When the database fails, the rest
// is answered with its error each, because part of the work may be done.
func (b *bulkRun) run() error {
	if b.r.dryRun || b.r.carries != nil {
		return b.transact(func(w *directory.Writer) error {
			if err := b.r.claim(w); err != nil {
				return err
			}
			for _, op := range b.msg.operations {
				op.done, op.cut = false, false
			}
			for work := b.next(); len(work) > 0; work = b.next() {
				if err := b.carryOut(w, work); err != nil {
					return err
				}
			}
			b.addLater(w)
			if b.r.carries == nil {
				return nil
			}
			return w.Settle(*b.r.carries, b.outcomes(), true)
		})
	}
	for work := b.next(); len(work) > 0; work = b.next() {
		if err := b.transact(func(w *directory.Writer) error { return b.carryOut(w, work) }); err != nil {
			if len(b.r.provisional) > 0 {
				return err // what the operations need isn't declared: nothing was done
			}
			for _, op := range work {
				op.fail(err)
				b.failed++
			}
		}
	}
	if len(b.later) == 0 {
		return nil
	}
	if err := b.transact(func(w *directory.Writer) error { b.addLater(w); return nil }); err != nil {
		b.leaveOpen(err)
	}
	return nil
}

// transact runs fn in one transaction; if that runs again, from where it began.
func (b *bulkRun) transact(fn func(*directory.Writer) error) error {
	before := b.bulkState
	known := make(map[string]string, len(before.ids))
	for k, v := range before.ids {
		known[k] = v
	}
	reset := func() {
		b.bulkState = before
		b.ids = make(map[string]string, len(known))
		for k, v := range known {
			b.ids[k] = v
		}
	}
	events, err := b.r.s.dir.Write(b.r.c.Request().Context(), b.r.actor, b.r.asked, func(w *directory.Writer) error {
		reset()
		if err := b.r.declare(w); err != nil {
			return err
		}
		return fn(w)
	})
	if err != nil {
		reset()
		return err
	}
	b.r.provisional = nil
	b.events = append(b.events, events...)
	return nil
}

// enough says whether failOnErrors operations have failed (RFC 7644 §3.7.3).
func (b *bulkRun) enough() bool {
	return b.msg.failOnErrors > 0 && b.failed >= b.msg.failOnErrors
}

// next picks the operations of the next transaction: those, in order, whose
// references will be known by then. When only circles are left, their first
// operation goes without the references that are not.
func (b *bulkRun) next() []*bulkOp {
	if b.enough() {
		return nil
	}
	var work []*bulkOp
	coming := map[string]bool{}
	for _, op := range b.msg.operations {
		if len(work) == bulkChunk {
			return work
		}
		if op.done || !b.ready(op, coming) {
			continue
		}
		if op.method == http.MethodPost {
			coming[op.bulkID] = true
		}
		work = append(work, op)
	}
	if len(work) > 0 {
		return work
	}
	for _, op := range b.msg.operations {
		if !op.done {
			op.cut = true
			return []*bulkOp{op}
		}
	}
	return nil
}

// ready says whether each reference of an operation is to a resource that
// exists, that the same transaction makes before it, or that never will. One to
// the resource that the operation makes is the smallest circle: it is cut.
func (b *bulkRun) ready(op *bulkOp, coming map[string]bool) bool {
	for _, ref := range op.refs {
		target := b.msg.byBulkID[ref]
		switch {
		case target == nil:
		case target == op:
			op.cut = true
		case !target.done && !coming[ref]:
			return false
		}
	}
	return true
}

// foresee announces what operations are about to create.
func (b *bulkRun) foresee(w *directory.Writer, work []*bulkOp) error {
	docs := map[*schema.ResourceType][]*document.Object{}
	for _, op := range work {
		if op.method == http.MethodPost && op.invalid == nil {
			docs[op.t] = append(docs[op.t], op.input.Doc)
		}
	}
	for t, docs := range docs {
		if err := w.Foresee(t, docs...); err != nil {
			return err
		}
	}
	return nil
}

// carryOut does operations; the failure of one is its own.
func (b *bulkRun) carryOut(w *directory.Writer, work []*bulkOp) error {
	if err := b.foresee(w, work); err != nil {
		return err
	}
	for _, op := range work {
		op.done = false // a former run of the transaction may have gone further
	}
	for _, op := range work {
		if b.enough() {
			return nil
		}
		op.begin()
		err := op.invalid
		if err == nil {
			err = w.Savepoint(func() error { return b.do(w, op) })
		}
		if err != nil {
			op.fail(err)
			b.failed++
			continue
		}
		if op.method == http.MethodPost && op.bulkID != "" {
			b.ids[op.bulkID] = op.id
		}
		for _, d := range op.cutRefs {
			d.made = op.outcome
			b.later = append(b.later, d)
		}
	}
	return nil
}

// do hands one operation to the same core as the single requests.
func (b *bulkRun) do(w *directory.Writer, op *bulkOp) (err error) {
	if op.id, err = b.resolveID(op.pathID); err != nil {
		return err
	}
	if err := b.substitute(op); err != nil {
		return err
	}
	cond := precondition(op.version)
	var res directory.Result
	switch op.method {
	case http.MethodPost:
		op.status = http.StatusCreated
		res, err = w.Create(op.t, op.input)
	case http.MethodPut:
		op.status = http.StatusOK
		res, err = w.Replace(op.t, op.id, cond, op.input)
	case http.MethodPatch:
		op.status = http.StatusOK
		res, err = w.Modify(op.t, op.id, cond, op.change)
	case http.MethodDelete:
		op.status = http.StatusNoContent
		return w.Delete(op.t, op.id, cond)
	}
	if err != nil {
		return err
	}
	op.id, op.versionNow = res.Record.ID, res.Record.Version
	return nil
}

// logFaults logs what failed by a fault of the server, each once: one fault may
// be that of a thousand operations.
func (b *bulkRun) logFaults() {
	told := map[string]bool{}
	for _, op := range b.msg.operations {
		if op.fault == nil || told[op.fault.Error()] {
			continue
		}
		told[op.fault.Error()] = true
		b.r.logFault(op.fault)
	}
}

// response is the BulkResponse (RFC 7644 §3.7). Operations that were not tried
// after failOnErrors are left out.
func (b *bulkRun) response() []byte {
	out := []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],"Operations":[`)
	first := true
	for _, op := range b.msg.operations {
		if !op.done {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = b.answer(out, op)
	}
	out = append(out, ']')
	if b.r.dryRun {
		out = dryRun(append(out, ','), http.StatusOK, b.events)
	}
	return append(out, '}')
}

func (b *bulkRun) answer(out []byte, op *bulkOp) []byte {
	out = document.AppendString(append(out, `{"method":`...), op.method)
	if op.bulkID != "" {
		out = document.AppendString(append(out, `,"bulkId":`...), op.bulkID)
	}
	// RFC 7644 §3.7: location is required but for a POST that failed.
	if op.t != nil && op.id != "" {
		out = document.AppendString(append(out, `,"location":`...), b.r.location(op.t, op.id))
	}
	status := op.status
	if op.failure != nil {
		status = op.failure.Status
		out = append(append(out, `,"response":`...), op.failure.json()...)
	} else if op.versionNow > 0 {
		out = document.AppendString(append(out, `,"version":`...), etag(op.versionNow))
	}
	return append(out, `,"status":"`+strconv.Itoa(status)+`"}`...)
}
