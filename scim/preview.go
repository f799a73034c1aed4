package scim

import (
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// DryRunURN is the message in which a preview tells what would have happened.
const DryRunURN = "urn:workspace:scim:api:messages:2.0:DryRun"

// preview answers a write with dryRun=true: with the status and the body that
// it would have had, and the events that would have been written under
// DryRunURN. Where there would have been no body it is 200 with that message
// alone. Nothing was changed (law 5).
func (r *request) preview(status int, body []byte, events []store.Event) error {
	if status == http.StatusNoContent {
		b := []byte(`{"schemas":["` + DryRunURN + `"],`)
		return r.respond(http.StatusOK, append(dryRun(b, status, events), '}'))
	}
	return r.respond(status, append(dryRun(append(body, ','), status, events), '}'))
}

// previewBody gives a resource as it is at the end of the transaction that is
// about to be rolled back, but for the closing brace.
func (r *request) previewBody(in *directory.Reading, rec *store.Record) ([]byte, error) {
	p := r.presenter()
	p.source = in.Source
	w := &stream{r: r, keep: true}
	var err error
	if w.b, err = p.open(nil, rec); err != nil || !p.wantsMembers() {
		return w.b, err
	}
	err = w.members(in, p, rec)
	return w.b, err
}

func dryRun(b []byte, status int, events []store.Event) []byte {
	b = append(b, `"`+DryRunURN+`":{"status":"`...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, `","events":[`...)
	for i, e := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEvent(b, e)
	}
	return append(b, `]}`...)
}

func appendEvent(b []byte, e store.Event) []byte {
	b = append(b, `{"type":`...)
	b = document.AppendString(b, e.Type)
	text := func(name, v string) {
		if v != "" {
			b = append(append(append(b, `,"`...), name...), `":`...)
			b = document.AppendString(b, v)
		}
	}
	text("outcome", e.Outcome)
	text("reason", e.Reason)
	text("detail", e.Detail)
	text("subject", e.Subject)
	text("time", e.Time.UTC().Format(time.RFC3339Nano))
	if e.Before != nil {
		b = append(append(b, `,"before":`...), e.Before...)
	}
	if e.After != nil {
		b = append(append(b, `,"after":`...), e.After...)
	}
	return append(b, '}')
}
