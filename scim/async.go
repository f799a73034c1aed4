package scim

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// endpointRequests is where what became of a request is, by its Set-Txn.
const endpointRequests = "/AsyncRequests"

// endpointBulk is the endpoint of bulk requests.
const endpointBulk = "/Bulk"

// later says whether a write is to be carried out later because the client prefers
// that (RFC 9967 §2.5.1.1). With the preference wait a single write is carried out
// at once, as it takes less than a second. A preview is answered at once too, and
// so is who writes under a lease, which may have ended by then, and a person, who
// is named by what is written.
func (r *request) later(bulk bool) bool {
	if r.carries != nil || r.dryRun || r.actor.Agent != "" || r.actor.Subject != "" || r.actor.Fence != (directory.Fence{}) {
		return false
	}
	async, waits := r.preferences()
	return async && (bulk || !waits)
}

func (r *request) prefersAsync() bool {
	async, _ := r.preferences()
	return async
}

// preferences reads respond-async and wait (RFC 7240 §2, §4.1, §4.3).
func (r *request) preferences() (async, waits bool) {
	for _, header := range r.c.Request().Header.Values("Prefer") {
		for preference := range strings.SplitSeq(header, ",") {
			name, _, _ := strings.Cut(preference, ";")
			name, value, _ := strings.Cut(strings.ToLower(name), "=")
			switch strings.TrimSpace(name) {
			case "respond-async":
				async = true
			case "wait":
				waits = strings.Trim(value, ` "0`) != ""
			}
		}
	}
	return async, waits
}

// accept keeps a request that was found to be well-formed, and answers 202 without
// a body (RFC 9967 §2.5.1.1, §3).
func (r *request) accept(endpoint string) error {
	txn, err := r.s.dir.AcceptRequest(r.c.Request().Context(), r.actor, store.Request{
		Method: r.c.Request().Method, Endpoint: endpoint, Target: r.id, Query: r.c.Request().URL.RawQuery,
		IfMatch: r.c.Request().Header.Get("If-Match"), Base: r.base, Body: r.sent,
	})
	if errors.Is(err, directory.ErrTooManyRequests) {
		return errRate{failure{
			ScimError:  scimerrors.ScimError{Status: http.StatusTooManyRequests, Detail: "This source has too many requests waiting to be carried out. Try again when some are done, or without Prefer: respond-async."},
			retryAfter: 1,
		}}
	}
	if err != nil {
		return err
	}
	h := r.c.Response().Header()
	h.Set("Set-Txn", txn)
	h.Set("Preference-Applied", "respond-async")
	h.Set("Location", r.base+endpointRequests+"/"+txn)
	return r.respond(http.StatusAccepted, nil)
}

// claim makes a transaction the one that carries an accepted request out.
func (r *request) claim(w *directory.Writer) error {
	if r.carries == nil {
		return nil
	}
	return w.Claim(*r.carries)
}

// getAsyncRequest tells the sender what became of a request: 202 while it waits,
// then the operations as a bulk response; or, to who accepts that, the event token
// of one operation (RFC 9967 §2.5.1.1), which of a bulk request has its index
// behind a colon (§2.5.1.2).
func (s *Server) getAsyncRequest(r *request) error {
	id, index, indexed := strings.Cut(r.param("id"), ":")
	if !plausibleID(id) {
		return store.ErrNotFound
	}
	q, err := s.dir.Request(r.c.Request().Context(), r.actor, id)
	if err != nil {
		return err
	}
	h := r.c.Response().Header()
	h.Set("Set-Txn", q.Txn)
	if q.Waits() {
		h.Set("Retry-After", "1")
		return r.respond(http.StatusAccepted, nil)
	}
	if r.wantsToken() {
		return r.completion(q, index, indexed)
	}
	if indexed {
		return store.ErrNotFound
	}
	return r.respondJSON(object{
		"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:BulkResponse"},
		"Operations": json.RawMessage(q.Result),
	})
}

// tokenType is the media type of an event token (RFC 8417 §7.2).
const tokenType = "application/secevent+jwt"

func (r *request) wantsToken() bool {
	return strings.EqualFold(strings.TrimSpace(r.c.Request().Header.Get("Accept")), tokenType)
}

// completion answers with the event token of an operation of a settled request.
func (r *request) completion(q store.Request, index string, indexed bool) error {
	var operations []json.RawMessage
	if err := json.Unmarshal(q.Result, &operations); err != nil {
		return err
	}
	i, err := strconv.Atoi(index)
	if bulk := q.Endpoint == endpointBulk; bulk != indexed || bulk && (err != nil || i < 0 || i >= len(operations)) || r.s.token == nil {
		return store.ErrNotFound
	}
	var said struct{ Location string }
	if err := json.Unmarshal(operations[i], &said); err != nil {
		return err
	}
	n := directory.Notice{Time: q.SettledAt, Txn: q.Txn, URI: q.Endpoint}
	if indexed {
		n.Txn += ":" + index
	}
	if path, ok := strings.CutPrefix(said.Location, q.Base); ok {
		n.URI = path
	}
	n.Events = map[string]any{directory.AsyncResponseURI: operations[i]}
	token, err := r.s.token(r.c.Request().Context(), directory.IssuerOf(strings.TrimSuffix(q.Base, Prefix), r.actor), r.actor.Source.PublicID, n)
	if err != nil {
		return err
	}
	r.c.Response().Header().Set("Content-Type", tokenType)
	r.c.Response().WriteHeader(http.StatusOK)
	if r.c.Request().Method == http.MethodHead {
		return nil
	}
	_, err = r.c.Response().Write([]byte(token))
	return err
}

// outcome is what became of a single write that is carried out later, in the form
// of a bulk request's operation (RFC 9967 §2.5.1.3).
func (r *request) outcome(status int, rec store.Record, failed error) directory.Outcome {
	op := &bulkOp{method: r.c.Request().Method, t: r.t, pathID: r.id, outcome: outcome{done: true, id: rec.ID, status: status, versionNow: rec.Version}}
	if op.id == "" {
		op.id = r.id
	}
	if failed != nil {
		op.fail(failed)
	}
	return (&bulkRun{r: r}).outcome(op)
}

// outcome is an operation's.
func (b *bulkRun) outcome(op *bulkOp) directory.Outcome {
	out := directory.Outcome{Subject: op.id, Operation: b.answer(nil, op)}
	if op.t == nil {
		out.Path, out.Subject = endpointBulk, ""
		return out
	}
	if out.Path = op.t.Endpoint; op.id != "" {
		out.Path += "/" + op.id
	}
	return out
}

// outcomes are those of all operations. RFC 9967 §2.5.1.2 wants one of each, so
// those that weren't tried are told of too.
func (b *bulkRun) outcomes() []directory.Outcome {
	out := make([]directory.Outcome, len(b.msg.operations))
	for i, op := range b.msg.operations {
		if !op.done {
			op.fail(errScim(http.StatusFailedDependency, "", "The operation was not tried, because as many as failOnErrors had failed."))
		}
		out[i] = b.outcome(op)
	}
	return out
}
