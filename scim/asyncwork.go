package scim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// WorkRequests carries out requests that were accepted, the next one of each source
// that nobody else works on, and says whether it did any. Each is carried out by the
// handler that would have answered it, and settled in the transaction of its change:
// wherever the process ends, it waits or it is done. Of one source they are carried
// out one at a time, in the order of their acceptance. It is safe for concurrent use,
// and servers that share a database share the work: none waits for another.
func (s *Server) WorkRequests(ctx context.Context) (found bool, err error) {
	sources, err := s.dir.WaitingRequests(ctx)
	if err != nil {
		return false, err
	}
	// Who works beside this begins with other sources.
	rand.Shuffle(len(sources), func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
	var errs []error
	for _, source := range sources {
		did, err := s.workNext(ctx, source)
		found = found || did
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return found, errors.Join(errs...)
}

// workNext carries out the next request of a source, if it is to be had.
func (s *Server) workNext(ctx context.Context, source int64) (did bool, err error) {
	q, err := s.dir.NextRequest(ctx, source)
	if err == nil {
		err = s.work(ctx, q)
	}
	switch {
	case errors.Is(err, directory.ErrTaken):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("request %q of source %d: %w", q.Txn, source, err)
	}
	return true, nil
}

// work carries one request out. An error means that it still waits.
func (s *Server) work(ctx context.Context, q directory.WaitingRequest) error {
	r, err := s.reopen(ctx, q)
	if err != nil {
		return err
	}
	if err = q.Refused; err == nil {
		err = r.carryOut()
	}
	switch {
	case err == nil, errors.Is(err, directory.ErrTaken):
		return err
	case errors.Is(err, store.ErrStale), errors.Is(err, document.ErrUndeclared):
		return nil // it is tried again with what is so now
	case ctx.Err() != nil, errors.Is(err, store.ErrUnavailable):
		return err
	}
	// One bad request stops itself only (law 10).
	if fault := explain(err).fault(err); fault != nil {
		r.logFault(fault)
	}
	outcomes := []directory.Outcome{r.outcome(0, store.Record{}, err)}
	if q.Endpoint == endpointBulk {
		outcomes = r.failedBulk(err)
	}
	return s.dir.SettleRequest(ctx, q, outcomes, q.Endpoint == endpointBulk)
}

// reopen makes the request again of what was kept of it.
func (s *Server) reopen(ctx context.Context, q directory.WaitingRequest) (*request, error) {
	req, err := http.NewRequestWithContext(ctx, q.Method, "/", bytes.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	if q.IfMatch != "" {
		req.Header.Set("If-Match", q.IfMatch)
	}
	req.ContentLength = int64(len(q.Body))
	r := s.newRequest(s.echo.NewContext(req, nowhere{}))
	r.actor, r.base, r.id, r.carries = q.Actor, q.Base, q.Target, &q.Request
	if r.query, err = r.dialect.Query(q.Query); err != nil {
		return nil, err
	}
	if err := r.loadSchema(); err != nil {
		return nil, err
	}
	r.t = r.set.Type(q.Endpoint)
	return r, nil
}

// carryOut runs the request's handler. What it answers goes nowhere.
func (r *request) carryOut() (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.s.log.Error("panic", "request_id", r.actor.Txn, "stack", string(debug.Stack()))
			err = errors.New("panic")
		}
	}()
	s := r.s
	if r.carries.Endpoint == endpointBulk {
		return s.bulk(r)
	}
	if r.t == nil {
		return errNoEndpoint(r.carries.Endpoint)
	}
	if err := r.mayUse(r.t); err != nil {
		return err
	}
	m := methods{http.MethodPost: s.create, http.MethodPut: s.replace, http.MethodPatch: s.patch, http.MethodDelete: s.delete}
	if r.t.Derived {
		m = methods{http.MethodPost: s.createGrant, http.MethodDelete: s.deleteGrant}
	}
	return dispatch(r, m)
}

// failedBulk gives a failure of each operation of a bulk request.
func (r *request) failedBulk(err error) []directory.Outcome {
	msg, unreadable := parseBulk(r.carries.Body, r.s.limits.BulkOperations)
	if unreadable != nil {
		msg = &bulkMessage{operations: []*bulkOp{{method: http.MethodPost}}}
	}
	for _, op := range msg.operations {
		if op.target(r.set) != nil {
			op.t = nil
		}
		op.fail(err)
	}
	return (&bulkRun{r: r, msg: msg}).outcomes()
}

// nowhere takes an answer that nobody waits for.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
